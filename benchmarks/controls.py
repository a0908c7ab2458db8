"""How long all controls take on the demo, as at the end of a run.

    python -m benchmarks.controls [--surgeons 40] [--json]

The clips are read before the clock starts, because the run has them in its clip cache by then. What is timed is
the embedding of the middle frames, with the loading of the encoder, the features of all controls, their regressions
and the differences from a model, whose predictions are drawn at random.
"""

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from socal_core.clips.plan import ClipPlan
from socal_core.clips.preprocess import Preprocessor
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.opening import open_dataset
from socal_core.demo.write import write_demo
from socal_core.evaluation.controls import controls
from socal_core.evaluation.frame_embedding import frame_embedder
from socal_core.models.encoders import image_preprocessor
from socal_core.settings import TINY, TrainConfig, config_from
from socal_core.splits import split_dataset


def main() -> None:
    """Time the controls and print the result."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--surgeons", type=int, default=40)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        write_demo(Path(folder, "demo"), surgeons=options.surgeons, seed=0)
        dataset = open_dataset(Path(folder, "demo"))
        found = measure(dataset, config_from({}, TINY))
    if options.json:
        print(json.dumps(found, indent=2))
    else:
        times = f"{found['seconds']:.1f} s, {found['cpu_seconds']:.1f} s of CPU"
        print(f"{found['trials']} trials, {found['cores']} cores: {times}")
        print(", ".join(f"{key} {auroc:.2f}" for key, auroc in found["auroc"].items() if auroc is not None))


def measure(dataset: Dataset, config: TrainConfig) -> dict[str, Any]:
    """Compute all controls for a split of the data set with predictions drawn at random."""
    predictions = predict_at_random(dataset, config)
    plan, preprocessor = ClipPlan(dataset, config.clip, config.split.seed), image_preprocessor()
    clips = [read_clip(dataset, plan, preprocessor, trial) for trial in predictions["trial_id"]]
    begun, cpu = time.perf_counter(), time.process_time()
    rows = controls(dataset, predictions, config.clip.observation, clips, frame_embedder())
    return {
        "trials": len(predictions),
        "cores": len(os.sched_getaffinity(0)),
        "seconds": time.perf_counter() - begun,
        "cpu_seconds": time.process_time() - cpu,
        "auroc": {row["key"]: row["auroc"] for row in rows if "key" in row},
    }


def predict_at_random(dataset: Dataset, config: TrainConfig) -> pd.DataFrame:
    """Return random probabilities of the trials of a split."""
    split = split_dataset(dataset, config.split)
    subsets = {"train": split.train, "validation": split.validation, "test": split.test}
    rows = [(trial, name) for name, trials in subsets.items() for trial in trials]
    trials = dataset.trials.loc[[trial for trial, _ in rows]]
    return pd.DataFrame(
        {
            "trial_id": trials.index,
            "participant_id": trials["participant_id"].to_numpy(),
            "split": [name for _, name in rows],
            "label": trials["success"].to_numpy(dtype=int),
            "prob_success": np.random.default_rng(0).random(len(rows)),
        }
    )


def read_clip(dataset: Dataset, plan: ClipPlan, preprocessor: Preprocessor, trial: str) -> NDArray[np.uint8]:
    """Read the first evaluation clip of a trial, (1, frames, 3, height, width)."""
    names = plan.visible(trial).trial.frames
    indices = plan.indices_of(plan.evaluation_clips(trial)[0])
    frames = [preprocessor.read(dataset, names[index]) for index in indices]
    return np.stack(frames)[None]


if __name__ == "__main__":
    main()
