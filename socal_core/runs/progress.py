"""The progress of a run, its remaining time and its use of the machine, derived from its events."""

from dataclasses import dataclass, replace
from itertools import pairwise, takewhile

from socal_core.runs.files.event_types import EpochEvent, Event, StepEvent

EPOCHS_FOR_SPEED = 5
"""Number of recent epochs from which the remaining time is estimated."""


@dataclass(frozen=True)
class RunProgress:
    """What a run is doing now."""

    text: str
    """The current stage, such as `Epoch 3 of 40`."""
    fraction: float
    """The fraction of the stage that is done, 0 to 1."""
    seconds_left: float | None
    """The time until training ends if it does not stop early; None before it can be estimated."""
    data_wait: float | None = None
    """The fraction of the training time of the last epoch spent waiting for clips, 0 to 1; None if not measured."""
    epoch: int | None = None
    """The current epoch, counted from 1, or the last one trained; None before the first step."""
    epochs: int | None = None
    """The largest number of epochs."""
    clips_per_second: float | None = None
    """Clips per second in the training of the last epoch; None if not measured."""
    learning_rate: float | None = None
    """The learning rate of the last step."""
    val_accuracy: float | None = None
    """The accuracy on the validation trials after the last epoch; None for a number."""
    val_rmse: float | None = None
    """The root mean squared error on the validation trials after the last epoch; None for classes."""


@dataclass(frozen=True)
class MachineUse:
    """A run's use of the machine; None where the system does not report it."""

    cpu_percent: float | None
    """Utilization of all processors, 0 to 100."""
    memory_mb: float | None
    memory_total_mb: float | None
    gpu_percent: float | None
    """Percentage of the time in which the GPU was busy."""
    gpu_memory_mb: float | None
    """GPU memory used by all processes."""
    gpu_memory_total_mb: float | None


def progress_of(events: list[Event]) -> RunProgress:
    """Derive the progress of a run from its events, in order."""
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
    """Return the progress of training, from its last event."""
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
        val_accuracy=_last([epoch.get("val_accuracy") for epoch in epochs]),
        val_rmse=_last([epoch.get("val_rmse") for epoch in epochs]),
    )


def _last(values: list[float | None]) -> float | None:
    """Return the last value that is not None."""
    return next((value for value in reversed(values) if value is not None), None)


def machine_use(events: list[Event]) -> MachineUse | None:
    """Return the last measured use of the machine; None before the first measurement."""
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
    """Estimate the time of the first epoch from the time between its steps, without validation."""
    since = takewhile(lambda event: event["type"] != "started", reversed(events))  # excludes a pause before a resume
    steps = [event for event in since if event["type"] == "step"]
    if len(steps) < 2:
        return None
    # Where the clock of the machine was set back between two steps, their time is unknown.
    known = [gap for later, earlier in pairwise(steps) if (gap := later["time"] - earlier["time"]) >= 0]
    return sum(known) / len(known) * steps[0]["steps"] if known else None
