"""Which frames a data folder has, and the trial and the place in time of each.

A frame is only ever a name that the listing of the folder gave: names in other files are looked up there, never
followed.
"""

import numpy as np
import pandas as pd

from socal_core.dataset import layout
from socal_core.dataset.dataset import Severity
from socal_core.dataset.folder import DataFolder
from socal_core.dataset.frame_names import UNKNOWN_INDEX, FrameIndex, read_names
from socal_core.dataset.media import Media
from socal_core.dataset.problems import ProblemLog
from socal_core.dataset.tables import read_table, to_integers


def load_frames(folder: DataFolder, media: Media, log: ProblemLog) -> pd.DataFrame:
    """Every frame that belongs to a trial, in no order: frame, trial_id, number (int, s; counts on over videos)."""
    mapping = read_mapping(folder, log)
    frames = read_names([*media.frames, *_frames_of_videos(media)])
    if mapping is None:
        frames["number"], frames["row"] = pd.NA, pd.NA
        frames = frames.astype({"number": "Int64", "row": "Int64"})
    else:
        frames = _join(frames, mapping, log)
    lost = frames["trial_id"] == ""
    log.add_frames(
        "frame-without-trial",
        Severity.ERROR,
        frames.loc[lost, "frame"],
        "Frame {frame} belongs to no trial: its name is not like S102T1_frame_00000078.jpeg or S102T1/00000078.jpeg. "
        "It is left out.",
    )
    frames = frames[~lost]
    frames = frames.assign(number=frames["number"].fillna(_numbers_by_name(frames)).astype("int64"))
    _report_doubled_numbers(frames, log)
    _report_gaps(frames, log)
    return frames[["frame", "trial_id", "number"]]


def _frames_of_videos(media: Media) -> list[str]:
    """A name for each second of each video, as SOCAL would name the frame; numbers from 1."""
    return [
        f"{trial}_frame_{number:08d}.jpeg"
        for trial, video in media.videos.items()
        for number in range(1, video.seconds + 1)
    ]


def in_trial_order(frames: pd.DataFrame, trial_ids: pd.Index) -> pd.DataFrame:
    """The frames of load_frames in the order of the trials and of time: frame, trial_id, position, second."""
    place = trial_ids.get_indexer(pd.Index(frames["trial_id"]))
    frames = frames.assign(place=place).sort_values(["place", "number", "frame"], ignore_index=True)
    trials = frames.groupby("place", sort=False)
    return pd.DataFrame(
        {
            "frame": frames["frame"],
            "trial_id": frames["trial_id"],
            "position": trials.cumcount(),
            "second": (frames["number"] - trials["number"].transform("first")) // layout.FRAMES_PER_SECOND,
        }
    )


def read_mapping(folder: DataFolder, log: ProblemLog) -> pd.DataFrame | None:
    """The usable rows of the mapping, one a frame: trial_id, number (Int64) and row (line), indexed by frame name.

    None when there is no mapping: then names alone order the frames.
    """
    name = layout.MAPPING_FILE
    if not folder.has(name):
        text = f"There is no {name}: the trial and the order of the frames are read from their names."
        log.add("no-mapping-file", Severity.INFO, name, text)
        return None
    rows = read_table(folder, name, layout.MAPPING_COLUMNS, layout.MAPPING_COLUMNS, log)
    if rows is None or len(rows.columns) < len(layout.MAPPING_COLUMNS):
        return None
    fits = {trial: layout.TRIAL_ID.fullmatch(trial) is not None for trial in rows["trial_id"].unique()}
    bad_trial = ~rows["trial_id"].map(fits).astype(bool)
    number = to_integers(rows["frame_number"])
    bad_number = number.isna() | (number < 0).fillna(False)
    text = "; frame {frame} is placed by its name."
    log.add_rows("bad-trial-id", Severity.ERROR, name, rows[bad_trial], "Trial id {trial_id} is not like S102T1" + text)
    log.add_rows(
        "bad-frame-number",
        Severity.ERROR,
        name,
        rows[bad_number & ~bad_trial],
        "frame_number must be a whole number of at least 0, got {frame_number}" + text,
    )
    rows = rows.assign(number=number, row=rows.index)[~bad_trial & ~bad_number]
    return _without_doubled(rows, log).set_index("frame")[["trial_id", "number", "row"]]


