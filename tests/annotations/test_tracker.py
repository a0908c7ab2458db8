import math
from collections.abc import Sequence
from itertools import permutations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from socal_core.annotations.tracker import MAX_DISTANCE, PATIENCE, matching_cost, track_all
from socal_core.dataset.opening import open_dataset

BOX = tuple[int, str, int, int]  # position, label, left, top: these boxes are 30x40, a diagonal of 50
SIZED = tuple[int, str, int, int, int, int]  # the same with width and height


def boxes(rows: Sequence[BOX | SIZED], track_ids: list[int] | None = None, trial: str = "S1T1") -> pd.DataFrame:
    sized = [row if len(row) == 6 else (*row, 30, 40) for row in rows]
    table = pd.DataFrame(
        [(f"{trial}_f{p:03d}", trial, p, x, y, x + w, y + h, label) for p, label, x, y, w, h in sized],
        columns=["frame", "trial_id", "position", "x1", "y1", "x2", "y2", "label"],
    )
    ids: list[object] = [pd.NA] * len(rows) if track_ids is None else list(track_ids)
    return table.assign(track_id=pd.array(ids, dtype="Int64"))


@pytest.mark.parametrize(
    ("rows", "ids"),
    [
        pytest.param([(p, "suction", 10 * p, 0) for p in range(5)], [1] * 5, id="drifts"),
        pytest.param([(p, "suction", 60 * p, 0) for p in range(5)], [1] * 5, id="jumps without overlap"),
        pytest.param([(0, "suction", 0, 0), (1, "suction", 151, 0)], [1, 2], id="jumps too far"),
        pytest.param([(0, "suction", 0, 0), (1, "grasper", 0, 0)], [1, 2], id="another label"),
        pytest.param(
            [(0, "suction", 0, 0), (0, "suction", 200, 0), (1, "suction", 190, 0), (1, "suction", 10, 0)],
            [1, 2, 2, 1],
            id="two, listed the other way round",
        ),
        pytest.param(
            [(0, "suction", 0, 0), (0, "suction", 60, 0), (1, "suction", 45, 0), (1, "suction", 105, 0)],
            [1, 2, 1, 2],
            id="the whole is cheapest, not the nearest pair",
        ),
        pytest.param(
            [row for p in range(8) for row in [(p, "suction", 10 * p, 0), (p, "suction", 70 - 10 * p, 30)]],
            [1, 2] * 8,
            id="two that pass each other",
        ),
        pytest.param(
            [(0, "suction", 0, 0), (0, "suction", 300, 0), (1, "suction", 290, 0), (2, "suction", 10, 0)],
            [1, 2, 2, 1],
            id="one of two out of sight",
        ),
        pytest.param([(0, "suction", 0, 0), (PATIENCE + 1, "suction", 5, 0)], [1, 1], id="out of sight for a while"),
        pytest.param([(0, "suction", 0, 0), (PATIENCE + 2, "suction", 5, 0)], [1, 2], id="out of sight too long"),
        pytest.param(
            [(0, "suction", 0, 0, 60, 80), (1, "suction", 0, 0, 30, 40), (2, "suction", 0, 0, 30, 40)],
            [1, 1, 1],
            id="gets smaller and stays",
        ),
        pytest.param(
            [(0, "suction", 0, 0, 60, 80), (1, "suction", 0, 0, 30, 40), (3, "suction", 0, 0, 30, 40)],
            [1, 1, 2],
            id="withdrawn, then another",
        ),
        pytest.param(
            [(0, "suction", 0, 0, 30, 40), (1, "suction", 0, 0, 60, 80), (3, "suction", 0, 0, 30, 40)],
            [1, 1, 1],
            id="hidden at its full size",
        ),
        pytest.param(
            [(0, "suction", 5, 5, 0, 0), (1, "suction", 5, 5, 0, 0), (2, "suction", 8, 5, 0, 0)],
            [1, 1, 1],
            id="without extent, 3 px apart at most",
        ),
        pytest.param(
            [(p, "suction", x, 5, 0, 0) for p in range(2) for x in (5, 9)], [1, 2, 1, 2], id="two without extent"
        ),
        pytest.param([(0, "suction", 5, 5, 0, 40), (1, "suction", 6, 5, 30, 0)], [1, 1], id="a line each"),
        pytest.param(
            [(0, "string", 0, 0), (0, "suction", 0, 0), (1, "muscle", 0, 0), (1, "string", 0, 0)],
            [1, 2, 3, 1],
            id="in the order of appearance",
        ),
        pytest.param([(2, "suction", 0, 0), (1, "suction", 5, 0)], [1, 1], id="rows out of order"),
        pytest.param([], [], id="none"),
    ],
)
def test_ids(rows: list[BOX | SIZED], ids: list[int]) -> None:
    given_boxes = boxes(rows)
    tracked = track_all(given_boxes)
    assert tracked["track_id"].tolist() == ids
    assert str(tracked["track_id"].dtype) == "Int64"
    assert set(tracked["track_source"]) <= {"tracker"}
    assert given_boxes["track_id"].isna().all(), "the table that was given stays as it was"
    pd.testing.assert_frame_equal(
        tracked.drop(columns=["track_id", "track_source"]), given_boxes.drop(columns="track_id")
    )


