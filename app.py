"""The app that `streamlit run app.py` serves, and its first page.

Streamlit imports this file once as a module, for the server with its routes, and runs it as a script for the Overview
page: what the app does, the data in numbers, and the next steps.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import streamlit as st
from starlette.middleware import Middleware

from pages.components.page_frame import page
from pages.components.runs import all_runs, runs_table
from pages.components.server_start import allowed_scripts, config_to_serve
from pages.components.session_user import user_with_cookies
from pages.components.sidebar.data_picker import is_demo
from pages.components.tiles import data_tiles
from socal_core.errors import SocalError
from socal_core.serving.gate import Gate
from socal_core.serving.health import health_route
from socal_core.serving.routes import frame_routes
from socal_core.serving.session_folder import remove_left_folders
from socal_core.startup import load_in_background

NEWEST_RUNS = 5
LOADED_AHEAD = (
    "plotly.graph_objects",
    "plotly.graph_objs._figure",
    "plotly.io",
    "pyarrow.parquet",
    "pages.components.evaluation.analyses",
    "pages.components.evaluation.target_results",
    "pages.components.evaluation.exports",
    "pages.components.dataset.views",
    "pages.components.training.live",
)
"""What the pages need, with pandas, SciPy, scikit-learn and OpenCV. The server loads it as soon as it runs."""
STEPS = (
    ("pages/dataset.py", "Look at the data", "See outcomes, frames and boxes, and check the folder for problems."),
    ("pages/training.py", "Train a model", "Training runs in the background while you follow its progress."),
    ("pages/evaluation.py", "Test the model", "See how well it predicts trials that it was not trained on."),
    ("pages/trial_viewer.py", "View trials", "See frames with their boxes, and compare predictions with outcomes."),
)


def next_steps() -> None:
    st.subheader("Steps")
    columns = st.columns(len(STEPS))
    for number, (column, (script, label, text)) in enumerate(zip(columns, STEPS, strict=True), start=1):
        with column.container(border=True, height="stretch"):
            st.page_link(script, label=f"**{number}. {label}**")
            st.write(text)


INTRODUCTION = (
    "A SOCAL trial is a training exercise: a surgeon has five minutes to stop the bleeding from an injured carotid "
    "artery. This app trains a video model to predict the outcome from the first minute, and shows how reliable the "
    "predictions are."
)


def overview() -> None:
    with page("Overview", INTRODUCTION, heading="Will the bleeding be stopped?") as dataset:
        if dataset is not None:
            st.subheader("The data at a glance")
            if is_demo(dataset):
                st.caption("This is the synthetic demo data set. A program generated it so that you can try the app.")
            st.caption(f"{dataset.preset.title}. Success: {dataset.preset.success}.")
            data_tiles(dataset)
        next_steps()
        st.subheader("Newest runs")
        runs = all_runs()
        if runs:
            runs_table(runs[:NEWEST_RUNS])
        else:
            st.info("There are no runs yet. Start the first one on the Training page.")


@asynccontextmanager
async def lifespan(_: Any) -> AsyncIterator[None]:
    """Load what the pages need while the server waits for its first visitor."""
    load_in_background(LOADED_AHEAD)
    yield


if __name__ == "__main__":
    overview()
else:
    with suppress(SocalError):  # the pages report a workspace that cannot be used
        remove_left_folders()
    base = st.get_option("server.baseUrlPath").strip("/")
    gate = Middleware(
        Gate,
        config=config_to_serve(),
        base=base,
        scripts=allowed_scripts(),
        user_with_cookies=user_with_cookies,
    )
    app = st.App(__file__, routes=[health_route(base), *frame_routes(base)], middleware=[gate], lifespan=lifespan)
