"""Fit the head on frozen features: regressions that cross-validation across surgeons selects.

It needs NumPy and scikit-learn but no PyTorch. Only the training subset is used: its surgeons are divided into inner
folds, and each candidate is fitted on all folds but one and predicts that one. This selects the regularization for each
set of encoders and statistics. The sets that beat a prediction without features become members of the head. They are
fitted again on the whole training subset, and the head averages their log odds, logits or numbers. `head_tasks.py` has
what differs between targets.

Averaging works better than selecting the best candidate: with about 100 training trials the differences between the
scores of candidates are mostly noise (benchmarks/README.md).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from socal_core.dataset.targets import SUCCESS_TARGET, Target
from socal_core.errors import RunError
from socal_core.models.head import (
    Array,
    Candidate,
    Features,
    FrozenHead,
    Scored,
    feature_columns,
    statistic_of,
)
from socal_core.models.head_tasks import Task, Values, task_of
from socal_core.models.regression import gram_matrix, principal_components, standardization
from socal_core.settings import CHANCE_LOSS
from socal_core.splits.balance import make_folds

INNER_FOLDS = 5
COURSE = ("mean", "slope", "curvature")
"""Statistics of what a clip shows and how it develops."""
CHANGE = ("difference", "spread")
"""Statistics of how much a clip changes."""
STATISTIC_SETS = (COURSE, CHANGE, (*COURSE, *CHANGE))
"""The sets of statistics that the inner cross-validation selects from."""
STRENGTHS = tuple(float(strength) for strength in np.logspace(-2, 2, 7))
"""The values of C to select from, the strongest regularization first. They apply to inputs with a mean squared norm of
1, so that they mean the same for ten features as for a thousand."""

_Columns = Mapping[tuple[str, str], Array]  # values of each encoder and statistic, (trials, clips, dims)


def fit_head(
    features: Features,
    values: Values,
    surgeons: Sequence[str],
    seed: int,
    encoder_sets: Sequence[tuple[str, ...]],
    report: Callable[..., None] = lambda type_, **values: None,
    check_stop: Callable[[], None] = lambda: None,
    target: Target = SUCCESS_TARGET,
) -> FrozenHead:
    """Select and fit a head on training trials. The same input gives the same head.

    Args:
        features: Features of each encoder, (trials, clips, steps, dims).
        values: Index of the class of each trial, or its number in standard deviations from the mean, (trials,).
        surgeons: Surgeon of each trial. All trials of a surgeon are in the same inner fold.
        seed: Determines the inner folds.
        encoder_sets: The sets of encoders to select from, the simplest first.
        report: Called with an event `fold` after each inner fold (runs/events.py).
        check_stop: Called between fits; may raise.
        target: What the values are of.

    Raises:
        RunError: No trial has one of the classes, all trials have the same surgeon, no feature differs between them, or
            no inner fold leaves trials of all classes for fitting.
    """
    target.check_classes(values)
    with threadpool_limits(1, "blas"):  # for such small matrices threads would mostly wait
        return _fit_head(features, values, surgeons, seed, encoder_sets, report, check_stop, task_of(target))


def _fit_head(
    features: Features,
    values: Values,
    surgeons: Sequence[str],
    seed: int,
    encoder_sets: Sequence[tuple[str, ...]],
    report: Callable[..., None],
    check_stop: Callable[[], None],
    task: Task,
) -> FrozenHead:
    columns = _columns(features, encoder_sets)
    candidates = _candidates(columns, encoder_sets)
    predicted = np.full((len(candidates), len(values), *task.shape), np.nan)
    folds = inner_folds(task.strata(values), surgeons, seed)
    for number, held_out in enumerate(folds, start=1):
        # If a class occurs only in this fold, no candidate can be fitted, and the fold is not scored.
        if task.can_be_fitted(values[~held_out]):
            predicted[:, held_out] = _out_of_fold(columns, values, ~held_out, candidates, check_stop, task)
        size = {"fold": number, "folds": len(folds), "surgeons": len(set(np.asarray(surgeons)[held_out]))}
        report("fold", **size, **_fold_scores(predicted, values, held_out, task))
    scored_trials = _is_predicted(predicted[0])
    if not scored_trials.any():
        raise RunError(
            "Whichever inner fold is held out, the other training trials lack an outcome, so no head can be fitted. "
            "Choose another seed, smaller fractions or more data."
        )
    scored = [_score(candidate, row, values, task) for candidate, row in zip(candidates, predicted, strict=True)]
    table = tuple(min((scored[i] for i in same), key=lambda item: item.loss) for same in _group_by_columns(candidates))
    chance = task.chance(values, folds)
    members = select_members(table, chance)
    rows = {item.candidate: row for item, row in zip(scored, predicted, strict=True)}
    average = task.average([rows[item.candidate] for item in members])
    head = _fit_members(columns, values, members, _score(members[0].candidate, average, values, task), table, task)
    return replace(head, chance=chance)


def select_members(table: Sequence[Scored], chance: float = CHANCE_LOSS) -> tuple[Scored, ...]:
    """Select the members of a head: all candidates that beat chance, or the best one if none does.

    Args:
        table: The candidates.
        chance: The loss of a prediction without features.
    """
    return tuple(item for item in table if item.loss < chance) or (min(table, key=lambda item: item.loss),)


def inner_folds(strata: NDArray[np.int64], surgeons: Sequence[str], seed: int) -> list[NDArray[np.bool_]]:
    """Assign the trials to inner folds, with all trials of a surgeon in the same fold.

    Args:
        strata: The stratum of each trial, such as its class.
        surgeons: The surgeon of each trial.
        seed: Determines the folds.

    Returns:
        For each fold which trials are in it, bool (trials,). There are INNER_FOLDS folds, or one per surgeon if there
        are fewer surgeons.

    Raises:
        RunError: All trials are of the same surgeon.
    """
    index = pd.RangeIndex(len(strata)).astype(str)
    count = min(INNER_FOLDS, len(set(surgeons)))
    if count < 2:
        raise RunError(
            "All training trials are of one surgeon. Frozen features are selected by cross-validation across surgeons, "
            "which needs at least two: choose smaller fractions or more data."
        )
    folds = make_folds(pd.Series(list(surgeons), index=index), pd.Series(strata, index=index), count, seed)
    return [np.asarray(index.isin(fold)) for fold in folds]


def _columns(features: Features, encoder_sets: Sequence[tuple[str, ...]]) -> _Columns:
    encoders = dict.fromkeys(encoder for encoders in encoder_sets for encoder in encoders)
    names = dict.fromkeys(name for names in STATISTIC_SETS for name in names)
    return {(encoder, name): statistic_of(features[encoder], name) for encoder in encoders for name in names}


def _rows(block: Array) -> Array:
    """Reshape (trials, clips, dims) to (trials * clips, dims)."""
    return block.reshape(-1, block.shape[-1])


def _candidates(columns: _Columns, encoder_sets: Sequence[tuple[str, ...]]) -> list[Candidate]:
    """List all candidates with a feature that differs between the training clips, the simplest first.

    Raises:
        RunError: No feature differs.
    """
    varying = {key for key, block in columns.items() if np.isfinite(standardization(_rows(block))[1]).any()}
    combinations = [
        Candidate(encoders, statistics, strength)
        for encoders in encoder_sets
        for statistics in STATISTIC_SETS
        for strength in STRENGTHS
    ]
    found = [candidate for candidate in combinations if varying & set(candidate.columns)]
    if not found:
        raise RunError(
            "The encoders give the same features for every training trial: there is nothing to learn. Check the "
            "frames on the Dataset page, and choose another window or encoder."
        )
    return found


def _out_of_fold(
    columns: _Columns,
    values: Values,
    training: NDArray[np.bool_],
    candidates: Sequence[Candidate],
    check_stop: Callable[[], None],
    task: Task,
) -> Array:
    """Predict the trials that are not in `training`, (candidates, held-out trials, *shape of the task)."""
    clips = next(iter(columns.values())).shape[1]
    rows = np.repeat(training, clips)
    y = np.repeat(values, clips)[rows]
    grams = {}
    for key, block in columns.items():
        check_stop()
        grams[key] = gram_matrix(_rows(block), rows)
    held = int((~training).sum())
    predicted = np.tile(task.without_features(values[training]), (len(candidates), held, *[1] * len(task.shape)))
    for members in _group_by_columns(candidates):
        check_stop()
        parts = [grams[key] for key in candidates[members[0]].columns]
        parts = [(gram, count) for gram, count in parts if count]
        if not parts:
            continue
        # Each block has the same weight, however many features it has.
        inputs = np.mean([gram / count for gram, count in parts], axis=0)
        rotated = principal_components(inputs[rows])
        held_out = inputs[~rows] @ rotated.to_inputs
        models = task.fit(rotated.inputs, y, [candidates[member].strength for member in members])
        for member, (weights, intercept) in zip(members, models, strict=True):
            of_clips = task.predict(held_out @ weights + intercept)
            predicted[member] = of_clips.reshape(-1, clips, *task.shape).mean(axis=1)
    return predicted


def _group_by_columns(candidates: Sequence[Candidate]) -> list[list[int]]:
    """Group the indices of candidates that differ only in their strength."""
    groups: dict[tuple[tuple[str, str], ...], list[int]] = {}
    for number, candidate in enumerate(candidates):
        groups.setdefault(candidate.columns, []).append(number)
    return list(groups.values())


def _score(candidate: Candidate, predicted: Array, values: Values, task: Task) -> Scored:
    scored = _is_predicted(predicted)
    found = values[scored], predicted[scored]
    return Scored(candidate, task.loss(*found), task.auroc(*found))


def _is_predicted(predicted: Array) -> NDArray[np.bool_]:
    """Return which trials have a prediction, (trials,), from predictions (trials, *shape)."""
    return ~np.isnan(predicted.reshape(len(predicted), -1)[:, 0])


def _fold_scores(predicted: Array, values: Values, held_out: NDArray[np.bool_], task: Task) -> dict[str, Any]:
    """Count the trials of a fold, and score the candidate that is best over all folds so far on this fold."""
    size = {"trials": int(held_out.sum())}
    if task.target.is_success:
        size["successes"] = int(values[held_out].sum())
    scored = _is_predicted(predicted[0])
    if not scored[held_out].all():
        return {**size, "loss": None, "auroc": None}
    best = int(np.argmin([task.loss(values[scored], row[scored]) for row in predicted]))
    in_fold = values[held_out], predicted[best, held_out]
    return {**size, "loss": task.loss(*in_fold), "auroc": task.auroc(*in_fold)}


def _fit_members(
    columns: _Columns,
    values: Values,
    members: tuple[Scored, ...],
    average: Scored,
    table: tuple[Scored, ...],
    task: Task,
) -> FrozenHead:
    """Fit the members on all trials, and combine them into one linear function of all their columns."""
    blocks = {key: _rows(columns[key]) for key in feature_columns(members)}
    standards = {key: standardization(block) for key, block in blocks.items()}
    y = np.repeat(values, next(iter(columns.values())).shape[1])
    coefficients = {key: np.zeros((block.shape[1], *task.shape)) for key, block in blocks.items()}
    intercept = np.zeros(task.shape or 1)
    for item in members:
        varying = [key for key in item.candidate.columns if np.isfinite(standards[key][1]).any()]
        scaled = {key: (blocks[key] - standards[key][0]) / _scale(standards[key][1], len(varying)) for key in varying}
        inputs = np.concatenate(list(scaled.values()), axis=1)
        rotated = principal_components(inputs @ inputs.T)
        ((weights, constant),) = task.fit(rotated.inputs, y, [item.candidate.strength])
        fitted = inputs.T @ (rotated.to_inputs @ weights) / len(members)
        ends = np.cumsum([block.shape[1] for block in scaled.values()])[:-1]
        for key, part in zip(varying, np.split(fitted, ends), strict=True):
            # The scales of a block in two members differ only by their numbers of blocks.
            coefficients[key] += part / np.sqrt(len(varying))
        intercept += constant / len(members)
    return FrozenHead(
        members=members,
        loss=average.loss,
        auroc=average.auroc,
        mean=np.concatenate([mean for mean, _ in standards.values()]),
        scale=np.concatenate([_scale(deviation, 1) for _, deviation in standards.values()]),
        coefficients=np.concatenate(list(coefficients.values())),
        intercept=intercept,
        table=table,
    )


def _scale(deviation: Array, blocks: int) -> Array:
    """Compute the divisor that gives the clips of a block a mean squared norm of 1 / blocks."""
    scale: Array = deviation * np.sqrt(max(1, int(np.isfinite(deviation).sum())) * blocks)
    return scale
