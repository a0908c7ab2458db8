"""The outcome and the surgeon of each trial: the outcomes and demographics files, joined to the trials with frames."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pandas as pd

from socal_core.dataset import layout
from socal_core.dataset.file_names import chosen_file
from socal_core.dataset.folder import DataFolder
from socal_core.dataset.problem_kinds import trial_kinds
from socal_core.dataset.problems import ProblemLog
from socal_core.dataset.surgeon_ids import match_demographics, merge_spellings, restore_zeros
from socal_core.dataset.tables import MOST_TRIALS, is_missing, read_lines, read_table, to_integers, to_numbers

MEASURED_COLUMNS = ("cottonoid", "cottonoid_success", "muscle", "muscle_success", "tth", "blood_loss")
SIZE_COLUMNS = {"trial_video_width": "width", "trial_video_height": "height"}
SURGEON_COLUMNS = ("cohort", "specialty", "training_status")

_FILE = layout.OUTCOMES_FILE


def read_outcomes(folder: DataFolder, renamed: Mapping[str, str], log: ProblemLog) -> tuple[pd.DataFrame, int]:
    """Read the outcome of each trial.

    Args:
        folder: The data folder.
        renamed: The title in the file of each column that has another name there.
        log: Receives the problems.

    Returns:
        The outcomes, indexed by trial_id: row (line), participant_id (str), success, width, height (Int64), and
        MEASURED_COLUMNS (Float64); empty if the file cannot be used. Also the number of rows in the file.
    """
    cells = _read_cells(folder, renamed, log)
    if cells.empty or "trial_id" not in cells:
        return _no_outcomes(), len(cells)
    return _read_outcomes(cells, log), len(cells)


@cache
def _no_outcomes() -> pd.DataFrame:
    return _read_outcomes(pd.DataFrame(index=pd.Index([], dtype="int64", name="row")), ProblemLog())


def _read_outcomes(cells: pd.DataFrame, log: ProblemLog) -> pd.DataFrame:
    """Return the outcomes that the text of the file holds."""
    text = {column: cells.get(column, pd.Series("", cells.index, dtype="str")) for column in layout.OUTCOME_COLUMNS}
    table = pd.DataFrame({"trial_id": text["trial_id"], "row": cells.index}, index=cells.index)
    table["participant_id"] = _participants(text["participant_id"], text["trial_id"], log)
    table["success"] = _success(text["success"], log)
    for column in MEASURED_COLUMNS:
        table[column] = _checked(text[column], to_numbers(text[column]), "a number", log).astype("Float64")
    for column, name in SIZE_COLUMNS.items():
        pixels = to_integers(text[column])
        table[name] = _checked(text[column], pixels.where(pixels > 0), "a whole number of pixels", log)
    return _without_doubled(table, text, log).set_index("trial_id")


def read_titles(root: Path) -> list[str]:
    """Return the titles of the columns of the outcomes file, in its order; empty if it cannot be read."""
    folder = DataFolder(root)
    lines = read_lines(folder, chosen_file(folder, _FILE) or _FILE, ProblemLog())
    return [] if lines is None else lines.titles()


def read_demographics(folder: DataFolder, log: ProblemLog) -> pd.DataFrame:
    """Read SURGEON_COLUMNS (str or NA) of each surgeon, indexed by participant_id."""
    name = chosen_file(folder, layout.DEMOGRAPHICS_FILE)
    empty = pd.DataFrame(columns=SURGEON_COLUMNS, index=pd.Index([], name="participant_id", dtype="str"), dtype="str")
    if not name:
        log.add(trial_kinds.NO_DEMOGRAPHICS_FILE, layout.DEMOGRAPHICS_FILE)
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
    return table.set_axis(pd.Index(surgeons, name="participant_id"), axis="index").loc[~doubled.to_numpy()]


def build_trials(
    frames: pd.DataFrame, outcomes: pd.DataFrame, demographics: pd.DataFrame, log: ProblemLog
) -> pd.DataFrame:
    """Build the table of trials as `schema.TRIALS` declares it.

    Args:
        frames: All frames, with trial_id.
        outcomes: The outcomes from `read_outcomes`.
        demographics: The surgeons from `read_demographics`.
        log: Receives the problems.

    Returns:
        Every trial that has a frame or an outcome row.
    """
    n_frames = frames["trial_id"].value_counts()
    trial_ids = outcomes.index.union(n_frames.index, sort=False).astype("str").rename("trial_id")
    trials = outcomes.reindex(trial_ids)
    parts = _trial_parts(trial_ids.to_series())
    trials["participant_id"] = merge_spellings(trials["participant_id"].fillna(parts["participant"]), log)
    demographics = match_demographics(demographics, trials["participant_id"], log)
    trials["trial_number"] = parts["number"].astype("Int64")
    trials["n_frames"] = n_frames.reindex(trial_ids, fill_value=0)
    trials["unusable_because"] = _reasons(trials)
    trials["usable"] = trials["unusable_because"] == ""
    trials = trials.join(demographics, on="participant_id")
    _report_unusable(trials, log)
    digits = trials["participant_id"].where(trials["participant_id"].str.fullmatch("[0-9]+"))
    trials = trials.assign(digits=pd.to_numeric(digits)).sort_values(["digits", "participant_id", "trial_number"])
    columns = ("participant_id", "trial_number", "success", "n_frames", "usable", "unusable_because")
    return trials[[*columns, *MEASURED_COLUMNS, "width", "height", *SURGEON_COLUMNS]]


def _read_cells(folder: DataFolder, renamed: Mapping[str, str], log: ProblemLog) -> pd.DataFrame:
    """Read the text of the outcomes file; return no rows if it cannot be used."""
    empty = pd.DataFrame(index=pd.Index([], dtype="int64", name="row"))
    name = chosen_file(folder, _FILE)
    if not name:
        log.add(trial_kinds.NO_OUTCOMES_FILE, _FILE)
        return empty
    cells = read_table(folder, name, layout.OUTCOME_COLUMNS, layout.REQUIRED_OUTCOME_COLUMNS, log, renamed, MOST_TRIALS)
    return empty if cells is None else cells


def _trial_parts(trial_ids: pd.Series) -> pd.DataFrame:
    """Split each trial id into participant and number (text), NA if it has another form."""
    return trial_ids.str.extract(layout.TRIAL_ID)


def _whole(participants: pd.Series) -> pd.Series:
    """Remove the `.0` that spreadsheets and pandas append to whole numbers."""
    return participants.str.replace(r"^([0-9]+)\.0$", r"\1", regex=True)


def _participants(given: pd.Series, trial_ids: pd.Series, log: ProblemLog) -> pd.Series:
    """Return the participant of each row, from the column or, if that is empty, from the trial id."""
    from_trial = _trial_parts(trial_ids)["participant"]
    given = restore_zeros(_whole(given.mask(is_missing(given))), from_trial, trial_ids, log)
    differs = given.notna() & from_trial.notna() & (given != from_trial)
    rows = pd.DataFrame({"participant_id": given, "trial_id": trial_ids})[differs]
    log.add_rows(trial_kinds.PARTICIPANT_CONTRADICTS_TRIAL, _FILE, rows)
    return given.fillna(from_trial)


def _success(cells: pd.Series, log: ProblemLog) -> pd.Series:
    """Return 0, 1 or NA (Int64)."""
    numbers = to_integers(cells)
    known = numbers.where(numbers.isin([0, 1]))
    bad = cells[known.isna() & ~is_missing(cells)].to_frame("value")
    log.add_rows(trial_kinds.BAD_SUCCESS, _FILE, bad)
    return known


def _checked(cells: pd.Series, values: pd.Series, expected: str, log: ProblemLog) -> pd.Series:
    """Report every cell whose value is not as expected, and return `values` unchanged."""
    bad = cells[values.isna() & ~is_missing(cells)].to_frame("value")
    log.add_rows(trial_kinds.BAD_VALUE, _FILE, bad, column=cells.name, expected=expected)
    return values


def _without_doubled(table: pd.DataFrame, text: dict[str, pd.Series], log: ProblemLog) -> pd.DataFrame:
    """Drop rows with an invalid trial id, and all but the first row of each trial."""
    fits = _trial_parts(table["trial_id"])["number"].notna()
    log.add_rows(trial_kinds.BAD_TRIAL_ID, _FILE, table[~fits])
    table = table[fits]
    first = table.drop_duplicates("trial_id").set_index("trial_id")["row"]
    doubled = table[table.duplicated("trial_id")]
    doubled = doubled.assign(first=doubled["trial_id"].map(first))
    cells = pd.DataFrame(text)
    same = (cells.loc[doubled["row"]].to_numpy() == cells.loc[doubled["first"]].to_numpy()).all(axis=1)
    log.add_rows(trial_kinds.REPEATED_TRIAL, _FILE, doubled[same])
    log.add_rows(trial_kinds.DOUBLED_TRIAL, _FILE, doubled[~same])
    return table.drop(doubled.index)


def _reasons(trials: pd.DataFrame) -> pd.Series:
    """Return why each trial cannot be used for training; "" if it can."""
    reasons = pd.Series("", trials.index, dtype="str")
    reasons[trials["success"].isna()] = "success unknown"
    reasons[trials["row"].isna()] = "no outcome row"
    reasons[trials["n_frames"] == 0] = "no frame"
    return reasons


def _report_unusable(trials: pd.DataFrame, log: ProblemLog) -> None:
    """Report the trials with frames and no outcome, and those with an outcome and no frames."""
    if trials["success"].isna().all():
        return  # the file or its column success is missing, and is reported as such
    named = trials.reset_index()
    without_row = named[named["unusable_because"] == "no outcome row"]
    for trial in without_row["trial_id"]:
        log.add(trial_kinds.TRIAL_WITHOUT_OUTCOME, _FILE, trial_id=trial)
    named = named.dropna(subset="row").set_index("row")
    log.add_rows(trial_kinds.UNKNOWN_SUCCESS, _FILE, named[named["unusable_because"] == "success unknown"])
    log.add_rows(trial_kinds.OUTCOME_WITHOUT_FRAMES, _FILE, named[named["n_frames"] == 0])
