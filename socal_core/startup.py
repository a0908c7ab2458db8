"""Prepare a process for this code. Importing the library has no side effects, so the app and the commands call this."""

import os

ENVIRONMENT = {
    "HF_HUB_DISABLE_TELEMETRY": "1",
    # One bar per load and save would fill the log of a run, which reports its own progress.
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    # PyTorch's threads sleep while they wait. With a busy browser on the same two cores, a step is three times as fast.
    "OMP_WAIT_POLICY": "passive",
    # Large tensors use large memory pages, which makes converting a batch of clips to floats three times as fast.
    "THP_MEM_ALLOC_ENABLE": "1",
    # The app reports damaged videos itself, so FFmpeg need not print them to stderr.
    "OPENCV_FFMPEG_LOGLEVEL": "-8",
}
"""Environment variables that huggingface_hub, PyTorch and OpenCV read once, when they are loaded."""


def prepare_process() -> None:
    """Set the variables of `ENVIRONMENT` that the user has not set."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
