"""The view of one trial: the player, the prediction beside the truth, and its boxes as a file."""

from typing import Any

import pandas as pd
import streamlit as st

from pages.components.downloads import before_downloads, download_csv, ids_in, name_for_file
from pages.components.runs import runs_with_predictions
from pages.components.trial_viewer.attention_view import show_attention
from pages.components.trial_viewer.course_view import course_data, current_course, show_course
from pages.components.trial_viewer.events_view import events_data, events_or_none, show_events, store_marks
from pages.components.trial_viewer.explanation import show_explanation
from pages.components.trial_viewer.pair_view import show_pair, wants_pair
from pages.components.trial_viewer.player.component import show_player
from pages.components.trial_viewer.player.trial_data import boxes_table, trial_data
from pages.components.trial_viewer.prediction import show_prediction
from pages.components.trial_viewer.side_by_side import show_side_by_side
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
    data = _player_data(dataset, trial_id, boxes, run)

    def marked(sent: Any) -> None:
        store_marks(dataset, sent)

    if partner := wants_pair(dataset, trial_id):
        show_pair(dataset, data, partner, tracked, run, marked)
        beside = st.container()
    else:
        left, beside = st.columns([2, 1], gap="medium")
        with left:
            show_player(dataset, data, marked=marked)
    with beside:
        show_prediction(dataset, trial_id, run, predictions)
        _about_boxes(dataset, trial_id, boxes)
    if run is not None:
        show_side_by_side(trial_id, run, runs_with_predictions(dataset))
    show_events(dataset, trial_id, boxes)
    if run is not None:
        show_course(trial_id, run)
        show_explanation(dataset, trial_id, run)
        show_attention(dataset, trial_id, run)


def _player_data(dataset: Dataset, trial_id: str, boxes: pd.DataFrame, run: RunFolder | None) -> dict[str, Any]:
    """Return the trial as the player shows it, with the prediction over time and the events of the user."""
    course = current_course(run, trial_id)
    return {
        **trial_data(dataset, trial_id, boxes, run),
        **({} if run is None or course is None else {"course": course_data(course, run)}),
        **events_data(events_or_none(dataset), trial_id),
    }


def _about_boxes(dataset: Dataset, trial_id: str, boxes: pd.DataFrame) -> None:
    """Show where the ids of the boxes come from, and the boxes as a file."""
    if boxes.empty:
        st.caption(NO_BOXES)
        return
    st.caption(ID_SOURCES[boxes["track_source"].iloc[0]])
    data = before_downloads(ids_in(dataset), dataset.fingerprint, "boxes")
    download_csv(
        "Download boxes as CSV",
        lambda: boxes_table(dataset, trial_id, boxes),
        f"{name_for_file(trial_id)}_boxes.csv",
        data=data,
    )
