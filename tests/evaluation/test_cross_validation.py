"""socal_core.evaluation.cross_validation: each trial counts once, and folds are never hidden behind a mean."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from socal_core.dataset.targets import Target
from socal_core.errors import RunError
from socal_core.evaluation.cross_validation import finish_cross_validation, pool, pool_target, spread
from socal_core.evaluation.metrics import auroc
from socal_core.runs.cross_validation import folds_of
from socal_core.runs.folder import RunFolder
from tests.made_cross_validations import write_cross_validation
from tests.made_target_runs import CLASSES, NUMBER, write_target_cross_validation, write_target_dataset


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, shared_data_folder: Path) -> RunFolder:
    """A cross-validation with three folds and two seeds, which no test changes."""
    return write_cross_validation(tmp_path_factory.mktemp("runs") / "cv", shared_data_folder, repeats=2)


def of_surgeon_7(**columns: list[object]) -> pd.DataFrame:
    """Predictions of a test subset; the trials are of one surgeon."""
    return pd.DataFrame({"participant_id": "7", "split": "test", "predicted": 0, **columns})


@pytest.mark.slow
def test_every_trial_is_pooled_once_with_the_mean_of_its_seeds(done: RunFolder, shared_data_folder: Path) -> None:
    predictions = done.read_predictions()
    assert predictions["trial_id"].tolist() == sorted(done.open_dataset().usable_trials.index)
    assert set(predictions["split"]) == {"test"}
    assert tuple(predictions["trial_id"]) == done.read_split().test
    of_trial = {}
    for fold in folds_of(done):
        rows = fold.run.read_predictions()
        for row in rows[rows["split"] == "test"].itertuples():
            of_trial.setdefault(row.trial_id, []).append((row.prob_success, fold.run.read_metrics()["threshold"]))
    assert {len(found) for found in of_trial.values()} == {2}
    for row in predictions.itertuples():
        probability, threshold = np.mean(of_trial[row.trial_id], axis=0)
        assert row.prob_success == pytest.approx(probability)
        assert row.predicted == int(probability >= threshold)


@pytest.mark.slow
def test_without_repeats_predictions_are_those_of_the_folds(tmp_path: Path, shared_data_folder: Path) -> None:
    run = write_cross_validation(tmp_path / "cv", shared_data_folder)
    of_folds = pd.concat(fold.run.read_predictions() for fold in folds_of(run))
    of_folds = of_folds[of_folds["split"] == "test"].sort_values("trial_id", ignore_index=True)
    pd.testing.assert_frame_equal(run.read_predictions(), of_folds)


@pytest.mark.slow
def test_metrics_have_the_scores_of_each_fold_and_seed_with_their_spread(done: RunFolder) -> None:
    metrics = done.read_metrics()
    found = metrics["cross_validation"]
    folds = [fold.run.read_metrics() for fold in folds_of(done)]
    assert [row["auroc"] for row in found["folds"]] == [metrics["auroc"] for metrics in folds]
    assert [row["run"] for row in found["folds"]][:2] == ["seed-0-fold-1", "seed-0-fold-2"]
    assert sum(row["n"] for row in found["folds"]) == 2 * metrics["n"] == 40
    assert sum(row["surgeons"] for row in found["folds"]) == 20
    assert [(row["seed"], row["n"], row["surgeons"]) for row in found["seeds"]] == [(0, 20, 10), (1, 20, 10)]
    accuracies = [metrics["accuracy"] for metrics in folds]
    assert found["over_folds"]["accuracy"]["lowest"] == min(accuracies)
    assert found["over_folds"]["accuracy"]["standard_deviation"] == pytest.approx(np.std(accuracies, ddof=1))
    assert found["over_seeds"]["auroc"]["count"] == 2
    assert metrics["threshold"] == pytest.approx(np.mean([metrics["threshold"] for metrics in folds]))
    predictions = done.read_predictions()
    assert metrics["auroc"] == auroc(predictions["label"], predictions["prob_success"])


def test_controls_are_pooled_over_the_same_trials(done: RunFolder) -> None:
    controls = {row["key"]: row for row in done.read_metrics()["controls"]}
    assert set(controls) == {"majority", "frames", "length", "colour", "tools", "motion"}
    assert all(len(row["probabilities"]) == 20 for row in controls.values())
    assert controls["colour"]["auroc"] == 1.0, "the frames of successes are green"
    assert controls["colour"]["difference"] == done.read_metrics()["auroc"] - 1
    assert "in each fold" in controls["majority"]["description"]
    single = folds_of(done)[0].run.read_metrics()["controls"]
    assert all(row["auroc"] is None or len(row["probabilities"]) for row in single)


def test_probabilities_and_thresholds_are_averaged_over_seeds(done: RunFolder) -> None:
    rows = of_surgeon_7(
        trial_id=["a", "b", "a", "b"],
        label=[1, 0, 1, 0],
        prob_success=[0.9, 0.2, 0.3, 0.4],
        threshold=[0.8, 0.5, 0.2, 0.3],
        seed=[0, 0, 1, 1],
        fold=[1, 2, 1, 2],
    )
    pooled = pool(done, rows)
    assert pooled["prob_success"].tolist() == pytest.approx([0.6, 0.3])
    assert pooled["predicted"].tolist() == [1, 0], "0.6 reaches the mean threshold 0.5, and 0.3 not 0.4"


@pytest.mark.parametrize(
    ("label", "seed", "message"),
    [([1, 1], [0, 0], "trial a is in the test subsets of folds 1 and 2"), ([1, 0], [0, 1], "outcome of trial a")],
)
def test_changed_data_are_not_pooled(done: RunFolder, label: list[int], seed: list[int], message: str) -> None:
    rows = of_surgeon_7(
        trial_id=["a", "a"], label=label, prob_success=[0.5, 0.5], threshold=[0.5, 0.5], seed=seed, fold=[1, 2]
    )
    with pytest.raises(RunError, match=message):
        pool(done, rows)


def test_folds_without_results_are_named(tmp_path: Path, shared_data_folder: Path) -> None:
    run = write_cross_validation(tmp_path / "cv", shared_data_folder, done=1)
    with pytest.raises(RunError, match="Fold fold-2 of cv has no results yet"):
        finish_cross_validation(run)


def test_scores_that_are_not_defined_do_not_count_in_the_spread() -> None:
    assert spread([None, 0.5]) is None
    assert spread([0.5, None, 1.0]) == {
        "count": 2,
        "mean": 0.75,
        "standard_deviation": pytest.approx(0.3535534),
        "lowest": 0.5,
        "highest": 1.0,
    }


@pytest.mark.slow
@pytest.mark.parametrize("target", [NUMBER, CLASSES])
def test_other_targets_are_pooled_by_the_mean_of_their_seeds(tmp_path: Path, target: str) -> None:
    data = write_target_dataset(tmp_path / "data")
    run = write_target_cross_validation(tmp_path / "cv", data, target, repeats=2)
    predictions, metrics = run.read_predictions(), run.read_metrics()
    columns = ["predicted"] if target == NUMBER else ["prob_Fair", "prob_good", "prob_poor"]
    tested = pd.concat(fold.run.read_predictions().query("split == 'test'") for fold in folds_of(run))
    assert set(tested["trial_id"].value_counts()) == {2}
    means = tested.groupby("trial_id")[columns].mean().loc[predictions["trial_id"]]
    assert predictions[columns].to_numpy() == pytest.approx(means.to_numpy())
    if target == CLASSES:
        names = predictions[columns].idxmax(axis=1).str.removeprefix("prob_")
        assert predictions["predicted"].tolist() == names.tolist()
    assert metrics["n"] == len(predictions) == 23
    assert run.read_target().column == target
    found = metrics["cross_validation"]
    folds = [fold.run.read_metrics() for fold in folds_of(run)]
    assert [row["scores"] for row in found["folds"]] == [metrics["scores"] for metrics in folds]
    main = [row["scores"][metrics["main"]] for row in found["folds"]]
    assert found["over_folds"][metrics["main"]]["lowest"] == min(main)
    assert [(row["seed"], row["n"], row["surgeons"]) for row in found["seeds"]] == [(0, 23, 12), (1, 23, 12)]
    controls = {row["key"]: row for row in metrics["controls"]}
    assert all(len(row["predicted"]) == 23 for row in controls.values())
    guesses = pd.concat(
        pd.Series(row["predicted"], index=[trial["trial_id"] for trial in fold["trials"]])
        for fold in folds
        for row in fold["controls"]
        if row["key"] == "colour"
    )
    if target == NUMBER:
        means = guesses.groupby(level=0).mean().loc[predictions["trial_id"]]
        assert controls["colour"]["predicted"] == pytest.approx(means.tolist())


def test_a_number_that_differs_between_folds_is_not_pooled(done: RunFolder) -> None:
    rows = pd.DataFrame({"trial_id": ["a", "a"], "label": [1.0, 2.0], "predicted": 1.0, "seed": [0, 1], "fold": [1, 2]})
    with pytest.raises(RunError, match="the outcome of trial a differs between folds"):
        pool_target(done, rows.assign(participant_id="7"), Target("blood_loss", "Blood loss", "mL"))


@pytest.mark.slow
def test_folds_of_another_target_are_not_pooled(tmp_path: Path) -> None:
    data = write_target_dataset(tmp_path / "data")
    run = write_target_cross_validation(tmp_path / "cv", data, NUMBER)
    first, second, *_ = folds_of(run)
    first.run.write_metrics(second.run.read_metrics())
    first.run.target_file.unlink()
    with pytest.raises(RunError, match="the target success differs between folds"):
        finish_cross_validation(run)
