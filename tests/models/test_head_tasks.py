"""Heads for numbers and for several classes, compared with scikit-learn on the features."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss, roc_auc_score

from socal_core.dataset.targets import Target
from socal_core.errors import RunError
from socal_core.models.head import Candidate, FrozenHead, load_head, save_head
from socal_core.models.head_fit import fit_head, inner_folds
from socal_core.models.head_tasks import auroc_of, balanced_loss, task_of
from tests.models.made_features import AUTO, IMAGE, columns_of, made

NUMBER = Target("blood_loss", "Blood loss", "mL")
GRADE = Target("grade", "grade", classes=("low", "middle", "high"))
Made = tuple[dict[str, np.ndarray], np.ndarray, list[str]]
ANSWER = Target("bleeding", "bleeding", classes=("no", "yes"))


def made_numbers(trials: int = 24, clips: int = 1, seed: int = 0) -> Made:
    """Make trials with one of 6 image features that rises with a number, which is standardized."""
    features, _, surgeons = made(trials, clips, seed)
    values = np.random.default_rng(seed + 7).gamma(2.0, size=trials)
    values = (values - values.mean()) / values.std()
    features["image"][..., 1] += 3 * np.linspace(0, 1, 5) * values[:, None, None]
    return features, values, surgeons


def made_classes(trials: int = 30, clips: int = 1, seed: int = 0) -> Made:
    """Make trials of three classes of different size, each with a feature of its own."""
    features, _, surgeons = made(trials, clips, seed)
    labels = np.random.default_rng(seed + 7).permutation(np.arange(trials) % 5 // 2)
    for label in range(3):
        features["image"][..., label] += 2 * (labels == label)[:, None, None]
    return features, labels, surgeons


def scaled(blocks: list[np.ndarray], new: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Standardize each block by itself, with the same total variance, and put the blocks side by side."""
    scales = [block.std(axis=0) * np.sqrt(block.shape[1] * len(blocks)) for block in blocks]
    rows, others = (
        np.concatenate([(a - b.mean(axis=0)) / scale for a, b, scale in zip(x, blocks, scales, strict=True)], axis=1)
        for x in (blocks, new)
    )
    return rows, others


def ridge(blocks: list[np.ndarray], values: np.ndarray, new: list[np.ndarray], strength: float) -> np.ndarray:
    rows, others = scaled(blocks, new)
    return np.asarray(Ridge(alpha=1 / strength).fit(rows, values).predict(others))[:, None]


def multinomial(blocks: list[np.ndarray], labels: np.ndarray, new: list[np.ndarray], strength: float) -> np.ndarray:
    rows, others = scaled(blocks, new)
    model = LogisticRegression(C=strength, class_weight="balanced", tol=1e-8, max_iter=10_000).fit(rows, labels)
    return np.asarray(model.decision_function(others))


CASES: list[tuple[Target, Any, Any]] = [(NUMBER, made_numbers, ridge), (GRADE, made_classes, multinomial)]


@pytest.mark.slow
@pytest.mark.parametrize("clips", [1, 2])
@pytest.mark.parametrize(("target", "make", "fitted"), CASES, ids=["number", "classes"])
def test_the_head_is_the_mean_of_regressions_on_the_columns(
    target: Target, make: Any, fitted: Any, clips: int, tmp_path: Path
) -> None:
    features, values, surgeons = make(clips=clips)
    head = fit_head(features, values, surgeons, 0, AUTO, target=target)
    assert len(head.members) > 1
    new, *_ = make(8, clips, seed=1)
    repeated = np.repeat(values, clips)
    expected = np.mean(
        [
            fitted(
                columns_of(features, item.candidate),
                repeated,
                columns_of(new, item.candidate),
                item.candidate.strength,
            )
            for item in head.members
        ],
        axis=0,
    )
    found = head.logits(new)
    assert found.shape == (8, clips, target.outputs)
    np.testing.assert_allclose(found.reshape(8 * clips, -1), expected, rtol=2e-3, atol=2e-3)
    save_head(head, tmp_path)
    again = FrozenHead(**{**head.__dict__, "digests": {}})
    assert load_head_without_digests(tmp_path).logits(new).tobytes() == again.logits(new).tobytes()
    assert load_head_without_digests(tmp_path).chance == head.chance


def load_head_without_digests(folder: Path) -> FrozenHead:
    text = (folder / "head.json").read_text()
    (folder / "head.json").write_text(text.replace('"digests": {}', '"digests": {"image": "", "video": ""}'))
    return load_head(folder)


def out_of_fold(
    features: dict[str, np.ndarray], values: np.ndarray, folds: Any, candidate: Candidate, fitted: Any
) -> Any:
    """Predict each trial by a regression on the other folds."""
    blocks, predicted = columns_of(features, candidate), {}
    for held_out in folds:
        inside, outside = ([block[rows] for block in blocks] for rows in (~held_out, held_out))
        rows = fitted(inside, values[~held_out], outside, candidate.strength)
        predicted |= dict(zip(np.flatnonzero(held_out), rows, strict=True))
    return np.array([predicted[trial] for trial in range(len(values))])


