"""CVAT's XML "for video": tracks of boxes over the frames of a recording, one file a trial.

The format: https://docs.cvat.ai/docs/manual/advanced/xml_format/ (version 1.1, "Interpolation"); what it leaves open
follows CVAT's own exporter (cvat-ai/cvat, cvat/apps/dataset_manager/annotation.py and formats/cvat.py):

- `frame` counts the frames of the recording from 0, whatever the task's start_frame and frame_filter are: a task that
  starts at 10 with step=3 has boxes at 10, 13, 16.
- Between two boxes of a track each corner moves on a straight line, also towards a box that is `outside`; after one
  that is `outside` nothing is shown before the next. `keyframe` changes nothing: boxes that are none lie on the line.
- After its last box a track is not shown. CVAT's editor shows it to the end, but then its exports write those frames
  out; a box that was drawn on one frame alone is not closed in an export when that frame is among the last.
- A turned box turns between two frames by the shorter way. Other shapes are used at the frames that the file gives them
  at: how outlines move in between depends on their points.
- Frames from the task's start_frame to its stop_frame that show no track are frames without a tool.
"""

import re
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from socal_core.annotations.cvat_images import FOLDERS, OTHER_SHAPES, drawn
from socal_core.annotations.cvat_tracks import Shapes, boxes_at
from socal_core.annotations.cvat_writer import UNTRACKED, write
from socal_core.annotations.frame_sizes import to_frame_sizes
from socal_core.annotations.rows import CORNERS, BoxRows, Format, KnownFrames, empty_rows
from socal_core.annotations.shapes import report_shapes
from socal_core.annotations.xml_files import (
    MOST_BOXES,
    TRACK_ID_RULE,
    Element,
    find_xml,
    read_xml,
    to_number,
    to_track_id,
)
from socal_core.dataset.folder import DataFolder
from socal_core.dataset.problem_kinds import annotation_kinds, box_kinds, frame_kinds
from socal_core.dataset.problems import ProblemLog, printable
from socal_core.errors import DataError

_FIELDS = frozenset({"id", "name", "source", "start_frame", "stop_frame", "frame_filter", "size", "original_size"})
_HOLDERS = ("task", "job", "original", "meta")
_SHAPES = (OTHER_SHAPES - {"tag"}) | {"box"}
_WANTED = _FIELDS | _SHAPES | {"track"}
_STEP = re.compile(r"step\s*=\s*([1-9][0-9]{0,8})")
_WORD = re.compile(r"[A-Za-z0-9]+")


def find(folder: DataFolder) -> list[str]:
    """The XML files with <annotations> and a <track>, or of a task that could have tracks."""
    return find_xml(folder, FOLDERS, _has_tracks)


def read(folder: DataFolder, files: list[str], known: KnownFrames, log: ProblemLog) -> BoxRows:
    """The boxes of all files at the frames that exist; the trial is the one that task, recording or file is called by.

    Track ids are those of the file.
    """
    boxes, toolless, seen = [empty_rows().boxes], [empty_rows().without_tool], set[tuple[str, int]]()
    for path in files:
        found = _read_file(folder, path, log)
        if found is None:
            continue
        shapes = found.shapes.table()
        tasks = np.array([found.task_of(track) for track in found.tracks], np.int64)
        for number, task in enumerate(found.tasks):
            own = shapes[tasks[shapes["track"].to_numpy()] == number]
            trial = _find_trial(found, task, known)
            if trial is None:
                said = printable(", ".join(dict.fromkeys(filter(None, [*task.names, found.source]))) or "nothing")
                log.add(annotation_kinds.UNKNOWN_TRIAL, path, count=max(1, len(own)), names=said)
                continue
            left = MOST_BOXES - sum(map(len, boxes))
            placed, empty = _place(found, own, task, trial, left, known, log)
            placed["track_id"] = _track_ids(found, placed, trial, seen, log)
            boxes.append(placed.drop(columns="track").assign(file=path))
            toolless.append(empty.assign(file=path))
    return BoxRows(pd.concat(boxes[1:] or boxes), pd.concat(toolless[1:] or toolless))


