"""The process that fills the clip cache for a run that is yet to be started, and tells how far it is through a file."""

import json
import logging
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from socal_core.clips.fill import Filled, fill
from socal_core.clips.plan import frames_of_run
from socal_core.clips.store import FrameStore
from socal_core.dataset.open_options import OpenOptions
from socal_core.dataset.table_cache import open_cached
from socal_core.errors import SocalError
from socal_core.models.encoders import preprocessors_of
from socal_core.settings import TINY, config_from
from socal_core.splits import make_split
from socal_core.storage import write_json

logger = logging.getLogger(__name__)


class StopFilling(BaseException):
    """The user asked for an end; no error, and nothing between here and the end may take it for one."""


def fill_cache(job_file: Path, progress_file: Path, stop_file: Path) -> bool:
    """Fill what a run's clips take; False when an error or a lack of room ended it.

    job_file: `config`, `data` and `data_options` as in a run's config.json. progress_file: `done` and `total` in
    frames, and at the end `end` (done, stopped, note or error) and `text`. The presence of `stop_file` ends it.
    """

    def tell(done: int, total: int) -> None:
        if stop_file.exists():
            raise StopFilling
        write_json(progress_file, {"done": done, "total": total})

    job = json.loads(job_file.read_text(encoding="utf-8"))
    root = Path(job["data"])
    try:
        filled = _fill(root, job, tell)
        end, text = ("note", filled.note) if filled.note else ("done", _unreadable(filled))
    except StopFilling:
        end, text = "stopped", ""
    except SocalError as error:
        logger.exception("the clip cache could not be filled")
        end, text = "error", str(error).replace(str(root), root.name)
    except OSError as error:
        logger.exception("the clip cache could not be filled")
        end, text = "error", f"The clip cache cannot be written to: {error.strerror}."
    write_json(progress_file, {"end": end, "text": text})
    return end in {"done", "stopped"}


def _fill(root: Path, job: dict[str, Any], tell: Callable[[int, int], None]) -> Filled:
    config = config_from(job["config"], TINY)
    dataset = open_cached(root, OpenOptions.from_dict(job["data_options"]))
    split = make_split(dataset.usable_trials, config.split)
    wanted = frames_of_run(dataset, config, split)
    filled = Filled()
    for preprocessor, _ in preprocessors_of(config):  # a frozen run may have two, with frames of two sizes
        preprocessor = replace(preprocessor, scaled=config.machine.scaled_decoding)
        store = FrameStore(dataset.root, preprocessor.recipe, preprocessor.frame_shape)
        with store.in_use():
            filled = fill(dataset, preprocessor, store, wanted, tell)
        if filled.note:
            break
    return filled


def _unreadable(filled: Filled) -> str:
    """What the user should know of frames that cannot be read; "" when all can."""
    reasons = list(filled.unreadable.values())
    if not reasons:
        return ""
    others = f" {len(reasons) - 1} more cannot be read either." if len(reasons) > 1 else ""
    return f"{reasons[0]}{others} The nearest readable frame is used instead."


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    sys.exit(0 if fill_cache(*map(Path, sys.argv[1:4])) else 1)
