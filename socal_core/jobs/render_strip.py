"""The job that renders the strip of one trial into a file. It is a job because it has to load PyTorch."""

import base64
import io
from pathlib import Path
from typing import Any

from socal_core.clips.preprocess import Preprocessor
from socal_core.clips.strip import StripRow, build_strip, side_by_side
from socal_core.dataset.open_options import OpenOptions
from socal_core.dataset.table_cache import forget_oldest, open_cached
from socal_core.dataset.target_choice import with_target
from socal_core.dataset.targets import Target
from socal_core.errors import SocalError
from socal_core.jobs.harness import Report, main, path_shown_as
from socal_core.models.encoders import preprocessors_of
from socal_core.runs.architecture import architecture_for
from socal_core.runs.model_choice import weights_at_hand
from socal_core.settings import TINY, TrainConfig, config_from
from socal_core.storage import write_json


def render_strip(request: dict[str, Any], report: Report) -> dict[str, Any]:
    """Render the strip of a trial for the Training page.

    The strip, or an `error`, is written to the file `out`, since the page also uses the strips of earlier requests.

    Args:
        request: `data` and `options`, the data folder and how to read it; `settings` of the run; `trial_id`;
            `trained`, the training trials if clips are mixed, else empty; `out`, the file to write.
        report: Not used, since rendering takes only a moment.

    Returns:
        An empty dictionary.
    """
    root, out = Path(request["data"]), Path(request["out"])
    try:
        with path_shown_as(root, root.name):
            strip = _strip(request, root)
    except SocalError as error:
        _write(out, {"error": str(error)})
        raise
    _write(out, strip)
    return {}


def _write(out: Path, strip: dict[str, Any]) -> None:
    write_json(out, strip)
    forget_oldest(out.parent, "*.json")


def _strip(request: dict[str, Any], root: Path) -> dict[str, Any]:
    config = config_from(request["settings"], TINY)
    dataset = open_cached(root, OpenOptions.from_dict(request["options"]))
    preprocessor, note = _preprocessing(config, with_target(dataset, config.model.target).target)
    strip = build_strip(dataset, config, preprocessor, request["trial_id"], request["trained"])
    _, height, width = preprocessor.frame_shape
    return {
        "trial_id": request["trial_id"],
        "size": f"{width}x{height}",
        "shown": len(strip.rows[0].frames),
        "num_frames": config.clip.num_frames,
        "rows": [{"title": row.title, "text": row.text, "png": _png(row)} for row in strip.rows],
        "notes": [*([note] if note else []), *strip.notes],
    }


def _preprocessing(config: TrainConfig, target: Target) -> tuple[Preprocessor, str]:
    """Return the preprocessing of the model and a note for the user; nothing is downloaded for a preview."""
    if weights_at_hand(config.model.model):
        return preprocessors_of(config, target)[0]
    size = architecture_for(config).image_size
    note = (
        f"{config.model.model} is not on this machine: the frames are shown as VideoMAE usually receives them, resized "
        f"to a shorter edge of {size} pixels and cropped to the centre."
    )
    return Preprocessor.for_size(size), note


def _png(row: StripRow) -> str:
    file = io.BytesIO()
    side_by_side(row.frames).save(file, "PNG", compress_level=3)
    return base64.b64encode(file.getvalue()).decode()


if __name__ == "__main__":
    main(render_strip)
