import numpy as np
import pytest

from socal_core.dataset import layout
from socal_core.demo.motion import Pose, move_tools
from socal_core.demo.simulate import Trial, simulate_trials

TRIALS = simulate_trials(40, 0)


@pytest.fixture(scope="module")
def moves() -> list[tuple[Trial, list[list[Pose]]]]:
    return [(trial, move_tools(trial)) for trial in TRIALS]


def test_each_frame_has_a_list_of_tools_with_known_labels(moves: list[tuple[Trial, list[list[Pose]]]]) -> None:
    for trial, frames in moves:
        assert len(frames) == trial.frames
        for poses in frames:
            assert {pose.label for pose in poses} <= set(layout.LABELS)
            assert len({pose.actor for pose in poses}) == len(poses)


def test_the_labels_have_their_intended_frequencies(moves: list[tuple[Trial, list[list[Pose]]]]) -> None:
    labels = [pose.label for _, frames in moves for poses in frames for pose in poses]
    frequency = {label: labels.count(label) / len(labels) for label in layout.LABELS}
    assert min(frequency[label] for label in ("suction", "grasper", "cottonoid", "string", "muscle")) > 0.04
    assert 0 < sum(frequency[label] for label in ("drill", "tool", "scalpel")) < 0.02


def test_some_frames_have_no_tool_and_some_two_of_a_kind(moves: list[tuple[Trial, list[list[Pose]]]]) -> None:
    frames = [[pose.label for pose in poses] for _, trial_frames in moves for poses in trial_frames]
    assert 0.01 < np.mean([not labels for labels in frames]) < 0.15
    assert any(labels.count("suction") == 2 for labels in frames)
    assert any(labels.count("grasper") == 2 for labels in frames)


def test_the_muscle_stays_if_the_bleeding_stopped_and_slips_away_if_not(
    moves: list[tuple[Trial, list[list[Pose]]]],
) -> None:
    kept = 0
    for trial, frames in moves:
        last = {pose.label: pose for pose in frames[-1]}
        if trial.stopped is not None:
            assert (last["muscle"].x, last["muscle"].y) == pytest.approx(trial.site)
            kept += 1
        elif trial.muscle is not None and trial.muscle < trial.frames - 20:
            assert np.hypot(last["muscle"].x - trial.site[0], last["muscle"].y - trial.site[1]) > 0.4
    assert kept > 40


def test_the_string_follows_the_cottonoid_which_is_removed_before_the_muscle_is_placed(
    moves: list[tuple[Trial, list[list[Pose]]]],
) -> None:
    for trial, frames in moves:
        for second, poses in enumerate(frames):
            at = {pose.label: pose for pose in poses}
            if "string" in at:
                assert (at["string"].x, at["string"].y) == (at["cottonoid"].x, at["cottonoid"].y)
            if trial.muscle is not None and second >= trial.muscle:
                assert "cottonoid" not in at
