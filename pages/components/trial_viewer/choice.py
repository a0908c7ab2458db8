"""Which trials can be chosen, and in which order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from socal_core.dataset.dataset import Dataset
from socal_core.dataset.target_choice import why_unusable
from socal_core.dataset.targets import SUCCESS_TARGET, Target
from socal_core.figures.style import OUTCOMES
from socal_core.runs.files.predictions import probability_columns
from socal_core.runs.folder import RunFolder

TRIALS_SELECTED = 10
ALL, TEST = "All usable trials", "Test trials only"
WRONG, UNCERTAIN, ERRORS = "Wrong", "Least certain", "Largest errors"
ANY = "Any"
WITHOUT_OUTCOME = "Not usable"
"""Trials with frames that no run is trained or tested on."""


@dataclass(frozen=True)
class Wanted:
    """What the user wants to see."""

    pool: str = ALL
    surgeon: str = ANY
    outcome: str = ANY
    """ANY, a name in OUTCOMES, or WITHOUT_OUTCOME."""


def pools_of(target: Target) -> list[str]:
    """Return the pools to choose from when there are predictions of a target."""
    return [ALL, TEST, ERRORS] if target.is_number else [ALL, TEST, WRONG, UNCERTAIN]


def usable_for(dataset: Dataset, target: Target) -> list[str]:
    """Return the trials with frames and a known value of a target."""
    if target.is_success or target.column not in dataset.trials:  # the data may have changed since
        return dataset.usable_trials.index.to_list()
    return dataset.trials.index[why_unusable(dataset.trials, target) == ""].to_list()


def target_of(run: RunFolder | None) -> Target:
    """Return what a run predicts, the outcome without a run."""
    return SUCCESS_TARGET if run is None else run.read_target()


def choose_trials(dataset: Dataset, target: Target, predictions: pd.DataFrame | None, wanted: Wanted) -> list[str]:
    """Return the trials that the user wants to see, in the order of the data set unless the pool has its own.

    Args:
        dataset: The data set.
        target: What the run predicts.
        predictions: Its predictions, None without a run. Then the pool does not count.
        wanted: Pool, surgeon and outcome.
    """
    trials = dataset.trials
    if wanted.outcome == WITHOUT_OUTCOME:
        chosen = trials.index[~trials["usable"] & (trials["n_frames"] > 0)].to_list()
    else:
        chosen = usable_for(dataset, target)
        if predictions is not None:
            chosen = _in_pool(chosen, target, predictions, wanted.pool)
    if wanted.surgeon != ANY:
        chosen = [trial for trial in chosen if trials["participant_id"][trial] == wanted.surgeon]
    if wanted.outcome in OUTCOMES.values():
        value = next(value for value, name in OUTCOMES.items() if name == wanted.outcome)
        chosen = [
            trial for trial in chosen if not pd.isna(trials["success"][trial]) and trials["success"][trial] == value
        ]
    return chosen


def _in_pool(chosen: Sequence[str], target: Target, predictions: pd.DataFrame, pool: str) -> list[str]:
    rows = predictions.set_index("trial_id")
    if pool == TEST:
        rows = rows[rows["split"] == "test"]
    elif pool == WRONG:
        rows = rows[rows["predicted"] != rows["label"]]
    elif pool == UNCERTAIN:
        rows = rows.assign(order=_certainty(rows, target)).sort_values("order", kind="stable")
    elif pool == ERRORS:
        errors = (rows["predicted"].astype(float) - rows["label"].astype(float)).abs()
        rows = rows.assign(order=-errors).sort_values("order", kind="stable")
    else:
        return list(chosen)
    if "order" in rows:
        usable = set(chosen)
        return [trial for trial in rows.index if trial in usable]
    return [trial for trial in chosen if trial in rows.index]


def _certainty(rows: pd.DataFrame, target: Target) -> Any:
    """Return the probability of the most probable class of each trial."""
    probabilities = rows[probability_columns(target)].astype(float)
    if target.is_success:
        success = probabilities["prob_success"]
        return np.maximum(success, 1 - success)
    return probabilities.max(axis=1)


def random_trials(pool: Sequence[str], seed: int) -> list[str]:
    """Select ten random trials, all if there are fewer; the same pool and seed give the same ones.

    Args:
        pool: The trials to select from.
        seed: At least 0.

    Returns:
        The selected trials in the order of the pool.
    """
    size = min(TRIALS_SELECTED, len(pool))
    selected = set(np.random.default_rng(seed).choice(sorted(pool), size=size, replace=False)) if size else set()
    return [trial for trial in pool if trial in selected]
