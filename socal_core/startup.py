"""Prepare a process for this code. Importing the library changes nothing; the app and the commands call this first."""

import os

ENVIRONMENT = {
    "HF_HUB_DISABLE_TELEMETRY": "1",
    # A bar for each load and save would fill the run's log; the run shows its own progress.
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    # PyTorch's threads sleep while they wait: beside a busy browser on two cores a step is three times as fast.
    "OMP_WAIT_POLICY": "passive",
    # Large tensors lie in large pages of memory: a batch of clips is turned into floats three times as fast.
    "THP_MEM_ALLOC_ENABLE": "1",
    # The app reports damaged videos itself; FFmpeg's messages are not for stderr.
    "OPENCV_FFMPEG_LOGLEVEL": "-8",
}
"""Variables that huggingface_hub, PyTorch and OpenCV read once, when they are loaded."""


def prepare_process() -> None:
    """Set the variables of `ENVIRONMENT`, those excepted that the user has set."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
