"""Does it learn what is there, and only that? Test AUROC on a demo of 100 surgeons, split 60/20/20 by surgeon.

    python -m benchmarks.learning [--seeds 3] [--surgeons 100] [--scratch FOLDER]

For the first 60 s, for the whole trial, and for the first 60 s with the outcomes shuffled among surgeons before
training: one run for each seed (split, weights and order of trials), then the mean. Everything else is at its default.
"""

import argparse
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from socal_core.dataset import layout
from socal_core.dataset.demo.write import write_demo
from socal_core.runs.config import TINY, config_from
from socal_core.runs.folder import RunFolder
from socal_core.runs.state import RunState
from socal_core.training.worker import work

SPLIT = {"validation_fraction": 0.2, "test_fraction": 0.2}


def shuffled_copy(data: Path, out: Path, seed: int) -> Path:
    """The data set with each surgeon's pair of outcomes given to another surgeon; frames are hard links."""
    shutil.copytree(data, out, copy_function=os.link)
    table = out / layout.OUTCOMES_FILE
    outcomes = pd.read_csv(table, dtype=str, keep_default_na=False)
    table.unlink()  # a link to the original, which must not change
    surgeons = outcomes["participant_id"].unique()
    giver = dict(zip(surgeons, np.random.default_rng(seed).permutation(surgeons), strict=True))
    success = outcomes.set_index("trial_id")["success"].to_dict()
    outcomes["success"] = [
        success.get(f"S{giver[surgeon]}T{trial.rpartition('T')[2]}", "NA")
        for surgeon, trial in zip(outcomes["participant_id"], outcomes["trial_id"], strict=True)
    ]
    outcomes.to_csv(table, index=False)
    return out


def test_auroc(data: Path, run_path: Path, window: str, seed: int) -> float:
    """Train one run and return its test AUROC."""
    config = config_from({"window": window, "seed": seed, **SPLIT}, TINY)
    run = RunFolder.create(run_path, config, data)
    if work(run, resume=False) is not RunState.DONE:
        raise SystemExit(f"{run_path.name} did not finish: see {run.status_file}")
    metrics = run.read_metrics() or {}
    print(
        f"  {run_path.name}: {metrics['n']} test trials, AUROC {metrics['auroc']:.3f}, epoch {metrics['epoch']}",
        flush=True,
    )
    return float(metrics["auroc"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--surgeons", type=int, default=100)
    parser.add_argument("--scratch", type=Path, help="keep the data and the runs here")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        scratch = options.scratch or Path(temporary)
        data = scratch / "demo"
        if not data.is_dir():
            write_demo(data, surgeons=options.surgeons)
        for name, window in (("first-60-s", "0:60"), ("whole", "whole"), ("shuffled", "0:60")):
            scores = []
            for seed in range(options.seeds):
                folder = data
                if name == "shuffled":
                    folder = shuffled_copy(data, scratch / f"shuffled-data-{seed}", seed)
                scores.append(test_auroc(folder, scratch / f"{name}-{seed}", window, seed))
            print(f"{name}: mean test AUROC {np.mean(scores):.3f}", flush=True)


if __name__ == "__main__":
    main()
