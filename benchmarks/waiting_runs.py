"""What runs cost while they wait in the queue: memory, processor time, and how long it takes to stop them all.

    python -m benchmarks.waiting_runs [--runs 27] [--seconds 20]

This process holds the only slot, so that all runs wait. Memory that processes share is divided among them (PSS).
"""

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

from socal_core.lifecycle.launch import request_stop, start
from socal_core.lifecycle.state import read_status
from socal_core.runs.folder import RunFolder
from socal_core.settings import TINY, config_from
from socal_core.storage import locked
from socal_core.workspace import workspace

MIB = 2**20


def main() -> None:
    """Start runs, let them wait, measure, stop them, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=27)
    parser.add_argument("--seconds", type=float, default=20)
    options = parser.parse_args()
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    with tempfile.TemporaryDirectory(prefix="waiting-") as folder:
        os.environ["SOCAL_WORKSPACE"] = f"{folder}/workspace"
        (workspace() / "queue").mkdir()
        with locked(workspace() / "queue" / "slot-cpu.lock"):
            measure(Path(folder), options.runs, options.seconds)


def measure(folder: Path, number: int, seconds: float) -> None:
    """Measure so many runs in a folder, for some seconds."""
    config = config_from({"recipe": "finetune"}, TINY)
    runs = [RunFolder.create(folder / f"run-{place}", config, folder) for place in range(number)]
    began = time.perf_counter()
    for run in runs:
        start(run)
    while not all(is_waiting(run) for run in runs):
        time.sleep(0.05)
    print(f"{number} runs wait {time.perf_counter() - began:.1f} s after their start")
    time.sleep(2)
    pids = [json.loads(run.status_file.read_text())["process"]["pid"] for run in runs]
    before = [cpu_seconds(pid) for pid in pids]
    time.sleep(seconds)
    busy = [after - earlier for after, earlier in zip(map(cpu_seconds, pids), before, strict=True)]
    memory = sorted(shared_memory(pid) for pid in pids)
    print(f"memory of a run (PSS): {memory[0]:.1f} to {memory[-1]:.1f} MiB, median {memory[number // 2]:.1f} MiB")
    print(f"memory of all: {sum(memory):.0f} MiB; processor time of all: {sum(busy) / seconds:.1%} of one core")
    began = time.perf_counter()
    for run in runs:
        request_stop(run)
    while any(read_status(run).state.alive for run in runs):
        time.sleep(0.05)
    print(f"all stopped after {time.perf_counter() - began:.1f} s")


def is_waiting(run: RunFolder) -> bool:
    """Check whether the log of a run says that it is waiting."""
    return run.events_file.exists() and '"Waiting' in run.events_file.read_text()


def shared_memory(pid: int) -> float:
    """Return the memory of a process in MiB, with its share of what several processes use."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 / MIB for line in lines if line.startswith("Pss:"))


def cpu_seconds(pid: int) -> float:
    """Return the processor time of a process in seconds, fields 14 and 15 of /proc/PID/stat (proc(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
