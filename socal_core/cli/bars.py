"""Progress on a terminal."""

import sys

from tqdm import tqdm

from socal_core.runs.events import line_of
from socal_core.runs.files.event_types import Event


class Bar:
    """A progress bar on a terminal's stderr; silent elsewhere. `show(done, total)` moves it."""

    def __init__(self, text: str) -> None:
        self._bar = tqdm(desc=text, total=0, disable=not sys.stderr.isatty(), leave=False)

    def __enter__(self) -> "Bar":
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.close()

    def show(self, done: int, total: int) -> None:
        """Move the bar."""
        self._bar.total = total
        self._bar.update(done - self._bar.n)


class StageBar:
    """A bar for each stage of some work; `show(stage, done, total)` moves it."""

    def __init__(self) -> None:
        self._bar: Bar | None = None
        self._stage = ""

    def __enter__(self) -> "StageBar":
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.__exit__()

    def show(self, stage: str, done: int, total: int) -> None:
        """Move the bar of this stage; another stage's is closed."""
        if self._bar is None or stage != self._stage:
            if self._bar is not None:
                self._bar.__exit__()
            self._bar, self._stage = Bar(stage), stage
        self._bar.show(done, total)


class TrainingBar:
    """A run's events on stderr: a bar for each stage on a terminal, else a line; a line for each epoch anywhere."""

    def __init__(self) -> None:
        self._stages = StageBar()
        self._told = ""

    def __enter__(self) -> "TrainingBar":
        return self

    def __exit__(self, *error: object) -> None:
        self._stages.__exit__()

    def show(self, event: Event) -> None:
        """Show one event."""
        if event["type"] == "stage":
            self._stages.show(event["stage"], event["done"], event["total"])
            if event["stage"] != self._told and not sys.stderr.isatty():
                tqdm.write(event["stage"], file=sys.stderr)  # such as that it waits for another run
            self._told = event["stage"]
        elif event["type"] == "step":
            self._stages.show(f"Epoch {event['epoch']} of {event['epochs']}", event["step"], event["steps"])
        elif event["type"] in {"epoch", "fold", "head", "notice"}:
            tqdm.write(line_of(event), file=sys.stderr)