def _without_doubled(rows: pd.DataFrame, log: ProblemLog) -> pd.DataFrame:
    """Keep the first row of each frame."""
    doubled = rows.duplicated("frame")
    if not doubled.any():
        return rows
    first = rows[~doubled].set_index("frame")["row"]
    log.add_rows(
        "doubled-mapping-row",
        Severity.WARNING,
        layout.MAPPING_FILE,
        rows[doubled].assign(first=rows["frame"].map(first)),
        "Frame {frame} stands in row {first} already; this row ({trial_id}, {frame_number}) is not used.",
    )
    return rows[~doubled]


def _join(frames: pd.DataFrame, mapping: pd.DataFrame, log: ProblemLog) -> pd.DataFrame:
    """Add `number` and `row` where the mapping has the frame, and let it decide the trial."""
    place = FrameIndex(frames["frame"]).places(mapping.index)
    unused = mapping[place < 0].reset_index().set_index("row")
    log.add_rows(
        "mapping-without-frame",
        Severity.WARNING,
        layout.MAPPING_FILE,
        unused,
        f"Frame {{frame}} is not {log.among_frames}; the row is not used.",
    )
    found = mapping.assign(place=place)[place >= 0].drop_duplicates("place").set_index("place").reindex(frames.index)
    mapped = found["row"].notna()
    named = frames["trial_id"] != ""
    joined = frames.assign(
        trial_id=frames["trial_id"].where(~mapped, found["trial_id"]),
        number=found["number"],
        row=found["row"].astype("Int64"),
    )
    contradicted = joined[mapped & named & (frames["trial_id"] != joined["trial_id"])].set_index("row")
    log.add_rows(
        "mapping-contradicts-name",
        Severity.WARNING,
        layout.MAPPING_FILE,
        contradicted,
        "Frame {frame} is named after another trial than {trial_id}, which is used.",
    )
    log.add_frames(
        "frame-not-in-mapping",
        Severity.WARNING,
        frames.loc[named & ~mapped, "frame"],
        f"Frame {{frame}} has no usable row in {layout.MAPPING_FILE}; its name gave the trial and the place.",
    )
    return joined


def _numbers_by_name(frames: pd.DataFrame) -> pd.Series:
    """The number in the trial that the name alone gives, for all frames; the parts of a split recording are joined.

    A part goes on after the one before it: as it is when its first index is greater than the last so far, else moved
    to the number after. Where the mapping has other frames of the part, their distance holds for the whole part.
    """
    named = frames[frames["index"] != UNKNOWN_INDEX]
    if named["number"].notna().all():
        return frames["number"]
    parts = (
        named.assign(shift=named["number"] - named["index"])
        .groupby(["trial_id", "video"])  # sorted: letters in order
        .agg(first=("index", "min"), last=("index", "max"), shift=("shift", "median"))
    )
    shifts: list[int] = []
    trial, end = "", -1
    for (part_trial, _), first, last, shift in parts.itertuples(name=None):
        if part_trial != trial:
            trial, end = part_trial, -1
        known = int(shift) if pd.notna(shift) else max(0, end + 1 - first)
        shifts.append(known)
        end = last + known
    place = parts.index.get_indexer(pd.MultiIndex.from_frame(named[["trial_id", "video"]]))
    numbers: pd.Series = named["index"] + np.array(shifts)[place]
    return numbers


def _report_doubled_numbers(frames: pd.DataFrame, log: ProblemLog) -> None:
    doubled = frames[frames.duplicated(["trial_id", "number"])]
    text = "Frame {frame} has the place of another frame of its trial; both are kept, in the order of their names."
    mapped = doubled["row"].notna()
    log.add_rows("doubled-frame-number", Severity.WARNING, layout.MAPPING_FILE, doubled[mapped].set_index("row"), text)
    log.add_frames("doubled-frame-number", Severity.WARNING, doubled.loc[~mapped, "frame"], text)


def _report_gaps(frames: pd.DataFrame, log: ProblemLog) -> None:
    ordered = frames.sort_values(["trial_id", "number"])
    lacking = ordered.groupby("trial_id")["number"].diff().fillna(1).astype("int64") - 1
    gaps = lacking[lacking > 0].groupby(ordered["trial_id"]).agg(["sum", "count"])
    for trial, lost, places in gaps.itertuples(name=None):
        text = f"Trial {trial} lacks {lost:,} frames between its first and last, in {places} places; time counts on."
        log.add("gap-in-trial", Severity.INFO, log.images_dir, text)
