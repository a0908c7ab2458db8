"""Fine-tuning `tiny` on the default demo, from start to test metrics. (frozen_speed.py measures a default run.)

    python -m benchmarks.demo_run [--demo FOLDER]

Draws the demo where none is named, starts the run as the Training page does, and waits for its metrics. Then another
run is started, with the clip cache filled by the first, and stopped at its first step. Prints the seconds of each part,
and what the Training page estimates for an epoch and for memory beside what it took.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

from socal_core.demo.write import write_demo
from socal_core.lifecycle.launch import request_stop, start
from socal_core.lifecycle.state import RunState, read_status
from socal_core.preflight.cost import estimate, measured_speed
from socal_core.preflight.machine import find_gpu, this_machine
from socal_core.runs.events import epochs_table, read_events
from socal_core.runs.folder import RunFolder
from socal_core.settings import TINY, config_from

CONFIG = config_from({"recipe": "finetune"}, TINY)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--demo", type=Path, help="a demo folder; drawn anew without it")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["SOCAL_WORKSPACE"] = f"{scratch}/workspace"
        began = time.perf_counter()
        data = options.demo or write_demo(Path(scratch) / "demo")
        if options.demo is None:
            size = sum(file.stat().st_size for file in data.rglob("*")) / 1e6
            print(f"drawing the demo: {time.perf_counter() - began:.0f} s, {size:.0f} MB")
        run = RunFolder.create(Path(scratch) / "run", CONFIG, data)
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
        compare_estimates(run, Path(scratch))
        print(
            f"start to first step with the cache filled: {seconds_to_first_step(Path(scratch) / 'again', data):.1f} s"
        )


def compare_estimates(run: RunFolder, scratch: Path) -> None:
    """Print the estimates before the first run of a model and after it, beside what that run took."""
    config, split, events = run.read_config(), run.read_split(), read_events(run.events_file)
    sides = [len(side) for side in (split.train, split.validation, split.test)]
    machine = this_machine(scratch, find_gpu())
    first = estimate(config, *sides, machine)
    second = estimate(
        config, *sides, machine, measured_speed([run], config.model.model, config.clip.num_frames, machine.gpu)
    )
    took = epochs_table(events)["seconds"].median()
    memory = max(event["memory_mb"] for event in events if event["type"] == "machine") / 1e3
    print(
        f"an epoch: {took:.2f} s; estimated {first.epoch_seconds:.2f} s before, {second.epoch_seconds:.2f} s after it"
    )
    print(f"memory: at most {memory:.2f} GB; estimated {first.memory / 1e9:.2f} GB")


def seconds_to_first_step(folder: Path, data: Path) -> float:
    """From the start of a run to its first training step; the run is stopped then."""
    run = RunFolder.create(folder, CONFIG, data)
    began = time.time()
    start(run)
    while not (steps := [event["time"] for event in read_events(run.events_file) if event["type"] == "step"]):
        time.sleep(0.1)
    request_stop(run)
    while read_status(run).state.alive:
        time.sleep(0.1)
    return float(steps[0] - began)


if __name__ == "__main__":
    main()
