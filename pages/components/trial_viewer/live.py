"""A trial that is being recorded: its prediction after each new frame."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import streamlit as st

from pages.components.access import may, why_not
from pages.components.charts import chart
from pages.components.folder_field import folder_field
from pages.components.job_progress import show_log, start_job, stop_button
from pages.components.trial_viewer.new_prediction import predicted_text
from pages.components.words import plain_text
from socal_core.access.data_roots import allowed, data_roots
from socal_core.access.permissions import Action
from socal_core.dataset.images import check_image
from socal_core.dataset.material import picture_names
from socal_core.errors import SocalError
from socal_core.figures.live import live_figure
from socal_core.jobs.job import Job, JobState
from socal_core.json_files import parse_json
from socal_core.runs.folder import RunFolder

FOLLOWING = Job("follow", "socal_core.jobs.follow_folder", "The prediction of a recording")
PREDICTIONS = "predictions.jsonl"
REFRESH_SECONDS = 1.0
_NEEDED = {"predicted", "second", "frames", "complete"}
"""What the job writes of each prediction."""
FOLDER, CAMERA = "Growing folder", "Camera"
ABOUT = (
    "Frames are expected one second apart, under names with rising numbers. The folder is followed until the window of "
    "the run is over, or no frame has come for a minute."
)

ABOUT_CAMERA = (
    "A camera that is connected to the computer that runs this app: 0 is the first one. One frame per second is "
    "recorded while the camera is followed, and deleted afterwards."
)


def show_live(run: RunFolder | None) -> None:
    """Show the choice of a growing folder or a camera, and the prediction over time."""
    source = st.segmented_control("Recorded by", [FOLDER, CAMERA], default=FOLDER, required=True, key="live-source")
    recording = _camera() if source == CAMERA else _folder()
    if run is None:
        st.caption("Choose a run to predict with.")
        return
    status = FOLLOWING.status()
    request = None if recording is None else _request(run, recording)
    mine = request is not None and FOLLOWING.request() == request
    off, why = recording is None or not may(Action.PREDICT), why_not(Action.PREDICT)
    if not status.running and st.button("Follow", icon=":material/sensors:", key="follow", disabled=off, help=why):
        _start(request or {}, recording or {})
    if status.running and not mine:
        st.caption("Another recording is being followed. Stop that first, or wait until it is over.")
        stop_button(FOLLOWING, status)
    elif recording is not None and mine:
        watch = st.fragment(_watch, run_every=REFRESH_SECONDS if status.running else None)
        watch(run, Path(recording["folder"]), status.running)


def _folder() -> dict[str, str] | None:
    typed = folder_field("Folder", "live-folder", "/data/recording", ABOUT)
    return {"folder": str(Path(typed).absolute())} if typed else None


def _camera() -> dict[str, str]:
    number = st.number_input("Number of the camera", 0, 99, key="live-camera", help=ABOUT_CAMERA, width=240)
    return {"folder": str(FOLLOWING.folder / "camera"), "camera": str(number)}


def _start(request: dict[str, str], recording: dict[str, str]) -> None:
    if "camera" not in recording and not allowed(Path(recording["folder"]), data_roots()).is_dir():
        st.error(f"{plain_text(recording['folder'])}: there is no such folder.", icon=":material/error:")
        return
    _predictions_file().unlink(missing_ok=True)
    start_job(FOLLOWING, Action.PREDICT, request, {"HF_HUB_OFFLINE": "1"})
    st.rerun()


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


def _request(run: RunFolder, recording: dict[str, str]) -> dict[str, str]:
    return {"run": str(run.path.resolve()), "out": str(_predictions_file()), **recording}


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
        st.caption("The recording is no longer followed.")


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
