"""The clip cache before the start of a run: what the run needs, filling the cache, and freeing space."""

import time
from collections.abc import Collection
from datetime import datetime
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from pages.components.access import guarded, may, why_not
from pages.components.downloads import download_csv
from pages.components.job_progress import show_log, start_job, watch
from pages.components.sidebar.data_picker import name_of_data, opened_with
from pages.components.words import duration_text, plain_text, size_text
from socal_core.access.permissions import Action
from socal_core.clips.clip_cache import LIMIT_VARIABLE, StoreInfo, limit_bytes, list_stores, remove_store
from socal_core.clips.fill import CacheStatus, cache_status
from socal_core.clips.plan import frames_of_run
from socal_core.clips.store import FrameStore
from socal_core.dataset.dataset import Dataset
from socal_core.errors import SocalError
from socal_core.file_handles import os_reason
from socal_core.jobs.job import Job, JobState, JobStatus
from socal_core.runs.architecture import input_sizes
from socal_core.runs.model_choice import local_folder
from socal_core.settings import TrainConfig
from socal_core.splits import split_dataset

DAY = 86_400
FILLING = Job("clip-cache", "socal_core.jobs.fill_cache", "The filling")
ALL = ""
"""The option for everything in the cache instead of a single store's folder."""
ASKED = "cache-asked"
"""Session key of the folder name, or ALL, whose removal the user has to confirm."""
MESSAGES = "cache-messages"
"""Session key of the messages about the last removal, which are shown once."""
PURPOSE = (
    "Decoding and resizing frames takes much of the time of a run. So each frame is decoded once and kept on disk at "
    "the size that the model needs. All epochs and later runs then only read it. When a run starts, it adds the frames "
    "that are missing. If you fill the cache now, the run starts sooner."
)


def show_cache(dataset: Dataset, config: TrainConfig) -> None:
    """Show the size of the cache and, behind a toggle, what a run needs and everything in the cache.

    Args:
        dataset: The data set to train on.
        config: The settings of the run, which must allow a split.
    """
    opened = st.toggle("Clip cache", help="See what this run needs, fill the cache before the run, or free space.")
    try:
        stores, limit = list_stores(), limit_bytes()
        filling = " It is being filled now." if FILLING.running else ""
    except SocalError as error:
        st.error(plain_text(error))
        return
    if limit:
        kept = size_text(sum(info.bytes for info in stores))
        st.caption(f"Frames are decoded once and then kept on disk: {kept} of at most {size_text(limit)}.{filling}")
    else:
        st.caption(f"{LIMIT_VARIABLE} turns the clip cache off. Frames are decoded each time they are used.")
    if opened:
        with st.container(border=True):
            st.write(PURPOSE)
            _show_need(dataset, config, stores, limit)
            _show_stores(stores, limit)


def needed_by(dataset: Dataset, config: TrainConfig, stores: list[StoreInfo]) -> CacheStatus:
    """Return which frames a run needs, and how many of them are in the cache.

    The exact resizing is known only when the model is loaded. So it is assumed to be that of the last used store with
    the same data, size and decoding, which is right if consecutive runs use the same model.

    Raises:
        SocalError: The settings do not allow a split.
    """
    split = split_dataset(dataset, config.split)
    wanted = frames_of_run(dataset, config, split)
    root, need = dataset.root.resolve(), CacheStatus(0, 0, 0, 0, 0, 0, 0)
    for edge in input_sizes(config.model):
        shape, scaled = (3, edge, edge), config.machine.scaled_decoding
        frames = [info for info in stores if not info.encoder]
        fitting = [i for i in frames if (i.data, i.shape, i.recipe.get("scaled")) == (root, shape, scaled)]
        # If there is no such store, an empty recipe stands for a store without a folder.
        need += cache_status(dataset, FrameStore(root, fitting[-1].recipe if fitting else {}, shape), wanted)
    return need


def _show_need(dataset: Dataset, config: TrainConfig, stores: list[StoreInfo], limit: int) -> None:
    need = needed_by(dataset, config, stores)
    sizes = " and ".join(f"{edge}x{edge}" for edge in input_sizes(config.model))
    percent = 100 * need.frames // max(1, need.of_frames)
    tiles = (
        (
            "Frames this run needs",
            f"{need.of_frames:,}",
            "The frames of its training, validation and test clips, each counted once",
        ),
        ("Their size", size_text(need.estimated_bytes), f"At {sizes} pixels, 3 bytes per pixel"),
        (
            "Already in the cache",
            f"{need.frames:,} ({percent}%)",
            "Frames that were decoded before and whose files have not changed since",
        ),
    )
    for column, (label, value, text) in zip(st.columns(len(tiles)), tiles, strict=True):
        column.metric(label, value, help=text, border=True)
    if FILLING.running:
        watch(FILLING, _progress_text)
        st.caption("You can leave this page or close the browser. The filling continues.")
        return
    request = _request(dataset, config)
    off = need.complete or not limit or not may(Action.FILL_CACHE)
    if st.button("Fill now", icon=":material/save:", disabled=off, help=why_not(Action.FILL_CACHE)):
        _start(request, config.model.allow_download)
    _show_end(FILLING.status() if FILLING.request() == request else JobStatus(JobState.IDLE), need)


def _start(request: dict[str, Any], allow_download: bool) -> None:
    try:
        start_job(FILLING, Action.FILL_CACHE, request, {} if allow_download else {"HF_HUB_OFFLINE": "1"})
    except SocalError as error:
        st.error(plain_text(error))
        return
    st.rerun()  # shows the progress, even if another tab has started it


def _progress_text(status: JobStatus) -> str:
    if not status.total:
        return "Loading the model and the data set"
    return f"Filling the clip cache: {status.done:,} of {status.total:,} frames"


