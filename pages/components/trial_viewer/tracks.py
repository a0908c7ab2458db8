"""The track ids of the boxes, computed once and kept."""

import pandas as pd
import streamlit as st

from socal_core.annotations.track_cache import digest_of_boxes, tracked_boxes
from socal_core.dataset.dataset import Dataset


def boxes_with_tracks(dataset: Dataset) -> pd.DataFrame:
    """Return all boxes with their track ids and `track_source`, which is `file` or `tracker`."""
    return _tracked(dataset, str(dataset.root), digest_of_boxes(dataset.boxes))


@st.cache_resource(max_entries=2, show_spinner="Tracking the tools from frame to frame")
def _tracked(_dataset: Dataset, root: str, digest: str) -> pd.DataFrame:
    return tracked_boxes(_dataset)
