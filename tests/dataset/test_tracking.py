from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from socal_core.dataset.open import open_dataset
from socal_core.dataset.tracking import MAX_DISTANCE, PATIENCE, matching_cost, with_track_ids

BOX = tuple[int, str, int, int]  # position, label, left, top: all boxes are 30x40, a diagonal of 50


def boxes(rows: list[BOX], track_ids: list[int] | None = None) -> pd.DataFrame:
    table = pd.DataFrame(
        [(f"f{p:03d}", "S1T1", p, x, y, x + 30, y + 40, label) for p, label, x, y in rows],
        columns=["frame", "trial_id", "position", "x1", "y1", "x2", "y2", "label"],
    )
    ids: list[object] = [pd.NA] * len(rows) if track_ids is None else list(track_ids)
    return table.assign(track_id=pd.array(ids, dtype="Int64"))


@pytest.mark.parametrize(
    ("rows", "ids"),
    [
        pytest.param([(p, "suction", 10 * p, 0) for p in range(5)], [1] * 5, id="drifts"),
        pytest.param([(p, "suction", 60 * p, 0) for p in range(5)], [1] * 5, id="jumps without overlap"),
        pytest.param([(0, "suction", 0, 0), (1, "suction", 101, 0)], [1, 2], id="jumps too far"),
        pytest.param([(0, "suction", 0, 0), (1, "grasper", 0, 0)], [1, 2], id="another label"),
        pytest.param(
            [(0, "suction", 0, 0), (0, "suction", 200, 0), (1, "suction", 190, 0), (1, "suction", 10, 0)],
            [1, 2, 2, 1],
            id="two, listed the other way round",
        ),
        pytest.param(
            [(0, "suction", 0, 0), (0, "suction", 60, 0), (1, "suction", 50, 0), (1, "suction", 110, 0)],
            [1, 2, 1, 2],
            id="the whole is cheapest, not the nearest pair",
        ),
        pytest.param([(0, "suction", 0, 0), (PATIENCE + 1, "suction", 5, 0)], [1, 1], id="out of sight for a while"),
        pytest.param([(0, "suction", 0, 0), (PATIENCE + 2, "suction", 5, 0)], [1, 2], id="out of sight too long"),
        pytest.param(
            [(0, "string", 0, 0), (0, "suction", 0, 0), (1, "muscle", 0, 0), (1, "string", 0, 0)],
            [1, 2, 3, 1],
            id="in the order of appearance",
        ),
        pytest.param([(2, "suction", 0, 0), (1, "suction", 5, 0)], [1, 1], id="rows out of order"),
        pytest.param([], [], id="none"),
    ],
)
def test_ids(rows: list[BOX], ids: list[int]) -> None:
    given_boxes = boxes(rows)
    tracked, source = with_track_ids(given_boxes)
    assert tracked["track_id"].tolist() == ids
    assert (source, str(tracked["track_id"].dtype)) == ("tracker", "Int64")
    assert given_boxes["track_id"].isna().all(), "the table that was given stays as it was"
    pd.testing.assert_frame_equal(tracked.drop(columns="track_id"), given_boxes.drop(columns="track_id"))


def test_ids_of_the_file_are_kept_when_all_boxes_have_one() -> None:
    rows: list[BOX] = [(0, "suction", 0, 0), (1, "suction", 0, 0)]
    tracked, source = with_track_ids(boxes(rows, [9, 4]))
    assert (tracked["track_id"].tolist(), source) == ([9, 4], "file")
    half = boxes(rows, [9, 4])
    half.loc[1, "track_id"] = pd.NA
    tracked, source = with_track_ids(half)
    assert (tracked["track_id"].tolist(), source) == ([1, 1], "tracker")


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 8), st.sampled_from(["suction", "string"]), st.integers(0, 300), st.integers(0, 200)),
        max_size=40,
    )
)
def test_two_boxes_of_a_frame_never_share_an_id(rows: list[BOX]) -> None:
    tracked, _ = with_track_ids(boxes(rows))
    assert not tracked.duplicated(["position", "track_id"]).any()
    assert tracked.groupby("track_id")["label"].nunique().le(1).all()
    assert set(tracked["track_id"]) == set(range(1, tracked["track_id"].nunique() + 1))
    in_time = tracked.sort_values("position", kind="stable")["track_id"].drop_duplicates()
    assert in_time.is_monotonic_increasing


def test_costs() -> None:
    box = np.array([[0.0, 0.0, 30.0, 40.0]])
    right = np.array([100, 0, 100, 0])
    cost = matching_cost(np.repeat(box, 2, axis=0), np.concatenate([box, box + 15, box + right]))
    assert cost.shape == (2, 3)
    assert cost[0, 0] == 0
    assert cost[0, 1] == pytest.approx(1 - 15 * 25 / (2400 - 15 * 25) + np.hypot(15, 15) / 50)
    assert cost[0, 2] == pytest.approx(1 + MAX_DISTANCE)
    assert np.isinf(matching_cost(box, box + right * 1.01)).all()


def test_the_boxes_of_a_folder(folder: Path) -> None:
    data = open_dataset(folder)
    tracked, source = with_track_ids(data.boxes_of("S100T1"))
    assert source == "tracker"
    assert dict(zip(tracked["label"], tracked["track_id"], strict=True)) == {"suction": 1, "grasper": 2}
    assert data.boxes["track_id"].isna().all()
