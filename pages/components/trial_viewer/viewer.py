"""The view of one trial: the player, the prediction beside the truth, and its boxes as a file."""

import pandas as pd
import streamlit as st

from pages.components.trial_viewer.explanation import show_explanation
from pages.components.trial_viewer.player.component import show_player
from pages.components.trial_viewer.player.trial_data import boxes_as_csv, trial_data
from pages.components.trial_viewer.prediction import show_prediction
from pages.components.trial_viewer.tracks import boxes_with_tracks
from socal_core.dataset.dataset import Dataset
from socal_core.runs.folder import RunFolder

ID_SOURCES = {
    "file": "The tracking ids come from the files in the data folder.",
    "tracker": "The data has no tracking ids. These ids come from the tracker of the app, which connects boxes of the "
    "same label from frame to frame. It can confuse two instruments of the same kind.",
}
NO_BOXES = "This trial has no boxes."


def show_trial(dataset: Dataset, trial_id: str, run: RunFolder | None, predictions: pd.DataFrame | None) -> None:
    """Show a trial. The browser plays it without the server."""
    tracked = boxes_with_tracks(dataset)
    boxes = tracked[tracked["trial_id"] == trial_id]
    left, right = st.columns([2, 1], gap="medium")
    with left:
        show_player(dataset, trial_data(dataset, trial_id, boxes, run))
    with right:
        show_prediction(dataset, trial_id, run, predictions)
        _about_boxes(dataset, trial_id, boxes)
    if run is not None:
        show_explanation(dataset, trial_id, run)


def _about_boxes(dataset: Dataset, trial_id: str, boxes: pd.DataFrame) -> None:
    """Show where the ids of the boxes come from, and the boxes as a file."""
    if boxes.empty:
        st.caption(NO_BOXES)
        return
    st.caption(ID_SOURCES[boxes["track_source"].iloc[0]])
    st.download_button(
        "Download boxes as CSV",
        lambda: boxes_as_csv(dataset, trial_id, boxes),
        file_name=f"{trial_id}_boxes.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
    )
