"""From when on a prediction no longer changes."""

import pytest

from socal_core.dataset.targets import SUCCESS_TARGET, Target
from socal_core.evaluation.settling import settled_after, settling_text, spread_text, values_of
from socal_core.evaluation.trial_course import MOST_POINTS, seconds_of
from socal_core.runs.files.trial_course import CoursePoint, TrialCourse

LOSS = Target("blood_loss", "Blood loss", unit="mL", mean=500.0, scale=200.0)
TEAM = Target("team", "Team", classes=("a", "b", "c"))


def course(*outputs: tuple[float, ...], clips: tuple[tuple[float, ...], ...] = ()) -> TrialCourse:
    """A course with a point every ten seconds and one of all of the window."""
    seconds = [*range(10, 10 * len(outputs), 10), None]
    points = tuple(CoursePoint(at, values) for at, values in zip(seconds, outputs, strict=True))
    return TrialCourse("S100T1", "0:60", 1, 0, points, clips or (outputs[-1],))


def chances(*successes: float) -> TrialCourse:
    return course(*((1 - p, p) for p in successes))


@pytest.mark.parametrize(
    ("decisions", "after"),
    [
        ("AAAA", 10),
        ("BAAA", 20),
        ("ABAA", 30),
        ("AAAB", None),
        ("ABAB", None),
        ("BBBA", None),
    ],
)
def test_a_decision_has_settled_when_all_later_ones_are_alike(decisions: str, after: int | None) -> None:
    assert settled_after(decisions, [10, 20, 30, None]) == after


def test_it_agrees_with_a_search_from_the_front() -> None:
    seconds = [10, 20, 30, 40, None]
    for number in range(2**5):
        decisions = [number >> bit & 1 for bit in range(5)]
        first = next(at for at in range(5) if len(set(decisions[at:])) == 1)
        assert settled_after(decisions, seconds) == seconds[first]


def test_the_threshold_of_the_run_decides() -> None:
    rising = chances(0.2, 0.4, 0.6, 0.7)
    assert settling_text(rising, SUCCESS_TARGET, 0.5) == "After 30 s the prediction no longer changes."
    assert settling_text(rising, SUCCESS_TARGET, 0.3) == "After 20 s the prediction no longer changes."
    assert settling_text(rising, SUCCESS_TARGET, 0.4) == "After 20 s the prediction no longer changes."
    assert "until all of the window" in settling_text(rising, SUCCESS_TARGET, 0.65)
    assert "too short" in settling_text(chances(0.7), SUCCESS_TARGET, 0.5)


def test_other_targets() -> None:
    numbers = course((300.0,), (440.0,), (500.0,), (480.0,))
    assert settling_text(numbers, LOSS, 0) == "After 20 s the prediction stays within 50 mL of its last value."
    teams = course((0.5, 0.3, 0.2), (0.3, 0.4, 0.3), (0.1, 0.5, 0.4))
    assert settling_text(teams, TEAM, 0) == "After 20 s the prediction no longer changes."
    assert values_of(teams, TEAM) == [0.3, 0.4, 0.5]


def test_the_spread_over_clips() -> None:
    assert spread_text(chances(0.5), SUCCESS_TARGET) == "one clip"
    several = course((0.5, 0.5), clips=((0.59, 0.41), (0.52, 0.48), (0.55, 0.45)))
    assert spread_text(several, SUCCESS_TARGET) == "3 clips: 41% to 48%"
    assert spread_text(course((400.0,), clips=((350.0,), (450.0,))), LOSS) == "2 clips: 350 mL to 450 mL"


@pytest.mark.parametrize("length", [1, 9, 10, 11, 60, 299, 310, 311, 9000])
def test_a_long_window_has_few_points(length: int) -> None:
    seconds = seconds_of(length)
    assert len(seconds) <= MOST_POINTS + 1
    assert all(0 < second < length and second % 10 == 0 for second in seconds)
    assert bool(seconds) == (length > 10)