@dataclass
class _Task:
    """A task of a file; NaN where the file does not say."""

    holder: Element | None = None
    key: str = ""
    names: list[str] = field(default_factory=list)
    """Of its recording, then of the task."""
    start: float = 0.0
    stop: float = np.nan
    step: int = 1
    frames: float = np.nan
    size: tuple[float, float] = (np.nan, np.nan)
    """Width and height of its pictures, pixels."""
    size_line: int = 1

    def ends(self) -> tuple[float, float]:
        """Its last frame in the recording as stop_frame says, and as the number of frames does."""
        return self.stop, self.start + (self.frames - 1) * self.step

    def note(self, element: Element) -> None:
        """Remember a field."""
        name, text = element.name, element.text.strip()
        if name == "id":
            self.key = text
        elif name == "source":
            self.names.insert(0, text)
        elif name == "name":
            self.names.append(text)
        elif name == "start_frame":
            self.start = to_number(text)
        elif name == "stop_frame":
            self.stop = to_number(text)
        elif name == "frame_filter":
            match = _STEP.search(text)
            self.step = int(match[1]) if match else 1
        elif name == "size":
            self.frames = to_number(text)
        else:
            self.size = to_number(element.child_text("width")), to_number(element.child_text("height"))
            self.size_line = element.line


@dataclass
class _File:
    """What one file says."""

    path: str
    tasks: list[_Task] = field(default_factory=list)
    source: str = ""
    tracks: list[Element] = field(default_factory=list)
    """Those that have a shape, by number."""
    shapes: Shapes = field(default_factory=Shapes)
    enclosed: Counter[str] = field(default_factory=Counter)
    others: Counter[str] = field(default_factory=Counter)
    sound: bool = True
    """Whether all shapes were understood, so that a frame without one is a frame without a tool."""

    def note(self, element: Element, holder: Element) -> None:
        """Remember a field of a task."""
        if holder.name == "meta":
            self.source = element.text.strip() if element.name == "source" else self.source
            return
        if holder.name == "original":
            holder = holder.parent or holder
        if not self.tasks or self.tasks[-1].holder is not holder:
            self.tasks.append(_Task(holder))
        self.tasks[-1].note(element)

    def add(self, shape: Element, track: Element, log: ProblemLog) -> None:
        """Remember a shape of a track."""
        frame = to_track_id(shape.attributes.get("frame"))  # a whole number from 0 as well
        if frame is None:
            said = printable(shape.attributes.get("frame", "")) or "none"
            log.add(frame_kinds.BAD_FRAME_NUMBER, self.path, row=shape.line, least=0, number=said)
            self.sound = False
            return
        if not self.tracks or self.tracks[-1] is not track:
            self.tracks.append(track)
        shown = shape.attributes.get("outside", "0").strip().lower() not in ("1", "true")
        kind, corners, degrees = drawn(shape)
        if kind and shown:
            (self.others if corners is None else self.enclosed)[kind] += 1
        # Between its frames, what is no box is where nobody knows.
        self.sound &= corners is not None and np.isfinite(degrees)
        self.shapes.add(len(self.tracks) - 1, frame, shown and corners is not None, corners, shape.line, degrees)

    def task_of(self, track: Element) -> int:
        """The number of the task that a track belongs to: exports of projects hold several."""
        key = track.attributes.get("task_id")
        return next((number for number, task in enumerate(self.tasks) if task.key == key), 0)


def _has_tracks(head: bytes, data: bytes) -> bool:
    marks = (b"<track " in head, b"<mode>interpolation<" in head, b"<track " in data)
    return b"<annotations" in head and any(marks)


def _read_file(folder: DataFolder, path: str, log: ProblemLog) -> _File | None:
    xml = read_xml(folder, path, _WANTED, log)
    if xml is None:
        return None
    found = _File(path)
    for element in xml:
        above = element.parent
        if above is None:
            continue
        if element.name in _SHAPES and element.level == 3 and above.name == "track":
            found.add(element, above, log)
        elif element.name in _FIELDS and above.name in _HOLDERS and element.level < 7:
            found.note(element, above)
        if len(found.shapes.line) >= MOST_BOXES:
            log.add(annotation_kinds.TOO_MANY_BOXES, path, row=element.line, limit=MOST_BOXES)
            break
    found.sound &= xml.complete
    found.tasks = found.tasks or [_Task()]
    report_shapes(found.enclosed, found.others, path, log)
    return found


def _find_trial(found: _File, task: _Task, known: KnownFrames) -> str | None:
    """The trial that the recording, the task or the file is called by, else the only one; None when none fits."""
    trials = set(known.trial_ids)
    texts = [*task.names, found.source, found.path.rpartition(".")[0]] if len(found.tasks) == 1 else task.names
    for text in texts:
        own = text.replace("\\", "/").rpartition("/")[2]
        for name in (own, own.rpartition(".")[0]):
            if name in trials:
                return name
        words = trials.intersection(_WORD.findall(own))
        if len(words) == 1:
            return words.pop()
    return known.trial_ids[0] if len(trials) == 1 and len(found.tasks) == 1 else None


