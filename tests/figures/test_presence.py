"""Presence of tools, compared with a computation cell by cell."""

from typing import get_args

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from socal_core.figures import presence
from socal_core.figures.presence import (
    MAX_COLUMNS,
    MAX_LABELS,
    MIN_RUNNING,
    Order,
    frames_with_boxes,
    presence_by_outcome,
    timeline,
    tool_presence,
)
from tests.figures.made_tables import make_boxes, make_frames, make_trials

TRIALS = make_trials(
    ["S1T1", "S1T2", "S2T1", "S2T2", "S3T1"],
    participant_id=["1", "1", "2", "2", "3"],
    success=[1, 0, None, 0, 1],
    n_frames=[2, 3, 2, 5, 0],
)
FRAMES = make_frames(TRIALS)
SUCTION = [("S1T1", 1, "suction"), ("S1T2", 0, "suction"), ("S1T2", 0, "suction")]
BOXES = make_boxes([*SUCTION, ("S1T2", 2, "string"), ("S2T2", 4, "drill")])


def heat_of(figure: go.Figure) -> dict[str, list[float | None]]:
    """Row name -> cells, None where blank."""
    heat = figure.data[0]
    return {
        name: [None if np.isnan(cell) else round(float(cell), 3) for cell in row]
        for name, row in zip(heat.y, heat.z, strict=True)
    }


def test_a_row_shows_what_was_in_view_and_is_blank_after_the_end() -> None:
    rows = heat_of(tool_presence(FRAMES, BOXES, TRIALS, "suction"))
    assert rows == {
        "S2T2, failure": [0, 0, 0, 0, 0],
        "S1T2, failure": [1, 0, 0, None, None],
        "S1T1, success": [0, 1, None, None, None],
        "S2T1, unknown": [0, 0, None, None, None],
    }
    assert heat_of(tool_presence(FRAMES, BOXES, TRIALS))["S1T2, failure"] == [1, 0, 1, None, None]


@pytest.mark.parametrize(
    ("order", "rows"),
    [
        ("outcome", ["S2T2", "S1T2", "S1T1", "S2T1"]),
        ("surgeon", ["S1T1", "S1T2", "S2T1", "S2T2"]),
        ("length", ["S2T2", "S1T2", "S1T1", "S2T1"]),
    ],
)
def test_the_order_of_the_rows(order: Order, rows: list[str]) -> None:
    figure = tool_presence(FRAMES, BOXES, TRIALS, "suction", order)
    assert [name.split(",")[0] for name in figure.data[0].y] == rows
    outcomes = TRIALS["success"].fillna(2).astype(int)
    assert figure.data[1].z[:, 0].tolist() == outcomes[rows].to_list(), "the strip has the outcome of each row"
    assert list(figure.data[1].y) == list(figure.data[0].y)
    assert figure.layout.yaxis.autorange == "reversed"


def test_outcomes_are_parted_and_named_with_their_number_of_trials() -> None:
    figure = tool_presence(FRAMES, BOXES, TRIALS)
    assert list(figure.layout.yaxis.ticktext) == ["Failure (2)", "Success (1)", "Unknown (1)"]
    assert [line.y0 for line in figure.layout.shapes] == [1.5, 2.5]
    assert [trace.name for trace in figure.data[2:]] == ["Failure", "Success", "Unknown"]
    assert not tool_presence(FRAMES, BOXES, TRIALS, None, "surgeon").layout.shapes


def test_several_frames_per_second_give_a_fraction() -> None:
    frames = FRAMES.assign(second=FRAMES["second"] // 3)
    rows = heat_of(tool_presence(frames, BOXES, TRIALS, "suction"))
    assert rows["S1T2, failure"] == [0.333, None]
    assert rows["S1T1, success"] == [0.5, None]


def test_a_gap_inside_a_trial_is_blank() -> None:
    frames = FRAMES.assign(second=FRAMES["second"].where(FRAMES["position"] == 0, FRAMES["second"] + 1))
    assert heat_of(tool_presence(frames, BOXES, TRIALS, "suction"))["S1T1, success"][:3] == [0, None, 1]


def test_a_very_long_trial_gets_wider_columns() -> None:
    trials = make_trials(["S1T1"], success=[1], n_frames=[2 * MAX_COLUMNS + 1])
    figure = tool_presence(make_frames(trials), make_boxes([("S1T1", 4, "suction")]), trials, "suction")
    heat = figure.data[0]
    assert heat.z.shape[1] <= MAX_COLUMNS
    assert heat.x[1] == 3
    assert heat.z[0, 1] == pytest.approx(1 / 3)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(0, 6), min_size=1, max_size=6),
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.sampled_from("ab")), max_size=20),
    st.integers(1, 3),
)
def test_cells_equal_those_computed_one_by_one(
    lengths: list[int], drawn: list[tuple[int, int, str]], per_second: int
) -> None:
    trials = make_trials([f"S{n}T1" for n in range(len(lengths))], n_frames=lengths)
    filmed = trials[trials["n_frames"] > 0]
    frames = make_frames(trials)
    frames["second"] //= per_second
    rows = [(filmed.index[row % len(filmed)], place, label) for row, place, label in drawn if len(filmed)]
    boxes = make_boxes([(trial, place % trials.loc[trial, "n_frames"], label) for trial, place, label in rows])
    line = timeline(frames, trials)
    hits = frames_with_boxes(line, boxes)
    assert line.trials.index.to_list() == filmed.index.to_list()
    for row, trial in enumerate(filmed.index):
        for second in range(line.frames.shape[1]):
            here = frames[(frames["trial_id"] == trial) & (frames["second"] == second)]
            assert line.frames[row, second] == len(here)
            assert hits[row, second] == here["frame"].isin(boxes["frame"]).sum()


