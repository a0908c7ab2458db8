"""The environment of a run: versions, machine and device."""

import os
import platform
from importlib.metadata import version

import psutil
import torch
from accelerate import Accelerator

from socal_core import __version__
from socal_core.runs.files.records import Environment

PACKAGES = ("torch", "transformers", "accelerate", "kornia", "numpy", "pandas", "pillow", "scikit-learn")


def describe_environment(accelerator: Accelerator) -> Environment:
    """Return versions and machine, without anything that identifies the machine or its user."""
    device = accelerator.device
    return Environment(
        socal_core=__version__,
        python=platform.python_version(),
        packages={name: version(name) for name in PACKAGES},
        system=f"{platform.system()} {platform.machine()}",
        cpu_cores=os.cpu_count(),
        memory_gib=round(psutil.virtual_memory().total / 2**30, 1),
        device=torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        processes=accelerator.num_processes,
        threads=torch.get_num_threads(),
        mixed_precision=accelerator.mixed_precision,
    )