def test_ids_of_the_file_are_kept_when_all_boxes_have_one() -> None:
    rows: list[BOX] = [(0, "suction", 0, 0), (1, "suction", 0, 0)]
    tracked = track_all(boxes(rows, [9, 4]))
    assert (tracked["track_id"].tolist(), set(tracked["track_source"])) == ([9, 4], {"file"})
    half = boxes(rows, [9, 4])
    half.loc[1, "track_id"] = pd.NA
    tracked = track_all(half)
    assert (tracked["track_id"].tolist(), set(tracked["track_source"])) == ([1, 1], {"tracker"})


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 8), st.sampled_from(["suction", "string"]), st.integers(0, 300), st.integers(0, 200)),
        max_size=40,
    )
)
def test_two_boxes_of_a_frame_never_share_an_id(rows: list[BOX]) -> None:
    tracked = track_all(boxes(rows))
    assert not tracked.duplicated(["position", "track_id"]).any()
    assert tracked.groupby("track_id")["label"].nunique().le(1).all()
    assert set(tracked["track_id"]) == set(range(1, tracked["track_id"].nunique() + 1))
    in_time = tracked.sort_values("position", kind="stable")["track_id"].drop_duplicates()
    assert in_time.is_monotonic_increasing


@pytest.mark.slow
@settings(max_examples=80, deadline=None)
@given(st.data())
def test_the_order_of_the_rows_changes_no_track(data: st.DataObject) -> None:
    places = st.tuples(st.integers(0, 6), st.just("suction"), st.integers(0, 20), st.integers(0, 3))
    rows = data.draw(st.lists(places.map(lambda r: (r[0], r[1], 20 * r[2], 40 * r[3])), max_size=25, unique=True))
    tracked = track_all(boxes(rows))
    shuffled = track_all(boxes(data.draw(st.permutations(rows))))
    assert members(tracked) == members(shuffled)


def members(tracked: pd.DataFrame) -> set[frozenset[tuple[int, ...]]]:
    """The tracks of a trial by their boxes alone."""
    places = tracked[["position", "x1", "y1", "x2", "y2"]]
    return {frozenset(places.loc[rows].itertuples(index=False)) for rows in tracked.groupby("track_id").groups.values()}


def plain_cost(old: SIZED, new: SIZED) -> float:
    """What `matching_cost` says, for one pair and in other words."""
    (_, _, ax, ay, aw, ah), (_, _, bx, by, bw, bh) = old, new
    wide = max(0, min(ax + aw, bx + bw) - max(ax, bx))
    high = max(0, min(ay + ah, by + bh) - max(ay, by))
    distance = math.dist((ax + aw / 2, ay + ah / 2), (bx + bw / 2, by + bh / 2))
    relative = distance / ((math.hypot(aw, ah) + math.hypot(bw, bh)) / 2)
    return 1 - wide * high / (aw * ah + bw * bh - wide * high) + relative if relative <= MAX_DISTANCE else math.inf


def best_by_trying_all(old: list[SIZED], new: list[SIZED]) -> tuple[int, float]:
    """Pairs and total cost of the best of all assignments: most pairs first, then the least cost."""
    few, many = sorted([old, new], key=len)
    tried = []
    for chosen in permutations(many, len(few)):
        costs = [plain_cost(*pair) for pair in zip(few, chosen, strict=True)]
        possible = [cost for cost in costs if cost < math.inf]
        tried.append((-len(possible), sum(possible)))
    pairs, cost = min(tried)
    return -pairs, cost


