"""What the model sees of a trial with the settings in the form. A job renders the frames, and the cache keeps them."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import streamlit as st

from pages.components.access import may, why_not
from pages.components.job_progress import REFRESH_SECONDS, start_job
from pages.components.sidebar.data_picker import opened_with
from pages.components.words import plain_text
from socal_core.access.permissions import Action
from socal_core.clips.fill import stamp_of_frame
from socal_core.clips.plan import ClipPlan
from socal_core.dataset.dataset import Dataset
from socal_core.errors import DataError
from socal_core.jobs.job import Job
from socal_core.json_files import read_json
from socal_core.settings import TrainConfig
from socal_core.splits import split_dataset
from socal_core.storage import write_json
from socal_core.workspace import cache_folder

VERSION = 1
"""Increase this number when the same request gives another strip."""
RENDERING = Job("strip", "socal_core.jobs.render_strip", "Preparing these frames")
HELP = (
    "Shows the frames of a trial after resizing and cropping, as in validation and test, and with the random changes "
    "of the first three training epochs. The settings in the sidebar apply."
)
RELEVANT = ("target", "model", "recipe", "encoder", "scaled_decoding", "seed")
"""Settings that the strip depends on, besides those of clips and augmentation."""
_PARTS = {"rows", "notes", "shown", "num_frames", "size", "trial_id"}
"""What the job writes."""
SHOWN = "strip-shown"
ASKED = "strip-asked"


def show_strip(dataset: Dataset, config: TrainConfig) -> None:
    """Show a toggle and, below it, the strip of a training trial. The settings must allow a split."""
    if not st.toggle(
        "Show what the model sees",
        help=why_not(Action.COMPUTE) or HELP,
        disabled=not may(Action.COMPUTE),
        key="strip-on",
        persist_state="session",
    ):
        return
    train = split_dataset(dataset, config.split).train
    trial_id = st.selectbox("Training trial", train, key="strip-trial", width=240, persist_state="session")
    try:
        request = _request(dataset, config, trial_id, train)
    except DataError as error:
        st.warning(plain_text(error))
        return
    result = _result(Path(request["out"]))
    st.fragment(_status, run_every=REFRESH_SECONDS if result is None else None)(request, result is not None)
    if result is None:
        last = _last(request)
        if last is not None:
            st.caption(f"Until then, trial {plain_text(last['trial_id'])} with the previous settings:")
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
            f"{result['shown']} of the {result['num_frames']} frames of a clip, at the input size of the model, "
            f"{result['size']} pixels."
        )
        _rows(result)


def _request(dataset: Dataset, config: TrainConfig, trial_id: str, train: tuple[str, ...]) -> dict[str, Any]:
    """Return everything that the strip depends on, and a file for it that is named by the hash of all that.

    Raises:
        DataError: The trial has no frame in the window.
    """
    visible = ClipPlan(dataset, config.clip, config.split.seed).visible(trial_id)
    stamps = {}
    for index in visible.indices:
        stamp = stamp_of_frame(dataset, visible.trial.frames[index])
        stamps[dataset.file_of(visible.trial.frames[index]).name] = stamp and (stamp.size, stamp.mtime_ns)
    # Only mixed clips depend on the other trials of the batch.
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
        "trained": list(train) if mixes else [],
    }
    key = hashlib.sha256(json.dumps(request, sort_keys=True).encode("utf-8", "surrogateescape")).hexdigest()[:32]
    return {**request, "out": str((cache_folder() / "strips" / f"{key}.json").resolve())}


def _status(request: dict[str, Any], ready: bool) -> None:
    """Show the status of the strip, start the job if needed, and rerun the page when it has ended.

    The frames are outside of this fragment, because Streamlit dims everything that a timer refreshes.
    """
    running = RENDERING.running  # read this first: the job writes its result before it releases the lock
    if (_result(Path(request["out"])) is not None) is not ready:
        st.rerun()  # also starts or ends the timer
    trial = f"**Trial {plain_text(request['trial_id'])}**"
    if ready:
        st.markdown(f"{trial} with the settings in the sidebar")
        return
    if not running:
        _start(request)
    st.markdown(f":material/hourglass_top: {trial} is being prepared. This takes a few seconds.")


def _last(request: dict[str, Any]) -> dict[str, Any] | None:
    """Return the strip of the same data set that was shown before, or None."""
    fingerprint, out = st.session_state.get(SHOWN, ("", ""))
    return _result(Path(out)) if out and fingerprint == request["fingerprint"] else None


def _rows(result: dict[str, Any]) -> None:
    for row in result["rows"]:
        st.caption(f"**{plain_text(row['title'])}**: {plain_text(row['text'])}")
        st.image(base64.b64decode(row["png"]), alt=f"{row['title']}: frames of trial {result['trial_id']}")
    for note in result["notes"]:
        st.caption(f":material/info: {plain_text(note)}")


def _start(request: dict[str, Any]) -> None:
    """Start the job. If it was started before and has ended without a result, store an error instead."""
    out = Path(request["out"])
    out.parent.mkdir(exist_ok=True)
    if st.session_state.get(ASKED) == str(out):
        del st.session_state[ASKED]
        write_json(out, {"error": RENDERING.ended_unexpectedly})
        st.rerun()
    # If the job is running for another tab, the next refresh tries again.
    if start_job(RENDERING, Action.COMPUTE, request):
        st.session_state[ASKED] = str(out)


def _result(file: Path) -> dict[str, Any] | None:
    """Read the result of the job, or return None if there is none yet."""
    try:
        values = read_json(file)
    except (OSError, ValueError):
        return None
    complete = isinstance(values, dict) and ("error" in values or set(values) >= _PARTS)
    return values if complete else None  # the job writes a damaged file again
