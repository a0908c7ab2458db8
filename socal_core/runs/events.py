"""What happened in a run, as lines of JSON: appended by the worker, read while it writes.

Every event has `type` and `time` (seconds since 1970). The types, with their further fields:

    started   epoch, step (epochs, and steps of the next, that are done where training goes on; 0 for a new run)
    stage     stage (text for the user), done, total
    step      epoch, epochs, step, steps, loss (mean over the batch's clips, each times its class weight), learning_rate
    epoch     epoch, epochs, train_loss (class-weighted mean over the training trials), val_loss (the same over the
              validation trials), val_accuracy, val_auroc (None with one class), learning_rate, seconds,
              val_accuracy_low, val_accuracy_high, val_auroc_low, val_auroc_high (ends of 95 % intervals),
              clips_per_second (in training), data_wait (share of the training time spent on waiting for clips, 0 to
              1), best (whether it has the lowest validation loss so far)
    fold      fold, folds, surgeons, trials, successes, loss and auroc: an inner fold of a frozen run, with the scores
              in it of the candidate that leads so far (None where the fold cannot be predicted; auroc also where its
              trials end alike)
    head      encoders, loss, auroc: what a frozen run uses, and its scores in the inner cross-validation; table (each
              candidate: encoders, statistics, strength (C), loss, auroc, and whether it is a member of the head),
              clips (per trial), seconds, val_loss, val_accuracy, val_auroc and the ends of their intervals as of an
              epoch
    machine   cpu_percent (share of all processors that the run takes), memory_mb and memory_total_mb (resident memory
              of the run's processes, and the machine's), gpu_percent, gpu_memory_mb, gpu_memory_total_mb (of the first
              GPU; None without one); every few seconds
    notice    message (text for the user)
    ended     state, reason
"""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

Event = dict[str, Any]

EPOCH_FIELDS = (
    "epoch",
    "epochs",
    "train_loss",
    "val_loss",
    "val_accuracy",
    "val_auroc",
    "learning_rate",
    "seconds",
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


class EventLog:
    """Appends events to a file, and hands each to `echo`; a line torn by a crash is closed off first."""

    def __init__(self, path: Path, echo: Callable[[Event], None] | None = None) -> None:
        self._path = path
        self._echo = echo
        if path.is_file() and (content := path.read_bytes()) and not content.endswith(b"\n"):
            self._write(b"\n")

    def append(self, type_: str, **values: Any) -> None:
        """Write one event, in one system call, so that readers and a crash meet whole lines."""
        event = {"type": type_, "time": round(time.time(), 3), **values}
        self._write(json.dumps(event, ensure_ascii=False, allow_nan=False).encode() + b"\n")
        if self._echo is not None:
            self._echo(event)

    def _write(self, line: bytes) -> None:
        handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(handle, line)
        finally:
            os.close(handle)


def read_events(path: Path) -> list[Event]:
    """All whole events of a file in order; torn lines are passed over, no file means none.

    What an interrupted worker did beyond the checkpoint that a later one went on from is left out.
    """
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return []
    events: list[Event] = []
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if not isinstance(event, dict) or "type" not in event:
            continue
        if event["type"] == "started":
            at = (event.get("epoch", 0), event.get("step", 0))
            events = [e for e in events if not _undone(e, *at)]
        events.append(event)
    return events


def _undone(event: Event, epoch: int, step: int) -> bool:
    """Whether a run that goes on after so many epochs, and steps of the next, will do again what the event tells of."""
    if event["type"] == "step":
        return bool((event["epoch"], event["step"]) > (epoch + 1, step))
    if event["type"] in {"fold", "head"}:
        return epoch == 0
    return bool(event["type"] == "epoch" and event["epoch"] > epoch)


def line_of(event: Event) -> str:
    """An event as a line of a log; "" for one of those that come too often."""
    kind = event["type"]
    if kind == "started":
        if event.get("step"):
            return f"Training continues after step {event['step']} of epoch {event['epoch'] + 1}."
        return f"Training continues after epoch {event['epoch']}." if event["epoch"] else "Training begins."
    if kind == "stage":
        return "" if event["done"] else str(event["stage"])
    if kind == "epoch":
        best = ", the best so far" if event["best"] else ""
        return (
            f"Epoch {event['epoch']}: train loss {event['train_loss']:.4f}, validation loss {event['val_loss']:.4f}, "
            f"accuracy {event['val_accuracy']:.1%}{best}"
        )
    if kind == "fold":
        score = "cannot be predicted" if event["loss"] is None else f"log loss {event['loss']:.4f}"
        return f"Inner fold {event['fold']} of {event['folds']}: {event['trials']} trials, {score}"
    if kind == "head":
        return (
            f"Head on {' and '.join(event['encoders'])} features, {sum(row['member'] for row in event['table'])} of "
            f"{len(event['table'])} candidates: inner log loss {event['loss']:.4f}, "
            f"validation loss {event['val_loss']:.4f}"
        )
    if kind == "ended":
        return f"The run {'has' if event['state'] == 'failed' else 'is'} {event['state']}."
    return str(event["message"]) if kind == "notice" else ""


def epochs_table(events: list[Event]) -> pd.DataFrame:
    """One row an epoch, columns EPOCH_FIELDS; empty before the first epoch ends."""
    return _table(events, "epoch", EPOCH_FIELDS)


def steps_table(events: list[Event]) -> pd.DataFrame:
    """One row an optimiser step, columns STEP_FIELDS; empty before the first step."""
    return _table(events, "step", STEP_FIELDS)


def folds_table(events: list[Event]) -> pd.DataFrame:
    """One row an inner fold of a frozen run, columns FOLD_FIELDS; empty before the first."""
    return _table(events, "fold", FOLD_FIELDS)


def head_of(events: list[Event]) -> Event | None:
    """The event that tells of the fitted head of a frozen run; None before there is one."""
    return next((event for event in reversed(events) if event["type"] == "head"), None)


def notices(events: list[Event]) -> list[str]:
    """What the worker wants the user to know, each once, in order."""
    return list(dict.fromkeys(event["message"] for event in events if event["type"] == "notice"))


def _table(events: list[Event], type_: str, columns: tuple[str, ...]) -> pd.DataFrame:
    rows = [[event.get(column) for column in columns] for event in events if event["type"] == type_]
    return pd.DataFrame(rows, columns=list(columns))
