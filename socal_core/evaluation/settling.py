"""From which second on a prediction no longer changes, and how far the test clips of a trial differ."""

from collections.abc import Sequence

from socal_core.dataset.targets import Target, amount, short_name
from socal_core.runs.files.trial_course import TrialCourse

NEAR = 0.25
"""A predicted number has settled once it stays within this many standard deviations of the training trials."""


def settled_after(decisions: Sequence[object], seconds: Sequence[int | None]) -> int | None:
    """Return the seconds after which a decision no longer changes; None if it does until all of the window is watched.

    Args:
        decisions: What is predicted at each point, in the order of time; at least one.
        seconds: The seconds watched at each point; None for all of the window, which is the last point.
    """
    at = len(decisions) - 1
    while at and decisions[at - 1] == decisions[-1]:
        at -= 1
    return seconds[at]


def decisions_of(course: TrialCourse, target: Target, threshold: float) -> list[object]:
    """Return what is decided at each point.

    Args:
        course: The course of a prediction.
        target: What is predicted.
        threshold: The probability from which a trial is predicted to be a success; not used for another target.

    Returns:
        The index of the class; for a number, whether it is near the last one.
    """
    outputs = [point.outputs for point in course.points]
    if target.is_number:
        return [abs(value - outputs[-1][0]) <= NEAR * target.scale for (value,) in outputs]
    if target.is_success:
        return [int(values[1] >= threshold) for values in outputs]
    return [max(range(len(values)), key=values.__getitem__) for values in outputs]


def settling_text(course: TrialCourse, target: Target, threshold: float) -> str:
    """Say from when on the prediction no longer changes, in a sentence for the user."""
    seconds = [point.seconds for point in course.points]
    after = settled_after(decisions_of(course, target, threshold), seconds)
    stays = "no longer changes"
    if target.is_number:
        stays = f"stays within {amount(NEAR * target.scale, target.unit)} of its last value"
    if len(seconds) == 1:
        return "The window is too short to watch only a part of it."
    if after is None:
        return "The prediction changes until all of the window has been watched."
    return f"After {after} s the prediction {stays}."


def values_of(course: TrialCourse, target: Target) -> list[float]:
    """Return the one output of each point that is plotted: of success, of the class predicted last, or the number."""
    column = plotted_column(course, target)
    return [point.outputs[column] for point in course.points]


def plotted_column(course: TrialCourse, target: Target) -> int:
    """Return the index of the output that is plotted."""
    if target.is_number:
        return 0
    last = course.points[-1].outputs
    return 1 if target.is_success else max(range(len(last)), key=last.__getitem__)


def plotted_name(course: TrialCourse, target: Target) -> str:
    """Return the name of the output that is plotted."""
    if target.is_number:
        return target.label_with_unit
    return f"Probability of {short_name(target.classes[plotted_column(course, target)])}"


def spread_text(course: TrialCourse, target: Target) -> str:
    """Describe the outputs of the test clips of a trial, such as `2 clips: 41 % to 48 %`."""
    column = plotted_column(course, target)
    values = [clip[column] for clip in course.clips]
    if len(values) == 1:
        return "one clip"
    low, high = min(values), max(values)
    if target.is_number:
        return f"{len(values)} clips: {amount(low, target.unit)} to {amount(high, target.unit)}"
    digits = 0 if high - low >= 0.02 else 1
    return f"{len(values)} clips: {low:.{digits}%} to {high:.{digits}%}"
