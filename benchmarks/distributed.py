"""Two processes over gloo beside one: the largest difference between the weights that they train.

    python -m benchmarks.distributed [--scratch FOLDER]

The same run is trained in one process and, through torchrun, in two processes that share each batch. SGD, so that a
difference in a gradient stays as small as it is; no dropout, which is random for each process. `weighted` is
class-weighted cross-entropy alone; `all` adds label smoothing, mixing, repeated augmentation, clipping of gradients,
averaging of weights and accumulation. `number` is `all` with the squared error of a number, `blood_loss`.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch

from benchmarks.experiments import markdown, scratch_folder
from socal_core.lifecycle.state import RunState
from socal_core.models.build import load_classifier
from socal_core.runs.checkpoint_folders import newest_checkpoint
from socal_core.runs.folder import RunFolder
from socal_core.training.objective import class_weights
from socal_core.training.worker import work
from tests.factories import write_dataset, write_outcomes
from tests.training.small_runs import EVERYTHING, NO_DROPOUT, new_run

SGD = {**NO_DROPOUT, "optimizer": "SGD", "learning_rate": 1e-2, "num_epochs": 2, "batch_size": 6}
CASES: dict[str, dict[str, Any]] = {
    "weighted": {},
    "all": {**EVERYTHING, "accumulation_steps": 2},
    "number": {**EVERYTHING, "accumulation_steps": 2, "target": "blood_loss"},
}
HEADER = ("case", "steps", "class weights", "largest difference")


def main() -> None:
    """Train each case twice and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scratch", type=Path, help="keep the data and the runs here")
    with scratch_folder(parser.parse_args().scratch) as scratch:
        data = write_dataset(scratch / "data")
        write_outcomes(data, blood_loss=[str(100 + 37 * trial % 400) for trial in range(20)])
        rows = [row_of(name, {**CASES[name], **SGD}, data, scratch) for name in CASES]
    print(markdown(HEADER, rows))


def row_of(name: str, settings: dict[str, Any], data: Path, scratch: Path) -> list[str]:
    """Return the row of the table for one case."""
    alone = new_run(scratch / f"{name}-alone", data, **settings)
    if work(alone, resume=False) is not RunState.DONE:
        raise SystemExit(f"{alone.path} did not finish")
    together = RunFolder(scratch / f"{name}-together")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "--module", "--"]
    command += ["socal_core", "train", str(data), "--run", str(together.path), "--config", str(alone.config_file)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": "1"})
    first, second = (weights_of(run) for run in (alone, together))
    largest = max(float((first[key] - second[key]).abs().max()) for key in first)
    dataset, split = alone.open_dataset(), alone.read_split()
    weights = class_weights(dataset.target_values[list(split.train)].tolist(), dataset.target)
    shown = "none" if weights is None else " and ".join(f"{weight:.2f}" for weight in weights.tolist())
    steps = 2 * -(-len(split.train) // settings["batch_size"])
    return [name, str(steps), shown, f"{largest:.1e}"]


def weights_of(run: RunFolder) -> dict[str, torch.Tensor]:
    """Return the weights of the newest checkpoint."""
    checkpoint = newest_checkpoint(run)
    if checkpoint is None:
        raise SystemExit(f"{run.path} has no checkpoint")
    return load_classifier(checkpoint).model.state_dict()


if __name__ == "__main__":
    main()