def _place(
    found: _File, shapes: pd.DataFrame, task: _Task, trial: str, left: int, known: KnownFrames, log: ProblemLog
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The boxes of a task (frame, corners, label, track), and its frames without a tool."""
    indices, frames = known.recording_indices(trial), known.frames_of(trial)["frame"]
    if _is_of_longer(found.path, len(shapes), task, trial, indices, log):
        return _place(found, shapes[:0], _Task(), trial, left, known, log)
    try:
        boxes = boxes_at(shapes, indices, left)
    except DataError:
        log.add(annotation_kinds.TOO_MANY_BOXES_IN_TRACKS, found.path, trial_id=trial, limit=left)
        return _place(found, shapes[:0], _Task(), trial, left, known, log)
    _report_lost(found.path, shapes[shapes["shown"]], indices, trial, log)
    said, counted = task.ends()
    stop = said if np.isfinite(said) else counted  # NaN when unknown: no frame
    silent = (indices >= task.start) & (indices <= stop) & found.sound
    silent[boxes["place"].to_numpy()] = False
    labels = [track.attributes.get("label", "").strip() for track in found.tracks]
    label = pd.Series(labels, dtype="str").take(boxes["track"].to_numpy()).set_axis(boxes.index)
    placed = boxes[["track", *CORNERS]].assign(label=label, frame=frames.take(boxes["place"].to_numpy()).to_numpy())
    toolless = frames[silent].to_frame().set_index(pd.Index(np.ones(silent.sum(), np.int64), name="row"))
    lines = pd.Index(np.full(len(frames), task.size_line), name="row")
    sizes = frames.to_frame().assign(width=task.size[0], height=task.size[1]).set_axis(lines)
    rows = BoxRows(placed.astype({"frame": "str"}), toolless)
    rows = to_frame_sizes(rows, sizes, found.path, known, log, f"trial {trial}")
    return rows.boxes, rows.without_tool


def _is_of_longer(path: str, count: int, task: _Task, trial: str, indices: NDArray[np.int64], log: ProblemLog) -> bool:
    """Whether a task of so many shapes goes on after the end of the trial, so that it was drawn on other frames."""
    step = int(np.diff(indices).max(initial=1))
    # Of a video one frame a second is known, and it ends up to a second after the last; one alone tells no rate.
    end = int(indices[-1]) + (step if step > 1 else 0)
    last = float(np.fmax(*task.ends()))
    if len(indices) == 1 or not last > end:
        return False
    log.add(
        annotation_kinds.OTHER_RECORDING,
        path,
        count=max(1, count),
        annotated=last + 1,
        trial_id=trial,
        frames=end + 1,
    )
    return True


def _report_lost(path: str, given: pd.DataFrame, indices: NDArray[np.int64], trial: str, log: ProblemLog) -> None:
    """Note the boxes after the end of the recording, and those at frames of it that the data set leaves out."""
    step = int(np.diff(indices).max(initial=1))
    beyond = given["frame"] >= indices[-1] + step
    lost = given[beyond]
    lost = lost.assign(frame=[f"{number} of {trial}" for number in lost["frame"]])
    log.add_rows(box_kinds.BOX_WITHOUT_FRAME, path, lost, trial_id=trial, frames=len(indices))
    between = int((~beyond & ~given["frame"].isin(indices)).sum())
    if between:
        log.add(annotation_kinds.TRACK_BETWEEN_FRAMES, path, count=between)


def _track_ids(found: _File, boxes: pd.DataFrame, trial: str, seen: set[tuple[str, int]], log: ProblemLog) -> pd.Series:
    """The track id of each box (Int64); `seen` holds those of the trials so far, and grows."""
    ids: list[int | None] = [None] * len(found.tracks)
    for number in boxes["track"].unique():
        track = found.tracks[number]
        if UNTRACKED.items() <= track.attributes.items():
            continue
        said = track.attributes.get("id", "none")
        ids[number] = own = to_track_id(said)
        if own is not None and (trial, own) in seen:
            log.add(annotation_kinds.SHARED_TRACK_ID, found.path, row=track.line, track_id=own, trial_id=trial)
        elif own is not None:
            seen.add((trial, own))
        else:
            said = printable(said)
            log.add(box_kinds.BAD_TRACK_ID, found.path, row=track.line, expected=TRACK_ID_RULE, track_id=said)
    return pd.Series(ids, dtype="Int64").take(boxes["track"].to_numpy()).set_axis(boxes.index)


FORMAT = Format("cvat-video", "CVAT for video", find, read, write)
