"""The table of runs, from which the user can choose runs: state, scores and the settings that differ."""

from collections.abc import Sequence
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any
from zlib import crc32

import pandas as pd
import streamlit as st

from pages.components.downloads import NO_TRIALS, download_csv, pseudonyms_chosen
from pages.components.sidebar.data_picker import name_of_data
from pages.components.words import plain_text
from socal_core.dataset.targets import amount
from socal_core.lifecycle import run_queue
from socal_core.lifecycle.state import RunStatus, read_status
from socal_core.runs.files.metrics_file import AnyMetrics, score_of
from socal_core.runs.folder import RunFolder
from socal_core.runs.follow import EventFollower
from socal_core.runs.model_choice import model_name
from socal_core.runs.overview import RunSummary, differing_settings, summary_of
from socal_core.runs.run_list import list_ruins, list_runs
from socal_core.settings import SETTINGS, Recipe, TrainConfig, applicable_settings
from socal_core.storage import is_locked
from socal_core.workspace import runs_root

CHOSEN = "chosen-runs"
"""Session key of the folder names of the chosen runs, which are kept if the table or the page changes."""
_SHOWN = "shown-runs"
ALWAYS = {"window", "split_method"}
"""Settings that are always shown, because scores cannot be interpreted without them."""
CANNOT_BE_READ = "cannot be read"
SHORT = {
    "target": "Predicts",
    "recipe": "Training",
    "encoder": "Encoder",
    "allow_download": "Download",
    "dropout_rate": "Dropout",
    "num_frames": "Frames",
    "learning_rate": "LR",
    "batch_size": "Batch",
    "num_epochs": "Max. epochs",
    "scheduler_patience": "LR patience",
    "scheduler_factor": "LR factor",
    "early_stopping_patience": "Patience",
    "use_early_stopping": "Early stopping",
    "use_lr_scheduler": "Schedule",
    "horizontal_flip": "Flip",
    "color_jitter": "Colour",
    "hue_jitter": "Hue",
    "rotation_degrees": "Rotation",
    "crop_area": "Crop",
    "random_erasing": "Erasing",
    "rand_augment": "RandAugment",
    "rand_augment_steps": "RA steps",
    "scaled_decoding": "Scaled JPEG",
    "accumulation_steps": "Accumulation",
    "gradient_checkpointing": "Grad. checkpointing",
    "num_workers": "Threads",
    "split_method": "Split",
    "validation_fraction": "Val. fraction",
    "test_fraction": "Test fraction",
}
"""Column headings of settings with long names."""
COLUMNS = {
    "Run": st.column_config.TextColumn(
        pinned=True, width=160, help="The name that you gave the run, or the name of its folder"
    ),
    "State": st.column_config.TextColumn(width=105, help="With the position in the queue, if the run is waiting"),
    "Epochs": st.column_config.TextColumn(
        width="small",
        help="Trained epochs and the largest number of epochs, or evaluated folds of a cross-validation. Frozen "
        "features have no epochs.",
    ),
    "Best validation loss": st.column_config.NumberColumn(
        "Val. loss", format="%.3f", help="The lowest validation loss of all epochs"
    ),
    "Best epoch": st.column_config.NumberColumn(width=95, help="The epoch of the lowest validation loss"),
    "Test AUROC": st.column_config.TextColumn(width=130, help="On the test trials, with its 95 % interval"),
    "Test accuracy": st.column_config.TextColumn(width=130, help="On the test trials, with its 95 % interval"),
    "Test RMSE": st.column_config.TextColumn(
        width=150, help="Root mean squared error on the test trials, with its 95 % interval"
    ),
    "Tags": st.column_config.ListColumn(width=140),
    "Note": st.column_config.TextColumn(width=200),
    "Duration": st.column_config.TextColumn(help="Hours, minutes and seconds, without pauses"),
}

TYPED = ["Run", "View", "Tags", "Note"]
"""Columns that may name surgeons. The column Folder still says which run a row is of."""


def summaries() -> list[RunSummary]:
    """Summarize all runs of this workspace, newest first, then the damaged run folders."""
    return [summary(run) for run in (*list_runs(runs_root()), *list_ruins(runs_root()))]


def summary(run: RunFolder) -> RunSummary:
    """Summarize a run. Its files are read again only if one of them has changed."""
    try:
        if is_locked(run.lock_file):  # the run is active: read only new events, not all of them again
            return summary_of(run, _follower(str(run.events_file)).events)
    except OSError:
        pass  # reported by run_status
    files = (run.config_file, run.notes_file, run.target_file, run.metrics_file, run.events_file, run.status_file)
    return _summary(str(run.path), tuple(_stamp(path) for path in files))


def run_status(found: RunSummary) -> RunStatus | None:
    """Return the state of a run, or None if the state or the settings cannot be read."""
    try:
        return None if found.config is None else read_status(found.run)
    except OSError:
        return None


def table_of(found: Sequence[RunSummary]) -> pd.DataFrame:
    """Build a table with one row per run.

    It has columns for settings that differ between runs, for errors of numbers, and for tags and notes, if there are
    any.
    """
    differing = set(differing_settings([item.config for item in found if item.config is not None]))
    shown = [name for name in SETTINGS if name in (differing | ALWAYS) - {"trials"}]  # `view` names the filter
    positions = {run.path.resolve(): number for number, run in enumerate(run_queue.waiting(), start=1)}
    table = pd.DataFrame([_row(item, shown, positions.get(item.run.path.resolve())) for item in found])
    used = {
        "Tags": any(item.notes.tags for item in found),
        "Note": any(item.notes.note for item in found),
        "Test RMSE": any(item.metrics is not None and item.target.is_number for item in found),
    }
    return table.drop(columns=[name for name in table if not used.get(str(name), True)])


