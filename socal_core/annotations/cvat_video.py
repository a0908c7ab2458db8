"""CVAT's XML "for video": tracks of boxes over the frames of a recording, one file per trial.

The format: https://docs.cvat.ai/docs/manual/advanced/xml_format/ (version 1.1, "Interpolation"); what it does not
say follows CVAT's own exporter (cvat-ai/cvat, cvat/apps/dataset_manager/annotation.py and formats/cvat.py):

- `frame` counts the frames of the recording from 0, regardless of start_frame and frame_filter: a task that
  starts at 10 with step=3 has boxes at 10, 13, 16.
- Between two boxes of a track each corner moves on a straight line, also towards a box that is `outside`. From a box
  that is `outside` to the next, the track is not visible. `keyframe` has no effect: other boxes are on the line anyway.
- After its last box a track is not visible. CVAT's editor shows it to the end, but then its exports contain those
  frames. A box on a single frame is not followed by an `outside` box in an export if that frame is among the last.
- A rotated box turns between two frames in the shorter direction. Other shapes are used only at the frames for which
  the file gives them: how outlines move in between depends on their points.
- Frames from the task's start_frame to its stop_frame that show no track are frames without a tool.
"""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from socal_core.annotations.cvat_images import FOLDERS, OTHER_SHAPES, read_shape
from socal_core.annotations.cvat_tasks import Task, find_trial, is_certain
from socal_core.annotations.cvat_tracks import Shapes, boxes_at
from socal_core.annotations.cvat_writer import UNTRACKED, write
from socal_core.annotations.frame_sizes import to_frame_sizes
from socal_core.annotations.rows import CORNERS, BoxRows, Format, KnownFrames, empty_rows
from socal_core.annotations.shapes import report_shapes
from socal_core.annotations.trial_hints import TrialHint
from socal_core.annotations.xml_files import (
    MOST_BOXES,
    TRACK_ID_RULE,
    Element,
    find_xml,
    read_xml,
    to_track_id,
)
from socal_core.dataset.folder import DataFolder
from socal_core.dataset.problem_kinds import annotation_kinds, box_kinds, frame_kinds, matching_kinds
from socal_core.dataset.problems import ProblemLog, printable
from socal_core.errors import DataError

_FIELDS = frozenset(
    {"id", "name", "source", "mode", "start_frame", "stop_frame", "frame_filter", "size", "original_size"}
)
_HOLDERS = ("task", "job", "original", "meta")
_SHAPES = (OTHER_SHAPES - {"tag"}) | {"box"}
_WANTED = _FIELDS | _SHAPES | {"track"}


def find(folder: DataFolder) -> list[str]:
    """Find the XML files with <annotations> and a <track>, or of a task that may have tracks."""
    return find_xml(folder, FOLDERS, _has_tracks)


def read(folder: DataFolder, files: list[str], known: KnownFrames, log: ProblemLog) -> BoxRows:
    """Read the boxes of all files at the frames of the data set.

    The name of the task, the recording or the file gives the trial. Track ids are those of the file.
    """
    boxes, toolless, seen = [empty_rows().boxes], [empty_rows().without_tool], set[tuple[str, int]]()
    for path in files:
        found = _read_file(folder, path, log)
        if found is None:
            continue
        shapes = found.shapes.table()
        tasks = np.array([found.task_of(track, log) for track in found.tracks], np.int64)
        for number, task in enumerate(found.tasks):
            own = shapes[tasks[shapes["track"].to_numpy()] == number]
            hint = find_trial(task, found.source, path, len(found.tasks) == 1, len(own), known, log)
            if hint is None:
                continue
            limit = MOST_BOXES - sum(map(len, boxes))
            matched, empty = _task_boxes(found, own, task, hint, limit, known, log)
            matched["track_id"] = _track_ids(found, matched, hint.trial, seen, log)
            # Tasks with the same frames are compared as if they were separate files.
            own_file = f"{path} (task {task.title})" if len(found.tasks) > 1 else path
            boxes.append(matched.drop(columns="track").assign(file=own_file))
            toolless.append(empty.assign(file=own_file))
    return BoxRows(pd.concat(boxes[1:] or boxes), pd.concat(toolless[1:] or toolless))


