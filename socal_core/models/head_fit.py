"""Fit the head on frozen features: logistic regressions that cross-validation across surgeons selects.

It needs NumPy and scikit-learn but no PyTorch. Only the training subset is used: its surgeons are divided into inner
folds, and each candidate is fitted on all folds but one and predicts that one. This selects the regularization for each
set of encoders and statistics. The sets that beat chance become members of the head. They are fitted again on the whole
training subset, and the head averages their log odds.

Averaging works better than selecting the best candidate: with about 100 training trials the differences between the
scores of candidates are mostly noise (benchmarks/README.md).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score
from threadpoolctl import threadpool_limits

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
from socal_core.models.regression import (
    fit_strengths,
    gram_matrix,
    odds_of,
    principal_components,
    probability_of,
    standardization,
)
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
    labels: NDArray[np.int64],
    surgeons: Sequence[str],
    seed: int,
    encoder_sets: Sequence[tuple[str, ...]],
    report: Callable[..., None] = lambda type_, **values: None,
    check_stop: Callable[[], None] = lambda: None,
) -> FrozenHead:
    """Select and fit a head on training trials. The same input gives the same head.

    Args:
        features: Features of each encoder, (trials, clips, steps, dims).
        labels: Outcome of each trial, 0 or 1, (trials,).
        surgeons: Surgeon of each trial. All trials of a surgeon are in the same inner fold.
        seed: Determines the inner folds.
        encoder_sets: The sets of encoders to select from, the simplest first.
        report: Called with an event `fold` after each inner fold (runs/events.py).
        check_stop: Called between fits; may raise.

    Raises:
        RunError: All trials have the same outcome or the same surgeon, no feature differs between them, or no inner
            fold leaves trials of both outcomes for fitting.
    """
    if len(np.unique(labels)) < 2:
        raise RunError(
            "All training trials have the same outcome: there is nothing to learn. Choose another seed or more data."
        )
    with threadpool_limits(1, "blas"):  # for such small matrices threads would mostly wait
        return _fit_head(features, labels, surgeons, seed, encoder_sets, report, check_stop)


def _fit_head(
    features: Features,
    labels: NDArray[np.int64],
    surgeons: Sequence[str],
    seed: int,
    encoder_sets: Sequence[tuple[str, ...]],
    report: Callable[..., None],
    check_stop: Callable[[], None],
) -> FrozenHead:
    columns = _columns(features, encoder_sets)
    candidates = _candidates(columns, encoder_sets)
    predicted = np.full((len(candidates), len(labels)), np.nan)
    folds = inner_folds(labels, surgeons, seed)
    for number, held_out in enumerate(folds, start=1):
        # If an outcome occurs only in this fold, no candidate can be fitted, and the fold is not scored.
        if len(np.unique(labels[~held_out])) == 2:
            predicted[:, held_out] = _out_of_fold(columns, labels, ~held_out, candidates, check_stop)
        size = {"fold": number, "folds": len(folds), "surgeons": len(set(np.asarray(surgeons)[held_out]))}
        report("fold", **size, **_fold_scores(predicted, labels, held_out))
    if np.isnan(predicted).all():
        raise RunError(
            "Whichever inner fold is held out, the other training trials all have the same outcome, so no head can be "
            "fitted. Choose another seed, smaller fractions or more data."
        )
    scored = [_score(candidate, row, labels) for candidate, row in zip(candidates, predicted, strict=True)]
    table = tuple(min((scored[i] for i in same), key=lambda item: item.loss) for same in _group_by_columns(candidates))
    members = select_members(table)
    rows = {item.candidate: row for item, row in zip(scored, predicted, strict=True)}
    average = probability_of(np.mean([odds_of(rows[item.candidate]) for item in members], axis=0))
    return _fit_members(columns, labels, members, _score(members[0].candidate, average, labels), table)


def select_members(table: Sequence[Scored]) -> tuple[Scored, ...]:
    """Select the members of a head: all candidates that beat chance, or the best one if none does."""
    return tuple(item for item in table if item.loss < CHANCE_LOSS) or (min(table, key=lambda item: item.loss),)


def inner_folds(labels: NDArray[np.int64], surgeons: Sequence[str], seed: int) -> list[NDArray[np.bool_]]:
    """Assign the trials to inner folds, with all trials of a surgeon in the same fold.

    Returns:
        For each fold which trials are in it, bool (trials,). There are INNER_FOLDS folds, or one per surgeon if there
        are fewer surgeons.

    Raises:
        RunError: All trials are of the same surgeon.
    """
    index = pd.RangeIndex(len(labels)).astype(str)
    count = min(INNER_FOLDS, len(set(surgeons)))
    if count < 2:
        raise RunError(
            "All training trials are of one surgeon. Frozen features are selected by cross-validation across surgeons, "
            "which needs at least two: choose smaller fractions or more data."
        )
    folds = make_folds(pd.Series(list(surgeons), index=index), pd.Series(labels, index=index), count, seed)
    return [np.asarray(index.isin(fold)) for fold in folds]


def balanced_loss(labels: NDArray[np.int64], probabilities: Array) -> float:
    """Compute the log loss with equal weight for both outcomes, or that of the only outcome in `labels`."""
    clipped = np.clip(probabilities, 1e-12, 1 - 1e-12)
    losses = np.where(labels == 1, -np.log(clipped), -np.log1p(-clipped))
    return float(np.mean([losses[labels == label].mean() for label in (0, 1) if (labels == label).any()]))


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
    labels: NDArray[np.int64],
    training: NDArray[np.bool_],
    candidates: Sequence[Candidate],
    check_stop: Callable[[], None],
) -> Array:
    """Predict the probability of success of the trials that are not in `training`, (candidates, held-out trials)."""
    clips = next(iter(columns.values())).shape[1]
    rows = np.repeat(training, clips)
    y = np.repeat(labels, clips)[rows]
    grams = {}
    for key, block in columns.items():
        check_stop()
        grams[key] = gram_matrix(_rows(block), rows)
    # The prediction stays 0.5 if no feature differs between the training clips.
    predicted = np.full((len(candidates), int((~training).sum())), 0.5)
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
        models = fit_strengths(rotated.inputs, y, [candidates[member].strength for member in members])
        for member, (weights, intercept) in zip(members, models, strict=True):
            probabilities = probability_of(held_out @ weights + intercept)
            predicted[member] = probabilities.reshape(-1, clips).mean(axis=1)
    return predicted


def _group_by_columns(candidates: Sequence[Candidate]) -> list[list[int]]:
    """Group the indices of candidates that differ only in their strength."""
    groups: dict[tuple[tuple[str, str], ...], list[int]] = {}
    for number, candidate in enumerate(candidates):
        groups.setdefault(candidate.columns, []).append(number)
    return list(groups.values())


def _score(candidate: Candidate, predicted: Array, labels: NDArray[np.int64]) -> Scored:
    scored = ~np.isnan(predicted)
    loss = balanced_loss(labels[scored], predicted[scored])
    return Scored(candidate, loss, _auroc(labels[scored], predicted[scored]))


def _auroc(labels: NDArray[np.int64], predicted: Array) -> float | None:
    return float(roc_auc_score(labels, predicted)) if len(np.unique(labels)) == 2 else None


def _fold_scores(predicted: Array, labels: NDArray[np.int64], held_out: NDArray[np.bool_]) -> dict[str, Any]:
    """Count the trials of a fold, and score the candidate that is best over all folds so far on this fold."""
    size = {"trials": int(held_out.sum()), "successes": int(labels[held_out].sum())}
    if np.isnan(predicted[0, held_out]).any():
        return {**size, "loss": None, "auroc": None}
    scored = ~np.isnan(predicted[0])
    best = int(np.argmin([balanced_loss(labels[scored], row[scored]) for row in predicted]))
    in_fold = labels[held_out], predicted[best, held_out]
    return {**size, "loss": balanced_loss(*in_fold), "auroc": _auroc(*in_fold)}


def _fit_members(
    columns: _Columns,
    labels: NDArray[np.int64],
    members: tuple[Scored, ...],
    average: Scored,
    table: tuple[Scored, ...],
) -> FrozenHead:
    """Fit the members on all trials, and combine them into one linear function of all their columns."""
    blocks = {key: _rows(columns[key]) for key in feature_columns(members)}
    standards = {key: standardization(block) for key, block in blocks.items()}
    y = np.repeat(labels, next(iter(columns.values())).shape[1])
    coefficients = {key: np.zeros(block.shape[1]) for key, block in blocks.items()}
    intercept = 0.0
    for item in members:
        varying = [key for key in item.candidate.columns if np.isfinite(standards[key][1]).any()]
        scaled = {key: (blocks[key] - standards[key][0]) / _scale(standards[key][1], len(varying)) for key in varying}
        inputs = np.concatenate(list(scaled.values()), axis=1)
        rotated = principal_components(inputs @ inputs.T)
        ((weights, constant),) = fit_strengths(rotated.inputs, y, [item.candidate.strength])
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
