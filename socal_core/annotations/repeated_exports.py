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


def without_repeated(rows: BoxRows, log: ProblemLog) -> BoxRows:
    """Return the rows without those of files that annotate frames of another file.

    Of files with the same boxes, one is used; of numbered downloads of one name, the last; of others, none.

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
    of_file = rows.boxes.groupby("file", sort=False).indices
    first = shared.drop_duplicates("file").set_index("file")["frame"]
    dropped: set[str] = set()
    for files in _connected(shared):
        own = {file: rows.boxes.take(np.asarray(of_file.get(file, []), np.intp)) for file in files}
        dropped |= _to_drop(own, first[files[0]], log)
    kept = [table[~table["file"].isin(dropped)] for table in (rows.boxes, rows.without_tool)]
    return BoxRows(*kept)


def _connected(shared: pd.DataFrame) -> list[list[str]]:
    """Group the files that have frames in common, directly or through others."""
    group: dict[str, set[str]] = {}
    for _, files in shared.groupby("frame", sort=False)["file"]:
        merged = set().union(*(group.get(file, {file}) for file in files))
        group.update(dict.fromkeys(merged, merged))
    return [sorted(files) for files in {id(files): files for files in group.values()}.values()]


def _to_drop(boxes: dict[str, pd.DataFrame], frame: str, log: ProblemLog) -> set[str]:
    """Return the files of a group, given with their boxes, that are not used."""
    files = list(boxes)
    shown = ", ".join(map(printable, files[:_MOST_SHOWN])) + (
        f" and {len(files) - _MOST_SHOWN:,} more" if files[_MOST_SHOWN:] else ""
    )
    frame = printable(frame)
    if len({_content(own) for own in boxes.values()}) == 1:
        log.add(matching_kinds.SAME_EXPORTS, files[0], files=shown, used=printable(files[0]))
        return set(files[1:])
    newest = _newest(files)
    lost = sum(len(own) for file, own in boxes.items() if file != newest)
    if newest:
        log.add(
            matching_kinds.NEWER_EXPORT, newest, count=max(1, lost), files=shown, frame=frame, used=printable(newest)
        )
    else:
        log.add(matching_kinds.REPEATED_EXPORTS, files[0], count=max(1, lost), files=shown, frame=frame)
    return set(files) - {newest}


def _content(boxes: pd.DataFrame) -> frozenset[tuple[object, ...]]:
    columns = [boxes["frame"], *(np.rint(boxes[name]) for name in CORNERS), boxes["label"].str.lower()]
    return frozenset(zip(*(column.tolist() for column in columns), strict=True))


def _newest(files: list[str]) -> str:
    """Return the last of several downloads of one name, "" if the files are not such downloads."""
    numbers: dict[int, str] = {}
    names = set()
    for file in files:
        match = _DOWNLOAD.fullmatch(file)
        numbers[int(match["number"]) if match else 0] = file
        names.add(match["stem"] + match["ending"] if match else file)
    return numbers[max(numbers)] if len(names) == 1 else ""
