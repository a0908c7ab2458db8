"""Fit the head of frozen encoders: logistic regressions, chosen by cross-validation across surgeons.

Plain arrays, no PyTorch. Everything is decided inside the training subset alone: its surgeons are divided into folds,
and every candidate is fitted on all folds but one and predicts that one. For each set of encoders and statistics this
chooses the regularization. The sets that beat chance in these predictions become members of the head, which is fitted
again on the whole training subset and averages the log odds of its members.

To average beats to choose: with about 100 training trials the differences between the scores of candidates are mostly
noise (benchmarks/README.md).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score
from threadpoolctl import threadpool_limits

from socal_core.errors import RunError
from socal_core.models.head import Array, Candidate, Features, FrozenHead, Scored, feature_columns, statistic_of
from socal_core.models.regression import fits, gram_of, odds_of, probability_of, rotate, standard_of
from socal_core.runs.recipes import CHANCE_LOSS
from socal_core.splits.balance import draw_folds

INNER_FOLDS = 5
COURSE = ("mean", "slope", "curvature")
"""Statistics of what a clip shows and how that develops."""
CHANGE = ("difference", "spread")
"""Statistics of how much a clip changes."""
STATISTIC_SETS = (COURSE, CHANGE, (*COURSE, *CHANGE))
"""The sets of statistics that the inner cross-validation chooses from."""
STRENGTHS = tuple(float(strength) for strength in np.logspace(-2, 2, 7))
"""The values of C on offer, the strongest regularization first. They hold for inputs scaled to a mean square length of
1, so that they mean the same for one thousand features and for ten."""

_Columns = Mapping[tuple[str, str], Array]  # by encoder and statistic: (trials, clips, dims)


def fit_head(
    features: Features,
    labels: NDArray[np.int64],
    surgeons: Sequence[str],
    seed: int,
    encoder_sets: Sequence[tuple[str, ...]],
    report: Callable[..., None] = lambda type_, **values: None,
    check_stop: Callable[[], None] = lambda: None,
) -> FrozenHead:
    """Choose and fit a head on training trials. The same input gives the same head.

    Args:
        features: By encoder: (trials, clips, steps, dims).
        labels: Outcome of each trial, 0 or 1, (trials,).
        surgeons: Surgeon of each trial; a surgeon's trials stay in one inner fold.
        seed: Decides the inner folds.
        encoder_sets: The sets of encoders to choose from, the simplest first.
        report: Handed an event `fold` after each inner fold (runs/events.py).
        check_stop: Called between fits; may raise.

    Raises:
        RunError: All trials end alike, they are of one surgeon, no feature differs between them, or no inner fold
            leaves both outcomes to be fitted on.
    """
    if len(np.unique(labels)) < 2:
        raise RunError(
            "The training trials all end alike: there is nothing to learn. Choose another seed or more data."
        )
    with threadpool_limits(1, "blas"):  # the matrices are small: threads would wait for each other most of the time
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
        # A fold whose surgeons are the only ones with an outcome cannot be predicted, and counts for no candidate.
        if len(np.unique(labels[~held_out])) == 2:
            predicted[:, held_out] = _out_of_fold(columns, labels, ~held_out, candidates, check_stop)
        size = {"fold": number, "folds": len(folds), "surgeons": len(set(np.asarray(surgeons)[held_out]))}
        report("fold", **size, **_leading(predicted, labels, held_out))
    if np.isnan(predicted).all():
        raise RunError(
            "No division of the training surgeons leaves both outcomes to be fitted on: one outcome is known of one "
            "surgeon alone. Choose another seed, smaller fractions or more data."
        )
    scored = [_score(candidate, row, labels) for candidate, row in zip(candidates, predicted, strict=True)]
    table = tuple(min((scored[i] for i in same), key=lambda item: item.loss) for same in _same_input(candidates))
    members = choose(table)
    rows = {item.candidate: row for item, row in zip(scored, predicted, strict=True)}
    average = probability_of(np.mean([odds_of(rows[item.candidate]) for item in members], axis=0))
    return _fitted(columns, labels, members, _score(members[0].candidate, average, labels), table)


def choose(table: Sequence[Scored]) -> tuple[Scored, ...]:
    """Choose the members of a head: all candidates that beat chance, or the best one where none does."""
    return tuple(item for item in table if item.loss < CHANCE_LOSS) or (min(table, key=lambda item: item.loss),)


def inner_folds(labels: NDArray[np.int64], surgeons: Sequence[str], seed: int) -> list[NDArray[np.bool_]]:
    """Deal the trials out to INNER_FOLDS folds, or to one a surgeon where there are fewer; which are in each fold.

    Raises:
        RunError: All trials are of one surgeon.
    """
    index = pd.RangeIndex(len(labels)).astype(str)
    count = min(INNER_FOLDS, len(set(surgeons)))
    if count < 2:
        raise RunError(
            "The training trials are of one surgeon. Frozen features are chosen by cross-validation across surgeons, "
            "which takes two or more: choose smaller fractions or more data."
        )
    folds = draw_folds(pd.Series(list(surgeons), index=index), pd.Series(labels, index=index), count, seed)
    return [np.asarray(index.isin(fold)) for fold in folds]


def balanced_loss(labels: NDArray[np.int64], probabilities: Array) -> float:
    """Log loss with both outcomes weighted alike; that of the outcome that is there where one is missing."""
    clipped = np.clip(probabilities, 1e-12, 1 - 1e-12)
    losses = np.where(labels == 1, -np.log(clipped), -np.log1p(-clipped))
    return float(np.mean([losses[labels == label].mean() for label in (0, 1) if (labels == label).any()]))


def _columns(features: Features, encoder_sets: Sequence[tuple[str, ...]]) -> _Columns:
    encoders = dict.fromkeys(encoder for encoders in encoder_sets for encoder in encoders)
    names = dict.fromkeys(name for names in STATISTIC_SETS for name in names)
    return {(encoder, name): statistic_of(features[encoder], name) for encoder in encoders for name in names}


def _rows(block: Array) -> Array:
    """(trials, clips, dims) as (trials * clips, dims)."""
    return block.reshape(-1, block.shape[-1])


def _candidates(columns: _Columns, encoder_sets: Sequence[tuple[str, ...]]) -> list[Candidate]:
    """All combinations that have a feature that differs between the training clips, the simplest first.

    Raises:
        RunError: There is none.
    """
    varying = {key for key, block in columns.items() if np.isfinite(standard_of(_rows(block))[1]).any()}
    combinations = [
        Candidate(encoders, statistics, strength)
        for encoders in encoder_sets
        for statistics in STATISTIC_SETS
        for strength in STRENGTHS
    ]
    found = [candidate for candidate in combinations if varying & set(candidate.columns)]
    if not found:
        raise RunError(
            "The encoders give the same features for every training trial: there is nothing to learn. Look at the "
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
    """Probabilities of success of the trials that are not in training, (candidates, trials held out)."""
    clips = next(iter(columns.values())).shape[1]
    rows = np.repeat(training, clips)
    y = np.repeat(labels, clips)[rows]
    grams = {}
    for key, block in columns.items():
        check_stop()
        grams[key] = gram_of(_rows(block), rows)
    predicted = np.full((len(candidates), int((~training).sum())), 0.5)  # where nothing differs in training
    for members in _same_input(candidates):
        check_stop()
        parts = [grams[key] for key in candidates[members[0]].columns]
        parts = [(gram, count) for gram, count in parts if count]
        if not parts:
            continue
        # Each block counts alike, however many features it has.
        inputs = np.mean([gram / count for gram, count in parts], axis=0)
        rotated = rotate(inputs[rows])
        held_out = inputs[~rows] @ rotated.to_inputs
        models = fits(rotated.inputs, y, [candidates[member].strength for member in members])
        for member, (weights, intercept) in zip(members, models, strict=True):
            probabilities = probability_of(held_out @ weights + intercept)
            predicted[member] = probabilities.reshape(-1, clips).mean(axis=1)
    return predicted


def _same_input(candidates: Sequence[Candidate]) -> list[list[int]]:
    """The numbers of candidates that differ in their strength alone."""
    groups: dict[tuple[tuple[str, str], ...], list[int]] = {}
    for number, candidate in enumerate(candidates):
        groups.setdefault(candidate.columns, []).append(number)
    return list(groups.values())


def _score(candidate: Candidate, predicted: Array, labels: NDArray[np.int64]) -> Scored:
    there = ~np.isnan(predicted)
    return Scored(candidate, balanced_loss(labels[there], predicted[there]), _auroc(labels[there], predicted[there]))


def _auroc(labels: NDArray[np.int64], predicted: Array) -> float | None:
    return float(roc_auc_score(labels, predicted)) if len(np.unique(labels)) == 2 else None


def _leading(predicted: Array, labels: NDArray[np.int64], held_out: NDArray[np.bool_]) -> dict[str, Any]:
    """A fold's trials, and the scores in it of the candidate that leads over all folds until now."""
    size = {"trials": int(held_out.sum()), "successes": int(labels[held_out].sum())}
    if np.isnan(predicted[0, held_out]).any():
        return {**size, "loss": None, "auroc": None}
    there = ~np.isnan(predicted[0])
    leader = int(np.argmin([balanced_loss(labels[there], row[there]) for row in predicted]))
    found = labels[held_out], predicted[leader, held_out]
    return {**size, "loss": balanced_loss(*found), "auroc": _auroc(*found)}


