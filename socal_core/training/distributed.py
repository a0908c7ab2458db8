"""Training in one process or several, with PyTorch's distributed engine through Accelerate and torchrun."""

import os
import sys
from datetime import timedelta

import torch
from accelerate import Accelerator, PartialState
from accelerate.state import AcceleratorState

from socal_core.lifecycle.launch import LOCK_IN_PARENT, LOCK_VARIABLE
from socal_core.runs.architecture import architecture_for
from socal_core.runs.folder import RunFolder
from socal_core.settings import TrainConfig

FASTER_FROM = 384
"""The smallest hidden size at which a processor with instructions for bfloat16 trains faster in it: 192 gained a fifth
at most, 768 three times (benchmarks/training_step.py)."""

LONGEST_WAIT = timedelta(days=1)
"""The longest time that processes wait for each other, such as for one that fills its clip cache. Ended processes are
noticed much earlier (lost_machines.py)."""


def wait_for_all_processes() -> None:
    """Join the processes that torchrun started, and wait until all of them have come here."""
    PartialState(cpu=not torch.accelerator.is_available(), timeout=LONGEST_WAIT).wait_for_everyone()


def make_accelerator(config: TrainConfig, recorded: str | None) -> Accelerator:
    """Create the accelerator with the precision that is fastest on this machine.

    A GPU uses bfloat16 if it supports that, else float16, and TF32 for what stays in float32. A processor uses bfloat16
    for large models if it has instructions for it.

    Args:
        config: The settings of the run.
        recorded: The precision with which the run was trained before; None for a new run. A run on a processor keeps
            it on any other.
    """
    AcceleratorState._reset_state()  # runs of one process, such as folds, may differ in precision
    if torch.cuda.is_available():
        torch.set_float32_matmul_precision("high")
        return Accelerator(mixed_precision="bf16" if torch.cuda.is_bf16_supported() else "fp16")
    if torch.accelerator.is_available():
        return Accelerator(mixed_precision="no")
    return Accelerator(cpu=True, mixed_precision=recorded if recorded in {"no", "bf16"} else _of_processor(config))


def _of_processor(config: TrainConfig) -> str:
    large = config.model.recipe.trains_network and architecture_for(config).hidden_size >= FASTER_FROM
    has = torch.cpu.get_capabilities()
    return "bf16" if large and (has.get("amx_bf16") or has.get("avx512_bf16")) else "no"


def spread_over_gpus(run: RunFolder, resume: bool) -> None:
    """Replace this process by torchrun with one process per GPU.

    The function returns without effect if there are fewer than two GPUs, or if torchrun started this process.

    Args:
        run: The run.
        resume: Whether to continue from the newest checkpoint.
    """
    count = torch.cuda.device_count()
    if count < 2 or "RANK" in os.environ:
        return
    # torchrun, the parent of all the processes, keeps the locks of run and slot.
    os.environ[LOCK_VARIABLE] = LOCK_IN_PARENT
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={count}"]
    command += ["--module", "socal_core.training.worker", str(run.path)]
    os.execv(sys.executable, command + (["--resume"] if resume else []))  # noqa: S606 - our own module, no shell