def drawn_boxes(position: int) -> st.SearchStrategy[list[SIZED]]:
    side, place = st.integers(10, 60), st.integers(0, 250)
    return st.lists(st.tuples(st.just(position), st.just("suction"), place, place, side, side), max_size=5, unique=True)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(drawn_boxes(0), drawn_boxes(1))
def test_matching_is_the_best_of_all(old: list[SIZED], new: list[SIZED]) -> None:
    ids = track_all(boxes([*old, *new]))["track_id"].to_list()
    before = dict(zip(ids[: len(old)], old, strict=True))
    taken = [(before[i], box) for i, box in zip(ids[len(old) :], new, strict=True) if i in before]
    costs = [plain_cost(*pair) for pair in taken]
    pairs, least = best_by_trying_all(old, new)
    assert len(taken) == pairs
    assert sum(costs) == pytest.approx(least)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["S1T1", "S1T2", "S2T1"]),
            st.integers(0, 6),
            st.sampled_from(["suction", "string"]),
            st.integers(0, 200),
        ),
        max_size=40,
    ),
    st.sets(st.sampled_from(["S1T1", "S1T2", "S2T1"])),
)
def test_all_at_once_is_each_trial_alone(rows: list[tuple[str, int, str, int]], with_ids: set[str]) -> None:
    parts = [
        boxes([(p, label, x, 0)], [7 + index] if trial in with_ids else None, trial)
        for index, (trial, p, label, x) in enumerate(rows)
    ]
    table = pd.concat([boxes([]), *parts])
    table.index = pd.Index(range(100, 100 + len(table))[::-1])
    untouched = table.copy()
    tracked = track_all(table)
    pd.testing.assert_frame_equal(table, untouched)
    columns = table.columns.drop("track_id")
    pd.testing.assert_frame_equal(tracked[columns], table[columns])
    assert (str(tracked["track_id"].dtype), str(tracked["track_source"].dtype)) == ("Int64", "str")
    for trial, given_boxes in table.groupby("trial_id"):
        alone = track_all(given_boxes)
        here = tracked[tracked["trial_id"] == trial]
        pd.testing.assert_series_equal(here["track_id"], alone["track_id"])
        assert set(here["track_source"]) == {"file" if trial in with_ids else "tracker"}


def test_a_trial_with_some_ids_is_tracked_anew_and_others_keep_theirs() -> None:
    rows: list[BOX] = [(0, "suction", 0, 0), (1, "suction", 0, 0)]
    table = pd.concat([boxes(rows, [9, 4]), boxes(rows, [9, 4], "S1T2")], ignore_index=True)
    table.loc[0, "track_id"] = pd.NA
    tracked = track_all(table)
    assert tracked["track_id"].to_list() == [1, 1, 9, 4]
    assert tracked["track_source"].to_list() == ["tracker", "tracker", "file", "file"]


def test_no_boxes_at_all() -> None:
    tracked = track_all(boxes([]))
    assert tracked.columns.to_list() == [*boxes([]).columns, "track_source"]
    assert (len(tracked), str(tracked["track_id"].dtype), str(tracked["track_source"].dtype)) == (0, "Int64", "str")


def test_costs() -> None:
    box = np.array([[0.0, 0.0, 30.0, 40.0]])
    right = np.array([150, 0, 150, 0])
    cost = matching_cost(np.repeat(box, 2, axis=0), np.concatenate([box, box + 15, box + right]))
    assert cost.shape == (2, 3)
    assert cost[0, 0] == 0
    assert cost[0, 1] == pytest.approx(1 - 15 * 25 / (2400 - 15 * 25) + np.hypot(15, 15) / 50)
    assert cost[0, 2] == pytest.approx(1 + MAX_DISTANCE)
    assert np.isinf(matching_cost(box, box + right * 1.01)).all()


def test_the_boxes_of_a_folder(folder: Path) -> None:
    data = open_dataset(folder)
    tracked = track_all(data.boxes)
    tracked = tracked[tracked["trial_id"] == "S100T1"]
    assert set(tracked["track_source"]) == {"tracker"}
    assert dict(zip(tracked["label"], tracked["track_id"], strict=True)) == {"suction": 1, "grasper": 2}
    assert data.boxes["track_id"].isna().all()
