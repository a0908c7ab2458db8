"""YOLO: a text file for each frame, one row a box: `class cx cy w h`, as parts of the frame's width and height.

The files lie in `labels/` (or `obj_train_data/`, or in folders below), else beside the frames. An empty file is a
frame without a tool. A sixth field is a track id, a confidence or the class again, and nothing in the files says which.
Of longer rows (yolo_outlines.py) the box that encloses them is used.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from socal_core.annotations.class_names import label_classes
from socal_core.annotations.frame_lookup import UNUSED
from socal_core.annotations.frame_matching import match_names
from socal_core.annotations.rows import CORNERS, BoxRows, Format, KnownFrames
from socal_core.annotations.yolo_files import LABEL_DIRS, label_files, read_files
from socal_core.annotations.yolo_outlines import PARTS
from socal_core.dataset import layout
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.folder import DataFolder
from socal_core.dataset.problem_kinds import annotation_kinds, box_kinds
from socal_core.dataset.problems import ProblemLog, printable
from socal_core.dataset.tables import LARGEST_INTEGER
from socal_core.errors import DataError

_DIR = LABEL_DIRS[0]
_ROOT = "*.txt"
"""What stands for the data folder itself where its files lie beside the frames."""
_NAMES_FILE = "classes.txt"


def find(folder: DataFolder) -> list[str]:
    """The folders of label files: those made for them, else those of the frames."""
    splits = [f"{name}/{_DIR}" for name in folder.listing().folders if name.lower() in layout.SPLIT_FOLDERS]
    found = [name for name in (*LABEL_DIRS, *splits) if label_files(folder, name)]
    return found or [name or _ROOT for name in (*layout.IMAGES_DIRS, "") if label_files(folder, name)]


def read(folder: DataFolder, files: list[str], known: KnownFrames, log: ProblemLog) -> BoxRows:
    """The rows of all label files, in pixels; those that are no box become problems."""
    path = files[0]
    places = ["" if name == _ROOT else name for name in files]
    files_read = pd.Index([file for place in places for file in label_files(folder, place)], dtype="str")
    rows, without_tool = read_files(folder, files_read.tolist(), path, log)
    frames = match_names(files_read, path, known, log, count=len(rows), one_file=False)
    rows = rows[frames[rows["number"].to_numpy()] != UNUSED]
    without_tool &= frames != UNUSED
    rows = _without_unsized(_in_pixels(rows, frames, known), files_read, path, log)
    number = rows["number"].to_numpy()
    names_of_frames = pd.Index(_frame_names(frames, files_read, known), dtype="str")
    boxes = rows[list(CORNERS)].assign(
        frame=names_of_frames.take(number),
        label=label_classes(folder, places, files_read, number, rows["class"].to_numpy(), log),
        track_id=_track_ids(rows, files_read, path, log),
        file=files_read.take(number),
    )
    toolless = np.flatnonzero(without_tool)
    index = pd.Index(np.ones(len(toolless), np.int64), name="row")
    columns = {"frame": names_of_frames.take(toolless), "file": files_read.take(toolless)}
    return BoxRows(boxes, pd.DataFrame(columns).set_index(index))


def write(dataset: Dataset, out: Path) -> None:
    """Write labels/<frame>.txt for every frame and classes.txt; DataError where a frame's size is not known.

    With track ids where every box has one, and no frame has one twice. Class numbers of SOCAL's labels are always
    the same: the order of layout.LABELS.
    """
    boxes = dataset.boxes
    names = [*layout.LABELS, *sorted(set(boxes["label"].unique()) - set(layout.LABELS))]
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


def _in_pixels(rows: pd.DataFrame, frames: NDArray[np.intp], known: KnownFrames) -> pd.DataFrame:
    """With `frame` (its place, -1 when it is not known) and corners in pixels for centre and size (float64).

    Corners are NaN where the frame, or its size, is not known.
    """
    sizes = np.full((len(frames), 2), np.nan)
    sizes[frames >= 0] = known.sizes(frames[frames >= 0])
    number = rows["number"].to_numpy()
    columns: dict[str, NDArray[np.float64]] = {}
    for axis, (centre, side) in enumerate((("cx", "w"), ("cy", "h"))):
        size, middle, half = sizes[number, axis], rows[centre].to_numpy(), rows[side].to_numpy() / 2
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
    """The data set's own name of the frame of each file; where there is none, the file, which validate then reports."""
    names = known.frames["frame"].take(np.maximum(frames, 0)).to_numpy()
    return np.where(frames >= 0, names, files.to_numpy())


def _track_ids(rows: pd.DataFrame, files: pd.Index, path: str, log: ProblemLog) -> pd.Series:
    """The ids of rows that end with one, and the sixth fields (Int64) where they can be track ids; else NA.

    One problem says what the sixth fields were taken for.
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
    """The line of each box; eight digits give back each pixel of frames of up to millions of pixels a side."""
    boxes = dataset.boxes
    known = KnownFrames(dataset.frames, dataset.trials)
    sizes = known.sizes(known.places(boxes["frame"]))
    unsized = boxes["trial_id"].iloc[np.flatnonzero(np.isnan(sizes).any(axis=1))]
    if not unsized.empty:
        text = f"The frame size of {unsized.iloc[0]} is not known, and YOLO gives boxes as parts of the frame. "
        raise DataError(f"{text}Put the size in {layout.OUTCOMES_FILE}.")
    corners = boxes[list(CORNERS)].to_numpy(np.float64)
    centres = (corners[:, :2] + corners[:, 2:]) / 2 / sizes
    sides = (corners[:, 2:] - corners[:, :2]) / sizes
    numbers = pd.Index(names).get_indexer(pd.Index(boxes["label"]))
    rows = zip(numbers, *centres.T, *sides.T, strict=True)
    texts = [f"{number} {cx:.8f} {cy:.8f} {w:.8f} {h:.8f}" for number, cx, cy, w, h in rows]
    ids = boxes["track_id"]
    sound = bool(ids.between(0, LARGEST_INTEGER - 1).fillna(False).all())
    if sound and not boxes.duplicated(["frame", "track_id"]).any():
        texts = [f"{text} {track_id}" for text, track_id in zip(texts, ids, strict=True)]
    return [f"{text}\n" for text in texts]


FORMAT = Format("yolo", "YOLO text files", find, read, write)
