"""What a head on frozen features predicts: one of two classes, one of several classes, or a number.

It needs NumPy and scikit-learn but no PyTorch.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from math import log
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import log_softmax, softmax
from sklearn.metrics import roc_auc_score

from socal_core.dataset.targets import Target, strata
from socal_core.models.head import Array
from socal_core.models.regression import fit_ridge, fit_strengths, odds_of, probability_of

Values = NDArray[Any]
"""What is predicted about each trial: the index of its class (int64), or its number in standard deviations."""
SMALLEST = 1e-12
"""The smallest probability in a logarithm."""


class Task(ABC):
    """How one kind of target is fitted and scored."""

    shape: tuple[int, ...]
    """The shape of a prediction."""

    def __init__(self, target: Target) -> None:
        """Create the task of a target."""
        self.target = target

    def strata(self, values: Values) -> NDArray[np.int64]:
        """Return the stratum of each trial, which the inner folds distribute evenly."""
        return strata(pd.Series(values), self.target).to_numpy(np.int64)

    @abstractmethod
    def can_be_fitted(self, values: Values) -> bool:
        """Whether a regression can be fitted on trials with these values."""

    @abstractmethod
    def without_features(self, values: Values) -> Array:
        """Return the prediction if no feature differs between the trials with these values; of shape `shape`."""

    @abstractmethod
    def fit(self, inputs: Array, values: Values, strengths: Sequence[float]) -> Iterator[tuple[Array, Array]]:
        """Fit a regression for each strength, as in regression.py."""

    @abstractmethod
    def predict(self, linear: Array) -> Array:
        """Convert what a regression computes for clips to predictions, (clips, *shape)."""

    @abstractmethod
    def average(self, predictions: Sequence[Array]) -> Array:
        """Average the predictions of several regressions, (trials, *shape) each."""

    @abstractmethod
    def loss(self, values: Values, predicted: Array) -> float:
        """Compute the loss of predictions, (trials, *shape)."""

    @abstractmethod
    def auroc(self, values: Values, predicted: Array) -> float | None:
        """Compute the AUROC of predictions, (trials, *shape); None if it is not defined."""

    @abstractmethod
    def chance(self, values: Values, folds: Sequence[NDArray[np.bool_]]) -> float:
        """Compute the out-of-fold loss of a prediction that uses no feature."""


class _Classes(Task):
    def can_be_fitted(self, values: Values) -> bool:
        return len(np.unique(values)) == self.target.outputs

    def without_features(self, values: Values) -> Array:
        return np.full(self.shape, 1 / self.target.outputs)

    def fit(self, inputs: Array, values: Values, strengths: Sequence[float]) -> Iterator[tuple[Array, Array]]:
        return fit_strengths(inputs, values, strengths)

    def loss(self, values: Values, predicted: Array) -> float:
        return balanced_loss(values, predicted)

    def auroc(self, values: Values, predicted: Array) -> float | None:
        return auroc_of(values, predicted)

    def chance(self, values: Values, folds: Sequence[NDArray[np.bool_]]) -> float:
        return log(self.target.outputs)


class TwoClasses(_Classes):
    """Two classes: a prediction is the probability of the second one."""

    shape = ()

    def predict(self, linear: Array) -> Array:
        """Convert log odds to probabilities."""
        return probability_of(linear)

    def average(self, predictions: Sequence[Array]) -> Array:
        """Average log odds."""
        return probability_of(np.mean([odds_of(predicted) for predicted in predictions], axis=0))


class SeveralClasses(_Classes):
    """Three or more classes: a prediction is the probability of each."""

    def __init__(self, target: Target) -> None:
        """Create the task of a target."""
        super().__init__(target)
        self.shape = (target.outputs,)

    def predict(self, linear: Array) -> Array:
        """Convert logits to probabilities."""
        found: Array = softmax(linear, axis=-1)
        return found

    def average(self, predictions: Sequence[Array]) -> Array:
        """Average logits."""
        logits = [log_softmax(np.log(np.maximum(predicted, SMALLEST)), axis=-1) for predicted in predictions]
        return self.predict(np.mean(logits, axis=0))


class Number(Task):
    """A number: a prediction is its value in standard deviations from the mean."""

    shape = (1,)

    def can_be_fitted(self, values: Values) -> bool:
        """Return True, since the mean can always be predicted."""
        return True

    def without_features(self, values: Values) -> Array:
        """Return the mean."""
        return np.array([values.mean()])

    def fit(self, inputs: Array, values: Values, strengths: Sequence[float]) -> Iterator[tuple[Array, Array]]:
        """Fit ridge regressions."""
        return fit_ridge(inputs, values, strengths)

    def predict(self, linear: Array) -> Array:
        """Return the numbers unchanged."""
        return linear

    def average(self, predictions: Sequence[Array]) -> Array:
        """Average numbers."""
        found: Array = np.mean(predictions, axis=0)
        return found

    def loss(self, values: Values, predicted: Array) -> float:
        """Compute the mean squared error."""
        return float(np.mean((predicted[:, 0] - values) ** 2))

    def auroc(self, values: Values, predicted: Array) -> None:
        """Return None: numbers have no AUROC."""

    def chance(self, values: Values, folds: Sequence[NDArray[np.bool_]]) -> float:
        """Compute the loss of predicting each fold by the mean of the others."""
        errors = [values[held_out] - values[~held_out].mean() for held_out in folds]
        return float(np.mean(np.concatenate(errors) ** 2))


def task_of(target: Target) -> Task:
    """Return the task of a target."""
    if target.is_number:
        return Number(target)
    return TwoClasses(target) if target.outputs == 2 else SeveralClasses(target)


def balanced_loss(labels: NDArray[np.int64], probabilities: Array) -> float:
    """Compute the log loss with equal weight for all classes that occur in `labels`.

    Args:
        labels: Class of each trial, (trials,).
        probabilities: Probability of the second of two classes, (trials,), or of each class, (trials, classes).
    """
    if probabilities.ndim == 1:
        clipped = np.clip(probabilities, SMALLEST, 1 - SMALLEST)
        losses = np.where(labels == 1, -np.log(clipped), -np.log1p(-clipped))
    else:
        losses = -np.log(np.maximum(probabilities[np.arange(len(labels)), labels], SMALLEST))
    return float(np.mean([losses[labels == label].mean() for label in np.unique(labels)]))


def auroc_of(labels: NDArray[np.int64], probabilities: Array) -> float | None:
    """Compute the AUROC; with several classes the mean over those that occur, each against the rest.

    Args:
        labels: Class of each trial, (trials,).
        probabilities: Probability of the second of two classes, (trials,), or of each class, (trials, classes).

    Returns:
        The AUROC; None if all trials are of one class.
    """
    classes = np.unique(labels)
    if len(classes) < 2:
        return None
    if probabilities.ndim == 1:
        return float(roc_auc_score(labels, probabilities))
    return float(np.mean([roc_auc_score(labels == label, probabilities[:, label]) for label in classes]))
