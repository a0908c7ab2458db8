"""The commands that start a run with given settings, for a shell, a script or a cluster."""

import shlex
from enum import Enum
from pathlib import Path
from typing import Any

from socal_core.dataset.open_options import OpenOptions
from socal_core.runs.model_choice import local_folder
from socal_core.settings import TINY, TrainConfig, applicable_settings, default_config

_OF_FOLDS = frozenset({"split_method", "folds", "fold"})
"""The settings that `cv` sets itself or takes as arguments of its own."""


def train_command(config: TrainConfig, data: Path, run: Path, options: OpenOptions) -> str:
    """Return the command that trains a run.

    Args:
        config: The settings of the run. The command names the model, and of the others those that have an effect and
            differ from the defaults of the model and its recipe.
        data: The data folder.
        run: The folder of the run.
        options: How the data folder is read.
    """
    return shlex.join(["socal", *_train_arguments(config, data, run, options)])


def torchrun_command(config: TrainConfig, data: Path, run: Path, options: OpenOptions) -> str:
    """Return the command that trains a run with one process per GPU without waiting for free GPUs.

    Args:
        config: The settings of the run; `gpus` is the number of processes.
        data: The data folder.
        run: The folder of the run.
        options: How the data folder is read.
    """
    # Without the two dashes, torchrun would read --run as its own option.
    start = ["torchrun", "--standalone", f"--nproc-per-node={config.processes}", "--module", "--", "socal_core"]
    return shlex.join([*start, *_train_arguments(config, data, run, options)])


def cv_command(config: TrainConfig, data: Path, run: Path, options: OpenOptions, repeats: int) -> str:
    """Return the command that trains a cross-validation.

    Args:
        config: Its settings, with the split method k-fold.
        data: The data folder.
        run: The folder of the cross-validation.
        options: How the data folder is read.
        repeats: The number of seeds with which all folds are trained.
    """
    folds = ["--folds", str(config.split.folds), *(["--repeats", str(repeats)] if repeats > 1 else [])]
    settings = _settings(config, without=_OF_FOLDS)
    return shlex.join(["socal", "cv", str(data), "--run", str(run), *folds, *_reading(options), *settings])


def _train_arguments(config: TrainConfig, data: Path, run: Path, options: OpenOptions) -> list[str]:
    return ["train", str(data), "--run", str(run), *_reading(options), *_settings(config)]


def _reading(options: OpenOptions) -> list[str]:
    """Return the arguments for how the data folder is read."""
    boxes = ["--boxes", options.boxes] if options.boxes else []
    return boxes + [word for name, title in options.columns for word in ("--column", f"{name}={title}")]


def _settings(config: TrainConfig, without: frozenset[str] = frozenset()) -> list[str]:
    """Return the model, and the other settings that have an effect and differ from their defaults, as arguments."""
    model, recipe = config.model.model, config.model.recipe
    folder = None if model == TINY else local_folder(model)
    defaults = default_config(model, recipe).as_dict() | {"recipe": default_config(model).model.recipe}
    given: dict[str, Any] = {"model": str(folder.resolve()) if folder else model}
    for name, value in applicable_settings(config).items():
        if name not in {*without, "model"} and value != defaults[name]:
            given[name] = value
    return [word for name, value in given.items() for word in ("--set", f"{name}={_text(value)}")]


def _text(value: Any) -> str:
    """Write a value as --set reads it; the digits of a number give exactly that number."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, Enum | str) else repr(value)
