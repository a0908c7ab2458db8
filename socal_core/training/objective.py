"""What training minimizes and how: the class-weighted loss of a batch, its gradients, and the optimizer.

Each of the n training trials has the weight of its class, n / (2 n_class), which is 1 on average. Training minimizes
the mean over these trials of weight times cross-entropy. The loss of a batch is therefore divided by a number of clips,
not by the sum of their weights: that sum would cancel the weight in a batch of one, and much of it in any small batch
(pytorch/pytorch#61309).
"""

from contextlib import nullcontext

import numpy as np
import torch
from accelerate import Accelerator
from torch import nn

from socal_core.errors import RunError
from socal_core.runs.config import OptimizerName, TrainConfig
from socal_core.training.batches import Batch


def class_weights(labels: list[int]) -> torch.Tensor:
    """Compute the weight of each class, n / (2 n_class), so that both outcomes count alike however common they are.

    Args:
        labels: 0 or 1 for each training trial.

    Returns:
        The weights of the classes 0 and 1, float32 (2,). Over the training trials their mean is 1.

    Raises:
        RunError: All trials have one label.
    """
    counts = np.bincount(labels, minlength=2)
    if not counts.all():
        raise RunError(
            "The training trials all end alike: there is nothing to learn. Choose another seed or more data."
        )
    return torch.tensor(len(labels) / (2 * counts), dtype=torch.float32)


def add_gradients(accelerator: Accelerator, model: nn.Module, batch: Batch, accumulation_steps: int) -> torch.Tensor:
    """Add the gradients of a batch's loss to those of the model, part by part.

    The loss whose gradients are added is the sum of the clips' weighted losses divided by the clips in a full batch.
    A short last batch is divided by the same number as the others: by its own, each of its few trials would count more
    than any other trial of the epoch, up to `batch_size` times as much. So the gradients of an epoch's batches add up,
    at given weights of the model, to a multiple of that of the mean over the training trials: the reported train loss.
    A mixed clip has the losses of both labels, each with the weight of its class, by their shares.

    Args:
        accelerator: Runs the backward pass; processes exchange gradients with the last part.
        model: Takes `pixel_values` and returns an object with `logits`, (clips, 2).
        batch: This process's share of a batch.
        accumulation_steps: The number of parts that are computed one after the other.

    Returns:
        The sum of the weighted losses of this process's clips, not divided, shape ().
    """
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
            accelerator.backward(loss * accelerator.num_processes / batch.full_size)
        total += loss.detach()
    return total


def make_optimizer(model: nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    """AdamW, or SGD with momentum 0.9, over all weights of the model."""
    if config.optimizer is OptimizerName.SGD:
        return torch.optim.SGD(
            model.parameters(), lr=config.learning_rate, momentum=0.9, weight_decay=config.weight_decay
        )
    return torch.optim.AdamW(model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
