"""Progress bars on a terminal."""

import sys

from tqdm import tqdm

from socal_core.runs.events import line_of
from socal_core.runs.files.event_types import Event


class Bar:
    """A progress bar on stderr, which appears only on a terminal. `show(done, total)` updates it."""

    def __init__(self, text: str) -> None:
        self._bar = tqdm(desc=text, total=0, disable=not sys.stderr.isatty(), leave=False)

    def __enter__(self) -> "Bar":
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.close()

    def show(self, done: int, total: int) -> None:
        """Update the bar."""
        self._bar.total = total
        self._bar.update(done - self._bar.n)


class StageBar:
    """One progress bar per stage of some work. `show(stage, done, total)` updates it."""

    def __init__(self) -> None:
        self._bar: Bar | None = None
        self._stage = ""

    def __enter__(self) -> "StageBar":
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.__exit__()

    def show(self, stage: str, done: int, total: int) -> None:
        """Update the bar of this stage, and close the bar of an earlier stage."""
        if self._bar is None or stage != self._stage:
            if self._bar is not None:
                self._bar.__exit__()
            self._bar, self._stage = Bar(stage), stage
        self._bar.show(done, total)


class TrainingBar:
    """The events of a run on stderr: one line per epoch, and one bar per stage on a terminal, else one line."""

    def __init__(self) -> None:
        self._stages = StageBar()
        self._shown = ""

    def __enter__(self) -> "TrainingBar":
        return self

    def __exit__(self, *error: object) -> None:
        self._stages.__exit__()

    def show(self, event: Event) -> None:
        """Show an event."""
        if event["type"] == "stage":
            self._stages.show(event["stage"], event["done"], event["total"])
            if event["stage"] != self._shown and not sys.stderr.isatty():
                tqdm.write(event["stage"], file=sys.stderr)
            self._shown = event["stage"]
        elif event["type"] == "step":
            self._stages.show(f"Epoch {event['epoch']} of {event['epochs']}", event["step"], event["steps"])
        elif event["type"] in {"epoch", "fold", "head", "notice"}:
            tqdm.write(line_of(event), file=sys.stderr)
