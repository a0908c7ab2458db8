"""Trackers, which show the curves of runs: TensorBoard for every run, and one that SOCAL_TRACKER names.

They are fed by the events that a run writes anyway and never by training itself, so they cannot change a result.
"""

import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Protocol, get_args

from socal_core.errors import RunError, SocalError, TooManyFilesError
from socal_core.runs.events import EventLog, read_events
from socal_core.runs.files.event_types import EpochEvent, Event, HeadEvent
from socal_core.runs.files.metrics_file import is_of_success
from socal_core.runs.files.metrics_record import Score
from socal_core.runs.folder import RunFolder
from socal_core.training.optional_trackers import OPTIONAL

TRACKER_VARIABLE = "SOCAL_TRACKER"
"""The environment variable that names a tracker beside TensorBoard."""
EPOCH_SCALARS = ("train_loss", "val_loss", "val_rmse", "val_accuracy", "val_auroc", "learning_rate")
HEAD_SCALARS = {
    "loss": "inner_loss",
    "auroc": "inner_auroc",
    "val_loss": "val_loss",
    "val_rmse": "val_rmse",
    "val_accuracy": "val_accuracy",
    "val_auroc": "val_auroc",
}
"""The names of a head's scores, by the fields of its event."""


class Tracker(Protocol):
    """Records the curves of one run from the moment that training starts or continues."""

    def log(self, values: Mapping[str, float], step: int, seconds: float) -> None:
        """Record values of an epoch.

        Args:
            values: The values by name.
            step: The epoch.
            seconds: The time since 1970.
        """

    def close(self, state: str) -> None:
        """Write what is left, for a run that ended in this state."""


class TensorBoard:
    """Writes the folder `tensorboard/` of a run.

    Each start or resume writes one new file with the whole history, in place of those of earlier processes, so no
    epoch is there twice. The package's own EventFileWriter is not used: it names the file after the machine, needs a
    thread, and loads TensorFlow where that is installed.
    """

    def __init__(self, run: RunFolder) -> None:
        from tensorboard.compat.proto.event_pb2 import Event as Record
        from tensorboard.summary.writer.record_writer import RecordWriter

        self._record, self._writer = Record, RecordWriter
        folder = run.tensorboard_folder
        folder.mkdir(exist_ok=True)
        for old in folder.glob("events.out.tfevents.*"):
            old.unlink()
        now = time.time()
        # Files of event writers are found by this beginning.
        self._file = folder / f"events.out.tfevents.{now:.0f}.{os.getpid()}"
        self._write(Record(wall_time=now, file_version="brain.Event:2"))

    def log(self, values: Mapping[str, float], step: int, seconds: float) -> None:
        """Record values of an epoch."""
        scalars = [{"tag": name, "simple_value": value} for name, value in values.items()]
        self._write(self._record(wall_time=seconds, step=step, summary={"value": scalars}))

    def close(self, state: str) -> None:
        """Do nothing: each record is on disk already."""

    def _write(self, record: Any) -> None:
        # Closed after each record: a killed run loses nothing, and a folder can be moved meanwhile.
        with self._file.open("ab") as file:
            self._writer(file).write(record.SerializeToString())


class TrackedLog:
    """The events of a run, passed on to its trackers."""

    def __init__(self, run: RunFolder, echo: Callable[[Event], None] | None = None) -> None:
        """Open the log of a run.

        Args:
            run: The run.
            echo: Is called with each event after it is written.
        """
        self._run = run
        self._echo = echo
        self._step = 0
        self._trackers: dict[str, Tracker] = {}
        self.append = EventLog(run.events_file, self._hear).append

    def _hear(self, event: Event) -> None:
        if self._echo is not None:
            self._echo(event)
        if event["type"] == "started":
            for name in dict.fromkeys(["tensorboard", os.environ.get(TRACKER_VARIABLE, "").strip()]):
                if name:
                    self._try(name, self._open)
        elif event["type"] == "epoch" or event["type"] == "head":
            self._step, values = scalars_of(event)
            self._log(values, event["time"])
        elif event["type"] == "ended":
            if self._trackers and (values := scores_on_test(self._run)):
                self._log(values, event["time"])
            for name in list(self._trackers):
                self._try(name, self._close, event["state"])

    def _open(self, name: str) -> None:
        """Open a tracker, and give it the history of a run that is resumed."""
        history = read_events(self._run.events_file)
        tracker = self._trackers[name] = _new(name, self._run)
        for event in history:
            if event["type"] == "epoch" or event["type"] == "head":
                self._step, values = scalars_of(event)
                tracker.log(values, self._step, event["time"])

    def _log(self, values: Mapping[str, float], seconds: float) -> None:
        for name in list(self._trackers):
            self._try(name, self._log_to, values, seconds)

    def _log_to(self, name: str, values: Mapping[str, float], seconds: float) -> None:
        self._trackers[name].log(values, self._step, seconds)

    def _close(self, name: str, state: str) -> None:
        self._trackers.pop(name).close(state)

    def _try(self, name: str, act: Callable[..., None], *arguments: Any) -> None:
        """Call `act(name, *arguments)`; if the tracker fails, switch it off and tell the user once."""
        try:
            act(name, *arguments)
        except Exception as error:  # noqa: BLE001 - whatever a tracker does, the run goes on
            tracker = self._trackers.pop(name, None)
            with suppress(Exception):
                if tracker is not None:
                    tracker.close("failed")
            why = str(error) if isinstance(error, SocalError) else f"{type(error).__name__}: {error}"
            with suppress(OSError, TooManyFilesError):
                self.append("notice", message=f"The run goes on without the tracker {name}. {why}")


def _new(name: str, run: RunFolder) -> Tracker:
    if name == "tensorboard":
        return TensorBoard(run)
    if name not in OPTIONAL:
        raise RunError(f"{TRACKER_VARIABLE} must be one of {', '.join(OPTIONAL)}, got {name!r}.")
    return OPTIONAL[name](run)


def scalars_of(event: EpochEvent | HeadEvent) -> tuple[int, dict[str, float]]:
    """Return the epoch that an event is about and its defined scores; the head of a frozen run counts as epoch 1."""
    if event["type"] == "epoch":
        step, scores = event["epoch"], {name: event.get(name) for name in EPOCH_SCALARS}
    else:
        step, scores = 1, {name: event.get(field) for field, name in HEAD_SCALARS.items()}
    return step, {name: value for name, value in scores.items() if isinstance(value, (int, float))}


def scores_on_test(run: RunFolder) -> dict[str, float]:
    """Return the defined test scores of a run, such as `test_auroc`; none before it is evaluated, or if damaged."""
    try:
        metrics = run.read_metrics()
    except SocalError:
        return {}
    if metrics is None:
        return {}
    named = {name: metrics.get(name) for name in get_args(Score)} if is_of_success(metrics) else metrics["scores"]
    return {f"test_{name}": value for name, value in named.items() if isinstance(value, (int, float))}
