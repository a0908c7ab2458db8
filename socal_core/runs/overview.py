"""Summaries of runs for the table of runs, and the settings in which runs differ."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

import pandas as pd

from socal_core.dataset.targets import SUCCESS_TARGET, Target
from socal_core.errors import ConfigError, RunError
from socal_core.presets.preset import SUCCESS
from socal_core.runs.cross_validation import evaluated_folds
from socal_core.runs.events import epochs_table, head_of, read_events
from socal_core.runs.files.event_types import Event, HeadEvent
from socal_core.runs.files.metrics_file import AnyMetrics
from socal_core.runs.files.records import NOTES, STATUS
from socal_core.runs.folder import RunFolder
from socal_core.runs.notes import RunNotes, read_notes
from socal_core.settings import SETTINGS, TrainConfig, applicable_settings

_DAMAGED = (RunError, ConfigError)
"""What files of a run raise that are missing or damaged. Too many open files say nothing about the run."""


@dataclass(frozen=True)
class RunSummary:
    """What the table of runs shows of a run, except its state, which may change at any time."""

    run: RunFolder
    config: TrainConfig | None
    """The settings; None if they cannot be read, for the reason in `problem`."""
    data: Path | None
    notes: RunNotes = field(default_factory=RunNotes)
    epochs: pd.DataFrame = field(default_factory=lambda: epochs_table([]))
    """The table of epochs (runs/events.py)."""
    head: HeadEvent | None = None
    """The `head` event of a frozen run; None before the head is fitted."""
    started: float | None = None
    """Time of the first start, in seconds since 1970."""
    folds: tuple[int, int] | None = None
    """The number of evaluated folds and of all folds of a cross-validation; None for an ordinary run."""
    seconds: float = 0.0
    """Working time over all starts, up to the last event."""
    metrics: AnyMetrics | None = None
    """Metrics on the test trials; None before the run is evaluated."""
    target: Target = SUCCESS_TARGET
    """What the run predicts; for another target than success only its column is known before training starts."""
    problem: str = ""
    """A message for the user about the files that cannot be read."""

    @property
    def best(self) -> tuple[float, int | None] | None:
        """The lowest validation loss and its epoch; None before there is a loss. A frozen run has no epochs."""
        if self.head is not None:
            return self.head["val_loss"], None
        losses = pd.to_numeric(self.epochs["val_loss"], errors="coerce")
        if losses.isna().all():
            return None
        at = int(losses.argmin())
        return float(losses.iloc[at]), int(self.epochs["epoch"].iloc[at])


def summary_of(run: RunFolder, read: Callable[[], list[Event]] | None = None) -> RunSummary:
    """Read the summary of a run; damaged files are left out and named in `problem`.

    Args:
        run: The run.
        read: Reads its events; None reads them from the file.

    Raises:
        TooManyFilesError: Too many files are open.
    """
    notes = read_notes(run)
    try:
        summary = RunSummary(run, run.read_config(), run.read_data(), notes, folds=evaluated_folds(run))
    except _DAMAGED as error:
        return RunSummary(run, None, None, notes, problem=f"{error} This one can be deleted: the trash keeps it.")
    problems, metrics, target = _problems_of_records(run), None, _target_in(summary.config)
    try:
        target = run.read_target() if run.target_file.exists() else target
        metrics = run.read_metrics()
    except _DAMAGED as error:
        problems.append(str(error))
    try:
        events = read() if read is not None else read_events(run.events_file)
    except _DAMAGED as error:
        events = []
        problems.append(f"{error} Its curves are lost.")
    return replace(
        summary,
        epochs=epochs_table(events),
        head=head_of(events),
        started=events[0]["time"] if events else None,
        seconds=seconds_at_work(events),
        metrics=metrics,
        target=target,
        problem=" ".join(problems),
    )


def _problems_of_records(run: RunFolder) -> list[str]:
    """Return what is wrong with damaged files for which defaults are shown."""
    problems = []
    for record in (STATUS, NOTES):
        try:
            record.read(run.path, f"Run {run.name}")
        except RunError as error:
            problems.append(str(error))
    return problems


def _target_in(config: TrainConfig | None) -> Target:
    """Return what a run is to predict, from its settings."""
    column = SUCCESS if config is None else config.model.target
    return SUCCESS_TARGET if column == SUCCESS else Target(column, column)


def seconds_at_work(events: Sequence[Event]) -> float:
    """Return the working time in seconds: from each start to the last event before the next, without pauses.

    Where the clock of the machine was set back between two events, nothing is added for the time between them.
    """
    steps = ((after["time"] - before["time"], after["type"]) for before, after in pairwise(events))
    return sum((max(0.0, seconds) for seconds, type_ in steps if type_ != "started"), 0.0)


def differing_settings(configs: Sequence[TrainConfig]) -> list[str]:
    """Return the names of the settings in which configurations differ, in the order of the form."""
    applicable = [applicable_settings(config) for config in configs]
    return [name for name in SETTINGS if len({values.get(name) for values in applicable}) > 1]
