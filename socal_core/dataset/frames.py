"""The frames of a data folder, with the trial and the time of each.

Every frame comes from the listing of its folder. Names in other files are looked up there and never used as paths.
"""

import numpy as np
import pandas as pd

from socal_core.dataset import layout
from socal_core.dataset.folder import DataFolder
from socal_core.dataset.frame_names import UNKNOWN_INDEX, copies_of_frames, read_names
from socal_core.dataset.frame_rates import with_rate
from socal_core.dataset.frame_times import with_times
from socal_core.dataset.mapping import join_mapping, read_mapping
from socal_core.dataset.media import Media
from socal_core.dataset.problem_kinds import frame_kinds
from socal_core.dataset.problems import ProblemLog


def load_frames(folder: DataFolder, media: Media, log: ProblemLog) -> pd.DataFrame:
    """Find every frame that belongs to a trial.

    Args:
        folder: The data folder.
        media: Its frames and videos.
        log: Receives the problems.

    Returns:
        One row per frame, in no order: frame, trial_id, number (int, in s; it continues over the parts of a trial).
    """
    preset = folder.preset
    mapping = read_mapping(folder, log)
    copies = copies_of_frames(media.frames)
    log.add_frames(frame_kinds.COPIED_FRAME, copies)
    names = [name for name in media.frames if name not in set(copies)] if copies else media.frames
    frames = pd.concat([read_names(names, preset), _frames_of_videos(media)], ignore_index=True)
    if mapping is None:
        frames["number"], frames["row"] = pd.NA, pd.NA
        frames = frames.astype({"number": "Int64", "row": "Int64"})
    else:
        frames = join_mapping(frames, mapping, preset, log)
    lost = frames["trial_id"] == ""
    log.add_frames(frame_kinds.FRAME_WITHOUT_TRIAL, frames.loc[lost, "frame"])
    frames = with_times(frames[~lost], preset, log)
    with_second = frames["timed"] | frames["trial_id"].isin(list(media.videos))
    if not with_second.all():
        frames = pd.concat([with_rate(frames[~with_second], log), frames[with_second]])
    frames = frames.assign(number=frames["number"].fillna(_numbers_by_name(frames)).astype("int64"))
    _report_doubled_numbers(frames, preset.mapping_file, log)
    _report_gaps(frames, log)
    return frames[["frame", "trial_id", "number"]]


def _frames_of_videos(media: Media) -> pd.DataFrame:
    """Return each second of each video, numbered from 1, with the columns of `read_names`."""
    seconds = [(trial, n) for trial, video in media.videos.items() for n in range(1, video.seconds + 1)]
    names = {
        "frame": [layout.name_of_second(*second) for second in seconds],
        "trial_id": [trial for trial, _ in seconds],
    }
    frames = pd.DataFrame({**names, "video": "", "index": [number for _, number in seconds]})
    return frames.astype({"frame": "str", "trial_id": "str", "video": "str", "index": "int64"})


def in_trial_order(frames: pd.DataFrame, trial_ids: pd.Index) -> pd.DataFrame:
    """Sort the frames by trial and time.

    Args:
        frames: The frames from `load_frames`.
        trial_ids: The trials in their order.

    Returns:
        One row per frame: frame, trial_id, position, second.
    """
    trial_index = trial_ids.get_indexer(pd.Index(frames["trial_id"]))
    frames = frames.assign(trial_index=trial_index).sort_values(["trial_index", "number", "frame"], ignore_index=True)
    trials = frames.groupby("trial_index", sort=False)
    return pd.DataFrame(
        {
            "frame": frames["frame"],
            "trial_id": frames["trial_id"],
            "position": trials.cumcount(),
            "second": (frames["number"] - trials["number"].transform("first")) // layout.FRAMES_PER_SECOND,
        }
    )


def _numbers_by_name(frames: pd.DataFrame) -> pd.Series:
    """Assign all frames their numbers within the trial by name alone, and join the parts of a split recording.

    A part continues after the previous one. It keeps its indices if the first is greater than the last so far; else
    they are shifted to continue from there. If the mapping has frames of the part, their shift applies to all of it.
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
    part_index = parts.index.get_indexer(pd.MultiIndex.from_frame(named[["trial_id", "video"]]))
    numbers: pd.Series = named["index"] + np.array(shifts)[part_index]
    return numbers


def _report_doubled_numbers(frames: pd.DataFrame, mapping_file: str, log: ProblemLog) -> None:
    doubled = frames[frames.duplicated(["trial_id", "number"])]
    mapped = doubled["row"].notna()
    log.add_rows(frame_kinds.DOUBLED_FRAME_NUMBER, mapping_file, doubled[mapped].set_index("row"))
    log.add_frames(frame_kinds.DOUBLED_FRAME_NUMBER, doubled.loc[~mapped, "frame"])


def _report_gaps(frames: pd.DataFrame, log: ProblemLog) -> None:
    ordered = frames.sort_values(["trial_id", "number"])
    lacking = ordered.groupby("trial_id")["number"].diff().fillna(1).astype("int64") - 1
    gaps = lacking[lacking > 0].groupby(ordered["trial_id"]).agg(["sum", "count"])
    for trial, lost, count in gaps.itertuples(name=None):
        log.add(frame_kinds.GAP_IN_TRIAL, log.images_dir, trial_id=trial, frames=lost, gaps=count)
