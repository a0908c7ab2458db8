"""Boxes per frame and their density, against loops over single boxes."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from socal_core.figures.boxes import (
    GRID_HEIGHT,
    GRID_WIDTH,
    MOST_BOXES,
    box_density,
    boxes_per_frame,
    covering,
    relative_corners,
)
from tests.figures.made_tables import make_boxes, make_frames, make_trials

TRIALS = make_trials(
    ["S1T1", "S2T1", "S3T1"], n_frames=[4, 3, 2], width=[640, 1280, None], height=[360, 720, None], success=[0, 1, 1]
)
FRAMES = make_frames(TRIALS)


def painted(corners: NDArray[np.float64]) -> NDArray[np.int64]:
    """How many boxes lie in each cell, one box and one cell after the other."""
    counts = np.zeros((GRID_HEIGHT, GRID_WIDTH), dtype=np.int64)
    for x1, y1, x2, y2 in corners:
        for row in range(GRID_HEIGHT):
            for column in range(GRID_WIDTH):
                inside = x1 * GRID_WIDTH < column + 1 and x2 * GRID_WIDTH > column
                counts[row, column] += inside and y1 * GRID_HEIGHT < row + 1 and y2 * GRID_HEIGHT > row
    return counts


def test_boxes_per_frame_counts_frames() -> None:
    boxes = make_boxes([("S1T1", 0, "suction"), ("S1T1", 0, "suction"), ("S1T1", 2, "string"), ("S2T1", 1, "drill")])
    bars = boxes_per_frame(FRAMES, boxes).data[0]
    assert dict(zip(bars.x, bars.y, strict=True)) == {"0": 6, "1": 2, "2": 1}
    assert list(bars.text) == ["67%", "22%", "11%"]
    none = boxes_per_frame(FRAMES, make_boxes([])).data[0]
    assert dict(zip(none.x, none.y, strict=True)) == {"0": 9}


def test_boxes_per_frame_against_pandas() -> None:
    chance = np.random.default_rng(0)
    boxes = make_boxes([("S1T1", int(place), "suction") for place in chance.integers(0, 4, 30)])
    per_frame = FRAMES["frame"].map(boxes["frame"].value_counts()).fillna(0).clip(upper=MOST_BOXES)
    bars = boxes_per_frame(FRAMES, boxes).data[0]
    assert list(bars.y) == per_frame.value_counts().reindex(range(len(bars.y)), fill_value=0).to_list()


def test_frames_with_very_many_boxes_are_in_one_bar() -> None:
    boxes = make_boxes([("S1T1", 0, "suction")] * (MOST_BOXES + 20) + [("S1T1", 1, "suction")] * MOST_BOXES)
    bars = boxes_per_frame(FRAMES, boxes).data[0]
    assert (bars.x[-1], bars.y[-1], len(bars.x)) == (f"{MOST_BOXES} or more", 2, MOST_BOXES + 1)


def test_corners_are_fractions_of_the_trials_frames() -> None:
    boxes = make_boxes(
        [
            ("S1T1", 0, "suction", 64, 36, 320, 180),
            ("S2T1", 0, "suction", 64, 36, 320, 180),
            ("S3T1", 0, "suction", 64, 36, 320, 180),
            ("S1T1", 0, "suction", -5, 0, 900, 180),
            ("S9T1", 0, "suction", 0, 0, 10, 10),
        ]
    )
    expected = [[0.1, 0.1, 0.5, 0.5], [0.05, 0.05, 0.25, 0.25], [0, 0, 1, 0.5]]
    assert np.allclose(relative_corners(boxes, FRAMES, TRIALS), expected), (
        "unknown size and unknown trial left out, edges cut"
    )


def test_the_size_of_a_frame_itself_takes_precedence() -> None:
    boxes = make_boxes([("S1T1", 0, "suction", 64, 36, 320, 180), ("S1T1", 1, "suction", 64, 36, 320, 180)])
    sizes = pd.array([640, 1280] + [None] * (len(FRAMES) - 2), "Int64")
    frames = FRAMES.assign(width=sizes, height=pd.array([360, 720] + [None] * (len(FRAMES) - 2), "Int64"))
    corners = relative_corners(boxes, frames, TRIALS)
    assert np.allclose(corners, [[0.1, 0.1, 0.5, 0.5], [0.05, 0.05, 0.25, 0.25]])


def test_one_box_covers_its_cells_and_no_other() -> None:
    grid = covering(np.array([[2 / GRID_WIDTH, 1 / GRID_HEIGHT, 4 / GRID_WIDTH, 4 / GRID_HEIGHT]]))
    expected = np.zeros((GRID_HEIGHT, GRID_WIDTH))
    expected[1:4, 2:4] = 1
    assert np.array_equal(grid, expected)


# Eighths of a cell: shares that floating point holds exactly, on cell edges and between them.
SIDE = st.integers(0, 8 * 36 - 1).flatmap(lambda low: st.tuples(st.just(low), st.integers(low + 1, 8 * 36)))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(SIDE, SIDE), min_size=1, max_size=4))
def test_covering_is_what_painting_box_by_box_gives(sides: list[tuple[tuple[int, int], tuple[int, int]]]) -> None:
    # Widths in eighths of 36 cells stretch over 64 columns; both are exact multiples of 1 / 512.
    corners = np.array([[x1 / 512, y1 / (8 * 36), x2 / 512, y2 / (8 * 36)] for (x1, x2), (y1, y2) in sides])
    assert np.array_equal(covering(corners), painted(corners))


def test_density_is_the_fraction_of_the_labels_boxes_with_the_first_row_on_top() -> None:
    boxes = make_boxes(
        [
            ("S1T1", 0, "suction", 0, 0, 10, 10),
            ("S1T1", 1, "suction", 0, 0, 640, 360),
            ("S1T1", 1, "muscle", 630, 350, 640, 360),
        ]
    )
    figure = box_density(boxes, FRAMES, TRIALS, "suction")
    heat = figure.data[0].z
    assert heat.shape == (GRID_HEIGHT, GRID_WIDTH)
    assert (heat[0, 0], heat[0, 1], heat[-1, -1]) == (1, 0.5, 0.5)
    assert tuple(figure.layout.yaxis.range) == (1, 0)
    assert "(2 boxes)" in figure.layout.title.text
    assert box_density(boxes, FRAMES, TRIALS).data[0].z[-1, -1] == pytest.approx(2 / 3)


@pytest.mark.parametrize("boxes", [make_boxes([]), make_boxes([("S3T1", 0, "suction")])])
def test_without_boxes_there_is_a_text(boxes: pd.DataFrame) -> None:
    assert box_density(boxes, FRAMES, TRIALS).layout.annotations[0].text.startswith("No box")
    assert box_density(boxes, FRAMES, TRIALS, "drill").layout.annotations[0].text.startswith("No box")
    assert boxes_per_frame(FRAMES.iloc[:0], boxes.iloc[:0]).layout.annotations[0].text.startswith("No frame")
