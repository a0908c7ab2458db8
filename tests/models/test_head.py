"""socal_core.models.head and head_fit, compared with scikit-learn on the features."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score

from socal_core.errors import ModelError, RunError
from socal_core.models import head as heads
from socal_core.models.head import Candidate, FrozenHead, Scored, load_head, save_head
from socal_core.models.head_fit import STATISTIC_SETS, fit_head, inner_folds, select_members
from tests.models.made_features import AUTO, IMAGE, VIDEO, columns_of, made


def odds_of_new(
    blocks: list[np.ndarray], labels: np.ndarray, new: list[np.ndarray], strength: float
) -> np.ndarray[Any, Any]:
    """Compute log odds with scikit-learn on the columns, each block scaled to the same total variance."""
    scales = [block.std(axis=0) * np.sqrt(block.shape[1] * len(blocks)) for block in blocks]
    rows, others = (
        np.concatenate([(a - b.mean(axis=0)) / scale for a, b, scale in zip(x, blocks, scales, strict=True)], axis=1)
        for x in (blocks, new)
    )
    model = LogisticRegression(C=strength, class_weight="balanced", tol=1e-8, max_iter=10_000).fit(rows, labels)
    found: np.ndarray[Any, Any] = model.decision_function(others)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("clips", [1, 2])
def test_the_head_is_the_mean_of_logistic_regressions_on_the_columns(clips: int) -> None:
    features, labels, surgeons = made(clips=clips)
    head = fit_head(features, labels, surgeons, 0, AUTO)
    assert len(head.members) > 1
    new, *_ = made(8, clips, seed=1)
    expected = np.mean(
        [
            odds_of_new(
                columns_of(features, item.candidate),
                np.repeat(labels, clips),
                columns_of(new, item.candidate),
                item.candidate.strength,
            )
            for item in head.members
        ],
        axis=0,
    )
    np.testing.assert_allclose(head.logits(new).ravel(), expected, rtol=2e-3, atol=2e-3)
    assert head.logits(new).shape == (8, clips)


@pytest.mark.slow
def test_candidates_are_scored_on_held_out_surgeons() -> None:
    features, labels, surgeons = made(clips=2)
    head = fit_head(features, labels, surgeons, 3, AUTO)
    folds = inner_folds(labels, surgeons, 3)
    weights = len(labels) / (2 * np.bincount(labels)[labels])
    of_members = []
    for scored in head.table:
        blocks = columns_of(features, scored.candidate)
        predicted = np.empty(len(labels))
        for held_out in folds:
            of_clips = np.repeat(held_out, 2)
            training = np.repeat(labels, 2)[~of_clips]
            inside, outside = ([block[rows] for block in blocks] for rows in (~of_clips, of_clips))
            odds = odds_of_new(inside, training, outside, scored.candidate.strength)
            predicted[held_out] = (1 / (1 + np.exp(-odds))).reshape(-1, 2).mean(axis=1)
        assert scored.loss == pytest.approx(log_loss(labels, predicted, sample_weight=weights), abs=1e-4)
        assert scored.auroc == pytest.approx(roc_auc_score(labels, predicted))
        assert (scored in head.members) == (scored.loss < np.log(2))
        if scored in head.members:
            of_members.append(np.log(predicted / (1 - predicted)))
    assert len(head.table) == len(AUTO) * len(STATISTIC_SETS)
    average = 1 / (1 + np.exp(-np.mean(of_members, axis=0)))
    assert head.loss == pytest.approx(log_loss(labels, average, sample_weight=weights), abs=1e-4)
    assert head.auroc == pytest.approx(roc_auc_score(labels, average))


@pytest.mark.slow
def test_the_informative_encoder_and_statistic_are_selected() -> None:
    head = fit_head(*made(80), 0, AUTO)
    best = min(head.members, key=lambda item: item.loss).candidate
    assert "image" in best.encoders
    assert "slope" in best.statistics
    assert ("image", "slope") in head.columns
    assert (head.auroc or 0) > 0.8
    assert fit_head(*made(80), 0, VIDEO).encoders == ("video",)


def test_each_surgeon_is_in_one_fold_and_few_surgeons_give_few_folds() -> None:
    _, labels, surgeons = made(40)
    folds = inner_folds(labels, surgeons, 0)
    assert len(folds) == 5
    assert (np.sum(folds, axis=0) == 1).all()
    for fold in folds:
        inside = {surgeon for surgeon, held in zip(surgeons, fold, strict=True) if held}
        outside = {surgeon for surgeon, held in zip(surgeons, fold, strict=True) if not held}
        assert inside.isdisjoint(outside)
    three = ["A", "B", "C"] * 4
    labels = np.array([0, 0, 0, 1, 1, 1] * 2)
    assert len(inner_folds(labels, three, 0)) == 3
    features = {"image": np.random.default_rng(0).normal(size=(12, 1, 3, 2))}
    assert fit_head(features, labels, three, 0, IMAGE).coefficients.shape[0] % 2 == 0


@pytest.mark.slow
def test_the_same_input_gives_the_same_head() -> None:
    first, second = (fit_head(*made(), 0, IMAGE) for _ in range(2))
    assert first.members == second.members
    assert first.coefficients.tobytes() == second.coefficients.tobytes()
    assert first.intercept == second.intercept


@pytest.mark.slow
def test_constant_features_are_dropped() -> None:
    features, labels, surgeons = made()
    wide = np.concatenate([features["image"], np.full((24, 1, 5, 2), 0.1)], axis=-1)
    head, plain = (fit_head({"image": values}, labels, surgeons, 0, IMAGE) for values in (wide, features["image"]))
    assert head.loss == pytest.approx(plain.loss)
    statistics = len(head.columns)
    by_statistic = head.coefficients.reshape(statistics, 8)
    assert (by_statistic[:, 6:] == 0).all()
    np.testing.assert_allclose(by_statistic[:, :6].ravel(), plain.coefficients, atol=1e-6)
    assert np.isfinite(head.logits({"image": wide})).all()
    # In a new trial these features may differ, but their coefficients are zero.
    moved = wide.copy()
    moved[..., 6:] = 5.0
    np.testing.assert_array_equal(head.logits({"image": moved}), head.logits({"image": wide}))


def test_only_the_mean_of_features_that_are_constant_in_each_clip_counts() -> None:
    _, labels, surgeons = made()
    still = np.repeat(labels[:, None, None, None] + np.zeros((24, 1, 1, 2)), 4, axis=2)
    head = fit_head({"image": still}, labels, surgeons, 0, IMAGE)
    by_statistic = dict(zip(head.columns, head.coefficients.reshape(len(head.columns), 2), strict=True))
    assert {name for (_, name), values in by_statistic.items() if values.any()} == {"mean"}
    assert head.auroc == 1.0


def refusal(features: dict[str, Any], labels: Sequence[int], surgeons: Sequence[str]) -> str:
    with pytest.raises(RunError) as error:
        fit_head(features, np.array(labels), surgeons, 0, IMAGE)
    return str(error.value)


def test_data_that_cannot_be_learned_from_are_refused_with_a_reason() -> None:
    features, labels, surgeons = made()
    same = {"image": np.full((24, 1, 5, 6), 0.3)}
    assert "the same features for every training trial" in refusal(same, labels, surgeons)
    assert "No training trial has the outcome failure" in refusal(features, [1] * 24, surgeons)
    assert "are of one surgeon" in refusal(features, labels, ["A"] * 24)
    # Two surgeons, one of whom always succeeds and one of whom always fails.
    opposite = refusal(features, [0] * 12 + [1] * 12, ["A"] * 12 + ["B"] * 12)
    assert "the other training trials lack an outcome" in opposite


def test_a_fold_with_all_trials_of_an_outcome_is_not_scored() -> None:
    features, _, _ = made()
    labels = np.array([0] * 6 + [0, 1] * 3 + [0] * 12)
    surgeons = [f"S{trial // 6}" for trial in range(24)]  # all successes are trials of the second surgeon
    events: list[dict[str, Any]] = []
    head = fit_head(features, labels, surgeons, 0, IMAGE, lambda type_, **values: events.append({type_: values}))
    found = [event["fold"] for event in events]
    assert [fold["fold"] for fold in found] == [1, 2, 3, 4]
    assert [fold["loss"] is None for fold in found] == [fold["successes"] > 0 for fold in found]
    assert head.auroc is None  # all predicted trials are failures
    assert np.isfinite(head.loss)


@pytest.mark.parametrize(
    ("losses", "members"), [((0.5, 0.7, 0.4), (0, 2)), ((0.8, 0.71, 0.75), (1,)), ((0.8, 0.71, 0.71), (1,))]
)
def test_members_beat_chance_or_the_best_candidate_is_the_only_member(
    losses: tuple[float, ...], members: tuple[int, ...]
) -> None:
    candidates = [Candidate(("image",), (name,), 1.0) for name in ("mean", "slope", "spread")]
    scored = [Scored(candidate, loss, 0.5) for candidate, loss in zip(candidates, losses, strict=True)]
    assert select_members(scored) == tuple(scored[number] for number in members)


def test_each_fold_is_reported_and_a_stop_is_checked_for() -> None:
    features, labels, surgeons = made()
    events: list[dict[str, Any]] = []
    checked = []
    fit_head(
        features,
        labels,
        surgeons,
        0,
        IMAGE,
        lambda type_, **values: events.append({"type": type_, **values}),
        lambda: checked.append(len(events)),
    )
    assert [(event["type"], event["fold"], event["folds"]) for event in events] == [("fold", n, 5) for n in range(1, 6)]
    assert sum(event["trials"] for event in events) == 24
    assert sum(event["successes"] for event in events) == labels.sum()
    assert set(checked) == {0, 1, 2, 3, 4}


def saved(folder: Path) -> FrozenHead:
    head = fit_head(*made(), 0, IMAGE)
    head = FrozenHead(**{**head.__dict__, "digests": {name: "ab" for name in head.encoders}})
    save_head(head, folder)
    return head


def test_a_saved_head_predicts_the_same_bits(tmp_path: Path) -> None:
    head = saved(tmp_path)
    found = load_head(tmp_path)
    new, *_ = made(8, seed=1)
    assert found.logits(new).tobytes() == head.logits(new).tobytes()
    assert (found.members, found.table, dict(found.digests)) == (head.members, head.table, dict(head.digests))
    assert (found.loss, found.auroc) == (head.loss, head.auroc)


@pytest.mark.slow
@pytest.mark.parametrize("name", [heads.HEAD_FILE, heads.ABOUT_FILE])
def test_a_damaged_head_is_refused(tmp_path: Path, name: str) -> None:
    saved(tmp_path)
    content = (tmp_path / name).read_bytes()
    for broken in (b"", content[: len(content) // 2], b"{}"):
        (tmp_path / name).write_bytes(broken)
        with pytest.raises(ModelError, match="missing or damaged"):
            load_head(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(ModelError, match="missing or damaged"):
        load_head(tmp_path)
