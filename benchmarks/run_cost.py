"""What a run spends on being safe and seen: its events, the look at the machine, its checkpoints.

    python -m benchmarks.run_cost [--demo FOLDER] [--epochs N]

A run of the demo with the default settings in this process; what it spends is timed inside it, and given as a share of
the time from the first step to the end of the last epoch. Asked: at most 2 %.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from socal_core.demo.write import write_demo
from socal_core.runs.events import EventLog, read_events
from socal_core.runs.folder import RunFolder
from socal_core.settings import TINY, config_from
from socal_core.training.checkpoint_io import Checkpoints
from socal_core.training.monitor import MachineMeter
from socal_core.training.worker import work


class Timed:
    """Methods that add up the time spent in them."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.calls = 0
        self._inside = False

    def watch(self, owner: type, name: str) -> None:
        """Have a method of a class timed; what it calls of the others is in its time."""
        act = getattr(owner, name)
        setattr(owner, name, lambda *arguments, **named: self._run(act, *arguments, **named))

    def _run(self, act: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        if self._inside:
            return act(*arguments, **named)
        self._inside, started = True, time.perf_counter()
        try:
            return act(*arguments, **named)
        finally:
            self._inside = False
            self.seconds += time.perf_counter() - started
            self.calls += 1


def main() -> None:
    """Train, add up, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--demo", type=Path, help="a demo folder; drawn anew without it")
    parser.add_argument("--epochs", type=int, default=20)
    options = parser.parse_args()
    parts = {name: Timed() for name in ("events", "checkpoints", "machine")}
    parts["events"].watch(EventLog, "append")
    parts["checkpoints"].watch(Checkpoints, "offer")
    parts["checkpoints"].watch(Checkpoints, "write")
    parts["machine"].watch(MachineMeter, "read")
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["SOCAL_WORKSPACE"] = f"{scratch}/workspace"
        data = options.demo or write_demo(Path(scratch) / "demo")
        settings = {"num_epochs": options.epochs, "early_stopping_patience": 1000}
        run = RunFolder.create(Path(scratch) / "run", config_from({"recipe": "finetune", **settings}, TINY), data)
        work(run, resume=False)
        events = [event for event in read_events(run.events_file) if event["type"] in {"step", "epoch"}]
    whole = events[-1]["time"] - events[0]["time"]
    for name, part in parts.items():
        print(f"{name:12} {part.calls:6} times {part.seconds:7.2f} s {part.seconds / whole:7.2%}")
    total = sum(part.seconds for part in parts.values())
    print(f"together {total / whole:.2%} of {whole:.1f} s, asked: at most 2 %")


if __name__ == "__main__":
    main()
