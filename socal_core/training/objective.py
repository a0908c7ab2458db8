"""The objective of training and its minimization: class-weighted loss, gradients, optimizer and schedule.

Each of the n training trials has the weight of its class, n / (2 n_class), which is 1 on average. Training minimizes
the mean over these trials of weight times cross-entropy. The loss of a batch is therefore divided by a number of clips,
not by the sum of their weights: that sum would cancel the weight in a batch of one, and much of it in any small batch
(pytorch/pytorch#61309).
"""

import re
from collections.abc import Collection
from contextlib import nullcontext

import numpy as np
import torch
from accelerate import Accelerator
from torch import nn

from socal_core.errors import RunError
from socal_core.settings import OptimizationSettings, OptimizerName
from socal_core.training.batches import Batch

LAYER = re.compile(r"\b(layer|layers|spatial_layers|temporal_layers)\.(\d+)\.")
"""The name of a parameter of a transformer layer, in any family of models."""


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
    A short last batch is divided by the same number as the others. Divided by its own number of clips, each of its
    trials would count up to `batch_size` times as much as the other trials of the epoch. With this divisor, the
    gradients of the batches of an epoch add up, for fixed weights of the model, to a multiple of the gradient of the
    reported train loss, which is the mean over the training trials. The loss of a mixed clip is the sum of the losses
    of both labels, each with its class weight, weighted by the mixing ratio.

    Args:
        accelerator: Runs the backward pass; processes exchange gradients with the last part.
        model: Takes `pixel_values` and returns an object with `logits`, (clips, 2).
        batch: The part of a batch that this process computes.
        accumulation_steps: The number of parts that are computed one after the other.

    Returns:
        The sum of the weighted losses of the clips of this process, without division, shape ().
    """
    total = torch.zeros((), device=batch.weights.device)
    parts = batch.parts(accumulation_steps)
    for number, part in enumerate(parts, start=1):
        # Processes exchange gradients once per batch, for any number of parts.
        with nullcontext() if number == len(parts) else accelerator.no_sync(model):
            logits = model(pixel_values=part.pixel_values).logits.float()
            own = nn.functional.cross_entropy(logits, part.labels, reduction="none") * part.weights
            partner = nn.functional.cross_entropy(logits, part.partner_labels, reduction="none") * part.partner_weights
            loss = (part.lam * own + (1 - part.lam) * partner).sum()
            # Accelerate averages gradients over processes, but the loss is a sum over processes: hence the factor.
            accelerator.backward(loss * accelerator.num_processes / batch.full_size)
        total += loss.detach()
    return total


def make_optimizer(model: nn.Module, settings: OptimizationSettings) -> torch.optim.Optimizer:
    """Build the optimizer, AdamW or SGD with momentum 0.9, over all parameters of the model.

    One-dimensional parameters (biases, and scales and shifts of norms) are in separate groups without weight decay.
    With `layer_decay` below 1, each layer has separate groups: the head, in the first group, has the rate
    `learning_rate`, and each layer before it has `layer_decay` times the rate of the next one. Both are as in
    VideoMAE's own `optim_factory.py`.

    Args:
        model: A video classifier, or with `layer_decay` 1 any module.
        settings: The settings of the run.
    """
    by_group: dict[tuple[int, bool], list[nn.Parameter]] = {}
    parameters = dict(model.named_parameters())
    below = layers_below_head(parameters)
    for name, parameter in parameters.items():
        depth = 0 if settings.layer_decay == 1 else below[name]
        by_group.setdefault((depth, parameter.ndim <= 1), []).append(parameter)
    groups = [
        {
            "params": by_group[depth, one_dimensional],
            "lr": settings.learning_rate * settings.layer_decay**depth,
            "weight_decay": 0.0 if one_dimensional else settings.weight_decay,
        }
        for depth, one_dimensional in sorted(by_group)
    ]
    if settings.optimizer is OptimizerName.SGD:
        return torch.optim.SGD(groups, lr=settings.learning_rate, momentum=0.9)
    return torch.optim.AdamW(groups, lr=settings.learning_rate)


def layers_below_head(names: Collection[str]) -> dict[str, int]:
    """Count the layers from the head of a video classifier down to each parameter.

    Args:
        names: The names of all parameters.

    Returns:
        By name: 0 for the head and the norm before it, 1 for the last transformer layer, and one more for each layer
        before it, down to the embeddings.
    """
    of_layer = {name: (match[1], int(match[2])) for name in names if (match := LAYER.search(name))}
    order = sorted(set(of_layer.values()))  # VideoPrism's temporal layers come after its spatial ones
    others = {name: len(order) + 1 if "embeddings." in name else 0 for name in names}
    return others | {name: len(order) - order.index(layer) for name, layer in of_layer.items()}


def make_scheduler(
    optimizer: torch.optim.Optimizer, settings: OptimizationSettings
) -> torch.optim.lr_scheduler.ReduceLROnPlateau:
    """Build the schedule, which lowers the learning rate of all groups when the validation loss stops falling.

    Any lower loss is an improvement, however small, as for early stopping and for the best epoch
    (`TrainingState.after_epoch`). PyTorch's default asks for a relative improvement of 1e-4.
    """
    return torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer,
        factor=settings.scheduler_factor,
        patience=settings.scheduler_patience,
        threshold=0.0,
        threshold_mode="abs",
    )
