"""YOLO: a text file per frame, one row per box: `class cx cy w h`, as fractions of the frame's width and height.

The files are in `labels/` (or `obj_train_data/`, or in folders below), or else beside the frames. An empty file marks a
frame without a tool. A sixth field is a track id, a confidence or the class again, which the files do not tell. Longer
rows (yolo_outlines.py) are replaced by the boxes that enclose them.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from socal_core.annotations.class_names import label_classes
from socal_core.annotations.corner_checks import STORED_CENTRES, with_certain_numbers
from socal_core.annotations.frame_matching import match_names
from socal_core.annotations.rows import CORNERS, BoxRows, Format, KnownFrames
from socal_core.annotations.yolo_files import LABEL_DIRS, label_files, read_files
from socal_core.annotations.yolo_outlines import PARTS
from socal_core.dataset import layout
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.folder import DataFolder
from socal_core.dataset.frame_lookup import UNUSED
from socal_core.dataset.problem_kinds import annotation_kinds, box_kinds
from socal_core.dataset.problems import ProblemLog, printable
from socal_core.dataset.tables import LARGEST_INTEGER
from socal_core.errors import DataError

_DIR = LABEL_DIRS[0]
_ROOT = "*.txt"
"""Stands for the data folder itself if the files are beside the frames in it."""
_NAMES_FILE = "classes.txt"


def find(folder: DataFolder) -> list[str]:
    """Find the folders of label files: dedicated folders, then folders of frames."""
    splits = [f"{name}/{_DIR}" for name in folder.listing().folders if name.lower() in layout.SPLIT_FOLDERS]
    found = [name for name in (*LABEL_DIRS, *splits) if label_files(folder, name)]
    return found + [name or _ROOT for name in (*layout.IMAGES_DIRS, "") if label_files(folder, name)]


def read(folder: DataFolder, files: list[str], known: KnownFrames, log: ProblemLog) -> BoxRows:
    """Read the rows of all label files, in pixels; report rows that are not boxes as problems."""
    path = files[0]
    parents = ["" if name == _ROOT else name for name in files]
    files_read = pd.Index([file for parent in parents for file in label_files(folder, parent)], dtype="str")
    rows, without_tool = read_files(folder, files_read.tolist(), path, log)
    rows = _without_angles(rows, path, log)
    frames = match_names(files_read, path, known, log, count=len(rows), one_file=False)
    rows = rows[frames[rows["number"].to_numpy()] != UNUSED]
    without_tool &= frames != UNUSED
    rows = _without_unsized(_in_pixels(rows, frames, known), files_read, path, log)
    number = rows["number"].to_numpy()
    names_of_frames = pd.Index(_frame_names(frames, files_read, known), dtype="str")
    boxes = rows[list(CORNERS)].assign(
        frame=names_of_frames.take(number),
        label=label_classes(folder, parents, files_read, number, rows["class"].to_numpy(), log),
        track_id=_track_ids(rows, files_read, path, log),
        file=files_read.take(number),
    )
    toolless = np.flatnonzero(without_tool)
    index = pd.Index(np.ones(len(toolless), np.int64), name="row")
    columns = {"frame": names_of_frames.take(toolless), "file": files_read.take(toolless)}
    found = BoxRows(boxes, pd.DataFrame(columns).set_index(index))
    return with_certain_numbers(found, STORED_CENTRES, path, known, log)


def write(dataset: Dataset, out: Path) -> None:
    """Write labels/<frame>.txt for every frame, and classes.txt.

    Track ids are written if every box has one and no id occurs twice in a frame. The class numbers of the published
    labels are always the same, in the order of the preset.

    Raises:
        DataError: The size of a frame is unknown, or two frames have the same stem.
    """
    boxes = dataset.boxes
    labels = dataset.preset.labels
    names = [*labels, *sorted(set(boxes["label"].unique()) - set(labels))]
    texts = dict.fromkeys(dataset.frames["frame"], "")
    for frame, row in zip(boxes["frame"], _row_texts(dataset, names), strict=True):
        texts[frame] += row
    stems = pd.Series([frame.rpartition(".")[0] for frame in texts], dtype="str")
    if stems.duplicated().any():
        shared = printable(stems[stems.duplicated()].iloc[0])
        raise DataError(f"Several frames are called {shared}, with other endings; YOLO cannot tell them apart.")
    lines = "".join(" ".join(name.splitlines()) + "\n" for name in names)
    (out / _NAMES_FILE).write_text(lines, encoding="utf-8", newline="\n")
    for parent in sorted({stem.rpartition("/")[0] for stem in stems}):
        (out / _DIR / parent).mkdir(parents=True, exist_ok=True)
    for stem, text in zip(stems, texts.values(), strict=True):
        (out / _DIR / f"{stem}.txt").write_text(text, encoding="ascii", newline="\n")


def _without_angles(rows: pd.DataFrame, path: str, log: ProblemLog) -> pd.DataFrame:
    """Leave out rows whose sixth field may be the angle of a turned box: with decimals, and not from 0 to 1."""
    given = rows[rows["has_sixth"]]
    numbers = given["sixth"].dropna()
    if (numbers % 1 != 0).sum() * 2 <= len(given) or numbers.between(0, 1).all():
        return rows
    lowest, highest = (f"{value:.4g}" for value in (given["sixth"].min(), given["sixth"].max()))
    log.add(annotation_kinds.SIXTH_FIELD_MAY_BE_ANGLE, path, count=len(given), lowest=lowest, highest=highest)
    return rows[~rows["has_sixth"]]


def _in_pixels(rows: pd.DataFrame, frames: NDArray[np.intp], known: KnownFrames) -> pd.DataFrame:
    """Replace centre and size by `frame` (row in the table of frames, negative if unknown) and corners in pixels.

    Corners are NaN if the frame or its size is unknown.
    """
    sizes = np.full((len(frames), 2), np.nan)
    sizes[frames >= 0] = known.sizes(frames[frames >= 0])
    number = rows["number"].to_numpy()
    columns: dict[str, NDArray[np.float64]] = {}
    for axis, (centre, extent) in enumerate((("cx", "w"), ("cy", "h"))):
        size, middle, half = sizes[number, axis], rows[centre].to_numpy(), rows[extent].to_numpy() / 2
        columns[CORNERS[axis]] = (middle - half) * size
        columns[CORNERS[axis + 2]] = (middle + half) * size
    return rows.drop(columns=list(PARTS)).assign(frame=frames[number], **columns)


def _without_unsized(rows: pd.DataFrame, files: pd.Index, path: str, log: ProblemLog) -> pd.DataFrame:
    unsized = ((rows["frame"] >= 0) & rows["x1"].isna()).to_numpy()
    if not unsized.any():
        return rows
    file = files.take(rows["number"].to_numpy()[unsized])
    lost = pd.DataFrame({"file": file}).set_index(rows.index[unsized])
    log.add_rows(annotation_kinds.UNKNOWN_FRAME_SIZE, path, lost)
    return rows[~unsized]


def _frame_names(frames: NDArray[np.intp], files: pd.Index, known: KnownFrames) -> NDArray[np.object_]:
    """Return the name of the frame of each file, or the file if it has no frame, which `validate` reports."""
    names = known.frames["frame"].take(np.maximum(frames, 0)).to_numpy()
    return np.where(frames >= 0, names, files.to_numpy())


def _track_ids(rows: pd.DataFrame, files: pd.Index, path: str, log: ProblemLog) -> pd.Series:
    """Return the track ids (Int64): those at the end of rows, and sixth fields if they can be track ids; else NA.

    One problem reports how the sixth fields are interpreted.
    """
    none = rows["track"].astype("Int64")
    tracked = rows[rows["track"].notna() & (rows["frame"] >= 0)]
    twice = tracked[tracked.duplicated(["frame", "track"])]
    labelled = files.take(twice["number"].to_numpy())
    twice = twice.assign(file=labelled, frame=labelled, track_id=twice["track"].astype("int64"))
    log.add_rows(box_kinds.DOUBLED_TRACK_ID, path, twice)
    given = rows[rows["has_sixth"]]
    if given.empty:
        return none
    if len(given) > 1 and (given["sixth"] == given["class"]).all():
        log.add(annotation_kinds.SIXTH_FIELD_IS_CLASS, path, rows=len(given))
        return none
    boxes = given[given["frame"] >= 0].drop_duplicates(["frame", "class", *CORNERS, "sixth"])
    broken, twice = given[~given["is_whole"]], boxes[boxes.duplicated(["frame", "sixth"])]
    if broken.empty and twice.empty:
        log.add(annotation_kinds.SIXTH_FIELD_IS_TRACK_ID, path, rows=len(given))
        return rows["sixth"].fillna(rows["track"]).astype("Int64")
    odd, reason = (broken, "is not a whole number") if twice.empty else (twice, "occurs twice in the frame")
    line, file = odd.index[0], printable(files[int(odd["number"].iloc[0])])
    log.add(annotation_kinds.SIXTH_FIELD_IS_CONFIDENCE, path, rows=len(given), reason=reason, line=line, file=file)
    return none


def _row_texts(dataset: Dataset, names: list[str]) -> list[str]:
    """Return the line of each box; eight digits are exact for frames up to millions of pixels wide and high."""
    boxes = dataset.boxes
    known = KnownFrames(dataset.frames, dataset.trials)
    sizes = known.sizes(known.rows_of_names(boxes["frame"]))
    unsized = boxes["trial_id"].iloc[np.flatnonzero(np.isnan(sizes).any(axis=1))]
    if not unsized.empty:
        text = f"The frame size of {unsized.iloc[0]} is not known, and YOLO gives boxes as parts of the frame. "
        raise DataError(f"{text}Put the size in {dataset.preset.outcomes_file}.")
    corners = boxes[list(CORNERS)].to_numpy(np.float64)
    centres = (corners[:, :2] + corners[:, 2:]) / 2 / sizes
    extents = (corners[:, 2:] - corners[:, :2]) / sizes
    numbers = pd.Index(names).get_indexer(pd.Index(boxes["label"]))
    rows = zip(numbers, *centres.T, *extents.T, strict=True)
    texts = [f"{number} {cx:.8f} {cy:.8f} {w:.8f} {h:.8f}" for number, cx, cy, w, h in rows]
    ids = boxes["track_id"]
    sound = bool(ids.between(0, LARGEST_INTEGER - 1).fillna(False).all())
    if sound and not boxes.duplicated(["frame", "track_id"]).any():
        texts = [f"{text} {track_id}" for text, track_id in zip(texts, ids, strict=True)]
    return [f"{text}\n" for text in texts]


FORMAT = Format("yolo", "YOLO text files", find, read, write)
