"""A run killed again and again beside one that was never touched: both must end the same, to the bit.

    python -m benchmarks.kills [--kills 100] [--seed 0]

A small data folder, `tiny`, one PyTorch thread; augmentation, mixing, drawn clips, plateau and early stopping are on.
The kills are SIGKILLs at random moments, while it starts, trains or saves; after each the run is resumed. Done for two
reading threads and for none. Then a process is killed at every file operation of a save, one after the other.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from socal_core.runs.folder import RunFolder
from socal_core.settings import TINY, config_from
from tests.factories import write_dataset
from tests.training.small_runs import EVERYTHING

REPOSITORY = Path(__file__).resolve().parents[1]
SETTINGS = {
    "num_frames": 4,
    "num_epochs": 20,
    "batch_size": 4,
    "validation_fraction": 0.2,
    "test_fraction": 0.2,
    "learning_rate": 3e-3,
    "scheduler_patience": 0,
    "early_stopping_patience": 8,
    **EVERYTHING,
}


def main() -> None:
    """Kill, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kills-") as folder:
        scratch = Path(folder)
        data = write_dataset(scratch / "data")
        for workers in (2, 0):
            config = config_from({"recipe": "finetune", **SETTINGS, "num_workers": workers}, TINY)
            runs = [RunFolder.create(scratch / f"{name}-{workers}", config, data) for name in ("through", "killed")]
            started = time.perf_counter()
            result = killer(scratch, "runs", *(run.path for run in runs), arguments.kills, arguments.seed)
            same = "the same to the bit" if not result["differ"] else f"DIFFERENT: {', '.join(result['differ'])}"
            print(
                f"{workers} reading threads: {result['kills']} kills of {result['runs']} runs, "
                f"{result['at work']} at work; "
                f"weights, events, metrics, predictions: {same} ({time.perf_counter() - started:.0f} s)"
            )
        (scratch / "saves").mkdir()
        result = killer(scratch, "saves", scratch / "saves", 1)
        print(f"{len(result['points'])} file operations of a save, a kill at each: a whole checkpoint every time")


def killer(scratch: Path, *arguments: object) -> dict[str, Any]:
    """What the killing process found."""
    command = [sys.executable, "-m", "tests.training.killer", *map(str, arguments)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "SOCAL_WORKSPACE": str(scratch / "workspace")}
    done = subprocess.run(command, cwd=REPOSITORY, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    main()
