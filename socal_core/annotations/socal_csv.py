"""The published format: one CSV file with one row per box, or only the frame name for a frame without a tool.

SOCAL's file has no header; other copies have a header and a column `tracking_id`, and SOSpine's has its own header.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from socal_core import presets
from socal_core.annotations.class_names import find_names
from socal_core.annotations.corner_checks import STORED_CORNERS, with_certain_numbers
from socal_core.annotations.frame_matching import frame_names, renamed, with_names
from socal_core.annotations.frame_sizes import to_frame_sizes
from socal_core.annotations.rows import CORNERS, LARGEST_COORDINATE, BoxRows, Format, KnownFrames, empty_rows
from socal_core.annotations.track_ids import add_track_ids
from socal_core.dataset import layout
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.folder import DataFolder
from socal_core.dataset.problem_kinds import box_kinds, file_kinds
from socal_core.dataset.problems import ProblemLog, printable
from socal_core.dataset.tables import Lines, is_missing, read_lines, to_cells, to_integers, to_numbers

_COLUMNS = list(layout.BOX_COLUMNS)
_OTHER_TITLES = {
    **dict.fromkeys(("image", "filename"), "frame"),
    **{"xmin": "x1", "ymin": "y1", "xmax": "x2", "ymax": "y2", "class": "label"},
}
"""The column titles of VoTT and TensorFlow, and the equivalents here; those of data sets are in their presets."""
_SIZE_TITLES = ("width", "height")
_LARGE = 200
"""Pixels; in smaller frames, numbers up to 100 are no sign of percentages."""
_TRACK_TITLES = ("tracking_id", "track_id")


def find(folder: DataFolder) -> list[str]:
    """Find the boxes file, if there is one."""
    name = folder.preset.boxes_file
    return [name] if folder.spelled(name) else []


def read(folder: DataFolder, files: list[str], known: KnownFrames, log: ProblemLog) -> BoxRows:
    """Read the rows of the boxes file; report rows that are not boxes as problems."""
    path = folder.chosen(files[0])
    lines = read_lines(folder, path, log) if path else None
    if lines is None:
        return empty_rows()
    columns = _COLUMNS
    if _is_header(lines):
        columns, lines = _header(lines, log), lines.after_first()
    if not columns:
        return empty_rows()
    cells = to_cells(lines, len(columns), log).set_axis(columns, axis="columns")
    del lines  # save memory with millions of boxes: the text is no longer needed
    corners = {name: to_numbers(cells[name]) for name in CORNERS}
    good = np.logical_and.reduce([values.abs() <= LARGEST_COORDINATE for values in corners.values()])
    if _are_fractions(corners, good):
        log.add(box_kinds.RELATIVE_CORNERS, path, count=int(good.sum()))
        return empty_rows()
    if any((values[good] % 1 != 0).any() for values in corners.values()):
        log.add_evidence(path, "Its corners are rounded to whole pixels.", "Some have decimals, as VoTT writes them.")
    odd = cells[~good]
    cells = cells[good]
    if "track_id" not in cells:
        cells = cells.drop(columns=list(CORNERS))  # saves memory: the text of millions of numbers
    empty = pd.concat([is_missing(odd[name]) for name in _COLUMNS[1:]], axis=1).all(axis=1)
    log.add_rows(box_kinds.BAD_COORDINATES, path, odd[~empty], expected="numbers of pixels")
    names = frame_names(BoxRows(cells, odd.loc[empty, ["frame"]]), path, known, log)
    track_ids = _track_ids(cells if "track_id" in cells else cells[[]], path, folder, known, log)
    boxes = cells[["frame", "label"]].copy()
    boxes["label"] = boxes["label"].mask(is_missing(boxes["label"]), "")
    boxes = boxes.assign(
        **{name: np.rint(values[good]).astype("int64") for name, values in corners.items()}, track_id=track_ids
    )
    rows = renamed(add_track_ids(folder, BoxRows(boxes, odd.loc[empty, ["frame"]]), path, log), names)
    return _in_pixels(rows, cells, corners, names, path, known, log)


def _in_pixels(
    rows: BoxRows,
    cells: pd.DataFrame,
    corners: dict[str, pd.Series],
    names: pd.Series,
    path: str,
    known: KnownFrames,
    log: ProblemLog,
) -> BoxRows:
    """Scale the boxes to their frames if the file gives the sizes, and leave out those that may mean something else."""
    if _are_percent(rows.boxes, corners, known):
        log.add(box_kinds.PERCENT_CORNERS, path, count=len(rows.boxes))
        return BoxRows(rows.boxes[:0], rows.without_tool)
    sized = None
    if set(_SIZE_TITLES) <= set(cells.columns):
        sizes = cells[["frame"]].assign(**{name: to_numbers(cells[name]) for name in _SIZE_TITLES})
        sizes = with_names(sizes, names)
        rows, sized = to_frame_sizes(rows, sizes, path, known, log), sizes.dropna()["frame"]
    return with_certain_numbers(rows, STORED_CORNERS, path, known, log, sized)


def _are_percent(boxes: pd.DataFrame, corners: dict[str, pd.Series], known: KnownFrames) -> bool:
    """Return whether the corners may be percentages: all up to 100 and some with decimals, in larger frames."""
    if any(values.max() > 100 for values in corners.values()):
        return False
    values = pd.DataFrame(corners).reindex(boxes.index)
    within = not values.empty and bool(((values >= 0) & (values <= 100)).all(axis=None))
    if not within or not (values % 1 != 0).any(axis=None):
        return False
    rows = known.rows_of_names(boxes["frame"])
    return bool((known.sizes(rows[rows >= 0]) >= _LARGE).all())


def write(dataset: Dataset, out: Path) -> None:
    """Write the boxes as in the published file; with a header and `tracking_id` if any box has a track id."""
    preset = dataset.preset
    tracked = bool(dataset.boxes["track_id"].notna().any())
    boxes = dataset.boxes.rename(columns={"track_id": _TRACK_TITLES[0]})
    boxes["label"] = [" ".join(label.splitlines()) for label in boxes["label"]]  # a row must stay on one line
    columns = [*_COLUMNS, _TRACK_TITLES[0]] if tracked else _COLUMNS
    empty = dataset.frames.loc[~dataset.frames["frame"].isin(boxes["frame"]), ["frame"]]
    numbers = [name for name in columns if name not in ("frame", "label")]
    table = pd.concat([boxes[columns], empty]).astype(dict.fromkeys(numbers, "Int64"))
    table = table.rename(columns=dict(zip(_COLUMNS, preset.box_titles, strict=False)))
    header = tracked or bool(preset.box_titles)
    table.to_csv(out / preset.boxes_file, header=header, index=False, lineterminator="\n")


def _is_header(lines: Lines) -> bool:
    """Return whether the first line names columns, which no row of a frame does."""
    return len(set(_titles(lines)) & set(_COLUMNS)) > 1


def _titles(lines: Lines) -> list[str]:
    """Return the cells of the first line as titles, with those of VoTT and of other data sets replaced."""
    others = dict(_OTHER_TITLES)
    for preset in presets.PRESETS:
        others |= {title: own for title, own in preset.own_titles(_COLUMNS).items() if title != own}
    titles = [title.strip(' "\t').lower() for title in lines.titles()]
    return [own if (own := others.get(title)) and own not in titles else title for title in titles]


def _are_fractions(corners: dict[str, pd.Series], good: NDArray[np.bool_]) -> bool:
    """Return whether the corners are fractions of their frames: all from about 0 to 1, and not all whole."""
    values = pd.DataFrame(corners)[good]
    within = not values.empty and bool(((values >= -0.1) & (values <= 1.1)).all(axis=None))
    return within and bool((values % 1 != 0).any(axis=None))


def _header(lines: Lines, log: ProblemLog) -> list[str]:
    """Return the columns that the first line names, in its order.

    Columns without a use are named by their number. Unless each required column occurs once, the result is empty and
    there is a problem.
    """
    titles = _titles(lines)
    for kind, odd in (
        (file_kinds.MISSING_COLUMN, [name for name in _COLUMNS if name not in titles]),
        (file_kinds.DOUBLED_COLUMN, [name for name in _COLUMNS if titles.count(name) > 1]),
    ):
        if odd:
            header = printable(", ".join(titles))
            log.add(kind, lines.path, row=lines.numbers[0], column=", ".join(odd), header=header)
            return []
    track = next((title for title in _TRACK_TITLES if title in titles), None)
    kept = {*_COLUMNS, *(title for title in _SIZE_TITLES if titles.count(title) == 1)}
    columns = [title if title in kept else f"column {number}" for number, title in enumerate(titles, start=1)]
    if track is not None:
        columns[titles.index(track)] = "track_id"
    return columns


def _track_ids(boxes: pd.DataFrame, path: str, folder: DataFolder, known: KnownFrames, log: ProblemLog) -> pd.Series:
    """Return the track ids (Int64); NA if the file has none or if they are the numbers of the labels."""
    if "track_id" not in boxes:
        return pd.Series(pd.NA, boxes.index, dtype="Int64")
    ids = to_integers(boxes["track_id"])
    bad = boxes[ids.isna() & ~is_missing(boxes["track_id"])]
    log.add_rows(box_kinds.BAD_TRACK_ID, path, bad, expected="a whole number")
    given = boxes.assign(track_id=ids)[ids.notna() & ~is_missing(boxes["label"])]
    pairs = given[["label", "track_id"]].drop_duplicates()
    if pairs["label"].duplicated().any():
        return ids  # a label with several numbers: they distinguish its boxes
    if given.drop_duplicates(_COLUMNS).duplicated(["frame", "track_id"]).any():
        evidence = "some frames have it twice"
    else:
        by_trial = _by_trial(given, known)
        if pairs["track_id"].duplicated().any() or not _labels_keep_ids(by_trial):
            return ids
        if not _are_class_numbers(pairs, by_trial, folder):
            log.add(box_kinds.TRACK_ID_MAY_BE_CLASS, path, count=len(given))
            return ids
        evidence = "it is the position of the label in the list of labels"
    log.add(box_kinds.TRACK_ID_IS_CLASS, path, count=len(given), evidence=evidence)
    return ids.mask(ids.notna())


def _by_trial(boxes: pd.DataFrame, known: KnownFrames) -> pd.DataFrame:
    """Return the distinct labels and ids of each trial: trial_id, label, track_id."""
    rows = known.rows_of_names(boxes["frame"])
    boxes = boxes.loc[rows >= 0, ["label", "track_id"]]
    trials = known.frames["trial_id"].take(rows[rows >= 0]).to_numpy()
    return boxes.assign(trial_id=trials).drop_duplicates()


def _labels_keep_ids(by_trial: pd.DataFrame) -> bool:
    """Return whether at least two labels keep their id in more than one trial."""
    return int((by_trial["label"].value_counts() > 1).sum()) > 1


def _are_class_numbers(pairs: pd.DataFrame, by_trial: pd.DataFrame, folder: DataFolder) -> bool:
    """Return whether ids, one per label, are positions in the list of classes of the folder or of its preset.

    One id per label is not sufficient: if each label has one track, ids that count from 1 in each trial give the same,
    and suction 1, grasper 2 is also SOCAL's order. But if a trial lacks a label, class numbers have a gap and counted
    ids have none. Only the numbers of YOLO, which are positions in the folder's list from 0, need no such gap.
    """
    own, published = find_names(folder, [""], ProblemLog())[1], dict(enumerate(folder.preset.labels))
    numbers = list(zip(pairs["track_id"], pairs["label"].str.lower(), strict=True))

    def listed(names: dict[int, str], first: int) -> bool:
        return all(names.get(int(number) - first, "").lower() == label for number, label in numbers)

    if listed(own, 0):
        return True
    if not any(listed(names, first) for names, first in ((own, 1), (published, 0), (published, 1))):
        return False
    ids = by_trial.groupby("trial_id")["track_id"].agg(["min", "max", "nunique"])
    counted = (ids["max"] - ids["min"] + 1 == ids["nunique"]).all() and ids["min"].nunique() == 1
    return not (counted and ids["min"].iloc[0] <= 1)


FORMAT = Format("csv", "SOCAL CSV", find, read, write)
