"""The outcome and the surgeon of each trial: the outcomes and demographics files, joined to the trials with frames."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from socal_core.dataset import layout
from socal_core.dataset.folder import DataFolder
from socal_core.dataset.outcome_values import read_success
from socal_core.dataset.problem_kinds import trial_kinds
from socal_core.dataset.problems import ProblemLog, printable
from socal_core.dataset.schema import TRIALS
from socal_core.dataset.surgeon_ids import match_demographics, merge_spellings, restore_zeros
from socal_core.dataset.tables import (
    MOST_TRIALS,
    is_missing,
    plain_title,
    read_lines,
    read_table,
    to_integers,
    to_numbers,
)
from socal_core.presets import Preset
from socal_core.presets.preset import HEIGHT, SUCCESS, SURGEON, TRIAL, WIDTH

SIZE_COLUMNS = {WIDTH: "width", HEIGHT: "height"}
SURGEON_COLUMNS = ("cohort", "specialty", "training_status")
MOST_FURTHER = 50
"""Columns of the outcomes file that are read although the preset does not describe them."""
_RESERVED = {"row", *(column.name for column in TRIALS.columns)}


def read_outcomes(folder: DataFolder, renamed: Mapping[str, str], log: ProblemLog) -> tuple[pd.DataFrame, int]:
    """Read the outcome of each trial.

    Args:
        folder: The data folder.
        renamed: The title in the file of each column that has another title there than in the preset.
        log: Receives the problems.

    Returns:
        The outcomes, indexed by trial_id: row (line), participant_id (str), success, width, height (Int64), the numbers
        of the preset (Float64), and the further columns of the file (str); empty if the file cannot be used. Also the
        number of rows in the file.
    """
    preset = folder.preset
    cells = _read_cells(folder, renamed, log)
    rows = len(cells)
    if TRIAL not in cells:
        cells = cells.iloc[:0]
    names = dict.fromkeys((TRIAL, SURGEON, SUCCESS, *SIZE_COLUMNS, *preset.outcome_columns))
    text = {name: cells.get(name, pd.Series("", cells.index, dtype="str", name=name)) for name in names}
    table = pd.DataFrame({"trial_id": text[TRIAL], "row": cells.index}, index=cells.index)
    table["participant_id"] = _participants(text[SURGEON], text[TRIAL], preset, log)
    table["success"] = read_success(text[SUCCESS], preset, log)
    for measure in preset.measures:
        values = to_numbers(text[measure.name])
        table[measure.name] = _checked(text[measure.name], values, "a number", preset, log).astype("Float64")
    for column, name in SIZE_COLUMNS.items():
        pixels = to_integers(text[column])
        table[name] = _checked(text[column], pixels.where(pixels > 0), "a whole number of pixels", preset, log)
    further = [name for name in cells if name not in names and plain_title(str(name)) not in _RESERVED]
    table = table.join(cells[further].map(printable).astype("str"))
    return _without_doubled(table, text, preset, log).set_index("trial_id"), rows


def read_titles(root: Path, preset: Preset) -> list[str]:
    """Return the titles of the columns of the outcomes file, in its order; empty if it cannot be read."""
    folder, name = DataFolder(root), preset.outcomes_file
    lines = read_lines(folder, folder.chosen(name) or name, ProblemLog())
    return [] if lines is None else lines.titles()


def read_demographics(folder: DataFolder, log: ProblemLog) -> pd.DataFrame:
    """Read SURGEON_COLUMNS (str or NA) of each surgeon, indexed by participant_id."""
    file = folder.preset.surgeons_file
    name = folder.chosen(file) if file else ""
    empty = pd.DataFrame(columns=SURGEON_COLUMNS, index=pd.Index([], name="participant_id", dtype="str"), dtype="str")
    if not name:
        if file:
            log.add(trial_kinds.NO_DEMOGRAPHICS_FILE, file)
        return empty
    cells = read_table(folder, name, ("participant_id", *SURGEON_COLUMNS), ("participant_id",), log, most=MOST_TRIALS)
    if cells is None or "participant_id" not in cells:
        return empty
    nameless = is_missing(cells["participant_id"])
    log.add_rows(trial_kinds.NO_PARTICIPANT, name, cells[nameless])
    cells = cells[~nameless]
    surgeons = _whole(cells["participant_id"])
    doubled = surgeons.duplicated()
    log.add_rows(trial_kinds.DOUBLED_SURGEON, name, cells[doubled])
    table = cells.reindex(columns=list(SURGEON_COLUMNS)).astype("str")
    table = pd.DataFrame({name: column.mask(is_missing(column)) for name, column in table.items()})
    table = table.set_axis(pd.Index(surgeons, name="participant_id"), axis="index")
    return _without_contradictions(table, doubled.to_numpy()) if doubled.any() else table


def _without_contradictions(table: pd.DataFrame, doubled: NDArray[np.bool_]) -> pd.DataFrame:
    """Keep the first row of each index label, without the values in which its rows differ."""
    again = table.index.isin(table.index[doubled])
    differ = table[again].groupby(level=0).nunique(dropna=False) > 1
    first = table[~doubled]
    return first.mask(differ.reindex(first.index, fill_value=False))


def build_trials(
    frames: pd.DataFrame, outcomes: pd.DataFrame, demographics: pd.DataFrame, preset: Preset, log: ProblemLog
) -> pd.DataFrame:
    """Build the table of trials as `schema.TRIALS` declares it.

    Args:
        frames: All frames, with trial_id.
        outcomes: The outcomes from `read_outcomes`.
        demographics: The surgeons from `read_demographics`.
        preset: The data set to which they belong.
        log: Receives the problems.

    Returns:
        Every trial that has a frame or an outcome row.
    """
    n_frames = frames["trial_id"].value_counts()
    trial_ids = outcomes.index.union(n_frames.index, sort=False).astype("str").rename("trial_id")
    trials = outcomes.reindex(trial_ids)
    parts = _trial_parts(trial_ids.to_series(), preset)
    surgeons = merge_spellings(trials["participant_id"].fillna(parts["participant"]), preset.outcomes_file, log)
    trials["participant_id"] = surgeons.fillna("")
    demographics = match_demographics(demographics, surgeons, preset.surgeons_file, log)
    trials["trial_number"] = parts["number"].astype("Int64")
    trials["n_frames"] = n_frames.reindex(trial_ids, fill_value=0)
    trials["unusable_because"] = _reasons(trials)
    trials["usable"] = trials["unusable_because"] == ""
    trials = trials.join(demographics, on="participant_id")
    _report_unusable(trials, preset.outcomes_file, log)
    digits = trials["participant_id"].where(trials["participant_id"].str.fullmatch("[0-9]+"))
    trials = trials.assign(digits=pd.to_numeric(digits)).sort_values(["digits", "participant_id", "trial_number"])
    columns = ["participant_id", "trial_number", "success", "n_frames", "usable", "unusable_because"]
    columns += [*(measure.name for measure in preset.measures), "width", "height", *SURGEON_COLUMNS]
    further = [name for name in outcomes if name not in {*columns, "row"}]
    return trials[[*columns, *further]]


def _read_cells(folder: DataFolder, renamed: Mapping[str, str], log: ProblemLog) -> pd.DataFrame:
    """Read the text of the outcomes file; return no rows if it cannot be used."""
    empty = pd.DataFrame(index=pd.Index([], dtype="int64", name="row"))
    preset = folder.preset
    name = folder.chosen(preset.outcomes_file)
    if not name:
        log.add(trial_kinds.NO_OUTCOMES_FILE, preset.outcomes_file)
        return empty
    titles = {column.name: renamed.get(column.name, column.title) for column in preset.outcomes}
    required = layout.REQUIRED_OUTCOME_COLUMNS
    cells = read_table(folder, name, list(titles), required, log, titles, MOST_TRIALS, MOST_FURTHER)
    return empty if cells is None else cells


def _trial_parts(trial_ids: pd.Series, preset: Preset) -> pd.DataFrame:
    """Split each trial id into participant and number (text), NA where it does not give them."""
    return trial_ids.str.extract(preset.trial_id)


def _whole(participants: pd.Series) -> pd.Series:
    """Remove the `.0` that spreadsheets and pandas append to whole numbers."""
    return participants.str.replace(r"^([0-9]+)\.0$", r"\1", regex=True)


def _participants(given: pd.Series, trial_ids: pd.Series, preset: Preset, log: ProblemLog) -> pd.Series:
    """Return the participant of each row, from the column or, if that is empty, from the trial id."""
    from_trial, path = _trial_parts(trial_ids, preset)["participant"], preset.outcomes_file
    given = restore_zeros(_whole(given.mask(is_missing(given))), from_trial, trial_ids, path, log)
    differs = given.notna() & from_trial.notna() & (given != from_trial)
    rows = pd.DataFrame({"participant_id": given, "trial_id": trial_ids})[differs]
    log.add_rows(trial_kinds.PARTICIPANT_CONTRADICTS_TRIAL, path, rows)
    return given.fillna(from_trial)


def _checked(cells: pd.Series, values: pd.Series, expected: str, preset: Preset, log: ProblemLog) -> pd.Series:
    """Report every cell whose value is not as expected, and return `values` unchanged."""
    bad = cells[values.isna() & ~is_missing(cells)].to_frame("value")
    column = preset.title_of(str(cells.name))
    log.add_rows(trial_kinds.BAD_VALUE, preset.outcomes_file, bad, column=column, expected=expected)
    return values


def _without_doubled(table: pd.DataFrame, text: dict[str, pd.Series], preset: Preset, log: ProblemLog) -> pd.DataFrame:
    """Drop rows with an invalid trial id, and keep one row of each trial, without values in which its rows differ."""
    path = preset.outcomes_file
    fits = table["trial_id"].map(preset.is_trial).astype(bool)
    log.add_rows(trial_kinds.BAD_TRIAL_ID, path, table[~fits], form=preset.example_trial)
    table = table[fits]
    first = table.drop_duplicates("trial_id").set_index("trial_id")["row"]
    doubled = table[table.duplicated("trial_id")]
    doubled = doubled.assign(first=doubled["trial_id"].map(first))
    cells = pd.DataFrame(text)
    same = (cells.loc[doubled["row"]].to_numpy() == cells.loc[doubled["first"]].to_numpy()).all(axis=1)
    log.add_rows(trial_kinds.REPEATED_TRIAL, path, doubled[same])
    log.add_rows(trial_kinds.DOUBLED_TRIAL, path, doubled[~same])
    further = table.columns.difference([*text, "row", "trial_id", *SIZE_COLUMNS.values()])
    if same.all() and table.groupby("trial_id")[list(further)].nunique(dropna=False).le(1).all(axis=None):
        return table.drop(doubled.index)
    values = table.drop(columns="row").set_index("trial_id")
    kept = _without_contradictions(values, values.index.duplicated())
    return kept.reset_index().assign(row=first.loc[kept.index].to_numpy())


def _reasons(trials: pd.DataFrame) -> pd.Series:
    """Return why each trial cannot be used for training; "" if it can."""
    reasons = pd.Series("", trials.index, dtype="str")
    reasons[trials["success"].isna()] = "success unknown"
    reasons[trials["row"].isna()] = "no outcome row"
    reasons[trials["n_frames"] == 0] = "no frame"
    return reasons


def _report_unusable(trials: pd.DataFrame, path: str, log: ProblemLog) -> None:
    """Report the trials with frames and no outcome, and those with an outcome and no frames."""
    if trials["success"].isna().all():
        return  # the file or its column success is missing, and is reported as such
    named = trials.reset_index()
    without_row = named[named["unusable_because"] == "no outcome row"]
    for trial in without_row["trial_id"]:
        log.add(trial_kinds.TRIAL_WITHOUT_OUTCOME, path, trial_id=trial)
    named = named.dropna(subset="row").set_index("row")
    log.add_rows(trial_kinds.UNKNOWN_SUCCESS, path, named[named["unusable_because"] == "success unknown"])
    log.add_rows(trial_kinds.OUTCOME_WITHOUT_FRAMES, path, named[named["n_frames"] == 0])
