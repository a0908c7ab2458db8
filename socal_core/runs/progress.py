"""How far a run is, and how long it will take: derived from its events."""

from dataclasses import dataclass

from socal_core.runs.events import Event, epochs_table


@dataclass(frozen=True)
class Progress:
    """What a run is doing now."""

    text: str
    """The stage in words, such as `Epoch 3 of 40`."""
    fraction: float
    """Share of the stage that is done, 0 to 1."""
    seconds_left: float | None
    """Time until training ends if every epoch is trained; None before the first epoch ended."""
    data_wait: float | None = None
    """Share of the last epoch's training, 0 to 1, that was spent on waiting for clips; None when nobody measured it."""


def progress_of(events: list[Event]) -> Progress:
    """Where the run is, from its events in order."""
    last = next((e for e in reversed(events) if e["type"] in {"stage", "step", "epoch"}), None)
    if last is None:
        return Progress("Starting: loading PyTorch", 0.0, None)
    if last["type"] == "stage":
        return Progress(last["stage"], last["done"] / max(1, last["total"]), None)
    epochs = epochs_table(events)
    if last["type"] == "step":
        total, done = last["epochs"], last["epoch"] - 1 + last["step"] / last["steps"]
        text = f"Epoch {last['epoch']} of {total}, step {last['step']} of {last['steps']}"
    else:
        total, done = last["epochs"], float(last["epoch"])
        text = f"Epoch {last['epoch']} of {total} done"
    left = None if epochs.empty else float(epochs["seconds"].tail(5).mean() * (total - done))
    waits = epochs["data_wait"].dropna()  # runs of an earlier version have none
    return Progress(text, done / total, left, None if waits.empty else float(waits.iloc[-1]))