@dataclass
class _File:
    """The content of one file."""

    path: str
    tasks: list[Task] = field(default_factory=list)
    source: str = ""
    tracks: list[Element] = field(default_factory=list)
    """The tracks that have a shape, by number."""
    shapes: Shapes = field(default_factory=Shapes)
    enclosed: Counter[str] = field(default_factory=Counter)
    others: Counter[str] = field(default_factory=Counter)
    sound: bool = True
    """Whether all shapes were understood, so that a frame without one is a frame without a tool."""

    def note(self, element: Element, holder: Element) -> None:
        """Store a field of a task."""
        if holder.name == "meta":
            self.source = element.text.strip() if element.name == "source" else self.source
            return
        if holder.name == "original":
            holder = holder.parent or holder
        if not self.tasks or self.tasks[-1].holder is not holder:
            self.tasks.append(Task(holder))
        self.tasks[-1].note(element)

    def add(self, shape: Element, track: Element, log: ProblemLog) -> None:
        """Store a shape of a track."""
        frame = to_track_id(shape.attributes.get("frame"))  # like a track id, a whole number from 0
        if frame is None:
            value = printable(shape.attributes.get("frame", "")) or "none"
            log.add(frame_kinds.BAD_FRAME_NUMBER, self.path, row=shape.line, least=0, number=value)
            self.sound = False
            return
        if not self.tracks or self.tracks[-1] is not track:
            self.tracks.append(track)
        shown = shape.attributes.get("outside", "0").strip().lower() not in ("1", "true")
        kind, corners, degrees = read_shape(shape)
        if kind and shown:
            (self.others if corners is None else self.enclosed)[kind] += 1
        # The position of other shapes between their frames is unknown.
        self.sound &= corners is not None and np.isfinite(degrees)
        self.shapes.add(len(self.tracks) - 1, frame, shown and corners is not None, corners, shape.line, degrees)

    def task_of(self, track: Element, log: ProblemLog) -> int:
        """Return the number of the task of a track, since exports of projects hold several; -1 if it is unknown."""
        if len(self.tasks) == 1:
            return 0
        key = track.attributes.get("task_id", "")
        number = next((number for number, task in enumerate(self.tasks) if task.key == key), -1)
        if number < 0:
            others = printable(", ".join(task.title for task in self.tasks))
            kind = matching_kinds.TRACK_WITHOUT_TASK
            log.add(kind, self.path, row=track.line, task=printable(key) or "none", tasks=others)
        return number


def _has_tracks(head: bytes, data: bytes) -> bool:
    if b"<annotations" not in head:
        return False
    # CVAT writes the mode of the task into its files for images as well.
    return b"<track " in head or b"<track " in data or (b"<mode>interpolation<" in head and b"<image " not in data)


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
    found.tasks = found.tasks or [Task()]
    report_shapes(found.enclosed, found.others, path, log)
    return found


def _task_boxes(
    found: _File, shapes: pd.DataFrame, task: Task, hint: TrialHint, limit: int, known: KnownFrames, log: ProblemLog
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the boxes of a task (frame, corners, label, track), and its frames without a tool."""
    trial = hint.trial
    indices = known.recording_indices(trial, hint.part)
    frames = known.frames["frame"].take(known.rows_of(trial, hint.part))
    if not is_certain(found.path, shapes, task, hint, known, log):
        return _no_boxes(frames)
    try:
        boxes = boxes_at(shapes, indices, limit)
    except DataError:
        log.add(annotation_kinds.TOO_MANY_BOXES_IN_TRACKS, found.path, trial_id=trial, limit=limit)
        return _no_boxes(frames)
    _report_between(found.path, shapes[shapes["shown"]], indices, log)
    declared, counted = task.ends()
    stop = declared if np.isfinite(declared) else counted  # NaN if unknown: then no frame is without a tool
    is_empty = (indices >= task.start) & (indices <= stop) & found.sound
    is_empty[boxes["frame_row"].to_numpy()] = False
    labels = [track.attributes.get("label", "").strip() for track in found.tracks]
    label = pd.Series(labels, dtype="str").take(boxes["track"].to_numpy()).set_axis(boxes.index)
    matched = boxes[["track", *CORNERS]].assign(
        label=label, frame=frames.take(boxes["frame_row"].to_numpy()).to_numpy()
    )
    toolless = frames[is_empty].to_frame().set_index(pd.Index(np.ones(is_empty.sum(), np.int64), name="row"))
    lines = pd.Index(np.full(len(frames), task.size_line), name="row")
    sizes = frames.to_frame().assign(width=task.size[0], height=task.size[1]).set_axis(lines)
    rows = BoxRows(matched.astype({"frame": "str"}), toolless)
    rows = to_frame_sizes(rows, sizes, found.path, known, log, f"trial {trial}")
    return rows.boxes, rows.without_tool


def _no_boxes(frames: pd.Series) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the result of `_task_boxes` for a task that is not used."""
    index = pd.Index([], dtype="int64", name="row")
    boxes = empty_rows().boxes.drop(columns="track_id").assign(track=np.array([], np.int64))
    return boxes, frames[:0].to_frame().set_index(index)


def _report_between(path: str, given: pd.DataFrame, indices: NDArray[np.int64], log: ProblemLog) -> None:
    """Report boxes at frames of the recording that the data set does not have."""
    between = int((~given["frame"].isin(indices)).sum())
    if between:
        log.add(annotation_kinds.TRACK_BETWEEN_FRAMES, path, count=between)


def _track_ids(found: _File, boxes: pd.DataFrame, trial: str, seen: set[tuple[str, int]], log: ProblemLog) -> pd.Series:
    """Return the track id of each box (Int64); add the trial and id of each track to `seen`."""
    ids: list[int | None] = [None] * len(found.tracks)
    for number in boxes["track"].unique():
        track = found.tracks[number]
        if UNTRACKED.items() <= track.attributes.items():
            continue
        text = track.attributes.get("id", "none")
        ids[number] = own = to_track_id(text)
        if own is not None and (trial, own) in seen:
            log.add(annotation_kinds.SHARED_TRACK_ID, found.path, row=track.line, track_id=own, trial_id=trial)
        elif own is not None:
            seen.add((trial, own))
        else:
            shown = printable(text)
            log.add(box_kinds.BAD_TRACK_ID, found.path, row=track.line, expected=TRACK_ID_RULE, track_id=shown)
    return pd.Series(ids, dtype="Int64").take(boxes["track"].to_numpy()).set_axis(boxes.index)


FORMAT = Format("cvat-video", "CVAT for video", find, read, write)
