"""The clip cache before a run is started: what the run needs of it, filling it now, and making room in it."""

import time
from datetime import datetime
from typing import Any

import pandas as pd
import streamlit as st

from pages.components.job_progress import show_log, watch
from pages.components.sidebar.data_picker import name_of_data, opened_with
from pages.components.words import in_words, plain_text, size_in_words
from socal_core.clips.clip_cache import LIMIT_VARIABLE, StoreInfo, limit_bytes, list_stores, remove_store
from socal_core.clips.fill import CacheStatus, cache_status
from socal_core.clips.plan import frames_of_run
from socal_core.clips.store import FrameStore
from socal_core.dataset.dataset import Dataset
from socal_core.errors import SocalError
from socal_core.jobs.job import Job, JobState, JobStatus
from socal_core.runs.architecture import input_sizes
from socal_core.runs.model_choice import local_folder
from socal_core.settings import TrainConfig
from socal_core.splits import make_split

DAY = 86_400
FILLING = Job("clip-cache", "socal_core.jobs.fill_cache", "The filling")
ALL = ""
"""The choice of all that is kept, in place of a store's folder."""
ASKED = "cache-asked"
"""In the session: the folder's name, or ALL, whose removal waits for a yes."""
TOLD = "cache-messages"
"""In the session: how the last removal went, to be said once."""
PURPOSE = (
    "Decoding and resizing frames takes much of the time of a run, so each frame is decoded once and kept on disk at "
    "the size that the model needs. Every epoch and every later run then only reads it. A run adds what is missing "
    "when it starts; filling the cache now saves that time."
)


def show_cache(dataset: Dataset, config: TrainConfig) -> None:
    """How much is kept, in a line; behind a switch what a run with these settings needs, and all that is kept.

    The settings must allow a split.
    """
    opened = st.toggle("Clip cache", help="What this run needs, filling the cache before the run, and making room.")
    try:
        stores, limit = list_stores(), limit_bytes()
        filling = " It is being filled now." if FILLING.running else ""
    except SocalError as error:
        st.error(plain_text(error))
        return
    if limit:
        kept = size_in_words(sum(info.bytes for info in stores))
        st.caption(f"Frames are decoded once and then kept on disk: {kept} of at most {size_in_words(limit)}.{filling}")
    else:
        st.caption(f"Switched off by {LIMIT_VARIABLE}: frames are decoded again at each use.")
    if opened:
        with st.container(border=True):
            st.write(PURPOSE)
            _show_need(dataset, config, stores, limit)
            _show_stores(stores, limit)


def needed_by(dataset: Dataset, config: TrainConfig, stores: list[StoreInfo]) -> CacheStatus:
    """What the clips of a run with these settings take, and how much of it is kept; SocalError without a split.

    The exact way of resizing is known only once the model is loaded; of the stores for this data, size and way of
    decoding it is taken to be the one used last, as it is wherever runs of one model follow each other.
    """
    split = make_split(dataset.usable_trials, config.split)
    wanted = frames_of_run(dataset, config, split)
    root, need = dataset.root.resolve(), CacheStatus(0, 0, 0, 0, 0, 0, 0)
    for side in input_sizes(config.model):
        shape, scaled = (3, side, side), config.machine.scaled_decoding
        frames = [info for info in stores if not info.encoder]
        fitting = [i for i in frames if (i.data, i.shape, i.recipe.get("scaled")) == (root, shape, scaled)]
        # Without one: any recipe's, which has no folder yet.
        need += cache_status(dataset, FrameStore(root, fitting[-1].recipe if fitting else {}, shape), wanted)
    return need


def _show_need(dataset: Dataset, config: TrainConfig, stores: list[StoreInfo], limit: int) -> None:
    need = needed_by(dataset, config, stores)
    sizes = " and ".join(f"{side}x{side}" for side in input_sizes(config.model))
    percent = 100 * need.frames // max(1, need.of_frames)
    tiles = (
        (
            "Frames this run needs",
            f"{need.of_frames:,}",
            "Of its training, validation and test clips, each counted once",
        ),
        ("Their size", size_in_words(need.estimated_bytes), f"At {sizes} pixels, 3 bytes per pixel"),
        (
            "Already kept",
            f"{need.frames:,} ({percent}%)",
            "From earlier runs and fillings; their files have not changed since",
        ),
    )
    for column, (label, value, text) in zip(st.columns(len(tiles)), tiles, strict=True):
        column.metric(label, value, help=text, border=True)
    if FILLING.running:
        watch(FILLING, _how_far)
        st.caption("You can leave this page or close the browser meanwhile.")
        return
    request = _request(dataset, config)
    if st.button("Fill now", icon=":material/save:", disabled=need.complete or not limit):
        _start(request, config.model.allow_download)
    _how_it_ended(FILLING.status() if FILLING.request() == request else JobStatus(JobState.IDLE), need)


def _start(request: dict[str, Any], allow_download: bool) -> None:
    try:
        FILLING.start(request, {} if allow_download else {"HF_HUB_OFFLINE": "1"})
    except SocalError as error:
        st.error(plain_text(error))
        return
    st.rerun()  # also where another tab was quicker: look on


def _how_far(status: JobStatus) -> str:
    if not status.total:
        return "Loading the model and the data set"
    return f"Filling the clip cache: {status.done:,} of {status.total:,} frames"


