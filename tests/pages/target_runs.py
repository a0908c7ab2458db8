"""Runs that predict another target than success, and a data folder for them, as the pages need them."""

from pathlib import Path
from typing import Any

from socal_core.dataset.targets import Target
from socal_core.lifecycle.state import RunState, write_status
from socal_core.runs.events import EventLog
from socal_core.runs.folder import RunFolder
from tests import made_target_runs
from tests.factories import write_dataset, write_outcomes

HOSTILE = ["<script>alert(1)</script>", "**bold** [link](https://outside.example)", "😀" + "x" * 300]
GRADES = ["low", "middle", "high"]
TRIALS = 22
LOSSES: list[object] = [*(100.0 + 35 * number for number in range(TRIALS - 2)), "NA", ""]
"""The blood loss of the trials, of which the last two are unknown."""


def write_outcome_data(folder: Path, grades: list[str] = GRADES) -> Path:
    """Write the data of `write_dataset` for 22 trials, with their blood loss and the columns grade and notes."""
    data = write_dataset(folder, surgeons=TRIALS // 2, frames=4)
    grade: list[object] = [grades[number % len(grades)] for number in range(TRIALS)]
    notes: list[object] = [f"note {number} about it" for number in range(TRIALS)]
    return write_outcomes(data, blood_loss=LOSSES, grade=grade, notes=notes)


def write_target_run(
    path: Path, data: Path, column: str, state: RunState = RunState.DONE, epochs: int = 3
) -> RunFolder:
    """Write a run that trained some epochs; one that is done has predictions and metrics."""
    run = made_target_runs.write_target_run(path, data, column, test_fraction=0.4)
    run.events_file.unlink()
    write_target_events(run, run.read_target(), epochs)
    if state is not RunState.DONE:
        run.predictions_file.unlink()
        run.metrics_file.unlink()
        write_status(run, state, "Stopped by the user." if state is RunState.STOPPED else "")
    return run


def write_target_events(run: RunFolder, target: Target, epochs: int) -> None:
    """Append the events of some epochs of ten: a number has the validation RMSE, classes accuracy and AUROC."""
    log = EventLog(run.events_file)
    log.append("started", epoch=0)
    for epoch in range(1, epochs + 1):
        log.append("step", epoch=epoch, epochs=10, step=1, steps=1, loss=1.0 / epoch, learning_rate=1e-3)
        score = {"val_accuracy": 0.4 + 0.1 * epoch, "val_auroc": 0.6}
        scores: dict[str, Any] = {"val_rmse": 400.0 / epoch} if target.is_number else score
        losses = {"train_loss": 1.1 / epoch, "val_loss": 1.2 / epoch}
        log.append("epoch", epoch=epoch, epochs=10, **losses, **scores, learning_rate=1e-3, seconds=2.0, best=True)
