"""The files of a pre-training run. A process killed at any time leaves a complete checkpoint."""

import io
import json
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import nn
from transformers import VideoMAEConfig

from socal_core.clips.preprocess import Preprocessor
from socal_core.errors import RunError
from socal_core.file_handles import handles_explained
from socal_core.storage import write_bytes, write_text

CHECKPOINT_FILE = "checkpoint.pt"
LOG_FILE = "log.jsonl"


def save_checkpoint(
    out: Path,
    settings: dict[str, Any],
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    step: int,
    seconds: float,
) -> None:
    """Replace the checkpoint in one step.

    Args:
        out: The run's folder.
        settings: The settings of the run; a resumed run must have the same.
        network: The network after `step` steps.
        optimizer: The optimizer of the network.
        step: Number of finished steps.
        seconds: Time that the steps took.

    Raises:
        OSError: The file cannot be written, for example on a full disk. The previous checkpoint is kept.
    """
    state = {
        "settings": settings,
        "network": network.state_dict(),
        "optimizer": optimizer.state_dict(),
        "step": step,
        "seconds": seconds,
    }
    # torch.save reports a full disk as an unrelated error, so write to memory first.
    content = io.BytesIO()
    torch.save(state, content)
    write_bytes(out / CHECKPOINT_FILE, content.getvalue())


def load_checkpoint(
    out: Path,
    settings: dict[str, Any],
    differing: Callable[[dict[str, Any]], str],
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
) -> tuple[int, float]:
    """Load the state of a checkpoint into a network and an optimizer.

    Args:
        out: The run's folder.
        settings: The settings to resume the run with.
        differing: Says what the run was started with, as `Task.differing` does.
        network: The network that receives the weights.
        optimizer: The optimizer that receives its state.

    Returns:
        The number of finished steps, and the seconds that they took.

    Raises:
        RunError: There is no checkpoint, it is damaged, or the run was started with other settings.
    """
    file = out / CHECKPOINT_FILE
    if not file.is_file():
        raise RunError(
            f"{out.name} has no {CHECKPOINT_FILE}, so there is nothing to resume. Delete the folder if it exists, and "
            "start without --resume."
        )
    damaged = RunError(
        f"{out.name}: its {CHECKPOINT_FILE} is damaged or of another version. Start without --resume in another "
        "folder. If summary.json is there, the model is finished and can be used."
    )
    try:
        with handles_explained():
            state = torch.load(file, map_location="cpu", weights_only=True)
        started_with = dict(state["settings"])
    except (pickle.UnpicklingError, RuntimeError, EOFError, KeyError, TypeError, ValueError):
        raise damaged from None
    if started_with.keys() != settings.keys():
        raise damaged
    if started_with != settings:
        others = {name: value for name, value in started_with.items() if settings[name] != value}
        raise RunError(f"{out.name} was started with {differing(others)}")
    try:
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        return int(state["step"]), float(state["seconds"])
    except (RuntimeError, KeyError, TypeError, ValueError, AttributeError):
        raise damaged from None


def write_model_folder(
    out: Path, config: VideoMAEConfig, weights: Mapping[str, torch.Tensor], preprocessor: Preprocessor
) -> None:
    """Write the files of a Hugging Face model.

    Args:
        out: The run's folder.
        config: The configuration of the model.
        weights: Its weights by name.
        preprocessor: The preprocessing of its input.

    Raises:
        OSError: A file cannot be written.
    """
    config.save_pretrained(out)
    tensors = {name: value.contiguous().cpu() for name, value in weights.items()}
    write_bytes(out / "model.safetensors", save(tensors, metadata={"format": "pt"}))
    preprocessor.processor.save_pretrained(out)


def append_log(out: Path, values: dict[str, Any]) -> None:
    """Add a line to the log."""
    with (out / LOG_FILE).open("a", encoding="utf-8") as file:
        file.write(json.dumps(values) + "\n")


def trim_log(out: Path, step: int) -> None:
    """Remove incomplete lines from the log, and those of steps after a checkpoint, which a resumed run repeats."""
    try:
        lines = (out / LOG_FILE).read_text(encoding="utf-8").splitlines(keepends=True)
    except FileNotFoundError:
        return
    kept = [line for line in lines if line.endswith("\n") and json.loads(line)["step"] <= step]
    write_text(out / LOG_FILE, "".join(kept))


def remove_leftovers(out: Path) -> None:
    """Delete the incomplete files of a process that was killed while writing."""
    for file in out.glob(".*.tmp"):
        file.unlink()