def warn_of_damage(found: Sequence[RunSummary]) -> None:
    """Name the files of runs that cannot be read."""
    problems = [plain_text(item.problem) for item in found if item.problem]
    if problems:
        st.warning("\n\n".join(problems), icon=":material/broken_image:")


def column_config(table: pd.DataFrame) -> dict[str, Any]:
    """Return how to show the columns of a table from `table_of`."""
    numbers = [name for name in table if name not in COLUMNS and pd.api.types.is_float_dtype(table[name])]
    return COLUMNS | {str(name): st.column_config.NumberColumn(format="%g") for name in numbers}


def download_runs(table: pd.DataFrame) -> None:
    """Show the button that downloads a table from `table_of`; with pseudonyms without the columns TYPED."""
    shown = table.drop(columns=TYPED, errors="ignore") if pseudonyms_chosen() else table
    download_csv("CSV", lambda: shown, "runs.csv", data=NO_TRIALS, type="tertiary", key="csv-runs")


def choose_in_table(found: Sequence[RunSummary]) -> list[RunSummary]:
    """Show the table, and return the chosen runs in the order in which they were chosen."""
    names = [item.run.name for item in found]
    # The browser identifies rows only by number. So another list of runs gets another key: a late click on the old list
    # has no effect, and the new list starts with the same chosen runs.
    key = f"runs-table-{crc32(chr(0).join(names).encode('utf-8', 'surrogateescape')):08x}"
    before = [name for name in st.session_state.get(CHOSEN, []) if name in names]
    if key not in st.session_state or st.session_state.get(_SHOWN) != key:
        rows = [names.index(name) for name in before]
        st.session_state[key] = {"selection": {"rows": rows, "columns": [], "cells": []}}
        st.session_state[_SHOWN] = key
    table = table_of(found)
    event = st.dataframe(
        table,
        hide_index=True,
        key=key,
        placeholder="–",
        column_config=column_config(table),
        on_select="rerun",
        selection_mode="multi-row",
        alt="All runs",
    )
    download_runs(table)
    now = [names[row] for row in event["selection"]["rows"] if row < len(names)]
    chosen = [*(name for name in before if name in now), *(name for name in now if name not in before)]
    st.session_state[CHOSEN] = chosen
    return [found[names.index(name)] for name in chosen]


def label(found: RunSummary) -> str:
    """Return a unique name of a run for the user."""
    return f"{found.notes.name} ({found.run.name})" if found.notes.name else found.run.name


@st.cache_resource(max_entries=4, show_spinner=False)
def _follower(path: str) -> EventFollower:
    return EventFollower(Path(path))


@st.cache_data(max_entries=500, show_spinner=False)
def _summary(path: str, stamps: tuple[tuple[int, int], ...]) -> RunSummary:
    return summary_of(RunFolder(Path(path)))


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_size, found.st_mtime_ns


def _row(found: RunSummary, settings: Sequence[str], position: int | None) -> dict[str, Any]:
    status, config = run_status(found), found.config
    row: dict[str, Any] = {"Run": found.notes.name or found.run.name}
    notes = {"Tags": list(found.notes.tags), "Note": found.notes.note or None}
    if config is None or status is None:
        return row | {"State": CANNOT_BE_READ} | notes | {"Folder": found.run.name}
    best = found.best or (None, None)
    row["State"] = f"queued ({position})" if position else status.state.value
    if "target" in settings:
        row[SHORT["target"]] = found.target.label_with_unit
    row |= {
        "Epochs": _done(found, config),
        "Best validation loss": best[0],
        "Best epoch": best[1],
        "Test AUROC": _score(found.metrics, "auroc"),
        "Test accuracy": _score(found.metrics, "accuracy"),
        "Test RMSE": _error(found),
    }
    applicable = applicable_settings(config)
    if found.folds is not None:
        del applicable["fold"]  # a cross-validation trains all
    shown = [name for name in settings if name != "target"]
    row |= {SHORT.get(name, name.replace("_", " ").capitalize()): _cell(name, applicable, config) for name in shown}
    return row | {
        **notes,
        "Data": name_of_data(found.data) if found.data else None,
        "Started": f"{datetime.fromtimestamp(found.started):%Y-%m-%d %H:%M}" if found.started else None,
        "Duration": _clock(found.seconds) if found.started else None,
        "Folder": found.run.name,
    }


def _done(found: RunSummary, config: TrainConfig) -> str | None:
    if found.folds is not None:
        return f"{found.folds[0]} of {found.folds[1]} folds"
    if config.model.recipe is Recipe.FROZEN:
        return None
    return f"{len(found.epochs)} of {config.optimization.num_epochs}"


def _score(metrics: AnyMetrics | None, name: str) -> str | None:
    value = score_of(metrics, name)
    if metrics is None or value is None:
        return None
    interval = metrics["intervals"].get(name)
    return f"{value:.2f} ({interval[0]:.2f}–{interval[1]:.2f})" if interval else f"{value:.2f}"


def _error(found: RunSummary) -> str | None:
    """Return the RMSE of a number with its unit and interval."""
    value = score_of(found.metrics, "rmse")
    if found.metrics is None or value is None:
        return None
    interval = found.metrics["intervals"].get("rmse")
    text = amount(value, found.target.unit)
    return f"{text} ({amount(interval[0])}–{amount(interval[1])})" if interval else text


def _cell(name: str, applicable: dict[str, Any], config: TrainConfig) -> Any:
    """Return the content of a cell for a setting; empty if the setting does not apply to the run."""
    value = applicable.get(name)
    if name == "window":
        return config.clip.observation.describe()
    if name == "model":
        return model_name(config.model.model)
    if isinstance(value, bool):
        return "on" if value else "off"
    return value.value if isinstance(value, Enum) else value


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"
