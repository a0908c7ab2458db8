"""One process or many: PyTorch's own distributed engine, by way of Accelerate and torchrun."""

import os
import sys

import torch
from accelerate import Accelerator

from socal_core.lifecycle.launch import LOCK_IN_PARENT, LOCK_VARIABLE
from socal_core.runs.folder import RunFolder


def make_accelerator() -> Accelerator:
    """The device at hand, with mixed precision on a GPU: bfloat16 where it can, else float16."""
    if not torch.cuda.is_available():
        return Accelerator(cpu=not torch.accelerator.is_available(), mixed_precision="no")
    return Accelerator(mixed_precision="bf16" if torch.cuda.is_bf16_supported() else "fp16")


def spread_over_gpus(run: RunFolder, resume: bool) -> None:
    """Become one process for each GPU where there are several; returns where there is nothing to spread.

    Processes that torchrun started, by whoever's command, stay as they are.
    """
    count = torch.cuda.device_count()
    if count < 2 or "RANK" in os.environ:
        return
    # The locks of run and slot go on living in torchrun, the parent of all the processes.
    os.environ[LOCK_VARIABLE] = LOCK_IN_PARENT
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={count}"]
    command += ["--module", "socal_core.training.worker", str(run.path)]
    os.execv(sys.executable, command + (["--resume"] if resume else []))  # noqa: S606 - our own module, no shell
