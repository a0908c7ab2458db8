"""The view of one trial: a frame with its boxes, the prediction, and a table of the boxes."""

import pandas as pd
import streamlit as st

from pages.components.images import read_picture
from pages.components.trial_viewer.prediction import show_prediction
from pages.components.trial_viewer.tracks import boxes_with_tracks
from pages.components.words import plain_text
from socal_core.dataset.dataset import Dataset
from socal_core.errors import DataError
from socal_core.figures.frames import box_table, draw_boxes
from socal_core.runs.folder import RunFolder

ID_SOURCES = {
    "file": "The tracking ids come from the files in the data folder.",
    "tracker": "The data has no tracking ids. These ids come from the tracker of the app, which connects boxes of the "
    "same label from frame to frame. It can confuse two instruments of the same kind.",
}


def show_trial(dataset: Dataset, trial_id: str, run: RunFolder | None, predictions: pd.DataFrame | None) -> None:
    """Show a trial. Moving the slider refreshes only this part of the page."""
    st.fragment(_show)(dataset, trial_id, run, predictions)


def _show(dataset: Dataset, trial_id: str, run: RunFolder | None, predictions: pd.DataFrame | None) -> None:
    frames = dataset.frames_of(trial_id)
    tracked = boxes_with_tracks(dataset)
    boxes = tracked[tracked["trial_id"] == trial_id]
    left, right = st.columns([3, 2], gap="large")
    with left:
        number = 1
        if len(frames) > 1:
            number = st.slider("Frame", 1, len(frames), key=f"frame-{trial_id}")
        frame = frames.iloc[number - 1]
        of_frame = boxes[boxes["frame"] == frame["frame"]]
        size = _picture(dataset, trial_id, frame, of_frame)
        st.caption(f"Frame {number} of {len(frames)} · second {frame['second']} · {plain_text(frame['frame'])}")
    with right:
        show_prediction(dataset, trial_id, run, predictions)
        st.subheader("Boxes in this frame")
        _table(of_frame, size)
        if len(boxes):
            st.caption(ID_SOURCES[boxes["track_source"].iloc[0]])


def _picture(dataset: Dataset, trial_id: str, frame: pd.Series, boxes: pd.DataFrame) -> tuple[int, int] | None:
    """Show a frame and return its size. If it cannot be read, return the size from the table of trials, or None."""
    try:
        picture = read_picture(dataset, frame["frame"])
    except DataError as error:
        st.warning(f"This frame cannot be shown. {plain_text(error)}", icon=":material/broken_image:")
        width, height = (dataset.trials[name][trial_id] for name in ("width", "height"))
        return None if pd.isna(width) or pd.isna(height) else (int(width), int(height))
    st.image(draw_boxes(picture, boxes), width="stretch", output_format="JPEG", alt=f"Frame {frame['frame']}")
    return picture.size


def _table(boxes: pd.DataFrame, size: tuple[int, int] | None) -> None:
    if boxes.empty:
        st.write("This frame has no boxes.")
        return
    st.dataframe(
        box_table(boxes, size),
        hide_index=True,
        placeholder="–",
        column_config={
            "tracking_id": st.column_config.NumberColumn("tracking_id", format="%d"),
            "label": "Label",
            "area_px": st.column_config.NumberColumn("Area (px²)", format="localized"),
            "area_percent": st.column_config.NumberColumn("Area (% of frame)", format="%.2f"),
        },
    )
