"""What training minimizes and how: the class-weighted loss of a batch, its gradients, and the optimizer."""

from contextlib import nullcontext

import numpy as np
import torch
from accelerate import Accelerator
from torch import nn

from socal_core.errors import RunError
from socal_core.runs.config import OptimizerName, TrainConfig
from socal_core.training.batches import Batch


def class_weights(labels: list[int]) -> torch.Tensor:
    """The weight of each class, n / (2 n_class), shape (2,): both outcomes count alike however common they are."""
    counts = np.bincount(labels, minlength=2)
    if not counts.all():
        raise RunError(
            "The training trials all end alike: there is nothing to learn. Choose another seed or more data."
        )
    return torch.tensor(len(labels) / (2 * counts), dtype=torch.float32)


def add_gradients(accelerator: Accelerator, model: nn.Module, batch: Batch, accumulation_steps: int) -> torch.Tensor:
    """Add up the gradients of a batch, part by part; this process's share of its loss."""
    total = torch.zeros((), device=batch.weights.device)
    parts = batch.parts(accumulation_steps)
    for number, part in enumerate(parts, start=1):
        # Processes exchange gradients once a batch, however many parts each of them has.
        with nullcontext() if number == len(parts) else accelerator.no_sync(model):
            logits = model(pixel_values=part.pixel_values).logits.float()
            own = nn.functional.cross_entropy(logits, part.labels, reduction="none") * part.weights
            partner = nn.functional.cross_entropy(logits, part.partner_labels, reduction="none") * part.partner_weights
            loss = (part.lam * own + (1 - part.lam) * partner).sum()
            # Processes' gradients are averaged, their losses are shares of a sum: hence the factor.
            accelerator.backward(loss * accelerator.num_processes)
        total += loss.detach()
    return total


def make_optimizer(model: nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    """AdamW, or SGD with momentum 0.9, over all weights of the model."""
    if config.optimizer is OptimizerName.SGD:
        return torch.optim.SGD(
            model.parameters(), lr=config.learning_rate, momentum=0.9, weight_decay=config.weight_decay
        )
    return torch.optim.AdamW(model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
