"""New material in the Trial viewer: a zip, a video or a folder, which is played and predicted like a trial."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from pages.components.access import acting, may
from pages.components.folder_field import folder_field
from pages.components.job_progress import LEAVE, Button, offer
from pages.components.trial_viewer.live import show_live
from pages.components.trial_viewer.new_prediction import show_new_prediction
from pages.components.trial_viewer.player.component import show_player
from pages.components.trial_viewer.player.trial_data import trial_data
from pages.components.words import plain_text
from socal_core.access.data_roots import allowed, data_roots
from socal_core.access.permissions import Action
from socal_core.access.server_config import read_server_config
from socal_core.annotations.tracker import track_all
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.layout import VIDEO_SUFFIXES
from socal_core.dataset.material import open_material
from socal_core.errors import SocalError
from socal_core.fetch.uploads import LARGEST_UPLOAD_MB, receive
from socal_core.jobs.job import Job
from socal_core.runs.folder import RunFolder
from socal_core.serving.session_folder import SessionFolder

PREDICTING = Job("material", "socal_core.jobs.predict_material", "The prediction of new material")
UPLOAD, FOLDER, LIVE = "Upload", "Folder on the server", "Live"
UPLOAD_ENDS = "You can leave this page. The upload is deleted when you close the browser."
_MATERIAL, _FOLDER, _UPLOADS = "new_material", "upload_folder", "uploads"
NOT_IN_DATA = "This trial is **not in the data set**. Its outcome is not known here, so nothing tells whether the "
NOT_IN_DATA += "prediction is right."


@dataclass
class Material:
    """What this session has opened."""

    key: str
    """The upload or the folder that it is of."""
    name: str
    dataset: Dataset | None = None
    error: str = ""
    """Why it could not be opened, for the user."""
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The predictions, by the name of the run and the trial."""
    path: Path = Path()
    uploaded: bool = False


def pick_kind() -> str:
    """Show where new material may come from, and return the choice."""
    return st.segmented_control("From", [UPLOAD, FOLDER, LIVE], default=UPLOAD, required=True, key="new-kind")


def show_new_material(kind: str, run: RunFolder | None) -> None:
    """Show the choice of new material of a kind, and then its frames and its prediction by a run."""
    if kind == LIVE:
        show_live(run)
        return
    material = _uploaded() if kind == UPLOAD else _typed()
    if material is None:
        return
    if material.dataset is None:
        st.error(plain_text(material.error), icon=":material/error:")
        return
    _show(material, material.dataset, run)


def _uploaded() -> Material | None:
    place = st.empty()
    material = st.session_state.get(_MATERIAL)
    if not isinstance(material, Material) or not material.uploaded or material.dataset is None:
        with place:
            file = _upload_field()
        if file is None:
            return None
        if not isinstance(material, Material) or material.key != file.file_id:
            material = st.session_state[_MATERIAL] = _receive(file)
        if material.dataset is None:
            return material
    # Streamlit forgets the file when its field is not displayed, on another page or beside another choice.
    with place.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"{plain_text(material.name)} is open.", width="content")
        st.button("Delete it", icon=":material/delete:", key="delete-upload", on_click=_delete)
    return material


def _upload_field() -> UploadedFile | None:
    return st.file_uploader(
        "A zip of frames, or a video",
        type=["zip", *(suffix.lstrip(".") for suffix in sorted(VIDEO_SUFFIXES))],
        max_upload_size=largest_upload_mb(),
        disabled=not may(Action.UPLOAD),
        # Another field after each upload: the old one may still hold the file that was deleted.
        key=f"new-upload-{st.session_state.get(_UPLOADS, 0)}",
        help="Frames are one second apart; JPEG or PNG. Of a video, one frame per second is used. The upload is "
        "deleted when you press *Delete it*, or when your session ends.",
    )


