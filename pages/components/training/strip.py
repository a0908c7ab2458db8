"""What the model sees of a trial under the settings in the form: rendered by a job, kept in the cache."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import streamlit as st

from pages.components.job_progress import REFRESH_SECONDS
from pages.components.sidebar.data_picker import opened_with
from pages.components.words import plain_text
from socal_core.clips.fill import stamp_of_frame
from socal_core.clips.plan import ClipPlan
from socal_core.dataset.dataset import Dataset
from socal_core.errors import DataError
from socal_core.jobs.job import Job
from socal_core.settings import TrainConfig
from socal_core.splits import make_split
from socal_core.storage import write_json
from socal_core.workspace import cache_folder

VERSION = 1
"""Raised when the same request gives another strip."""
RENDERING = Job("strip", "socal_core.jobs.render_strip", "Preparing these frames")
HELP = (
    "The frames of a trial after resizing and cropping, as in validation and test, and the same trial as training will "
    "change it in its first three epochs, with the settings in the sidebar."
)
RELEVANT = ("model", "recipe", "encoder", "scaled_decoding", "seed")
"""Settings that the strip depends on, beside those of clips and their augmentation."""
SHOWN = "strip-shown"
ASKED = "strip-asked"


def show_strip(dataset: Dataset, config: TrainConfig) -> None:
    """A toggle and, below it, the strip of a training trial; the settings must allow a split."""
    if not st.toggle("Show what the model sees", help=HELP, key="strip-on", persist_state="session"):
        return
    trained = make_split(dataset.usable_trials, config.split).train
    trial_id = st.selectbox("Training trial", trained, key="strip-trial", width=240, persist_state="session")
    try:
        request = _request(dataset, config, trial_id, trained)
    except DataError as error:
        st.warning(plain_text(error))
        return
    result = _result(Path(request["out"]))
    st.fragment(_status, run_every=REFRESH_SECONDS if result is None else None)(request, result is not None)
    if result is None:
        last = _last(request)
        if last is not None:
            st.caption(f"Until then, trial {plain_text(last['trial_id'])} with the settings before:")
            _rows(last)
    elif "error" in result:
        st.error(plain_text(result["error"]))
        if st.button("Try again", key="strip-again"):
            Path(request["out"]).unlink(missing_ok=True)
            st.rerun()
    else:
        st.session_state[SHOWN] = (request["fingerprint"], request["out"])
        st.session_state.pop(ASKED, None)
        st.caption(
            f"{result['shown']} of the {result['num_frames']} frames of a clip, at the {result['size']} pixels of the "
            "model's input."
        )
        _rows(result)


def _request(dataset: Dataset, config: TrainConfig, trial_id: str, trained: tuple[str, ...]) -> dict[str, Any]:
    """All that the strip depends on, and the file for it, named by that; DataError when the window holds no frame."""
    visible = ClipPlan(dataset, config.clip, config.split.seed).visible(trial_id)
    stamps = {}
    for place in visible.places:
        stamp = stamp_of_frame(dataset, visible.trial.frames[place])
        stamps[dataset.file_of(visible.trial.frames[place]).name] = stamp and (stamp.size, stamp.mtime_ns)
    # Only a mixed clip depends on the trials that share its batch.
    mixes = config.augmentation.mixup > 0 or config.augmentation.cutmix > 0
    values = config.as_dict()
    settings = {**dict(config.clip), **dict(config.augmentation), **{name: values[name] for name in RELEVANT}}
    if mixes:
        settings["batch_size"] = config.optimization.batch_size
    request = {
        "version": VERSION,
        "data": str(dataset.root.resolve()),
        "fingerprint": dataset.fingerprint,
        "stamps": sorted(stamps.items()),
        "options": opened_with(dataset).as_dict(),
        "trial_id": trial_id,
        "settings": {**settings, "allow_download": False},
        "trained": list(trained) if mixes else [],
    }
    key = hashlib.sha256(json.dumps(request, sort_keys=True).encode("utf-8", "surrogateescape")).hexdigest()[:32]
    return {**request, "out": str((cache_folder() / "strips" / f"{key}.json").resolve())}


def _status(request: dict[str, Any], drawn: bool) -> None:
    """A line on how far the strip is. It starts the drawing, and draws the page anew when that has ended.

    The pictures stand outside: what a timer draws again is dimmed each time.
    """
    running = RENDERING.running  # first: whoever gives the lock back has left its result before
    if (_result(Path(request["out"])) is not None) is not drawn:
        st.rerun()  # also starts or ends the timer
    trial = f"**Trial {plain_text(request['trial_id'])}**"
    if drawn:
        st.markdown(f"{trial} with the settings in the sidebar")
        return
    if not running:
        _start(request)
    st.markdown(f":material/hourglass_top: {trial} is being prepared; this takes a few seconds.")


def _last(request: dict[str, Any]) -> dict[str, Any] | None:
    """The strip of the same data set that was shown before, None when there is none."""
    fingerprint, out = st.session_state.get(SHOWN, ("", ""))
    return _result(Path(out)) if out and fingerprint == request["fingerprint"] else None


def _rows(result: dict[str, Any]) -> None:
    for row in result["rows"]:
        st.caption(f"**{plain_text(row['title'])}**: {plain_text(row['text'])}")
        st.image(base64.b64decode(row["png"]), alt=f"{row['title']}: frames of trial {result['trial_id']}")
    for note in result["notes"]:
        st.caption(f":material/info: {plain_text(note)}")


def _start(request: dict[str, Any]) -> None:
    """Start the process, unless it was and ended without a word."""
    out = Path(request["out"])
    out.parent.mkdir(exist_ok=True)
    if st.session_state.get(ASKED) == str(out):
        del st.session_state[ASKED]
        write_json(out, {"error": RENDERING.ended_unexpectedly})
        st.rerun()
    # If another tab was quicker, it is this one's turn next.
    if RENDERING.start(request):
        st.session_state[ASKED] = str(out)


def _result(file: Path) -> dict[str, Any] | None:
    """What the worker left, None when it has not."""
    try:
        return dict(json.loads(file.read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError):
        return None
