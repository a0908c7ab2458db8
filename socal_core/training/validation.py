"""Scores of the validation trials, by the names of an `epoch` event (runs/files/event_types.py)."""

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from socal_core.dataset.targets import Target
from socal_core.evaluation.metrics import auroc_interval, wilson_interval
from socal_core.models.head_tasks import auroc_of, balanced_loss


def scores_of_logits(
    logits: torch.Tensor, values: torch.Tensor, target: Target, class_weights: torch.Tensor | None
) -> dict[str, Any]:
    """Score a network after an epoch.

    The class weights are those of the training trials. Their mean over the validation trials need not be 1, so
    `val_loss` is divided by their sum: a model for which all K classes are equally likely has a loss of ln K, as in
    training, whatever the fractions of the classes. The divisor does not affect which epoch is the best.

    Args:
        logits: Output of the network, (trials, classes), or (trials, 1) for a number.
        values: Index of the class of each trial (int64), or its standardized number (float32), (trials,).
        target: What the network predicts.
        class_weights: The weight of each class, (classes,); None for a number.

    Returns:
        For classes `val_loss`, the class-weighted mean; `val_accuracy` of the most likely class and `val_auroc`, with
        the ends of their 95 % intervals. For a number `val_loss`, the mean squared error in standard deviations, and
        `val_rmse`, its root in the unit.
    """
    if target.is_number:
        return _scores_of_numbers(logits, values, target)
    loss = float(nn.functional.cross_entropy(logits, values, weight=class_weights))
    predicted = logits.argmax(dim=-1).numpy()
    return {"val_loss": loss, **_scores_of_classes(values.numpy(), _probabilities(logits), predicted)}


def scores_of_head(logits: torch.Tensor, values: torch.Tensor, target: Target) -> dict[str, Any]:
    """Score a fitted head.

    Args:
        logits: As in `scores_of_logits`.
        values: As in `scores_of_logits`.
        target: What the head predicts.

    Returns:
        As `scores_of_logits`; `val_loss` gives equal weight to all classes that occur.
    """
    if target.is_number:
        return _scores_of_numbers(logits, values, target)
    labels, probabilities = values.numpy(), _probabilities(logits)
    # As in the predictions of a run, a probability of 0.5 is a success.
    predicted = (probabilities >= 0.5).astype(int) if probabilities.ndim == 1 else probabilities.argmax(axis=1)
    return {"val_loss": balanced_loss(labels, probabilities), **_scores_of_classes(labels, probabilities, predicted)}


def _probabilities(logits: torch.Tensor) -> NDArray[np.float64]:
    """Return the probability of the second of two classes, (trials,), or of each of more classes, (trials, classes)."""
    probabilities: NDArray[np.float64] = logits.double().softmax(dim=-1).numpy()
    return probabilities[:, 1] if probabilities.shape[1] == 2 else probabilities


def _scores_of_classes(
    labels: NDArray[np.int64], probabilities: NDArray[np.float64], predicted: NDArray[np.int64]
) -> dict[str, Any]:
    """Return accuracy and AUROC with their intervals; that of several classes has none."""
    correct, area = int((predicted == labels).sum()), auroc_of(labels, probabilities)
    ends = {
        "accuracy": wilson_interval(correct, len(labels)),
        "auroc": auroc_interval(labels, probabilities) if probabilities.ndim == 1 else None,
    }
    scores: dict[str, Any] = {}
    for name, value in (("accuracy", correct / len(labels)), ("auroc", area)):
        low, high = ends[name] or (None, None)
        scores |= {f"val_{name}": value, f"val_{name}_low": low, f"val_{name}_high": high}
    return scores


def _scores_of_numbers(logits: torch.Tensor, values: torch.Tensor, target: Target) -> dict[str, Any]:
    loss = float(((logits[:, 0].double() - values.double()) ** 2).mean())
    return {"val_loss": loss, "val_rmse": math.sqrt(loss) * target.scale}
