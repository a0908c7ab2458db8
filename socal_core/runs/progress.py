"""How far a run is, how long it will take, and what it takes of the machine: derived from its events."""

from dataclasses import dataclass, replace
from itertools import takewhile

from socal_core.runs.files.event_types import EpochEvent, Event, StepEvent

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
    last = next((event for event in reversed(events) if event["type"] in _STAGES), None)
    if last is None:
        return RunProgress("Starting: loading PyTorch", 0.0, None)
    if last["type"] == "fold":
        text = f"Choosing encoders and statistics: inner fold {last['fold']} of {last['folds']} done"
        return RunProgress(text, last["fold"] / last["folds"], None)
    epochs = [event for event in events if event["type"] == "epoch"]
    trained = next((event for event in reversed(events) if event["type"] == "step" or event["type"] == "epoch"), None)
    progress = RunProgress("", 0.0, None) if trained is None else _of_training(trained, epochs, events)
    if last["type"] == "stage":
        return replace(progress, text=last["stage"], fraction=last["done"] / max(1, last["total"]), seconds_left=None)
    return progress


def _of_training(last: StepEvent | EpochEvent, epochs: list[EpochEvent], events: list[Event]) -> RunProgress:
    """Where training is, from its last event."""
    total = last["epochs"]
    if last["type"] == "step":
        done = last["epoch"] - 1 + last["step"] / last["steps"]
        text = f"Epoch {last['epoch']} of {total}, step {last['step']} of {last['steps']}"
    else:
        done = float(last["epoch"])
        text = f"Epoch {last['epoch']} of {total} done"
    seconds = [epoch["seconds"] for epoch in epochs[-EPOCHS_FOR_SPEED:]]
    epoch_seconds = sum(seconds) / len(seconds) if seconds else _seconds_by_steps(events)
    return RunProgress(
        text,
        fraction=done / total,
        seconds_left=None if epoch_seconds is None else epoch_seconds * (total - done),
        # Runs of an earlier version did not measure these two.
        data_wait=_last([epoch.get("data_wait") for epoch in epochs]),
        clips_per_second=_last([epoch.get("clips_per_second") for epoch in epochs]),
        epoch=last["epoch"],
        epochs=total,
        learning_rate=last["learning_rate"],
    )


def _last(values: list[float | None]) -> float | None:
    """The last value that is there."""
    return next((value for value in reversed(values) if value is not None), None)


def machine_use(events: list[Event]) -> MachineUse | None:
    """What the run took of the machine when it was last looked at, None before that."""
    last = next((event for event in reversed(events) if event["type"] == "machine"), None)
    if last is None:
        return None
    return MachineUse(
        cpu_percent=last["cpu_percent"],
        memory_mb=last["memory_mb"],
        memory_total_mb=last["memory_total_mb"],
        gpu_percent=last["gpu_percent"],
        gpu_memory_mb=last["gpu_memory_mb"],
        gpu_memory_total_mb=last["gpu_memory_total_mb"],
    )


_STAGES = {"stage", "step", "epoch", "fold"}


def _seconds_by_steps(events: list[Event]) -> float | None:
    """How long the first epoch may take, by the time between its steps; its validation is not known yet."""
    since = takewhile(lambda event: event["type"] != "started", reversed(events))  # a pause before a resume is no work
    steps = [event for event in since if event["type"] == "step"]
    if len(steps) < 2:
        return None
    newest, oldest = steps[0], steps[-1]
    return (newest["time"] - oldest["time"]) / (len(steps) - 1) * newest["steps"]
