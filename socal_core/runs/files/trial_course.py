"""RUN/courses/TRIAL.json: the prediction for a trial after its first seconds, and for each of its test clips."""

from pathlib import Path
from typing import Annotated

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from socal_core.runs.files.run_file import RunFile

_STRICT = ConfigDict(strict=True)
FOLDER = "courses"
"""The folder of the files in that of the run."""


@dataclass(frozen=True, config=_STRICT)
class CoursePoint:
    """What the model predicts after some seconds of the window."""

    seconds: int | None
    """Seconds watched since the start of the window; None for all of the window."""
    outputs: tuple[float, ...]
    """The probability of each class, in the order of the target, or the number in its unit."""


@dataclass(frozen=True, config=_STRICT)
class TrialCourse:
    """How the prediction for a trial forms."""

    trial_id: str
    window: str
    """The setting `window` of the run."""
    epoch: int
    """The epoch of the checkpoint."""
    start: int
    """The second of the trial at which the window begins."""
    points: Annotated[tuple[CoursePoint, ...], Field(min_length=1)]
    """By seconds; the last one is of all of the window."""
    clips: Annotated[tuple[tuple[float, ...], ...], Field(min_length=1)]
    """The outputs for each test clip of the whole window, and for each crop of its frames."""

    def is_of(self, epoch: int, window: str, outputs: int) -> bool:
        """Return whether it is of a checkpoint, a window, and a target with so many outputs.

        Args:
            epoch: The epoch of the checkpoint.
            window: The setting `window` of the run.
            outputs: The number of classes, 1 for a number.
        """
        counts = {len(values) for values in (*(point.outputs for point in self.points), *self.clips)}
        return (self.epoch, self.window, counts) == (epoch, window, {outputs})


def read_course(run: Path, trial_id: str) -> TrialCourse | None:
    """Read the course of the prediction for a trial; None if there is none.

    Args:
        run: The folder of the run.
        trial_id: The trial.

    Raises:
        RunError: The file is damaged.
    """
    return _file(trial_id).read(run / FOLDER, f"Run {run.name}")


def write_course(run: Path, course: TrialCourse) -> None:
    """Write the course of a prediction into the folder of its run.

    Raises:
        OSError: It cannot be written.
    """
    (run / FOLDER).mkdir(exist_ok=True)
    _file(course.trial_id).write(run / FOLDER, course)


def _file(trial_id: str) -> RunFile[TrialCourse]:
    return RunFile(f"{trial_id}.json", TrialCourse, "Delete it and compute it again.")
