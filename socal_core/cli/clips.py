"""The commands for clips: `clip` and `cache`."""

import argparse
import json
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from socal_core.cli.arguments import open_data, print_line
from socal_core.cli.bars import Bar, StageBar
from socal_core.errors import ConfigError, DataError
from socal_core.file_handles import os_reason
from socal_core.runs.architecture import Architecture, architecture_of
from socal_core.runs.folder import RunFolder
from socal_core.runs.model_choice import default_model
from socal_core.settings import TINY, TrainConfig
from socal_core.storage import replacing

if TYPE_CHECKING:
    from socal_core.clips.preprocess import Preprocessor

SIZES = (16, 1024)
NUMPY_MAGIC = b"\x93NUMPY"


def clip(options: argparse.Namespace) -> int:
    """Write the model input for one trial."""
    import numpy as np
    import torch

    from socal_core.clips.loader import open_clips

    _check_replaceable(options.out)
    if options.run is not None and (options.frames, options.size, options.window) != (None, None, None):
        raise ConfigError("--run", "sets frames, size and window, so leave those out", options.run.name)
    dataset = open_data(options)
    config = _config(options)
    preprocessor = _preprocessor(options, Architecture().image_size)
    with StageBar() as bar, open_clips(dataset, config, preprocessor, [options.trial_id], (), bar.show) as reader:
        if reader.left_out:
            raise DataError(reader.left_out[options.trial_id])
        pixels = next(reader.batches([reader.plan.evaluation_clips(options.trial_id)]))
        clips = preprocessor.model_input(pixels, torch.empty(pixels.shape)).numpy()
        texts = reader.notices()
    array = clips[0] if len(clips) == 1 else clips
    try:
        with replacing(options.out) as draft, draft.open("wb") as file:
            np.save(file, array)
    except OSError as error:
        raise DataError(f"{options.out} cannot be written: {os_reason(error)}.") from None
    print_line(f"{options.trial_id}: {array.shape} in {options.out}.")
    for text in texts:
        print_line(text)
    return 0


def cache(options: argparse.Namespace) -> int:
    """Fill, clear or describe the clip cache of a data folder."""
    from socal_core.clips.clip_cache import limit_bytes, list_stores, remove_store
    from socal_core.clips.fill import all_frames, cache_status, fill
    from socal_core.clips.store import FrameStore

    dataset = open_data(options)
    preprocessor = _preprocessor(options, architecture_of(default_model()).image_size)
    store = FrameStore(dataset.root, preprocessor.recipe, preprocessor.frame_shape)
    wanted, note = all_frames(dataset), ""
    if options.clear:
        one_size = options.size is not None or options.run is not None
        for info in list_stores():
            selected = info.folder == store.folder if one_size else info.data == dataset.root.resolve()
            if selected and not remove_store(info.folder):
                raise DataError("A run or another command is using the cache. Clear it when that has ended.")
    if options.fill:
        with ExitStack() as stack, Bar("Filling the clip cache") as bar:
            try:
                stack.enter_context(store.in_use())
            except OSError as error:
                raise DataError(f"The clip cache cannot be written to: {os_reason(error)}.") from None
            note = fill(dataset, preprocessor, store, wanted, bar.show).note
    status = cache_status(dataset, store, wanted)
    result = asdict(status) | {
        "complete": status.complete,
        "size": list(store.shape[1:]),
        "limit_bytes": limit_bytes(),
        "note": note,
    }
    print_line(json.dumps(result, indent=2) if options.json else _cache_text(result))
    return 1 if note else 0


def _cache_text(result: dict[str, Any]) -> str:
    height, width = result["size"]
    lines = [
        f"{result['frames']:,} of {result['of_frames']:,} frames, {result['trials']} of {result['of_trials']} trials, "
        f"at {width}x{height} pixels: {result['bytes'] / 1e9:.2f} of {result['estimated_bytes'] / 1e9:.2f} GB",
    ]
    if result["unreadable"]:
        count = result["unreadable"]
        lines.append(f"{count} frame{'s' * (count > 1)} cannot be read; `inspect --deep` shows what is wrong")
    return "\n".join([*lines, *([result["note"]] if result["note"] else [])])


def _config(options: argparse.Namespace) -> TrainConfig:
    """Return the settings that determine the clip: those of the run, else of the arguments, else the defaults."""
    if options.run is not None:
        return RunFolder.open(options.run).read_config()
    given = {"num_frames": options.frames, "window": options.window}
    return TrainConfig.from_flat({"model": TINY, **{name: value for name, value in given.items() if value is not None}})


def _preprocessor(options: argparse.Namespace, default_size: int) -> "Preprocessor":
    """Return the preprocessing of the run's model or first encoder; without a run, that of VideoMAE for the size."""
    from socal_core.clips.preprocess import Preprocessor
    from socal_core.models.encoders import preprocessor_of_run

    if options.run is not None:
        return preprocessor_of_run(RunFolder.open(options.run))
    size = default_size if options.size is None else options.size
    if not SIZES[0] <= size <= SIZES[1]:
        raise ConfigError("--size", f"must be between {SIZES[0]} and {SIZES[1]} pixels", size)
    return Preprocessor.for_size(size)


def _check_replaceable(path: Path) -> None:
    """Check that no file but an array, such as that of an earlier clip, would be replaced."""
    try:
        with path.open("rb") as file:
            if file.read(len(NUMPY_MAGIC)) != NUMPY_MAGIC:
                raise DataError(f"{path} already exists and is not an array. Choose another name.")
    except FileNotFoundError:
        return
    except OSError as error:
        raise DataError(f"{path} cannot be written: {os_reason(error)}.") from None
