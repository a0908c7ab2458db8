"""socal_core.evaluation.tool_motion, on boxes drawn by hand in frames of 200 x 100 pixels."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from socal_core.evaluation.tool_motion import tool_motion
from tests.figures.made_tables import make_boxes, make_frames, make_trials

TRIALS = pd.Index(["S1T1", "S1T2"])
FRAMES = make_frames(make_trials(list(TRIALS), n_frames=[10, 10])).assign(
    width=pd.array([200] * 20, dtype="Int64"), height=pd.array([100] * 20, dtype="Int64")
)


def box(second: int, label: str, x: int, y: int, size: int = 20, trial: str = "S1T1") -> tuple[Any, ...]:
    """A square box of `size` pixels with this centre."""
    return (trial, second, label, x - size // 2, y - size // 2, x + size // 2, y + size // 2)


def motion(*rows: tuple[Any, ...], frames: pd.DataFrame = FRAMES) -> pd.DataFrame:
    return tool_motion(make_boxes(rows), frames, TRIALS)


def test_share_first_second_and_area() -> None:
    row = motion(box(2, "muscle", 50, 50), box(3, "muscle", 50, 50, 40), box(3, "drill", 150, 50)).loc["S1T1"]
    assert (row["muscle share"], row["drill share"]) == (0.2, 0.1)
    assert row["muscle first"] == 2
    assert row["muscle area"] == pytest.approx((20 * 20 + 40 * 40) / 2 / (200 * 100))


def test_what_is_not_seen_is_missing_and_its_share_is_zero() -> None:
    found = motion(box(2, "muscle", 50, 50), box(5, "cottonoid", 50, 50, trial="S1T2"))
    assert found.loc["S1T1", "cottonoid share"] == 0
    missing = ["cottonoid first", "cottonoid area", "overlap"]
    assert found.loc["S1T1", missing].isna().all()
    assert found.loc["S1T2", "cottonoid first"] == 5


def test_the_path_is_measured_in_fractions_of_the_frame_for_each_second() -> None:
    # 20 of 200 pixels to the right in one second; 20 of 100 pixels down in the next two, between which it is hidden.
    found = motion(box(0, "drill", 50, 30), box(1, "drill", 70, 30), box(3, "drill", 70, 50))
    assert found.loc["S1T1", "drill speed"] == pytest.approx((0.1 + 0.2) / 3)


def test_two_tools_of_a_label_have_paths_of_their_own() -> None:
    still = [box(second, "drill", 40, 50) for second in range(4)]
    moving = [box(second, "drill", 140 + 10 * second, 50) for second in range(4)]
    assert motion(*still, *moving).loc["S1T1", "drill speed"] == pytest.approx(0.05 / 2)


def test_track_ids_of_the_data_are_kept() -> None:
    boxes = make_boxes([box(0, "drill", 50, 50), box(1, "drill", 60, 50)])
    crossed = boxes.assign(track_id=pd.array([1, 2], dtype="Int64"))
    assert tool_motion(boxes, FRAMES, TRIALS).loc["S1T1", "drill speed"] == pytest.approx(0.05)
    assert "drill speed" not in tool_motion(crossed, FRAMES, TRIALS)


def test_overlap_is_the_mean_iou_of_different_tools_in_a_frame() -> None:
    half = [box(0, "drill", 50, 50), box(0, "muscle", 60, 50)]  # 200 of 600 pixels
    apart = [box(1, "drill", 50, 50), box(1, "muscle", 150, 50)]
    same_label = [box(2, "drill", 50, 50), box(2, "drill", 52, 50)]
    assert motion(*half, *apart, *same_label).loc["S1T1", "overlap"] == pytest.approx((1 / 3 + 0) / 2)


def test_only_the_given_frames_count() -> None:
    early = FRAMES[FRAMES["second"] < 5]
    seen = [box(1, "drill", 50, 50), box(2, "drill", 60, 50)]
    later = [box(7, "drill", 190, 50), box(8, "muscle", 50, 50)]
    pd.testing.assert_frame_equal(motion(*seen, *later, frames=early), motion(*seen, frames=early))
    assert motion(*later, frames=early).empty


def test_an_unknown_size_leaves_shares_and_seconds() -> None:
    unknown = FRAMES.assign(width=pd.array([pd.NA] * 20, dtype="Int64"))
    row = motion(box(2, "muscle", 50, 50), box(3, "muscle", 60, 50), frames=unknown).loc["S1T1"]
    assert (row["muscle share"], row["muscle first"]) == (0.2, 2)
    assert np.isnan(row["muscle area"])
