"""The file that maps frames to trials: its rows, and the frames that they mean.

A row decides the trial and the position of a frame, so it is used only for a frame that it certainly means.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from socal_core.dataset import layout
from socal_core.dataset.folder import DataFolder
from socal_core.dataset.frame_lookup import NONE, SEVERAL, UNUSED, FrameLookup
from socal_core.dataset.problem_kinds import frame_kinds, matching_kinds, trial_kinds
from socal_core.dataset.problems import ProblemLog, printable
from socal_core.dataset.tables import read_table, to_integers
from socal_core.presets import Preset


def read_mapping(folder: DataFolder, log: ProblemLog) -> pd.DataFrame | None:
    """Read the mapping from frames to trials.

    Args:
        folder: The data folder.
        log: Receives the problems.

    Returns:
        The usable rows: frame, trial_id, number (Int64), indexed by line. None if there is no usable mapping; then only
        their names order the frames.
    """
    preset = folder.preset
    name = folder.chosen(preset.mapping_file)
    if not name:
        if preset.has_parts:
            log.add(frame_kinds.NO_MAPPING_FILE, preset.mapping_file)
        return None
    rows = read_table(folder, name, layout.MAPPING_COLUMNS, layout.MAPPING_COLUMNS, log)
    if rows is None or len(rows.columns) < len(layout.MAPPING_COLUMNS):
        return None
    fits = {trial: preset.is_trial(trial) for trial in rows["trial_id"].unique()}
    bad_trial = ~rows["trial_id"].map(fits).astype(bool)
    number = to_integers(rows["frame_number"])
    bad_number = number.isna() | (number < 0).fillna(False)
    log.add_rows(trial_kinds.BAD_TRIAL_ID, name, rows[bad_trial], form=preset.example_trial)
    bad = rows[bad_number & ~bad_trial].rename(columns={"frame_number": "number"})
    log.add_rows(frame_kinds.BAD_FRAME_NUMBER, name, bad, least=0)
    return rows.assign(number=number)[~bad_trial & ~bad_number][["frame", "trial_id", "number"]]


def join_mapping(frames: pd.DataFrame, mapping: pd.DataFrame, preset: Preset, log: ProblemLog) -> pd.DataFrame:
    """Add `number` and `row` (line) where the mapping has the frame, and let it decide the trial.

    Args:
        frames: frame and trial_id, as from read_names.
        mapping: The rows from `read_mapping`.
        preset: The data set to which they belong.
        log: Receives the problems and the evidence.
    """
    path = preset.mapping_file
    at = _frames_of(mapping, frames, preset, log)
    log.add_rows(frame_kinds.MAPPING_WITHOUT_FRAME, path, mapping[at == NONE])
    rows = mapping.assign(at=at, row=mapping.index)[at >= 0]
    found = _without_doubled(rows, path, log).set_index("at").reindex(frames.index)
    mapped = found["row"].notna()
    named = frames["trial_id"] != ""
    joined = frames.assign(
        trial_id=frames["trial_id"].where(~mapped, found["trial_id"]),
        number=found["number"],
        row=found["row"].astype("Int64"),
    )
    contradicted = joined[mapped & named & (frames["trial_id"] != joined["trial_id"])].set_index("row")
    log.add_rows(frame_kinds.MAPPING_CONTRADICTS_NAME, path, contradicted)
    log.add_frames(frame_kinds.FRAME_NOT_IN_MAPPING, frames.loc[named & ~mapped, "frame"])
    return joined


def _frames_of(mapping: pd.DataFrame, frames: pd.DataFrame, preset: Preset, log: ProblemLog) -> NDArray[np.intp]:
    """Return the row in `frames` of each row of the mapping; NONE if there is none, UNUSED if it is not certain."""
    at: NDArray[np.intp] = pd.Index(frames["frame"]).get_indexer(pd.Index(mapping["frame"]))
    inexact = np.flatnonzero(at < 0)
    if not len(inexact):
        return at
    lookup, trials = FrameLookup(frames, preset), frames["trial_id"].tolist()
    given = mapping[["frame", "trial_id"]].take(inexact)
    bare = []
    for index, name, trial in zip(inexact.tolist(), given["frame"], given["trial_id"], strict=True):
        found = lookup.find(name, trial)
        if found.row == NONE and not found.names_trial:
            other = lookup.find(name).row
            # The frame itself states no trial either, so the row cannot contradict it.
            found = found._replace(row=other if other == SEVERAL or (other >= 0 and not trials[other]) else NONE)
        at[index] = found.row
        if not found.names_trial:
            bare.append(index)
    _check_bare(at, np.array(bare, np.intp), mapping["frame"], preset.mapping_file, log)
    several = np.flatnonzero(at == SEVERAL)
    if len(several):
        kind, name = matching_kinds.SEVERAL_FRAMES_OF_NAME, printable(mapping["frame"].iloc[several[0]])
        log.add(kind, preset.mapping_file, count=len(several), names=len(several), name=name)
    return np.where(at == SEVERAL, UNUSED, at)


def _check_bare(at: NDArray[np.intp], bare: NDArray[np.intp], names: pd.Series, path: str, log: ProblemLog) -> None:
    """Use names without a trial only if all of them are those of frames of the trial in their row."""
    if not (at[bare] >= 0).any():
        return  # nothing matches by chance; each name is reported as not being a frame
    missing = bare[at[bare] == NONE]
    if len(missing):
        name = printable(names.iloc[missing[0]])
        kind = matching_kinds.NAMES_LEFT_OVER
        log.add(kind, path, count=len(bare), names=len(bare), missing=len(missing), name=name, where=" of their trial")
        at[bare] = UNUSED
        return
    meaning = f"Names without a trial, such as {printable(names.iloc[bare[0]])}, are frames of the trial in their row."
    log.add_evidence(path, meaning, f"All {len(bare):,} names fit one frame of it each.")


def _without_doubled(rows: pd.DataFrame, path: str, log: ProblemLog) -> pd.DataFrame:
    """Keep one row of each frame; none if they differ."""
    doubled = rows[rows.duplicated("at", keep=False)]
    if doubled.empty:
        return rows
    differ = doubled.groupby("at")[["trial_id", "number"]].transform("nunique").gt(1).any(axis=1)
    first = doubled.drop_duplicates("at").set_index("at")["row"]
    named = doubled.assign(first=doubled["at"].map(first), frame_number=doubled["number"])
    log.add_rows(frame_kinds.CONTRADICTING_MAPPING_ROWS, path, named[differ & named.duplicated("at")])
    log.add_rows(frame_kinds.DOUBLED_MAPPING_ROW, path, named[~differ & named.duplicated("at")])
    kept: pd.DataFrame = rows.drop(doubled.index[differ]).drop_duplicates("at")
    return kept