def test_candidates_for_a_number_must_beat_the_mean_of_the_other_folds() -> None:
    features, values, surgeons = made_numbers()
    head = fit_head(features, values, surgeons, 3, AUTO, target=NUMBER)
    folds = inner_folds((values > np.median(values)).astype(int), surgeons, 3)
    means = np.empty(len(values))
    for held_out in folds:
        means[held_out] = values[~held_out].mean()
    assert head.chance == pytest.approx(((values - means) ** 2).mean())
    of_members = []
    for scored in head.table:
        predicted = out_of_fold(features, values, folds, scored.candidate, ridge)[:, 0]
        assert scored.loss == pytest.approx(((values - predicted) ** 2).mean(), rel=1e-6)
        assert scored.auroc is None
        assert (scored in head.members) == (scored.loss < head.chance)
        if scored in head.members:
            of_members.append(predicted)
    assert 0 < len(head.members) < len(head.table)
    assert head.loss == pytest.approx(((values - np.mean(of_members, axis=0)) ** 2).mean(), rel=1e-6)
    assert head.loss < 0.7 * head.chance


@pytest.mark.slow
def test_candidates_for_several_classes_must_beat_equal_probabilities() -> None:
    features, labels, surgeons = made_classes(60)
    head = fit_head(features, labels, surgeons, 3, AUTO, target=GRADE)
    folds = inner_folds(labels, surgeons, 3)
    assert head.chance == pytest.approx(np.log(3))
    for scored in head.table:
        logits = out_of_fold(features, labels, folds, scored.candidate, multinomial)
        predicted = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        weights = 1 / np.bincount(labels)[labels]
        assert scored.loss == pytest.approx(log_loss(labels, predicted, sample_weight=weights), abs=1e-4)
        assert scored.auroc == pytest.approx(roc_auc_score(labels, predicted, multi_class="ovr"), abs=1e-4)
        assert (scored in head.members) == (scored.loss < np.log(3))
    assert head.loss < 0.7 * np.log(3)
    assert (head.auroc or 0) > 0.85


@pytest.mark.slow
def test_two_other_classes_are_fitted_like_success() -> None:
    features, labels, surgeons = made()
    success = fit_head(features, labels, surgeons, 0, IMAGE)
    answer = fit_head(features, labels, surgeons, 0, IMAGE, target=ANSWER)
    assert answer.coefficients.tobytes() == success.coefficients.tobytes()
    assert answer.logits(features).shape == (24, 1)


def test_a_class_without_a_training_trial_is_named() -> None:
    features, labels, surgeons = made_classes()
    with pytest.raises(RunError, match=r"No training trial has the outcome middle \(grade\), so it cannot be learned"):
        fit_head(features, np.where(labels == 1, 2, labels), surgeons, 0, IMAGE, target=GRADE)


def test_a_fold_with_all_trials_of_one_of_several_classes_is_not_scored() -> None:
    features, _, surgeons = made_classes()
    labels = np.array([0, 0, 2, 2] * 7 + [1, 1])  # only the last surgeon has trials of the second class
    events: list[dict[str, Any]] = []
    head = fit_head(features, labels, surgeons, 0, IMAGE, lambda type_, **values: events.append(values), target=GRADE)
    assert sorted(fold["loss"] is None for fold in events) == [False] * 4 + [True]
    assert not any("successes" in fold for fold in events)
    assert np.isfinite([head.auroc, head.loss]).all()  # of the two classes that are predicted


def test_without_features_the_prediction_is_the_chance_of_each_class_or_the_mean() -> None:
    values = np.array([1.0, 2.0, 6.0])
    assert task_of(NUMBER).without_features(values).tolist() == [3.0]
    assert task_of(GRADE).without_features(np.array([0, 1, 2])).tolist() == [1 / 3] * 3
    assert task_of(ANSWER).without_features(np.array([0, 1])).tolist() == 0.5


def test_scores_of_several_classes_agree_with_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    labels, raw = rng.integers(0, 4, 40), rng.random((40, 4))
    probabilities = raw / raw.sum(axis=1, keepdims=True)
    assert auroc_of(labels, probabilities) == pytest.approx(roc_auc_score(labels, probabilities, multi_class="ovr"))
    some = labels < 3
    each = [roc_auc_score(labels[some] == label, probabilities[some, label]) for label in range(3)]
    assert auroc_of(labels[some], probabilities[some]) == pytest.approx(np.mean(each))
    assert auroc_of(labels[labels == 0], probabilities[labels == 0]) is None
    weights = 1 / np.bincount(labels)[labels]
    assert balanced_loss(labels, probabilities) == pytest.approx(log_loss(labels, probabilities, sample_weight=weights))
