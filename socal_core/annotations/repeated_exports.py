"""Choose between annotation files of the same frames. They are never merged: which box was corrected is unknown."""

import re

import numpy as np
import pandas as pd

from socal_core.annotations.rows import CORNERS, BoxRows
from socal_core.dataset.problem_kinds import matching_kinds
from socal_core.dataset.problems import ProblemLog, printable

_DOWNLOAD = re.compile(r"(?P<stem>.+?) ?\((?P<number>[0-9]{1,4})\)(?P<ending>\.[^./]+)")
"""The name that browsers give to a further download of a file."""
_MOST_SHOWN = 3
_AGAIN = " (images listed again)"


def label_again(file: str) -> str:
    """Return the name under which images that a file lists a second time count as another file."""
    return f"{file}{_AGAIN}"


def without_repeated(rows: BoxRows, log: ProblemLog) -> BoxRows:
    """Return the rows without those of files that annotate frames of another file.

    If files agree about the frames that they share, these count once. Otherwise, the last of numbered downloads of one
    name is used, and of other files none.

    Args:
        rows: The rows with exact names of frames and, if a format has several files, a column `file`.
        log: Receives the problems.
    """
    if "file" not in rows.boxes:
        return rows
    both = pd.concat([rows.boxes[["frame", "file"]], rows.without_tool[["frame", "file"]]], ignore_index=True)
    if both["file"].nunique() < 2:
        return rows
    pairs = both.drop_duplicates()
    shared = pairs[pairs.duplicated("frame", keep=False)]
    if shared.empty:
        return rows
    content = _content_by_frame(rows.boxes[rows.boxes["frame"].isin(shared["frame"])])
    of_frame = {str(frame): files.tolist() for frame, files in shared.groupby("frame", sort=False)["file"]}
    counts = rows.boxes["file"].value_counts()
    dropped: set[str] = set()
    for files in _connected(shared):
        group = set(files)
        own = {frame: sharing for frame, sharing in of_frame.items() if sharing[0] in group}
        dropped |= _to_drop(files, own, content, counts, log)
    used = shared[~shared["file"].isin(dropped)]
    again = pd.MultiIndex.from_frame(used[used.duplicated("frame")])  # the same boxes once more
    kept = []
    for table in (rows.boxes, rows.without_tool):
        twice = pd.MultiIndex.from_frame(table[["frame", "file"]]).isin(again)
        kept.append(table[~twice & ~table["file"].isin(dropped).to_numpy()])
    return BoxRows(*kept)


def _connected(shared: pd.DataFrame) -> list[list[str]]:
    """Group the files that have frames in common, directly or through others."""
    group: dict[str, set[str]] = {}
    for _, files in shared.groupby("frame", sort=False)["file"]:
        merged = set().union(*(group.get(file, {file}) for file in files))
        group.update(dict.fromkeys(merged, merged))
    return [sorted(files) for files in {id(files): files for files in group.values()}.values()]


def _to_drop(
    files: list[str],
    of_frame: dict[str, list[str]],
    content: dict[tuple[str, str], frozenset[tuple[object, ...]]],
    counts: pd.Series,
    log: ProblemLog,
) -> set[str]:
    """Return the files of a group that are not used: none if they agree about all frames that they share.

    Args:
        files: The files of the group.
        of_frame: The files of each frame that several of them annotate.
        content: The boxes of each frame and file, as from `_content_by_frame`.
        counts: The number of boxes of each file.
        log: Receives the problem.
    """
    shown = ", ".join(map(printable, files[:_MOST_SHOWN])) + (
        f" and {len(files) - _MOST_SHOWN:,} more" if files[_MOST_SHOWN:] else ""
    )
    frame = next((name for name, own in of_frame.items() if len({content.get((name, one)) for one in own}) > 1), None)
    if frame is None:
        log.add(matching_kinds.SAME_EXPORTS, files[0], files=shown, frames=len(of_frame), used=printable(files[0]))
        return set()
    newest = _newest(files)
    lost = sum(int(counts.get(file, 0)) for file in files if file != newest)
    kind = matching_kinds.NEWER_EXPORT if newest else matching_kinds.REPEATED_EXPORTS
    frame, used = printable(frame), printable(newest)
    log.add(kind, newest or files[0], count=max(1, lost), files=shown, frame=frame, used=used)
    return set(files) - {newest}


def _content_by_frame(boxes: pd.DataFrame) -> dict[tuple[str, str], frozenset[tuple[object, ...]]]:
    """Return the corners and labels of each frame in each file."""
    columns = [*(np.rint(boxes[name]) for name in CORNERS), boxes["label"].str.strip().str.lower()]
    found: dict[tuple[str, str], set[tuple[object, ...]]] = {}
    for frame, file, *box in zip(boxes["frame"], boxes["file"], *(column.tolist() for column in columns), strict=True):
        found.setdefault((frame, file), set()).add(tuple(box))
    return {key: frozenset(own) for key, own in found.items()}


def _newest(files: list[str]) -> str:
    """Return the last of several downloads of one name, "" if the files are not such downloads."""
    numbers: dict[int, str] = {}
    names = set()
    for file in files:
        match = _DOWNLOAD.fullmatch(file)
        numbers[int(match["number"]) if match else 0] = file
        names.add(match["stem"] + match["ending"] if match else file)
    return numbers[max(numbers)] if len(names) == 1 else ""
