"""How far a run is, how long it will take, and what it takes of the machine: derived from its events."""

from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from socal_core.runs.events import Event

EPOCHS_FOR_SPEED = 5
"""The time left is told from so many epochs."""


@dataclass(frozen=True)
class RunProgress:
    """What a run is doing now."""

    text: str
    """The stage in words, such as `Epoch 3 of 40`."""
    fraction: float
    """Share of the stage that is done, 0 to 1."""
    seconds_left: float | None
    """Time until training ends if every epoch is trained; None before there is anything to tell it from."""
    data_wait: float | None = None
    """Share of the last epoch's training, 0 to 1, that was spent on waiting for clips; None when nobody measured it."""
    epoch: int | None = None
    """The epoch at work, counted from 1, or the last one trained; None before the first step."""
    epochs: int | None = None
    """The most epochs allowed."""
    clips_per_second: float | None = None
    """In the last epoch's training; None when nobody measured it."""
    learning_rate: float | None = None
    """Of the last step."""


@dataclass(frozen=True)
class MachineUse:
    """What a run takes of its machine; None is what nobody could tell."""

    cpu_percent: float | None
    """Of all processors, 0 to 100."""
    memory_mb: float | None
    memory_total_mb: float | None
    gpu_percent: float | None
    """Of the time."""
    gpu_memory_mb: float | None
    """Taken by anybody."""
    gpu_memory_total_mb: float | None


def progress_of(events: list[Event]) -> RunProgress:
    """Where the run is, from its events in order."""
    last = next((e for e in reversed(events) if e["type"] in {"stage", "step", "epoch", "fold"}), None)
    if last is None:
        return RunProgress("Starting: loading PyTorch", 0.0, None)
    epochs = [e for e in events if e["type"] == "epoch"]
    if last["type"] == "fold":
        text = f"Choosing encoders and statistics: inner fold {last['fold']} of {last['folds']} done"
        return RunProgress(text, last["fold"] / last["folds"], None)
    trained = last if last["type"] != "stage" else next((e for e in reversed(events) if e["type"] in _TRAINING), {})
    told: dict[str, Any] = {
        "data_wait": _last_of(epochs, "data_wait"),
        "epoch": trained.get("epoch"),
        "epochs": trained.get("epochs"),
        "clips_per_second": _last_of(epochs, "clips_per_second"),
        "learning_rate": trained.get("learning_rate"),
    }
    if last["type"] == "stage":
        return RunProgress(last["stage"], last["done"] / max(1, last["total"]), None, **told)
    total = last["epochs"]
    if last["type"] == "step":
        done = last["epoch"] - 1 + last["step"] / last["steps"]
        text = f"Epoch {last['epoch']} of {total}, step {last['step']} of {last['steps']}"
    else:
        done = float(last["epoch"])
        text = f"Epoch {last['epoch']} of {total} done"
    seconds = [e["seconds"] for e in epochs[-EPOCHS_FOR_SPEED:]]
    epoch_seconds = sum(seconds) / len(seconds) if seconds else _seconds_by_steps(events)
    left = None if epoch_seconds is None else epoch_seconds * (total - done)
    return RunProgress(text, done / total, left, **told)


def machine_use(events: list[Event]) -> MachineUse | None:
    """What the run took of the machine when it was last looked at, None before that."""
    last = next((e for e in reversed(events) if e["type"] == "machine"), None)
    return None if last is None else MachineUse(**{name: last.get(name) for name in MachineUse.__dataclass_fields__})


_TRAINING = {"step", "epoch"}


def _last_of(epochs: list[Event], field: str) -> float | None:
    """The last epoch's value that is there: runs of an earlier version have none."""
    return next((e[field] for e in reversed(epochs) if e.get(field) is not None), None)


def _seconds_by_steps(events: list[Event]) -> float | None:
    """How long the first epoch may take, by the time between its steps; its validation is not known yet."""
    since = takewhile(lambda event: event["type"] != "started", reversed(events))  # a pause before a resume is no work
    steps = [e for e in since if e["type"] == "step"]
    if len(steps) < 2 or "time" not in steps[0]:
        return None
    newest, oldest = steps[0], steps[-1]
    return float((newest["time"] - oldest["time"]) / (len(steps) - 1) * newest["steps"])
