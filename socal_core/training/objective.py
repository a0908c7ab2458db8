"""The objective of training and its minimization: class-weighted loss, gradients, optimizer and schedule.

Each of the n training trials has the weight of its class, n / (K n_class) for K classes, which is 1 on average.
Training minimizes the mean over these trials of weight times cross-entropy. The loss of a batch is therefore divided by
a number of clips, not by the sum of their weights: that sum would cancel the weight in a batch of one, and much of it
in any small batch (pytorch/pytorch#61309). For a number, the weights are 1 and the loss is the squared error in
standard deviations of the training trials.
"""

from collections.abc import Sequence
from contextlib import nullcontext

import numpy as np
import torch
from accelerate import Accelerator
from torch import nn

from socal_core.dataset.targets import SUCCESS_TARGET, Target
from socal_core.models.layers import layers_below_head
from socal_core.settings import OptimizationSettings, OptimizerName, TrainConfig
from socal_core.training.batches import Batch


def class_weights(values: Sequence[float], target: Target = SUCCESS_TARGET) -> torch.Tensor | None:
    """Compute the weight of each class, n / (K n_class), so that all K classes count alike however common they are.

    Args:
        values: The index of the class of each training trial, or its number.
        target: What the values are of.

    Returns:
        The weights of the classes, float32 (classes,), whose mean over the training trials is 1; None for a number.

    Raises:
        RunError: No trial has one of the classes.
    """
    if target.is_number:
        return None
    target.check_classes(values)
    counts = np.bincount(np.asarray(values, np.int64), minlength=target.outputs)
    return torch.tensor(len(values) / (target.outputs * counts), dtype=torch.float32)


def loss_of_clips(logits: torch.Tensor, values: torch.Tensor, smoothing: float) -> torch.Tensor:
    """Compute the loss of each clip: cross-entropy of classes, or the squared error of a number.

    Args:
        logits: Output of the model, (clips, classes), or (clips, 1) for a number.
        values: Index of the class of each clip (int64), or its number in standard deviations (float32), (clips,).
        smoothing: Label smoothing, which applies only to classes.

    Returns:
        The losses, (clips,).
    """
    if values.is_floating_point():
        return (logits[:, 0] - values) ** 2
    return nn.functional.cross_entropy(logits, values, reduction="none", label_smoothing=smoothing)


def add_gradients(accelerator: Accelerator, model: nn.Module, batch: Batch, config: TrainConfig) -> torch.Tensor:
    """Add the gradients of a batch's loss to those of the model, part by part.

    The loss whose gradients are added is the sum of the clips' weighted losses divided by the clips in a full batch.
    A short last batch is divided by the same number as the others. Divided by its own number of clips, each of its
    trials would count up to `batch_size` times as much as the other trials of the epoch. With this divisor, the
    gradients of the batches of an epoch add up, for fixed weights of the model, to a multiple of the gradient of the
    reported train loss, which is the mean over the training trials. The loss of a mixed clip is the sum of the losses
    of both labels, each with its class weight, weighted by the mixing ratio.

    Args:
        accelerator: Runs the backward pass; processes exchange gradients with the last part.
        model: Takes `pixel_values` and returns an object with `logits`, (clips, outputs).
        batch: The part of a batch that this process computes.
        config: The settings of the run: the number of parts that are computed one after the other, label smoothing
            and the clipping of the gradients, which comes after the last part.

    Returns:
        The sum of the weighted losses of the clips of this process, without division, shape ().
    """
    total = torch.zeros((), device=batch.weights.device)
    parts = batch.parts(config.machine.accumulation_steps)
    smoothing, largest = config.optimization.label_smoothing, config.optimization.gradient_clipping
    for number, part in enumerate(parts, start=1):
        # Processes exchange gradients once per batch, for any number of parts.
        with nullcontext() if number == len(parts) else accelerator.no_sync(model):
            logits = model(pixel_values=part.pixel_values).logits.float()
            own = loss_of_clips(logits, part.labels, smoothing) * part.weights
            partner = loss_of_clips(logits, part.partner_labels, smoothing) * part.partner_weights
            loss = (part.lam * own + (1 - part.lam) * partner).sum()
            # Accelerate averages gradients over processes, but the loss is a sum over processes: hence the factor.
            accelerator.backward(loss * accelerator.num_processes / batch.full_size)
        total += loss.detach()
    if largest:
        accelerator.clip_grad_norm_(model.parameters(), largest)
    return total


def make_optimizer(model: nn.Module, settings: OptimizationSettings) -> torch.optim.Optimizer:
    """Build the optimizer, AdamW or SGD with momentum 0.9, over the parameters of the model that require gradients.

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
    trained = ((name, parameter) for name, parameter in parameters.items() if parameter.requires_grad)
    for name, parameter in trained:
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
    return torch.optim.AdamW(groups, lr=settings.learning_rate, fused=True)


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