def _fitted(
    columns: _Columns,
    labels: NDArray[np.int64],
    members: tuple[Scored, ...],
    average: Scored,
    table: tuple[Scored, ...],
) -> FrozenHead:
    """The members fitted on all trials, as one linear function of all their columns."""
    blocks = {key: _rows(columns[key]) for key in feature_columns(members)}
    standards = {key: standard_of(block) for key, block in blocks.items()}
    y = np.repeat(labels, next(iter(columns.values())).shape[1])
    coefficients = {key: np.zeros(block.shape[1]) for key, block in blocks.items()}
    intercept = 0.0
    for item in members:
        varying = [key for key in item.candidate.columns if np.isfinite(standards[key][1]).any()]
        scaled = {key: (blocks[key] - standards[key][0]) / _scale(standards[key][1], len(varying)) for key in varying}
        inputs = np.concatenate(list(scaled.values()), axis=1)
        rotated = rotate(inputs @ inputs.T)
        ((weights, constant),) = fits(rotated.inputs, y, [item.candidate.strength])
        fitted = inputs.T @ (rotated.to_inputs @ weights) / len(members)
        ends = np.cumsum([block.shape[1] for block in scaled.values()])[:-1]
        for key, part in zip(varying, np.split(fitted, ends), strict=True):
            # Scales of a block differ between members by the number of blocks alone.
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
    """What a block is divided by, so that its clips have a mean square length of 1 / blocks."""
    scale: Array = deviation * np.sqrt(max(1, int(np.isfinite(deviation).sum())) * blocks)
    return scale
