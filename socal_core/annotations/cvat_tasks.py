"""Match the tasks of CVAT's XML "for video" with trials, and check that their frame numbers fit."""

import re
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from socal_core.annotations.rows import KnownFrames
from socal_core.annotations.trial_hints import TrialHint, find_hint
from socal_core.annotations.xml_files import Element, to_number
from socal_core.dataset import layout
from socal_core.dataset.problem_kinds import annotation_kinds, matching_kinds
from socal_core.dataset.problems import ProblemLog, printable

_VIDEOS = tuple(sorted(layout.VIDEO_SUFFIXES))
_STEP = re.compile(r"step\s*=\s*([1-9][0-9]{0,8})")


@dataclass
class Task:
    """A task of a file; NaN for numbers that the file does not give."""

    holder: Element | None = None
    key: str = ""
    names: list[str] = field(default_factory=list)
    """The name of its recording, then that of the task."""
    start: float = 0.0
    stop: float = np.nan
    step: int = 1
    mode: str = ""
    """`interpolation` for a task made from a video, `annotation` for one made from images."""
    frames: float = np.nan
    size: tuple[float, float] = (np.nan, np.nan)
    """Width and height of its images in pixels."""
    size_line: int = 1

    @property
    def title(self) -> str:
        """Its number and name, for messages."""
        return " ".join(filter(None, (self.key, self.names[-1] if self.names else ""))) or "without a name"

    def ends(self) -> tuple[float, float]:
        """Return the index of its last frame in the recording by stop_frame, and by the number of frames."""
        return self.stop, self.start + (self.frames - 1) * self.step

    def last(self) -> float:
        """Return the index of its last frame in the recording, NaN if not given."""
        return float(np.fmax(*self.ends()))

    @property
    def is_video(self) -> bool:
        """Whether it was made from a recording, so that its frames are in temporal order."""
        return self.mode == "interpolation" or any(name.lower().endswith(_VIDEOS) for name in self.names)

    def note(self, element: Element) -> None:
        """Store a field."""
        name, text = element.name, element.text.strip()
        if name == "id":
            self.key = text
        elif name == "source":
            self.names.insert(0, text)
        elif name == "name":
            self.names.append(text)
        elif name == "mode":
            self.mode = text
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


def is_certain(
    path: str, shapes: pd.DataFrame, task: Task, hint: TrialHint, known: KnownFrames, log: ProblemLog
) -> bool:
    """Return whether the frame numbers of a task certainly fit its trial; if not, report a problem.

    Args:
        path: The file.
        shapes: The shapes of the task, as Shapes.table returns them.
        task: The task as the file describes it.
        hint: The trial, or its part.
        known: The frames.
        log: Receives the problem or the evidence.
    """
    count, trial = max(1, len(shapes)), hint.title
    indices, end = known.recording_indices(hint.trial, hint.part), known.recording_end(hint.trial, hint.part)
    visible = shapes.loc[shapes["shown"], "frame"]
    last = float(np.fmax(task.last(), visible.max() if len(visible) else np.nan))
    if last > end and not (
        known.has_video(hint.trial) and len(indices) == 1
    ):  # a single frame does not determine the frame rate
        log.add(annotation_kinds.OTHER_RECORDING, path, count=count, annotated=last + 1, trial_id=trial, frames=end + 1)
        return False
    if not known.has_video(hint.trial) and task.last() >= 0 and not _reaches_end(task, indices):
        annotated = task.last() + 1
        log.add(
            matching_kinds.PARTLY_ANNOTATED, path, count=count, annotated=annotated, trial_id=trial, frames=len(indices)
        )
        return False
    doubt = _doubt(task, hint, known)
    if doubt:
        log.add(matching_kinds.AMBIGUOUS_FRAME_NUMBERS, path, count=count, trial_id=trial, reason=doubt)
        return False
    named = f"It names the trial ({hint.text})" if hint.text else "There is no other trial"
    length = f"counts to frame {task.last():,.0f}" if task.last() >= 0 else "has no frame beyond its end"
    basis = f"{named} and {length}; the last frame there is {indices[-1]:,}."
    log.add_evidence(path, f"Frame n of its tracks is frame n of the recording of {trial}, from 0.", basis)
    return True


def find_trial(
    task: Task, source: str, path: str, alone: bool, count: int, known: KnownFrames, log: ProblemLog
) -> TrialHint | None:
    """Find the trial that the recording, the task or the file names, or else the only one if it is as long.

    Args:
        task: A task of the file.
        source: The recording that the file as a whole names.
        path: The file.
        alone: Whether the file has no other task, so that its name applies to the task.
        count: The number of shapes that would be lost.
        known: The frames.
        log: Receives the problem.

    Returns:
        The trial; None, with a problem, if it is not certain.
    """
    texts = [*task.names, source, path.rpartition(".")[0]] if alone else task.names
    hint = find_hint(texts, path, known, log, count)
    if hint is None or hint.trial:
        return hint
    only = known.trial_ids[0]
    if alone and len(known.trial_ids) == 1 and _reaches_end(task, known.recording_indices(only)):
        return TrialHint(only)
    names = printable(", ".join(dict.fromkeys(filter(None, [*task.names, source]))) or "nothing")
    log.add(annotation_kinds.UNKNOWN_TRIAL, path, count=max(1, count), names=names)
    return None


def _reaches_end(task: Task, indices: NDArray[np.int64]) -> bool:
    """Return whether a task gives its length and reaches the end of a recording."""
    step = max(task.step, int(np.diff(indices).max(initial=1)))
    return bool(task.last() > indices[-1] - step)


def _doubt(task: Task, hint: TrialHint, known: KnownFrames) -> str:
    """Return why the frame numbers of a task may not fit its trial; "" if they certainly do."""
    indices = known.recording_indices(hint.trial, hint.part)
    if not known.has_video(hint.trial):
        if task.is_video or known.orders_agree(hint.trial, hint.part):
            return ""
        return (
            "CVAT counts images in the order of the letters of their names (1, 10, 11, 2), unless the task was sorted "
            "otherwise, and that is not the order of time"
        )
    if hint.part:
        return f"it is of part {hint.part}, and the video of the whole trial"
    if 1 < len(indices) == task.last() + 1 <= indices[-1]:
        return f"its {len(indices):,} frames may be the first of the video, or one for each second"
    return ""
