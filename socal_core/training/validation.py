"""Scores of the validation trials, by the names of an `epoch` event (runs/files/event_types.py)."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from socal_core.dataset.targets import Target
from socal_core.evaluation.intervals import auroc_estimate, class_estimates, number_estimates, rate_interval
from socal_core.models.head_tasks import auroc_of, balanced_loss
from socal_core.runs.files.metrics_record import Interval


def scores_of_logits(
    logits: torch.Tensor,
    values: torch.Tensor,
    target: Target,
    class_weights: torch.Tensor | None,
    surgeons: Sequence[str],
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
        surgeons: The surgeon of each trial, (trials,).

    Returns:
        For classes `val_loss`, the class-weighted mean; `val_accuracy` of the most likely class, and `val_auroc`. For a
        number `val_loss`, the mean squared error in standard deviations, and `val_rmse`, its root in the unit. The ends
        of the 95 % intervals of all but the loss (evaluation/intervals.py) are None if there are too few surgeons.
    """
    if target.is_number:
        return _scores_of_numbers(logits, values, target, surgeons)
    loss = float(nn.functional.cross_entropy(logits, values, weight=class_weights))
    predicted = logits.argmax(dim=-1).numpy()
    return {"val_loss": loss, **_scores_of_classes(values.numpy(), _probabilities(logits), predicted, surgeons)}


def scores_of_head(
    logits: torch.Tensor, values: torch.Tensor, target: Target, surgeons: Sequence[str]
) -> dict[str, Any]:
    """Score a fitted head.

    Args:
        logits: As in `scores_of_logits`.
        values: As in `scores_of_logits`.
        target: What the head predicts.
        surgeons: As in `scores_of_logits`.

    Returns:
        As `scores_of_logits`; `val_loss` gives equal weight to all classes that occur.
    """
    if target.is_number:
        return _scores_of_numbers(logits, values, target, surgeons)
    labels, probabilities = values.numpy(), _probabilities(logits)
    # As in the predictions of a run, a probability of 0.5 is a success.
    predicted = (probabilities >= 0.5).astype(int) if probabilities.ndim == 1 else probabilities.argmax(axis=1)
    return {
        "val_loss": balanced_loss(labels, probabilities),
        **_scores_of_classes(labels, probabilities, predicted, surgeons),
    }


def _probabilities(logits: torch.Tensor) -> NDArray[np.float64]:
    """Return the probability of the second of two classes, (trials,), or of each of more classes, (trials, classes)."""
    probabilities: NDArray[np.float64] = logits.double().softmax(dim=-1).numpy()
    return probabilities[:, 1] if probabilities.shape[1] == 2 else probabilities


def _scores_of_classes(
    labels: NDArray[np.int64],
    probabilities: NDArray[np.float64],
    predicted: NDArray[np.int64],
    surgeons: Sequence[str],
) -> dict[str, Any]:
    """Return accuracy and AUROC with their intervals."""
    hits = predicted == labels
    if probabilities.ndim == 1:
        interval = auroc_estimate(labels, probabilities, surgeons).interval
    else:
        interval = class_estimates(labels, probabilities, predicted, surgeons)["macro_auroc"].interval
    return {
        **_with_ends("val_accuracy", float(hits.mean()), rate_interval(hits, surgeons)),
        **_with_ends("val_auroc", auroc_of(labels, probabilities), interval),
    }


def _scores_of_numbers(
    logits: torch.Tensor, values: torch.Tensor, target: Target, surgeons: Sequence[str]
) -> dict[str, Any]:
    predicted, true = logits[:, 0].double().numpy(), values.double().numpy()
    loss = float(((predicted - true) ** 2).mean())
    interval = number_estimates(target.scale * true, target.scale * predicted, surgeons)["rmse"].interval
    return {"val_loss": loss, **_with_ends("val_rmse", math.sqrt(loss) * target.scale, interval)}


def _with_ends(name: str, value: float | None, interval: Interval) -> dict[str, float | None]:
    """Return a score and the ends of its interval, by the names of an event."""
    low, high = interval or (None, None)
    return {name: value, f"{name}_low": low, f"{name}_high": high}
