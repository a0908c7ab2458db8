"""Runs that an earlier version wrote (tests/data/old_run) open, go on and evaluate as they did then.

The folder holds three runs on `write_dataset(...)` with a VideoMAE of a few thousand weights: a fine-tuned one that is
done, the same one stopped after the first step of its second epoch, and one with frozen features. Paths of data and
model are written as DATA and MODEL.
"""

import json
import math
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from socal_core.cli import main
from socal_core.lifecycle.state import RunState, RunStatus, read_status
from socal_core.runs.checkpoint_folders import best_checkpoint, list_checkpoints, newest_checkpoint
from socal_core.runs.events import epochs_table, folds_table, head_of, read_events, steps_table
from socal_core.runs.folder import RunFolder
from socal_core.runs.notes import RunNotes, read_notes
from socal_core.training.worker import work

EARLIER = Path(__file__).resolve().parents[1] / "data" / "old_run"
SAME = {"rel": 1e-6, "abs": 1e-6}
"""Tolerance for rounding, which depends on threads and processors."""
WORDS = {"description", "name", "verdict", "text", "window", "title"}


@pytest.fixture(params=["finished", "frozen"])
def done(request: pytest.FixtureRequest, tmp_path: Path, shared_data_folder: Path) -> RunFolder:
    return copied(request.param, tmp_path, shared_data_folder)


def copied(name: str, folder: Path, data: Path) -> RunFolder:
    """Copy an earlier run, with the paths of its data and model corrected."""
    run, model = folder / name, folder / "model"
    shutil.copytree(EARLIER / name, run)
    shutil.copytree(EARLIER / "model", model)
    for file in run.glob("*.json*"):
        file.write_text(file.read_text().replace("DATA", str(data)).replace("MODEL", str(model)))
    return RunFolder.open(run)


def numbers(value: Any) -> Any:
    """Return the measured values, without texts."""
    if isinstance(value, dict):
        return {key: numbers(item) for key, item in value.items() if key not in WORDS}
    return [numbers(item) for item in value] if isinstance(value, list | tuple) else value


def assert_same(found: Any, expected: Any) -> None:
    if isinstance(expected, dict):
        assert found.keys() >= expected.keys()  # a later version may add fields
        for key, value in expected.items():
            assert_same(found[key], value)
    elif isinstance(expected, list):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert_same(one, other)
    else:
        assert found == (pytest.approx(expected, **SAME) if isinstance(expected, float) else expected)


def assert_evaluated_as(run: RunFolder, written: dict[str, Any]) -> None:
    """Check the metrics of a run that was evaluated anew: the same scores, and no interval for two surgeons.

    This version has further controls.
    """
    metrics = numbers(run.read_metrics())
    known = [control["key"] for control in written["controls"]]
    metrics["controls"] = [control for control in metrics["controls"] if control["key"] in known]
    intervals = metrics.pop("intervals")
    assert intervals.keys() >= written["intervals"].keys()
    assert set(intervals.values()) == {None}
    assert {control.pop("auroc_interval") for control in metrics["controls"]} == {None}
    expected = {name: value for name, value in numbers(written).items() if name != "intervals"}
    for control in expected["controls"]:
        del control["auroc_interval"]
    assert_same(metrics, expected)


def test_a_finished_run_opens(done: RunFolder) -> None:
    written = json.loads(done.metrics_file.read_text())
    predictions = pd.read_csv(done.predictions_file, dtype={"trial_id": str, "participant_id": str})
    assert read_status(done) == RunStatus(RunState.DONE)
    assert_same(numbers(done.read_metrics()), numbers(written))
    pd.testing.assert_frame_equal(done.read_predictions(), predictions, check_dtype=False)
    split = done.read_split()
    assert (len(split.train), len(split.validation), len(split.test), split.seed) == (12, 4, 4, 0)
    assert best_checkpoint(done) in list_checkpoints(done)


def test_notes_and_events_of_a_fine_tuned_run(tmp_path: Path, shared_data_folder: Path) -> None:
    run = copied("finished", tmp_path, shared_data_folder)
    assert read_notes(run) == RunNotes("Old run", "Made before.", ("a", "b"))
    events = read_events(run.events_file)
    assert len(events) == len(run.events_file.read_text().splitlines())
    assert steps_table(events)[["epoch", "step"]].to_numpy().tolist() == [[e, s] for e in (1, 2) for s in (1, 2, 3)]
    assert epochs_table(events)["best"].tolist() == [True, True]


def test_events_of_a_frozen_run(tmp_path: Path, shared_data_folder: Path) -> None:
    events = read_events(copied("frozen", tmp_path, shared_data_folder).events_file)
    head = head_of(events)
    assert head is not None
    assert len(folds_table(events)) == 5
    assert math.isclose(head["val_loss"], 0.05044808, rel_tol=1e-6)
    assert [row["member"] for row in head["table"]] == [True, False, True]


@pytest.mark.slow
@pytest.mark.parametrize("again", ["finished", "frozen"])
def test_a_finished_run_evaluates_as_it_did(
    tmp_path: Path, shared_data_folder: Path, capsys: pytest.CaptureFixture[str], again: str
) -> None:
    run = copied(again, tmp_path, shared_data_folder)
    written, predicted = json.loads(run.metrics_file.read_text()), run.read_predictions()
    run.metrics_file.unlink()
    run.predictions_file.unlink()
    assert main(["evaluate", str(run.path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["n"] == 4
    assert_evaluated_as(run, written)
    pd.testing.assert_frame_equal(run.read_predictions(), predicted, rtol=1e-6, atol=1e-6)


@pytest.mark.slow
def test_a_stopped_run_resumes_to_the_same_weights(tmp_path: Path, shared_data_folder: Path) -> None:
    run = copied("stopped", tmp_path, shared_data_folder)
    assert read_status(run) == RunStatus(RunState.STOPPED, "Stopped by the user. It can be resumed.")
    assert work(run, resume=True) is RunState.DONE
    newest = newest_checkpoint(run)
    assert newest is not None
    found = load_file(newest / "model.safetensors")
    expected = load_file(EARLIER / "finished" / "checkpoints" / newest.name / "model.safetensors")
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        torch.testing.assert_close(found[name], tensor, rtol=1e-5, atol=1e-6)
    assert_evaluated_as(run, json.loads((EARLIER / "finished" / "metrics.json").read_text()))
    through = [
        epochs_table(read_events(path))[["epoch", "train_loss", "val_loss", "val_auroc", "best"]]
        for path in (run.events_file, EARLIER / "finished" / "events.jsonl")
    ]
    pd.testing.assert_frame_equal(*through, rtol=1e-6, atol=1e-6)
