"""Prepare a process for this code. Importing the library has no side effects, so the app and the commands call this."""

import importlib
import logging
import os
import threading
from collections.abc import Sequence

from socal_core.file_handles import raise_limit

logger = logging.getLogger(__name__)

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


UMASK = 0o077
"""What this process creates can only be read by its owner: frames, outcomes and predictions are about patients."""


def prepare_process() -> None:
    """Set the variables of `ENVIRONMENT`, keep new files from other accounts, and raise the limit of open files.

    Variables that the user has set are kept.
    """
    os.umask(UMASK)
    raise_limit()
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)


def log_to_console() -> None:
    """Print the log of this process with times; in the background it goes to `worker.log`."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", datefmt="%Y-%m-%d %H:%M:%S")


def load_in_background(modules: Sequence[str]) -> threading.Thread:
    """Load modules in a thread, so that whoever needs them first need not wait for all of them.

    Whoever imports one of them meanwhile waits until it is loaded. A module that cannot be loaded is passed over: where
    it is needed, its import says why.

    Args:
        modules: Names of modules, loaded one after another.

    Returns:
        The thread, which has started. It does not keep the process alive.
    """
    thread = threading.Thread(target=_load, args=(modules,), name="load-modules", daemon=True)
    thread.start()
    return thread


def _load(modules: Sequence[str]) -> None:
    for name in modules:
        try:
            importlib.import_module(name)
        except ImportError:
            logger.warning("The module %s could not be loaded ahead", name, exc_info=True)