def _show_end(status: JobStatus, need: CacheStatus) -> None:
    """Show whether all frames are in the cache, and how the last filling for the same frames ended."""
    if need.complete:
        which = "All readable frames of this run" if need.unreadable else "All frames of this run"
        st.success(f"{which} are in the cache, so it starts without decoding.", icon=":material/check:")
        if need.unreadable:
            few = "One frame cannot be read." if need.unreadable == 1 else f"{need.unreadable:,} frames cannot be read."
            st.warning(
                plain_text(status.result.get("unreadable", ""))
                or f"{few} The nearest readable frames are used instead."
            )
    elif status.state is JobState.DIED:
        st.error(f"{plain_text(status.error)} Click *Fill now* to continue.")
        show_log(FILLING.log_tail())
    elif status.state is JobState.STOPPED:
        st.info("The filling was stopped. The frames decoded so far are kept. Click *Fill now* to continue.")
    elif status.state is JobState.FAILED:
        st.error(plain_text(status.error))
    elif status.result.get("note"):
        st.warning(
            f"{plain_text(status.result['note'])} Remove below what you no longer need, or raise {LIMIT_VARIABLE}."
        )


def _request(dataset: Dataset, config: TrainConfig) -> dict[str, Any]:
    """Return what the job needs to know. It is the same for all settings that use the same frames."""
    folder = local_folder(config.model.model)
    if folder is not None:
        config = config.replace(model=str(folder.resolve()))  # the process of the job runs in another folder
    # These groups determine which frames a run uses and how they are decoded.
    relevant = {**dict(config.model), **dict(config.clip), **dict(config.machine), **dict(config.split)}
    return {
        "config": relevant,
        "data": str(dataset.root.resolve()),
        "data_options": opened_with(dataset).as_dict(),
    }


def _show_stores(stores: list[StoreInfo], limit: int) -> None:
    total = size_text(sum(info.bytes for info in stores))
    st.markdown(f"**Everything in the cache**: {total} of at most {size_text(limit)} ({LIMIT_VARIABLE}).")
    for show, text in st.session_state.pop(MESSAGES, []):
        {"done": st.success, "refused": st.warning}[show](text)
    if not stores:
        st.caption("The cache is empty.")
        return
    newest_first = stores[::-1]
    table = pd.DataFrame([_row(info) for info in newest_first])
    st.dataframe(table, hide_index=True, key="cache-stores", width="stretch")
    download_csv("CSV", lambda: table, "clip-cache.csv", data=None, type="tertiary", key="csv-cache")
    names = {info.folder.name: f"{_name(info)}, {size_text(info.bytes)}" for info in newest_first}
    names[ALL] = f"Everything, {total}"
    asked = st.session_state.get(ASKED)
    if asked not in names:  # nothing to confirm, or another tab has removed it
        left, right = st.columns([5, 1], vertical_alignment="bottom")
        chosen = left.selectbox("Free space", list(names), format_func=names.__getitem__, key="cache-chosen")
        right.button(
            "Remove",
            icon=":material/delete:",
            width="stretch",
            disabled=not may(Action.CLEAR_CACHE),
            help=why_not(Action.CLEAR_CACHE),
            on_click=_ask,
            args=(chosen,),
        )
        return
    st.warning(f"Remove **{plain_text(names[asked])}**? Runs that need these frames decode them again.")
    with st.container(horizontal=True):
        shown = [info.folder.name for info in stores] if asked == ALL else [asked]
        remove = guarded(Action.CLEAR_CACHE, partial(_remove, shown), what=asked)
        st.button("Yes, remove", type="primary", on_click=remove)
        st.button("No, keep", on_click=_ask, args=(None,))


def _row(info: StoreInfo) -> dict[str, str]:
    seconds = max(0.0, time.time() - info.last_used)  # the clock may have been set back since
    used = datetime.fromtimestamp(info.last_used).astimezone()
    last_used = f"{duration_text(seconds)} ago" if seconds < DAY else f"{used:%Y-%m-%d}"
    return {
        "Data set": name_of_data(info.data),
        "What": f"features ({info.encoder})" if info.encoder else "frames",
        "Frame size": _pixels(info),
        "Decoding": "scaled" if info.recipe.get("scaled") else "full",
        "On disk": size_text(info.bytes),
        "Last used": "in use now" if info.in_use() else last_used,
    }


def _ask(folder: str | None) -> None:
    st.session_state[ASKED] = folder


def _remove(chosen: Collection[str]) -> None:
    """Remove the stores that were shown, and store messages about the result."""
    st.session_state[ASKED] = None
    messages: list[tuple[str, str]] = []
    removed = 0
    for info in list_stores():
        if info.folder.name in chosen:
            name = plain_text(_name(info))
            try:
                if remove_store(info.folder):
                    removed += info.bytes
                else:
                    messages.append(
                        (
                            "refused",
                            f"{name} is in use by a run or a filling and was not removed. Try again later.",
                        )
                    )
            except OSError as error:
                messages.append(("refused", f"{name} cannot be removed: {os_reason(error)}."))
    if not removed and not messages:
        messages.append(("refused", "It had been removed in another window already."))
    if removed:
        messages.insert(0, ("done", f"Removed: {size_text(removed)}."))
        FILLING.forget()  # its note, such as a lack of space, no longer applies
    st.session_state[MESSAGES] = messages


def _name(info: StoreInfo) -> str:
    if info.encoder:
        return f"{name_of_data(info.data)}, features of the {info.encoder} encoder"
    decoding = ", scaled decoding" if info.recipe.get("scaled") else ""
    return f"{name_of_data(info.data)}, {_pixels(info)}{decoding}"


def _pixels(info: StoreInfo) -> str:
    return f"{info.shape[2]}x{info.shape[1]} px"
