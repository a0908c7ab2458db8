"""Runs on a page: a table of runs, the choice of a run, and the start of a new run."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Literal

import streamlit as st

from pages.components.access import acting
from pages.components.run_banner import announce
from pages.components.run_table import column_config, download_runs, summary, table_of, warn_of_damage
from pages.components.sidebar.data_picker import opened_with
from pages.components.split_warnings import warn_of_splits
from pages.components.words import plain_text
from socal_core.access.permissions import Action
from socal_core.dataset.dataset import Dataset
from socal_core.errors import SocalError
from socal_core.lifecycle import launch
from socal_core.lifecycle.cross_validation import make_cross_validation
from socal_core.lifecycle.further import make_run
from socal_core.lifecycle.new_names import create_first_free, first_free, numbered
from socal_core.lifecycle.quotas import within_quotas
from socal_core.lifecycle.state import RunState
from socal_core.runs.folder import RunFolder
from socal_core.runs.notes import label_of
from socal_core.runs.run_list import list_runs
from socal_core.settings import TrainConfig
from socal_core.workspace import runs_root

NO_RUN = "none"
STATE_COLOURS: dict[RunState, Literal["gray", "blue", "orange", "green", "red"]] = {
    RunState.QUEUED: "gray",
    RunState.RUNNING: "blue",
    RunState.STOPPING: "orange",
    RunState.DONE: "green",
    RunState.STOPPED: "orange",
    RunState.FAILED: "red",
    RunState.INTERRUPTED: "red",
}


def all_runs() -> list[RunFolder]:
    """Return the runs of this workspace, newest first."""
    return list_runs(runs_root())


def runs_with_predictions(dataset: Dataset) -> list[RunFolder]:
    """Return the runs that have predictions for the trials of a data set, newest first."""
    return [run for run in all_runs() if run.predictions_file.exists() and _data_of(run) == dataset.root.resolve()]


def name_runs_left_out() -> None:
    """Name the runs with predictions that cannot be offered because their data folder is not known."""
    for run in all_runs():
        try:
            if run.predictions_file.exists():
                run.read_data()
        except SocalError as error:
            st.caption(f":material/broken_image: {plain_text(error)}")


def pick_run(runs: Sequence[RunFolder], page: str) -> RunFolder:
    """Show a drop-down of runs, and return the chosen run. The default is the first; other pages keep the choice."""
    names = {run.name: run for run in runs}
    return names[_select("Run", {name: label_of(run) for name, run in names.items()}, page)]


def pick_run_or_none(runs: Sequence[RunFolder], page: str) -> RunFolder | None:
    """Show a drop-down of runs and "none", and return the chosen run, which the address names too.

    The default is the newest run.
    """
    names = {run.name: run for run in runs}
    labels = {name: label_of(run) for name, run in names.items()}
    return names.get(_select("Predictions of run", {**labels, NO_RUN: NO_RUN}, page, in_address=bool(runs)))


def choose_run(run: RunFolder, page: str) -> None:
    """Choose a run in the drop-down of a page. Call this before the drop-down is shown."""
    st.session_state[f"run-{page}"] = run.name


def start_run(config: TrainConfig, dataset: Dataset) -> RunFolder:
    """Create a run with an unused name, and start it.

    Args:
        config: The settings of the run.
        dataset: The data set to train on.

    Raises:
        AccessError: The user may not start runs.
        RunError: A quota is reached, or the run cannot be started.
        ConfigError: The model is a checkpoint of a run, and a setting would change its split (lifecycle/further.py).
    """
    create = partial(make_run, config=config, data=dataset.root, options=opened_with(dataset))
    return start_new(lambda: create_first_free(_paths("run"), create))


def start_cross_validation(config: TrainConfig, dataset: Dataset, repeats: int) -> RunFolder:
    """Create a cross-validation with an unused name, and start it.

    Args:
        config: The settings, with the split method k-fold.
        dataset: The data set.
        repeats: The number of seeds with which all folds are trained.

    Raises:
        DataError: The trials do not allow the split of a fold.
        ConfigError: A setting contradicts cross-validation.
        RunError: The cross-validation cannot be started.
    """
    options = opened_with(dataset)
    create = partial(make_cross_validation, config=config, dataset=dataset, options=options, repeats=repeats)
    return start_new(lambda: create_first_free(_paths("cv"), create))


def start_new(make: Callable[[], RunFolder]) -> RunFolder:
    """Create a run, which then belongs to the user, and start it.

    Args:
        make: Creates the run.

    Raises:
        AccessError: The user may not start runs.
        SocalError: A quota is reached, or the run cannot be created or started.
    """
    with acting(Action.START_RUN) as deed, within_quotas(deed.user):
        run = make()
        deed.what = run.name
        run.write_owner(deed.user.name)
        launch.start(run)
    announce(run)
    return run


def resume(run: RunFolder) -> None:
    """Resume a run.

    Raises:
        AccessError: The user may not resume this run.
        RunError: A quota is reached, or the run cannot be resumed.
    """
    with acting(Action.RESUME_RUN, run, run.name) as deed, within_quotas(deed.user):
        launch.start(run, resume=True)


def runs_table(runs: Sequence[RunFolder]) -> None:
    """Show a table of runs without choices: state, scores and the settings that differ."""
    found = [summary(run) for run in runs]
    table = table_of(found)
    st.dataframe(table, hide_index=True, key="runs-table", placeholder="–", column_config=column_config(table))
    download_runs(table)
    warn_of_damage(found)
    warn_of_splits(runs)


def _select(label: str, labels: dict[str, str], page: str, in_address: bool = False) -> str:
    """Show a drop-down whose choice is kept on other pages and after a reload, and return the chosen folder name.

    The choice is in the session and, unless it is the first option, in the address of the page.

    Args:
        label: The label of the drop-down.
        labels: The options to show, by folder name.
        page: The name of the page.
        in_address: Whether the address names the first option too, so that it opens the same run later.
    """
    key, names = f"run-{page}", list(labels)
    asked = st.query_params.get("run")
    wanted = st.session_state.get(key, asked if asked is not None else st.session_state.get("chosen_run"))
    if in_address and key not in st.session_state and asked is not None and asked not in names:
        st.warning(f"The address asks for run {plain_text(asked)}, which has no predictions for this data set.")
    st.session_state[key] = wanted if wanted in names else names[0]
    name = str(st.selectbox(label, names, format_func=labels.__getitem__, key=key))
    chosen = None if name == names[0] else name
    st.session_state["chosen_run"] = chosen
    named = name if in_address else chosen
    if named is None:
        st.query_params.pop("run", None)
    elif st.query_params.get("run") != named:
        st.query_params["run"] = named
    return name


def free_path(kind: str) -> Path:
    """Return the path of a new run, whose name consists of its kind and the time."""
    return first_free(_paths(kind))


def _paths(kind: str) -> Iterator[Path]:
    return numbered(runs_root(), f"{kind}-{datetime.now():%Y%m%d-%H%M%S}")


def _data_of(run: RunFolder) -> Path | None:
    try:
        return run.read_data()
    except SocalError:
        return None  # name_runs_left_out reports it
