"""Pre-training on frames that takes seconds: a VideoMAE of one layer, clips of four frames of 32 pixels."""

from pathlib import Path
from typing import Any

from socal_core.dataset.opening import open_dataset
from socal_core.pretraining.frame_settings import pretraining_config
from socal_core.pretraining.frames import FramesTask
from socal_core.pretraining.loop import Ending, Observer, run_task

SETTINGS = {"num_frames": 4, "num_epochs": 3, "batch_size": 6, "stride": 2}
"""Sixteen trials of the shared data folder are outside the test subset, so an epoch has three steps."""
STEPS = 9


def frames_task(data: Path, model: Path, include_test: bool = False, **settings: Any) -> FramesTask:
    config = pretraining_config({**SETTINGS, "model": str(model), **settings})
    return FramesTask(open_dataset(data), config, include_test)


def pretrain(
    data: Path,
    model: Path,
    out: Path,
    resume: bool = False,
    observer: Observer | None = None,
    include_test: bool = False,
    **settings: Any,
) -> Ending:
    return run_task(out, lambda: frames_task(data, model, include_test, **settings), resume, observer)
