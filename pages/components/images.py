"""Frames on a page, with their boxes."""

import pandas as pd
import streamlit as st
from PIL import Image

from pages.components.words import plain_text
from socal_core.dataset.dataset import Dataset
from socal_core.errors import DataError
from socal_core.figures.frames import draw_boxes

THUMBNAIL_TEXT = 1 / 15
"""Height of letters as a fraction of the height of a frame that is displayed small."""
THUMBNAIL_SIZE = (640, 640)
SHEET_ROWS, SHEET_COLUMNS = 2, 4


def read_picture(dataset: Dataset, frame: str) -> Image.Image:
    """Read a frame as an image, and keep it in Streamlit's cache.

    Raises:
        DataError: The frame cannot be read.
    """
    try:
        changed = dataset.file_of(frame).stat().st_mtime_ns
    except OSError:
        changed = 0  # reading the frame reports the error
    return _decoded(dataset, str(dataset.root), frame, changed)


@st.cache_data(max_entries=32, show_spinner=False)
def _decoded(_dataset: Dataset, root: str, frame: str, mtime_ns: int) -> Image.Image:
    return Image.fromarray(_dataset.read_frame(frame))


def contact_sheet(dataset: Dataset, seed: int) -> None:
    """Show random frames with their boxes, at most one per trial."""
    shown = dataset.boxes.drop_duplicates("frame")
    frames = shown if len(shown) else dataset.frames
    if frames.empty:
        st.info("None of these trials has a frame.")
        return
    sampled = frames.sample(frac=1, random_state=seed).drop_duplicates("trial_id")
    show_frames(dataset, sampled.head(SHEET_ROWS * SHEET_COLUMNS))


def show_frames(dataset: Dataset, chosen: pd.DataFrame) -> None:
    """Show frames with their boxes, in two rows.

    Args:
        dataset: The data set.
        chosen: The frames (columns frame, trial_id and position), at most SHEET_ROWS * SHEET_COLUMNS.
    """
    cells = [cell for _ in range(SHEET_ROWS) for cell in st.columns(SHEET_COLUMNS)]
    rows = zip(chosen["frame"], chosen["trial_id"], chosen["position"], strict=True)
    for cell, (frame, trial_id, position) in zip(cells, rows, strict=False):
        try:
            picture = read_picture(dataset, frame)
        except DataError as error:
            cell.warning(plain_text(error))
            continue
        drawn = draw_boxes(picture, dataset.boxes[dataset.boxes["frame"] == frame], THUMBNAIL_TEXT)
        drawn.thumbnail(THUMBNAIL_SIZE)
        caption = f"{plain_text(trial_id)}, frame {position + 1}"
        cell.image(drawn, caption=caption, width="stretch", output_format="JPEG")
