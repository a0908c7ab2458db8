"""Frames on a page: decoded once, drawn with their boxes."""

from pathlib import Path

import pandas as pd
import streamlit as st
from PIL import Image

from pages.components.data import Fingerprint, fingerprint
from socal_core.dataset.images import read_frame
from socal_core.dataset.tracking import with_track_ids
from socal_core.dataset.types import Dataset
from socal_core.errors import DataError
from socal_core.figures.frames import draw_boxes

THUMBNAIL_TEXT = 1 / 15


def read_picture(dataset: Dataset, frame: str) -> Image.Image:
    """A frame as a picture; DataError when it cannot be read."""
    path = dataset.frame_path(frame)
    try:
        changed = path.stat().st_mtime_ns
    except OSError:
        changed = 0  # reading it says what is wrong
    return _decoded(str(path), changed)


@st.cache_data(max_entries=32, show_spinner=False)
def _decoded(path: str, mtime_ns: int) -> Image.Image:
    return Image.fromarray(read_frame(Path(path)))


def tracked_boxes(dataset: Dataset, trial_id: str) -> tuple[pd.DataFrame, str]:
    """A trial's boxes with a track id each, and where the ids come from: `file` or `tracker`."""
    return _tracked(dataset, str(dataset.root), fingerprint(dataset.root), trial_id)


@st.cache_data(max_entries=32, show_spinner=False)
def _tracked(_dataset: Dataset, root: str, fingerprint: Fingerprint, trial_id: str) -> tuple[pd.DataFrame, str]:
    return with_track_ids(_dataset.boxes_of(trial_id))


def sample_frames(dataset: Dataset, count: int, seed: int) -> None:
    """Draw some frames that have boxes, each of another trial where there are enough, side by side."""
    with_boxes = dataset.boxes.drop_duplicates("frame")
    frames = with_boxes if len(with_boxes) else dataset.frames
    chosen = frames.sample(frac=1, random_state=seed).drop_duplicates("trial_id").head(count)
    for column, row in zip(st.columns(count), chosen.itertuples(), strict=False):
        try:
            picture = read_picture(dataset, row.frame)
        except DataError as error:
            column.warning(str(error))
            continue
        boxes = dataset.boxes[dataset.boxes["frame"] == row.frame]
        column.image(
            draw_boxes(picture, boxes, THUMBNAIL_TEXT),
            caption=f"{row.trial_id}, frame {row.position + 1}",
            width="stretch",
            output_format="JPEG",
        )
