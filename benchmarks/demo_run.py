"""The run that a new user starts: the default demo, default settings, from start to test metrics.

    python -m benchmarks.demo_run [--demo FOLDER]

Draws the demo where none is named, starts the run as the Training page does, and waits for its metrics. Prints the
seconds of each part.
"""

import argparse
import tempfile
import time
from pathlib import Path

from socal_core.dataset.demo.write import write_demo
from socal_core.runs.config import TINY, default_config
from socal_core.runs.events import read_events
from socal_core.runs.folder import RunFolder
from socal_core.runs.launch import start
from socal_core.runs.state import RunState, read_status


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--demo", type=Path, help="a demo folder; drawn anew without it")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        began = time.perf_counter()
        data = options.demo or write_demo(Path(scratch) / "demo")
        if options.demo is None:
            size = sum(file.stat().st_size for file in data.rglob("*")) / 1e6
            print(f"drawing the demo: {time.perf_counter() - began:.0f} s, {size:.0f} MB")
        run = RunFolder.create(Path(scratch) / "run", default_config(TINY), data)
        began = time.time()
        start(run)
        while read_status(run).state.alive:
            time.sleep(0.5)
        total = time.time() - began
        status, events = read_status(run), read_events(run.events_file)
        if status.state is not RunState.DONE:
            raise SystemExit(f"{status.state}: {status.reason}")
        first_step = next(event["time"] for event in events if event["type"] == "step") - began
        epochs = sum(event["type"] == "epoch" for event in events)
        metrics = run.read_metrics() or {}
        print(f"start to first step: {first_step:.0f} s; {epochs} epochs; start to test metrics: {total:.0f} s")
        print(f"{metrics['n']} test trials, accuracy {metrics['accuracy']:.2f}, AUROC {metrics['auroc']}")


if __name__ == "__main__":
    main()
