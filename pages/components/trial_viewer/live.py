"""A trial that is being recorded: its prediction after each new frame."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import streamlit as st

from pages.components.charts import chart
from pages.components.job_progress import show_log, stop_button
from pages.components.trial_viewer.new_prediction import predicted_text
from pages.components.words import plain_text
from socal_core.dataset.images import check_image
from socal_core.dataset.material import picture_names
from socal_core.errors import SocalError
from socal_core.figures.live import live_figure
from socal_core.jobs.job import Job, JobState
from socal_core.json_files import parse_json
from socal_core.runs.folder import RunFolder

FOLLOWING = Job("follow", "socal_core.jobs.follow_folder", "The prediction of a growing folder")
PREDICTIONS = "predictions.jsonl"
REFRESH_SECONDS = 1.0
_NEEDED = {"predicted", "second", "frames", "complete"}
"""What the job writes of each prediction."""
ABOUT = (
    "Frames are expected one second apart, under names with rising numbers. The folder is followed until the window of "
    "the run is over, or no frame has come for a minute."
)


def show_live(run: RunFolder | None) -> None:
    """Show the choice of a growing folder, and its prediction over time."""
    typed = st.text_input("Folder that grows", key="live-folder", placeholder="/data/recording", help=ABOUT).strip()
    if run is None:
        st.caption("Choose a run to predict with.")
        return
    status, request = FOLLOWING.status(), _request(run, typed)
    mine = FOLLOWING.request() == request
    if not status.running and st.button("Follow", icon=":material/sensors:", key="follow", disabled=not typed):
        if Path(typed).is_dir():
            _predictions_file().unlink(missing_ok=True)
            FOLLOWING.start(request, {"HF_HUB_OFFLINE": "1"})
            st.rerun()
        st.error(f"{plain_text(typed)}: there is no such folder.", icon=":material/error:")
    if status.running and not mine:
        st.caption("Another folder is being followed. Stop that first, or wait until it is over.")
        stop_button(FOLLOWING, status)
    elif mine:
        st.fragment(_watch, run_every=REFRESH_SECONDS if status.running else None)(run, Path(typed), status.running)


def read_predictions(file: Path) -> list[dict[str, Any]]:
    """Return the predictions so far; a last line that is not written to its end is left out."""
    try:
        lines = file.read_text(encoding="utf-8").split("\n")[:-1]
    except (OSError, UnicodeDecodeError):
        return []
    rows = []
    for line in lines:
        with suppress(ValueError):
            row = parse_json(line)
            if isinstance(row, dict) and set(row) >= _NEEDED:
                rows.append(row)
    return rows


def _request(run: RunFolder, typed: str) -> dict[str, Any]:
    return {
        "run": str(run.path.resolve()),
        "folder": str(Path(typed).absolute()),
        "out": str(_predictions_file()),
    }


def _predictions_file() -> Path:
    return FOLLOWING.folder / PREDICTIONS


def _watch(run: RunFolder, folder: Path, was_running: bool) -> None:
    status = FOLLOWING.status()
    if was_running and not status.running:
        st.rerun()
    if status.running:
        left, right = st.columns([5, 1], vertical_alignment="center")
        left.caption(plain_text(status.what or "Starting"))
        with right:
            stop_button(FOLLOWING, status)
    rows, target = read_predictions(_predictions_file()), run.read_target()
    if rows:
        left, right = st.columns([2, 1], gap="medium")
        with left:
            if target.is_success or target.is_number:
                chart(live_figure(rows, target), "live-prediction")
        with right:
            st.metric(f"Prediction after {rows[-1]['second'] + 1} s", predicted_text(target, rows[-1]), border=True)
            _show_newest(folder)
            if rows[-1]["complete"]:
                st.caption("The window of the run is over: later frames do not change the prediction.")
    if status.error:
        st.error(plain_text(status.error), icon=":material/error:")
        show_log(FOLLOWING.log_tail())
    elif status.state in {JobState.DONE, JobState.STOPPED}:
        st.caption("The folder is no longer followed.")


def _show_newest(folder: Path) -> None:
    """Show the newest frame that is complete."""
    try:
        names = picture_names([entry.name for entry in folder.iterdir()])
    except OSError:
        return
    for name in sorted(names, key=lambda name: (len(name), name))[-1:-4:-1]:
        try:
            check_image(folder / name)
        except SocalError:
            continue
        st.image((folder / name).read_bytes(), alt="Newest frame")
        return