def _how_it_ended(status: JobStatus, need: CacheStatus) -> None:
    """What the numbers and the last filling, where it was for the same frames, say."""
    if need.complete:
        which = "All frames of this run that can be read" if need.unreadable else "All frames of this run"
        st.success(f"{which} are kept: it starts without decoding.", icon=":material/check:")
        if need.unreadable:
            few = "One frame cannot be read." if need.unreadable == 1 else f"{need.unreadable:,} frames cannot be read."
            st.warning(
                plain_text(status.result.get("unreadable", ""))
                or f"{few} The nearest readable frames are used instead."
            )
    elif status.state is JobState.DIED:
        st.error(f"{plain_text(status.error)} *Fill now* continues from there.")
        show_log(FILLING.log_tail())
    elif status.state is JobState.STOPPED:
        st.info("The filling was stopped. The frames kept so far remain, and *Fill now* continues from there.")
    elif status.state is JobState.FAILED:
        st.error(plain_text(status.error))
    elif status.result.get("note"):
        st.warning(f"{plain_text(status.result['note'])} Remove what you no longer need below, or allow more.")


def _request(dataset: Dataset, config: TrainConfig) -> dict[str, Any]:
    """What the worker has to know, as in a run's config.json; the same for all settings that take the same frames."""
    folder = local_folder(config.model.model)
    if folder is not None:
        config = config.replace(model=str(folder.resolve()))  # the worker runs in another folder
    # The groups that decide which frames a run takes, and how they are decoded.
    deciding = {**dict(config.model), **dict(config.clip), **dict(config.machine), **dict(config.split)}
    return {
        "config": deciding,
        "data": str(dataset.root.resolve()),
        "data_options": opened_with(dataset).as_dict(),
    }


def _show_stores(stores: list[StoreInfo], limit: int) -> None:
    total = size_in_words(sum(info.bytes for info in stores))
    st.markdown(f"**Everything kept**: {total} of at most {size_in_words(limit)} ({LIMIT_VARIABLE}).")
    for show, text in st.session_state.pop(TOLD, []):
        {"done": st.success, "refused": st.warning}[show](text)
    if not stores:
        st.caption("Nothing yet.")
        return
    newest_first = stores[::-1]
    st.dataframe(
        pd.DataFrame([_row(info) for info in newest_first]), hide_index=True, key="cache-stores", width="stretch"
    )
    names = {info.folder.name: f"{_name(info)}, {size_in_words(info.bytes)}" for info in newest_first}
    names[ALL] = f"Everything, {total}"
    asked = st.session_state.get(ASKED)
    if asked not in names:  # nobody was asked, or another tab has removed it meanwhile
        left, right = st.columns([5, 1], vertical_alignment="bottom")
        chosen = left.selectbox("Make room", list(names), format_func=names.__getitem__, key="cache-chosen")
        right.button("Remove", icon=":material/delete:", width="stretch", on_click=_ask, args=(chosen,))
        return
    st.warning(f"Remove **{plain_text(names[asked])}**? Runs decode these frames again when they need them.")
    with st.container(horizontal=True):
        st.button("Yes, remove", type="primary", on_click=_remove, args=(asked,))
        st.button("No, keep", on_click=_ask, args=(None,))


def _row(info: StoreInfo) -> dict[str, str]:
    seconds = time.time() - info.last_used
    used = datetime.fromtimestamp(info.last_used).astimezone()
    last_used = f"{in_words(seconds)} ago" if seconds < DAY else f"{used:%Y-%m-%d}"
    return {
        "Data set": name_of_data(info.data),
        "What": f"features ({info.encoder})" if info.encoder else "frames",
        "Frame size": _pixels(info),
        "Decoding": "scaled" if info.recipe.get("scaled") else "full",
        "On disk": size_in_words(info.bytes),
        "Last used": "in use now" if info.in_use() else last_used,
    }


def _ask(folder: str | None) -> None:
    st.session_state[ASKED] = folder


def _remove(chosen: str) -> None:
    """Remove a store, or all, and leave word of how it went."""
    st.session_state[ASKED] = None
    messages: list[tuple[str, str]] = []
    removed = 0
    for info in list_stores():
        if chosen in {ALL, info.folder.name}:
            name = plain_text(_name(info))
            try:
                if remove_store(info.folder):
                    removed += info.bytes
                else:
                    messages.append(
                        (
                            "refused",
                            f"{name} is in use by a run or a filling and was not removed. Wait until that ends.",
                        )
                    )
            except OSError as error:
                messages.append(("refused", f"{name} cannot be removed: {error.strerror}."))
    if removed:
        messages.insert(0, ("done", f"Removed: {size_in_words(removed)}."))
        FILLING.forget()  # what it tells, such as a lack of room, is past
    st.session_state[TOLD] = messages


def _name(info: StoreInfo) -> str:
    if info.encoder:
        return f"{name_of_data(info.data)}, features of the {info.encoder} encoder"
    decoding = ", scaled decoding" if info.recipe.get("scaled") else ""
    return f"{name_of_data(info.data)}, {_pixels(info)}{decoding}"


def _pixels(info: StoreInfo) -> str:
    return f"{info.shape[2]}x{info.shape[1]} px"
