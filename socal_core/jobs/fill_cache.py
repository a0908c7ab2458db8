"""The job that fills the clip cache before a run starts."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from socal_core.clips.fill import Filled, fill
from socal_core.clips.plan import frames_of_run
from socal_core.clips.store import FrameStore
from socal_core.dataset.open_options import OpenOptions
from socal_core.dataset.table_cache import open_cached
from socal_core.errors import SocalError
from socal_core.file_handles import os_reason
from socal_core.jobs.harness import Report, main, path_shown_as
from socal_core.models.encoders import preprocessors_of
from socal_core.settings import TINY, config_from
from socal_core.splits import dataset_of_run, split_dataset


def fill_cache(request: dict[str, Any], report: Report) -> dict[str, Any]:
    """Fill the clip cache with the frames that the clips of a run use.

    Args:
        request: `config`, `data` and `data_options` as in the config.json of a run.
        report: Receives the number of processed frames.

    Returns:
        Two texts for the user: `note` explains why there was no room for all frames, and `unreadable` which frames
        cannot be read. Each may be "".

    Raises:
        SocalError: The data folder or the cache cannot be used.
    """
    root = Path(request["data"])
    try:
        with path_shown_as(root, root.name):
            filled = _fill(root, request, report)
    except OSError as error:
        raise SocalError(f"The clip cache cannot be written to: {os_reason(error)}.") from error
    return {"note": filled.note, "unreadable": _unreadable(filled)}


def _fill(root: Path, request: dict[str, Any], report: Report) -> Filled:
    config = config_from(request["config"], TINY)
    dataset = open_cached(root, OpenOptions.from_dict(request["data_options"]))
    dataset = dataset_of_run(dataset, config)
    split = split_dataset(dataset, config.split)
    wanted = frames_of_run(dataset, config, split)
    filled = Filled()
    for preprocessor, _ in preprocessors_of(config):  # a frozen run may have two, with frames of two sizes
        preprocessor = replace(preprocessor, scaled=config.machine.scaled_decoding)
        store = FrameStore(dataset.root, preprocessor.recipe, preprocessor.frame_shape)
        with store.in_use():
            filled = fill(dataset, preprocessor, store, wanted, report.count)
        if filled.note:
            break
    return filled


def _unreadable(filled: Filled) -> str:
    """Describe the frames that cannot be read; "" if there are none."""
    reasons = list(filled.unreadable.values())
    if not reasons:
        return ""
    others = f" {len(reasons) - 1} more cannot be read either." if len(reasons) > 1 else ""
    return f"{reasons[0]}{others} The nearest readable frame is used instead."


if __name__ == "__main__":
    main(fill_cache)
