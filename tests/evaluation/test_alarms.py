"""socal_core.evaluation.alarms"""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from socal_core.dataset.targets import Target
from socal_core.evaluation.alarm import Alarm, AlarmSeverity
from socal_core.evaluation.alarms import MANY_TESTS, alarms_of, times_tested
from socal_core.evaluation.run_results import RunResults, read_results
from socal_core.lifecycle.state import RunState
from socal_core.runs.folder import RunFolder
from tests.evaluation.made_predictions import draw_predictions, make_predictions
from tests.made_cross_validations import write_cross_validation
from tests.made_runs import write_run


@pytest.fixture
def run(tmp_path: Path, shared_data_folder: Path) -> RunFolder:
    return write_run(tmp_path / "runs" / "run-1", shared_data_folder, skill=0.3)


def results_of(run: RunFolder, predictions: pd.DataFrame, **metrics: Any) -> RunResults:
    """Results without any alarm, except for the predictions and metrics given."""
    harmless = {"n": 40, "accuracy": 0.8, "auroc": 0.85, "task": "prediction", "controls": []}
    return RunResults(run, predictions, {**run.read_metrics(), **harmless, **metrics})


def found(results: RunResults) -> dict[str, Alarm]:
    return {alarm.key: alarm for alarm in alarms_of(results)}


def test_a_run_without_anything_suspicious_has_no_alarm(run: RunFolder) -> None:
    assert alarms_of(results_of(run, draw_predictions(0))) == []


@pytest.mark.parametrize(
    ("scores", "start"),
    [({"accuracy": 1.0, "auroc": 1.0}, "All 40 test trials"), ({"auroc": 1.0}, "The AUROC of the test trials is 1")],
)
def test_a_perfect_score(run: RunFolder, scores: dict[str, float], start: str) -> None:
    alarm = found(results_of(run, draw_predictions(0), **scores))["perfect-score"]
    assert alarm.text.startswith(start)


def test_test_surgeons_in_training(run: RunFolder) -> None:
    test = draw_predictions(0)
    for split in ("train", "validation"):
        other = make_predictions([1, 0, 1], [0.5] * 3, ["3", "5", "new"], split)
        alarm = found(results_of(run, pd.concat([test, other])))["surgeons-in-training"]
        assert alarm.severity is AlarmSeverity.SERIOUS
        assert alarm.text.startswith("2 of 20 test surgeons also")
    unknown = make_predictions([1, 0], [0.5] * 2, ["", ""], "train")
    assert found(results_of(run, pd.concat([test.assign(participant_id=""), unknown]))) == {}


@pytest.mark.parametrize(
    ("window", "auroc", "alarmed"),
    [
        ("whole", 0.97, True),
        ("0:-10", 0.97, True),
        ("whole", 0.9, False),
        ("whole", None, False),
        ("0:60", 0.97, False),
    ],
)
def test_the_length_of_whole_trials(
    tmp_path: Path, shared_data_folder: Path, window: str, auroc: float | None, alarmed: bool
) -> None:
    run = write_run(tmp_path / "run", shared_data_folder, window=window)
    results = results_of(run, draw_predictions(0), controls=[{"key": "length", "auroc": auroc}])
    assert ("length" in found(results)) is alarmed
    if alarmed:
        assert "an AUROC of 0.97" in found(results)["length"].text
    assert "length" not in found(results_of(run, draw_predictions(0), controls=[{"name": "of an earlier version"}]))


def test_recognition_and_few_trials(run: RunFolder) -> None:
    results = results_of(run, draw_predictions(0), task="recognition", share_ending_inside=0.9, n=8)
    alarms = alarms_of(results)
    assert [alarm.key for alarm in alarms] == ["recognition", "few-test-trials"]
    assert "90% of the trials end" in alarms[0].text
    assert "a single one changes the accuracy by 12 percentage points" in alarms[1].text
    assert alarms[1].as_dict() == {"key": "few-test-trials", "severity": "caution", "text": alarms[1].text}


@pytest.mark.slow
def test_runs_tested_on_the_same_trials_are_counted(run: RunFolder, shared_data_folder: Path) -> None:
    root = run.path.parent
    assert times_tested(run) == 1
    write_run(root / "run-2", shared_data_folder, skill=0.1)
    write_run(root / "other-trials", shared_data_folder, seed=1)
    write_run(root / "not-done", shared_data_folder, RunState.STOPPED)
    write_run(root / "other-target", shared_data_folder).write_target(Target("tth", "Time", "s"))
    other_data = shutil.copytree(shared_data_folder, root.parent / "copy")
    write_run(root / "other-data", other_data)
    write_run(root / "damaged", shared_data_folder).split_file.write_text("{")
    assert times_tested(run) == 2
    alarm = found(results_of(run, draw_predictions(0)))["repeated-tests"]
    assert alarm.severity is AlarmSeverity.NOTE
    assert alarm.text.startswith("2 runs were tested on these 40 trials")
    for number in range(MANY_TESTS - 2):
        shutil.copytree(root / "run-2", root / f"more-{number}")
    assert times_tested(run) == MANY_TESTS
    assert found(results_of(run, draw_predictions(0)))["repeated-tests"].severity is AlarmSeverity.CAUTION


def test_a_split_that_cannot_be_read_counts_as_one(run: RunFolder) -> None:
    run.split_file.unlink()
    assert times_tested(run) == 1


def test_the_most_severe_come_first(run: RunFolder) -> None:
    test = draw_predictions(0)
    results = results_of(run, pd.concat([test, test[:2].assign(split="train")]), n=5)
    assert [alarm.severity for alarm in alarms_of(results)] == [AlarmSeverity.SERIOUS, AlarmSeverity.CAUTION]


@pytest.mark.slow
def test_runs_as_they_are_on_disk(tmp_path: Path, shared_data_folder: Path) -> None:
    """Random splits share surgeons; folds do not, and are not counted beside their cross-validation."""
    single = write_run(tmp_path / "random", shared_data_folder, split_method="random", test_fraction=0.4)
    assert "surgeons-in-training" in found(read_results(single))
    pooled = read_results(write_cross_validation(tmp_path / "cv", shared_data_folder))
    assert set(found(pooled)) <= {"perfect-score", "recognition"}
    assert set(found(replace(pooled, metrics={**pooled.metrics, "accuracy": 0.9, "auroc": 0.9}))) <= {"recognition"}
