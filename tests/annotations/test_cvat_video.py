"""Tracks of CVAT for video: where each is shown, and its corners between two boxes."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from socal_core.annotations import cvat_video
from socal_core.annotations.rows import CORNERS, KnownFrames
from socal_core.dataset.folder import DataFolder
from socal_core.dataset.opening import open_dataset
from socal_core.dataset.problems import ProblemLog
from socal_core.dataset.video import Video
from tests.annotations.cvat_video_files import annotate, box, opened, track, two_trials

folder = two_trials  # stands for the folder of tests/dataset/conftest.py here

SHARED = Path(__file__).parents[3] / "shared" / "data"


def positions(folder: Path) -> list[int]:
    return open_dataset(folder).boxes["position"].tolist()


def test_corners_move_on_a_line_between_boxes(folder: Path) -> None:
    annotate(folder, track(box(1, "0,0,10,10", occluded=1) + box(5, "8,4,26,18"), 7, " Grasper "))
    texts, problems = opened(folder)
    assert texts == [
        "S100T1 1 0,0,10,10 grasper 7",
        "S100T1 2 2,1,14,12 grasper 7",
        "S100T1 3 4,2,18,14 grasper 7",
        "S100T1 4 6,3,22,16 grasper 7",
        "S100T1 5 8,4,26,18 grasper 7",
    ]
    assert [problem.code for problem in problems] == ["label-case"]


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("boxes", "expected"),
    [
        (box(2), [2]),
        (box(2) + box(4, outside=1), [2, 3]),
        (box(2) + box(4, outside=1) + box(7) + box(8), [2, 3, 7, 8]),
        (box(2, outside=1) + box(5), [5]),
        (box(2) + box(4, rotation=20) + box(6), [2, 3, 4, 5, 6]),
        (box(6) + box(3), [3, 4, 5, 6]),
        (box(0) + box(11), list(range(12))),
        (box(0) + box(12), []),
        (box(3, outside="true"), []),
        (box(2, keyframe=0) + box(4, keyframe=0), [2, 3, 4]),
    ],
)
def test_where_a_track_is_shown(folder: Path, boxes: str, expected: list[int]) -> None:
    annotate(folder, track(boxes))
    assert positions(folder) == expected


@settings(max_examples=25, deadline=None)
@given(
    given=st.lists(
        st.tuples(st.integers(0, 40), st.booleans(), st.integers(0, 500)), max_size=8, unique_by=lambda g: g[0]
    ),
    step=st.integers(1, 7),
)
def test_interpolation_against_a_plain_loop(given: list[tuple[int, bool, int]], step: int) -> None:
    shapes = cvat_video.Shapes()
    for frame, shown, x in given:
        shapes.add(0, frame, shown, [x, 0, x + 10, 10], frame)
    expected = []
    for row, index in enumerate(range(0, 36, step)):
        before = max((g for g in given if g[0] <= index), default=None)
        after = min((g for g in given if g[0] >= index), default=None)
        if before is not None and before[1] and after is not None:
            span = (after[0] - before[0]) or 1
            expected.append((row, before[2] + (after[2] - before[2]) * (index - before[0]) / span, before[0]))
    table = cvat_video.boxes_at(shapes.table(), np.arange(0, 36, step), 10_000)
    assert table["frame_row"].tolist() == [row for row, _, _ in expected]
    assert np.allclose(table["x1"], [x for _, x, _ in expected])
    assert table.index.tolist() == [row for _, _, row in expected]


def test_frames_of_a_recording_that_is_sampled() -> None:
    frames = pd.DataFrame(
        {"frame": [f"S1T1_frame_{n:08d}.jpeg" for n in (1, 2, 3)], "trial_id": "S1T1", "position": [0, 1, 2]}
    )
    trials = pd.DataFrame({"width": [64], "height": [48]}, index=["S1T1"])
    known = KnownFrames(frames, trials, {"S1T1": Video("S1T1.mp4", 3, 30.0, 64, 48)})
    shapes = cvat_video.Shapes()
    for frame, x in ((15, 0.0), (45, 30.0), (61, 46.0)):
        shapes.add(0, frame, True, [x, 0, x + 10, 10], frame)
    table = cvat_video.boxes_at(shapes.table(), known.recording_indices("S1T1"), 10)
    assert table[["frame_row", "x1"]].to_numpy().tolist() == [[1, 15], [2, 45]]


@pytest.mark.parametrize("last", [12, 10**9])
def test_a_box_beyond_the_frames_shows_that_the_recording_is_another(folder: Path, last: int) -> None:
    annotate(folder, track(box(11) + box(last)))
    texts, (problem,) = opened(folder)
    assert texts == []
    assert (problem.code, problem.count) == ("other-recording", 2)
    assert problem.parameters == {"trial_id": "S100T1", "frames": 12, "annotated": last + 1}


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data is absent")
def test_the_fixture_counts_frames_of_the_recording() -> None:
    folder, log = DataFolder(SHARED / "annotation-formats" / "cvat_dataset" / "for_video"), ProblemLog()
    frames = pd.DataFrame({"frame": [f"{n}.png" for n in range(20)], "trial_id": "t", "position": range(20)})
    trials = pd.DataFrame({"width": [25], "height": [20]}, index=["t"])
    rows = cvat_video.read(folder, cvat_video.find(folder), KnownFrames(frames, trials), log)
    assert rows.boxes["frame"].tolist() == ["10.png", "11.png", "12.png"]
    assert rows.boxes[list(CORNERS)].iloc[0].tolist() == [3, 4, 10, 5]
    assert rows.boxes["label"].tolist() == ["II"] * 3
    assert rows.boxes["track_id"].tolist() == [0] * 3
    assert [problem.code for problem in log.problems()] == ["other-shapes"]