def test_the_fraction_is_of_trials_that_still_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "MIN_RUNNING", 1)
    figure = presence_by_outcome(FRAMES, BOXES, TRIALS)
    labels = [note.text for note in figure.layout.annotations]
    assert labels == BOXES["label"].value_counts().index.to_list()
    shares = {
        (labels[place // 2], trace.name): [None if np.isnan(share) else float(share) for share in trace.y]
        for place, trace in enumerate(figure.data)
    }
    assert shares["suction", "Failure"] == [0.5, 0, 0, 0, 0]
    assert shares["string", "Failure"] == [0, 0, 0.5, 0, 0]
    assert shares["drill", "Failure"] == [0, 0, 0, 0, 1]
    assert shares["suction", "Success"] == [0, 1, None, None, None]
    assert [trace.showlegend for trace in figure.data] == [True, True, *[False] * (2 * len(labels) - 2)]


def test_a_line_ends_where_few_trials_run() -> None:
    count = MIN_RUNNING + 2
    lengths = [3, 3, *[5] * (count - 2)]
    trials = make_trials([f"S{n}T1" for n in range(count)], success=[1] * count, n_frames=lengths)
    one_more = pd.concat([trials, make_trials(["S99T1"], success=[0], n_frames=[9])])
    boxes = make_boxes([("S0T1", 0, "suction")])
    failures, successes = presence_by_outcome(make_frames(one_more), boxes, one_more).data
    assert np.isnan(successes.y).tolist() == [False] * 5 + [True] * 4
    assert not np.isnan(failures.y).any(), "there never were more"
    shorter = trials.assign(n_frames=[3, 3, 3, *[5] * (count - 3)])
    assert (
        np.isnan(presence_by_outcome(make_frames(shorter), boxes, shorter).data[1].y).tolist()
        == [False] * 3 + [True] * 2
    )


def test_fractions_against_pandas() -> None:
    chance = np.random.default_rng(1)
    lengths = chance.integers(5, 30, 40).tolist()
    trials = make_trials([f"S{n}T1" for n in range(40)], success=chance.integers(0, 2, 40).tolist(), n_frames=lengths)
    frames = make_frames(trials)
    boxed = frames.sample(300, random_state=0).assign(label="suction", x1=1, y1=1, x2=2, y2=2, track_id=pd.NA)
    table = frames.assign(shown=frames["frame"].isin(boxed["frame"]), success=frames["trial_id"].map(trials["success"]))
    expected = table.groupby(["success", "second"])["shown"].agg(["mean", "size"])
    for code, trace in enumerate(presence_by_outcome(frames, boxed, trials).data):
        part = expected.loc[code]
        enough = part["size"] >= MIN_RUNNING
        assert trace.y[: len(part)][enough] == pytest.approx(part["mean"][enough].to_numpy(), abs=1e-6)
        assert np.isnan(trace.y[: len(part)][~enough]).all()


def test_the_most_common_labels_are_shown() -> None:
    boxes = make_boxes([("S1T1", 0, f"l{n}") for n in range(MAX_LABELS + 4) for _ in range(n + 1)])
    titles = [note.text for note in presence_by_outcome(FRAMES, boxes, TRIALS).layout.annotations]
    assert titles == [f"l{n}" for n in range(MAX_LABELS + 3, 3, -1)]


@pytest.mark.parametrize("order", get_args(Order))
def test_without_frames_there_is_a_text(order: Order) -> None:
    for trials in (TRIALS.iloc[:0], TRIALS.iloc[4:]):
        frames = make_frames(trials)
        assert (
            tool_presence(frames, make_boxes([]), trials, None, order).layout.annotations[0].text.startswith("No trial")
        )
        assert presence_by_outcome(frames, make_boxes([]), trials).layout.annotations[0].text.startswith("No trial")


def test_frames_and_boxes_of_other_trials_are_left_out() -> None:
    part = TRIALS.loc[["S1T2"]]
    assert heat_of(tool_presence(FRAMES, BOXES, part)) == {"S1T2, failure": [1, 0, 1]}
    assert len(presence_by_outcome(FRAMES, BOXES, part).data) == 4, "two labels, two outcomes"


def test_no_box_is_absent_not_blank() -> None:
    assert heat_of(tool_presence(FRAMES, make_boxes([]), TRIALS))["S1T1, success"] == [0, 0, None, None, None]
    unknown = make_trials(["S1T1"], n_frames=[3])
    boxes = make_boxes([("S1T1", 0, "suction")])
    assert "known outcome" in presence_by_outcome(make_frames(unknown), boxes, unknown).layout.annotations[0].text
