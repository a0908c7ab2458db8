"""Runs on a page: the table of them, the choice of one, and what has happened in it."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from pages.components.data import name_of_data, opened_with
from pages.components.honesty import warn_of_splits
from socal_core.dataset.types import Dataset
from socal_core.errors import SocalError
from socal_core.runs import launch
from socal_core.runs.config import TrainConfig
from socal_core.runs.events import Event, epochs_table, read_events
from socal_core.runs.folder import RunFolder, list_runs
from socal_core.runs.state import RunState, read_status
from socal_core.workspace import runs_root

NO_RUN = "none"
STATE_COLOURS = {
    RunState.QUEUED: "gray",
    RunState.RUNNING: "blue",
    RunState.DONE: "green",
    RunState.STOPPED: "orange",
    RunState.FAILED: "red",
    RunState.INTERRUPTED: "red",
}


def all_runs() -> list[RunFolder]:
    """The runs of this workspace, the newest first."""
    return list_runs(runs_root())


def runs_with_predictions(dataset: Dataset) -> list[RunFolder]:
    """The runs that have predictions for the trials of a data set, the newest first."""
    return [run for run in all_runs() if run.predictions_file.is_file() and _data_of(run) == dataset.root.resolve()]


def pick_run(runs: Sequence[RunFolder], page: str) -> RunFolder:
    """A drop-down of runs, the first one chosen at first; another choice holds for the other pages too."""
    names = {run.name: run for run in runs}
    return names[_select("Run", list(names), page)]


def pick_run_or_none(runs: Sequence[RunFolder], page: str) -> RunFolder | None:
    """A drop-down of runs that ends with no run at all; the newest is chosen at first."""
    names = {run.name: run for run in runs}
    return names.get(_select("Predictions of run", [*names, NO_RUN], page))


def choose_run(run: RunFolder, page: str) -> None:
    """Have the page's drop-down show a run; to be called before it is drawn."""
    st.session_state[f"run-{page}"] = run.name


def start_run(config: TrainConfig, dataset: Dataset) -> RunFolder:
    """Make a new run with a name of its own and start it; RunError when it cannot be started."""
    root = runs_root()
    stem = name = f"run-{datetime.now():%Y%m%d-%H%M%S}"
    number = 1
    while (root / name).exists():
        number += 1
        name = f"{stem}-{number}"
    run = RunFolder.create(root / name, config, dataset.root, opened_with(dataset))
    launch.start(run)
    return run


def events_of(run: RunFolder) -> list[Event]:
    """What has happened in a run; the file is parsed anew only when it has grown."""
    try:
        found = run.events_file.stat()
    except FileNotFoundError:
        return []
    return _events(str(run.events_file), found.st_size, found.st_mtime_ns)


@st.cache_data(max_entries=16, show_spinner=False)
def _events(path: str, size: int, mtime_ns: int) -> list[Event]:
    return read_events(Path(path))


def runs_table(runs: Sequence[RunFolder]) -> None:
    """Draw the table of runs: state, settings in short, best validation loss, test scores."""
    rows = pd.DataFrame([_row(run) for run in runs])
    score = st.column_config.NumberColumn(format="%.2f", width="small")
    st.dataframe(
        rows,
        hide_index=True,
        key="runs-table",
        placeholder="–",
        column_config={
            "Epochs": st.column_config.TextColumn(width="small", help="Epochs trained, and the most allowed"),
            "Best validation loss": st.column_config.NumberColumn(format="%.3f"),
            "Test AUROC": score,
            "Test accuracy": score,
        },
    )
    warn_of_splits(runs)


def _select(label: str, names: list[str], page: str) -> str:
    """A drop-down whose choice outlives page and reload: in a plain key, and in the address unless it is the first."""
    key = f"run-{page}"
    wanted = st.session_state.get(key, st.query_params.get("run", st.session_state.get("chosen_run")))
    st.session_state[key] = wanted if wanted in names else names[0]
    name = str(st.selectbox(label, names, key=key))
    chosen = None if name == names[0] else name
    st.session_state["chosen_run"] = chosen
    if chosen is None:
        st.query_params.pop("run", None)
    elif st.query_params.get("run") != chosen:
        st.query_params["run"] = chosen
    return name


def _row(run: RunFolder) -> dict[str, Any]:
    try:
        config, metrics, state = run.read_config(), run.read_metrics() or {}, read_status(run).state
        row = {
            "Run": run.name,
            "State": state,
            "Data": name_of_data(run.read_data()),
            "Model": config.model,
            "Window": config.observation.describe(),
            "Split": config.split_method.value,
            "Epochs": f"up to {config.num_epochs}",
            "Best validation loss": None,
            "Test AUROC": metrics.get("auroc"),
            "Test accuracy": metrics.get("accuracy"),
        }
        if not state.alive:  # the table is not drawn anew while a run goes on
            epochs = epochs_table(events_of(run))
            row["Epochs"] = f"{len(epochs)} of {config.num_epochs}"
            row["Best validation loss"] = epochs["val_loss"].min()
        return row
    except SocalError:
        return {"Run": run.name, "State": "cannot be read"}


def _data_of(run: RunFolder) -> Path | None:
    try:
        return run.read_data()
    except SocalError:
        return None  # the table of runs says that it cannot be read
