"""Which trials look alike: a map of all trials, and the nearest trials of each, from the features of a frozen encoder.

Trials whose neighbours ended otherwise may have a wrong outcome, and trials nearly without distance may show the same
footage. Features are compared after their mean over all trials is subtracted, since those of a network are all positive
and would otherwise point in nearly the same direction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from socal_core.errors import DataError

NEIGHBOURS = 5
"""The number of nearest trials to report."""
SAME_FOOTAGE = 0.05
"""Cosine distance below which two trials may show the same footage."""


@dataclass(frozen=True)
class TrialMap:
    """All trials in a plane."""

    points: pd.DataFrame
    """The columns x and y, indexed by trial_id."""
    explained: tuple[float, float]
    """The share of the variance of the features along x and y, 0 to 1."""


@dataclass(frozen=True)
class SimilarTrial:
    """A trial that is near to another one."""

    trial_id: str
    distance: float
    """Cosine distance, 0 (same direction from the mean) to 2 (opposite)."""
    outcome: int
    """1 for a success, 0 for a failure."""
    participant_id: str
    """The surgeon; "" if unknown."""
    subset: str
    """`train`, `validation` or `test`."""


def trial_map(features: pd.DataFrame) -> TrialMap:
    """Project trials onto the two principal components of their features.

    Args:
        features: One row per trial, at least two; as in TrialFeatures.

    Raises:
        DataError: There are fewer than two trials.
    """
    if len(features) < 2:
        raise DataError("A map needs the features of at least two trials.")
    values = features.to_numpy(np.float64)
    centred = values - values.mean(axis=0)
    left, lengths, _ = np.linalg.svd(centred, full_matrices=False)
    points = np.zeros((len(values), 2))
    points[:, : len(lengths)] = (left * lengths)[:, :2]
    # Each axis has two directions; the one is taken in which the farthest trial is positive.
    points *= np.where(points[np.abs(points).argmax(axis=0), [0, 1]] < 0, -1, 1)
    total = float((lengths**2).sum())
    first, second = [*(lengths**2 / total if total else lengths), 0.0][:2]
    return TrialMap(pd.DataFrame(points, features.index, ["x", "y"]), (float(first), float(second)))


def distances(features: pd.DataFrame) -> pd.DataFrame:
    """Return the cosine distance between all pairs of trials, after their mean is subtracted.

    Args:
        features: One row per trial, as in TrialFeatures.

    Returns:
        A symmetric table with the trials as rows and columns; 0 between trials with equal features.
    """
    values = features.to_numpy(np.float64)
    centred = values - values.mean(axis=0)
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    unit = np.divide(centred, lengths, out=np.zeros_like(centred), where=lengths > 0)
    found: NDArray[np.float64] = (1 - unit @ unit.T).clip(0, 2)
    same = (lengths == 0) & (lengths.T == 0)
    found[same] = 0
    np.fill_diagonal(found, 0)
    return pd.DataFrame(found, features.index, features.index)


def similar_trials(
    features: pd.DataFrame, predictions: pd.DataFrame, trial_id: str, count: int = NEIGHBOURS
) -> list[SimilarTrial]:
    """Return the trials nearest to a trial, the nearest first.

    Args:
        features: One row per trial, as in TrialFeatures.
        predictions: The predictions of a run, which have the outcome, surgeon and subset of all these trials.
        trial_id: The trial.
        count: How many trials to return.

    Raises:
        DataError: There are no features of the trial.
    """
    if trial_id not in features.index:
        raise DataError(f"There are no features of {trial_id}. Choose a trial that the run has used.")
    near = distances(features)[trial_id].drop(trial_id).sort_values(kind="stable").head(count)
    known = predictions.set_index("trial_id")
    outcomes, surgeons, subsets = known["label"], known["participant_id"], known["split"]
    return [
        SimilarTrial(name, float(near[name]), int(outcomes[name]), str(surgeons[name]), str(subsets[name]))
        for name in map(str, near.index)
    ]


def disagreeing(features: pd.DataFrame, outcomes: pd.Series, count: int = NEIGHBOURS) -> pd.DataFrame:
    """Count for each trial how many of its nearest trials ended otherwise.

    Args:
        features: One row per trial, as in TrialFeatures.
        outcomes: The outcome of each trial, indexed by trial_id.
        count: How many nearest trials count.

    Returns:
        The columns other (how many ended otherwise) and of (how many there are), indexed by trial_id, the trials with
        the most first.
    """
    apart = distances(features).to_numpy().copy()
    np.fill_diagonal(apart, np.inf)
    count = min(count, len(features) - 1)
    near = np.argsort(apart, axis=1, kind="stable")[:, :count]
    known = outcomes[features.index].to_numpy()
    other = (known[near] != known[:, None]).sum(axis=1)
    table = pd.DataFrame({"other": other, "of": count}, features.index)
    return table.sort_values("other", ascending=False, kind="stable")


def closest_pairs(features: pd.DataFrame, limit: float = SAME_FOOTAGE) -> list[tuple[str, str, float]]:
    """Return the pairs of trials with a distance of less than `limit`, the nearest first."""
    apart = distances(features)
    first, second = np.triu_indices(len(apart), 1)
    values = apart.to_numpy()[first, second]
    order = [number for number in np.argsort(values, kind="stable") if values[number] < limit]
    names = apart.index
    return [(str(names[first[number]]), str(names[second[number]]), float(values[number])) for number in order]


def similar_as_dict(trial_id: str, encoder: str, found: Sequence[SimilarTrial]) -> Mapping[str, Any]:
    """Return the trials similar to a trial as values for JSON."""
    rows = [{**vars(trial), "distance": round(trial.distance, 6)} for trial in found]
    return {"trial_id": trial_id, "encoder": encoder, "similar": rows}