def _receive(file: UploadedFile) -> Material:
    folder = st.session_state.get(_FOLDER)
    if not isinstance(folder, SessionFolder):
        folder = st.session_state[_FOLDER] = SessionFolder(_session_check())
    material = Material(file.file_id, file.name, uploaded=True)
    with st.spinner("Checking the upload"):
        content = folder.clear()
        try:
            with acting(Action.UPLOAD, what=file.name):
                material.dataset = receive(file, file.name, file.size, content, largest_upload_mb())
            material.path = next(content.iterdir())
        except SocalError as error:
            material.error = str(error)
    return material


def largest_upload_mb() -> int:
    """Return the largest size of an upload in MB."""
    return min(read_server_config().quotas.upload_mb or LARGEST_UPLOAD_MB, LARGEST_UPLOAD_MB)


def _session_check() -> Callable[[], bool]:
    """Return a function that tells whether this session is connected."""
    context = get_script_run_ctx()
    if context is None or not runtime.exists():  # a test without a server
        return lambda: True
    session, server = context.session_id, runtime.get_instance()
    return lambda: server.is_active_session(session)


def _typed() -> Material | None:
    typed = folder_field(
        "Folder or video on the server",
        "new-folder",
        "/data/new/S102T1",
        "A folder of frames that are one second apart, a data folder, or a video. It is only read.",
        VIDEO_SUFFIXES,
    )
    known = st.session_state.get(_MATERIAL)
    if not typed:
        return None
    if isinstance(known, Material) and known.key == typed:
        return known
    _drop()
    path = Path(typed)
    material = Material(typed, path.name, path=path.absolute())
    try:
        with acting(Action.OPEN_DATA, what=typed):
            material.path = allowed(path, data_roots()).absolute()
            material.dataset = open_material(material.path if data_roots() else path)
    except SocalError as error:
        material.error = str(error)
    st.session_state[_MATERIAL] = material
    return material


def _drop() -> None:
    """Forget the material, and delete what was uploaded."""
    st.session_state.pop(_MATERIAL, None)
    folder = st.session_state.pop(_FOLDER, None)
    if isinstance(folder, SessionFolder):
        folder.delete()


def _delete() -> None:
    _drop()
    st.session_state[_UPLOADS] = st.session_state.get(_UPLOADS, 0) + 1


def _show(material: Material, dataset: Dataset, run: RunFolder | None) -> None:
    trials = dataset.trials.index[dataset.trials["n_frames"] > 0].to_list()
    trial = trials[0] if len(trials) == 1 else st.selectbox("Trial of the material", trials, key="new-trial")
    tracked = track_all(dataset.boxes)
    left, right = st.columns([2, 1], gap="medium")
    with left:
        show_player(dataset, trial_data(dataset, trial, tracked[tracked["trial_id"] == trial], run))
    with right:
        st.caption(NOT_IN_DATA)
        if run is None:
            st.caption("Choose a run to predict it.")
            return
        _collect(material, run)
        row = material.rows.get(f"{run.name}/{trial}")
        if row is None:
            _offer(material, run)
        else:
            show_new_prediction(row, run)


def _request(material: Material, run: RunFolder) -> dict[str, Any]:
    return {"run": str(run.path.resolve()), "material": str(material.path), "name": material.name}


def _collect(material: Material, run: RunFolder) -> None:
    """Take over the result of the job if it is of this material, so that another session may use the job."""
    result = PREDICTING.result_of(_request(material, run))
    if result is not None:
        material.rows |= {f"{run.name}/{row['trial_id']}": row for row in result["rows"]}
        PREDICTING.forget()


def _offer(material: Material, run: RunFolder) -> None:
    offer(
        PREDICTING,
        _request(material, run),
        Button("Predict", ":material/online_prediction:", "predict-material"),
        about="The model sees the same part of the trial as in its test: its window, and as many clips.",
        busy="Other new material is being predicted. Wait until that is done.",
        while_running=UPLOAD_ENDS if material.uploaded else LEAVE,
        action=Action.PREDICT,
    )
