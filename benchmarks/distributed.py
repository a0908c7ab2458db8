"""Two processes over gloo beside one: the largest differences between the weights and the predictions.

    python -m benchmarks.distributed [--scratch FOLDER]

The same run is trained in one process and, through torchrun, in two processes that share each batch, validation and
prediction: as DDP and as FSDP. SGD, so that a difference in a gradient stays as small as it is; no dropout, which is
random for each process. `weighted` is class-weighted cross-entropy alone; `all` adds label smoothing, mixing, repeated
augmentation, clipping of gradients, averaging of weights and accumulation. Each process has one thread. `number` is
`all` with the squared error of a number, `blood_loss`.
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
from socal_core.settings import Sharding
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
HEADER = ("case", "sharding", "steps", "class weights", "weights", "predictions")


def main() -> None:
    """Train each case twice and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scratch", type=Path, help="keep the data and the runs here")
    with scratch_folder(parser.parse_args().scratch) as scratch:
        data = write_dataset(scratch / "data")
        write_outcomes(data, blood_loss=[str(100 + 37 * trial % 400) for trial in range(20)])
        rows = [row for name in CASES for row in rows_of(name, {**CASES[name], **SGD}, data, scratch)]
    print(markdown(HEADER, rows))


def rows_of(name: str, settings: dict[str, Any], data: Path, scratch: Path) -> list[list[str]]:
    """Return the rows of the table for one case."""
    alone = new_run(scratch / f"{name}-alone", data, **settings)
    if work(alone, resume=False) is not RunState.DONE:
        raise SystemExit(f"{alone.path} did not finish")
    dataset, split = alone.open_dataset(), alone.read_split()
    weights = class_weights(dataset.target_values[list(split.train)].tolist(), dataset.target)
    shown = "none" if weights is None else " and ".join(f"{weight:.2f}" for weight in weights.tolist())
    steps = 2 * -(-len(split.train) // settings["batch_size"])
    return [[name, sharding, str(steps), shown, *differences(alone, name, sharding)] for sharding in Sharding]


def differences(alone: RunFolder, name: str, sharding: Sharding) -> list[str]:
    """Train a run again in two processes; return the largest differences of its weights and predictions."""
    together = RunFolder(alone.path.with_name(f"{name}-{sharding}"))
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "--module", "--"]
    command += ["socal_core", "train", str(alone.read_data()), "--run", str(together.path)]
    command += ["--config", str(alone.config_file), "--set", f"sharding={sharding}"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": "1"})
    first, second = (weights_of(run) for run in (alone, together))
    largest = max(float((first[key] - second[key]).abs().max()) for key in first)
    column = "predicted" if alone.read_target().is_number else "prob_success"
    one, two = (run.read_predictions()[column] for run in (alone, together))
    return [f"{largest:.1e}", f"{(one - two).abs().max():.1e}"]


def weights_of(run: RunFolder) -> dict[str, torch.Tensor]:
    """Return the weights of the newest checkpoint."""
    checkpoint = newest_checkpoint(run)
    if checkpoint is None:
        raise SystemExit(f"{run.path} has no checkpoint")
    return load_classifier(checkpoint).model.state_dict()


if __name__ == "__main__":
    main()
