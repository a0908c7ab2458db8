"""The events of a run, one line of JSON each. The worker appends them, and others read them meanwhile.

`files/event_types.py` declares the fields of each type of event.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from socal_core.errors import RunError
from socal_core.file_handles import handles_explained, os_reason
from socal_core.runs.event_log import EventLog as EventLog
from socal_core.runs.files.event_types import EpochEvent, Event, FoldEvent, HeadEvent, StepEvent, event_in

EPOCH_FIELDS = (
    "epoch",
    "epochs",
    "train_loss",
    "val_loss",
    "val_rmse",
    "val_accuracy",
    "val_auroc",
    "learning_rate",
    "seconds",
    "val_rmse_low",
    "val_rmse_high",
    "val_accuracy_low",
    "val_accuracy_high",
    "val_auroc_low",
    "val_auroc_high",
    "clips_per_second",
    "data_wait",
    "best",
)
FOLD_FIELDS = ("fold", "folds", "surgeons", "trials", "successes", "loss", "auroc")
STEP_FIELDS = ("epoch", "epochs", "step", "steps", "loss", "learning_rate")


def read_events(path: Path) -> list[Event]:
    """Read all events of a file, in order.

    Incomplete lines are skipped, and so are events of an interrupted worker after the checkpoint from which a later
    worker continued.

    Args:
        path: `events.jsonl` in the folder of a run.

    Returns:
        The events; none if there is no file.

    Raises:
        RunError: The file cannot be read, a field of an event is missing or wrong, or a newer version of the app wrote
            the file.
        TooManyFilesError: Too many files are open.
    """
    owner, events = f"Run {path.parent.name}", list[Event]()
    try:
        with handles_explained():
            lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RunError(f"{owner}: {path.name} cannot be read: {os_reason(error)}.") from None
    for line in lines:
        event = event_in(line, owner)
        if event is None:
            continue
        if event["type"] == "started":
            at = (event["epoch"], event.get("step", 0))
            events = [e for e in events if not _undone(e, *at)]
        events.append(event)
    return events


def _undone(event: Event, epoch: int, step: int) -> bool:
    """Whether a run that continues after these epochs, and steps of the next epoch, repeats the work of the event."""
    if event["type"] == "step":
        return (event["epoch"], event["step"]) > (epoch + 1, step)
    if event["type"] == "fold" or event["type"] == "head":
        return epoch == 0
    return event["type"] == "epoch" and event["epoch"] > epoch


def line_of(event: Event) -> str:
    """Format an event as a line of a log; "" for types of events that are too frequent."""
    if event["type"] == "started":
        if event.get("step"):
            return f"Training continues after step {event['step']} of epoch {event['epoch'] + 1}."
        return f"Training continues after epoch {event['epoch']}." if event["epoch"] else "Training begins."
    if event["type"] == "stage":
        return "" if event["done"] else event["stage"]
    if event["type"] == "epoch":
        best = ", the best so far" if event["best"] else ""
        score = f"RMSE {event['val_rmse']:.4g}" if "val_rmse" in event else f"accuracy {event['val_accuracy']:.1%}"
        return (
            f"Epoch {event['epoch']}: train loss {event['train_loss']:.4f}, validation loss {event['val_loss']:.4f}, "
            f"{score}{best}"
        )
    if event["type"] == "fold":
        score = "cannot be predicted" if event["loss"] is None else f"loss {event['loss']:.4f}"
        return f"Inner fold {event['fold']} of {event['folds']}: {event['trials']} trials, {score}"
    if event["type"] == "head":
        return (
            f"Head on {' and '.join(event['encoders'])} features, {sum(row['member'] for row in event['table'])} of "
            f"{len(event['table'])} candidates: inner loss {event['loss']:.4f}, "
            f"validation loss {event['val_loss']:.4f}"
        )
    if event["type"] == "ended":
        return f"The run {'has' if event['state'] == 'failed' else 'is'} {event['state']}."
    return str(event["message"]) if event["type"] == "notice" else ""


def epochs_table(events: list[Event]) -> pd.DataFrame:
    """Return a table with one row per epoch and the columns EPOCH_FIELDS; empty before the first epoch ends."""
    return _table([event for event in events if event["type"] == "epoch"], EPOCH_FIELDS)


def steps_table(events: Sequence[Event]) -> pd.DataFrame:
    """Return a table with one row per step and the columns STEP_FIELDS; empty before the first step."""
    return _table([event for event in events if event["type"] == "step"], STEP_FIELDS)


def folds_table(events: list[Event]) -> pd.DataFrame:
    """Return a table with one row per inner fold and the columns FOLD_FIELDS; empty before the first fold ends."""
    return _table([event for event in events if event["type"] == "fold"], FOLD_FIELDS)


def head_of(events: list[Event]) -> HeadEvent | None:
    """Return the `head` event of a frozen run; None before the head is fitted."""
    return next((event for event in reversed(events) if event["type"] == "head"), None)


def notices(events: list[Event]) -> list[str]:
    """Return the messages of the `notice` events in order, without duplicates."""
    return list(dict.fromkeys(event["message"] for event in events if event["type"] == "notice"))


def _table(events: Sequence[EpochEvent | StepEvent | FoldEvent], columns: tuple[str, ...]) -> pd.DataFrame:
    return pd.DataFrame([[event.get(column) for column in columns] for event in events], columns=list(columns))
