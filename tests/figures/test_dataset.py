"""Outcomes by group, lengths, missing values: each number against one counted by hand or by pandas."""

import json

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from socal_core.figures.dataset import (
    CAN_BE_MISSING,
    MAX_GROUPS,
    boxes_by_label,
    class_balance,
    class_balance_by,
    frames_by_outcome,
    frames_per_trial,
    missing_counts,
    missing_values,
)
from socal_core.figures.groups import GROUPS, nothing, percent, plain
from socal_core.figures.style import FAILURE, GUIDE, SUCCESS
from tests.figures.made_tables import make_boxes, make_trials

NA, HD = "Unknown", "1280x720"
TRIALS = make_trials(
    ["S1T1", "S1T2", "S2T1", "S2T2", "S3T1"],
    participant_id=["1", "1", "2", "2", ""],
    trial_number=[1, 2, 1, 2, None],
    success=[0, 1, 1, 1, None],
    n_frames=[300, 60, 90, 0, 70],
    cohort=["USC", "USC", "CNS <b>", "CNS <b>", None],
    training_status=["Trainee", "Trainee", None, None, None],
    width=[1280, 1280, 640, None, 640],
    height=[720, 720, 480, 480, 480],
    blood_loss=[100, None, 300.5, None, None],
)


def bars_of(figure: go.Figure) -> dict[str, dict[str, int]]:
    """Outcome -> group -> count; groups without a trial of the outcome left out."""
    return {
        trace.name: {group: count for group, count in zip(trace.y, trace.x, strict=True) if count}
        for trace in figure.data
        if isinstance(trace, go.Bar)
    }


@pytest.mark.parametrize(
    ("column", "bars"),
    [
        ("cohort", {"Failure": {"USC": 1}, "Success": {"CNS &lt;b&gt;": 2, "USC": 1}, "Unknown": {NA: 1}}),
        ("training_status", {"Failure": {"Trainee": 1}, "Success": {"Trainee": 1, "Unknown": 2}, "Unknown": {NA: 1}}),
        ("trial_number", {"Failure": {"Trial 1": 1}, "Success": {"Trial 1": 1, "Trial 2": 2}, "Unknown": {NA: 1}}),
        ("size", {"Failure": {HD: 1}, "Success": {HD: 1, "640x480": 1, "Unknown": 1}, "Unknown": {"640x480": 1}}),
    ],
)
def test_class_balance_by_counts_each_group(column: str, bars: dict[str, dict[str, int]]) -> None:
    figure = class_balance_by(TRIALS, column)
    assert bars_of(figure) == bars
    assert [trace.marker.color for trace in figure.data[:3]] == [FAILURE, SUCCESS, GUIDE]
    assert GROUPS[column].lower() in figure.layout.title.text


def test_class_balance_by_orders_its_groups_and_gives_the_rate_of_the_known() -> None:
    figure = class_balance_by(TRIALS, "size")
    rates = figure.data[-1]
    assert list(rates.y) == ["640x480", "1280x720", "Unknown"]
    assert [text.strip() for text in rates.text] == ["100% success", "50% success", "100% success"]
    assert list(rates.x) == [2, 2, 1]
    assert class_balance_by(TRIALS.iloc[4:], "size").data[-1].text == ("",)


def test_groups_that_look_like_numbers_stay_groups() -> None:
    years = make_trials(["S1T1", "S2T1"], cohort=["2019", "2017"], success=[0, 1])
    figure = class_balance_by(years, "cohort")
    assert (figure.layout.yaxis.type, list(figure.data[0].y)) == ("category", ["2017", "2019"])
    assert boxes_by_label(make_boxes([("S1T1", 0, "8")])).layout.yaxis.type == "category"


def test_class_balance_by_against_pandas_on_a_larger_table() -> None:
    chance = np.random.default_rng(3)
    cohort = chance.choice(["USC", "CNS", "NASBS"], 200).tolist()
    trials = make_trials([f"S{n}T1" for n in range(200)], success=chance.integers(0, 2, 200).tolist(), cohort=cohort)
    expected = trials.groupby(["success", "cohort"]).size()
    names = {"Failure": 0, "Success": 1}
    shown = {
        (names[name], group): count
        for name, bars in bars_of(class_balance_by(trials, "cohort")).items()
        for group, count in bars.items()
    }
    assert shown == expected.to_dict()


def test_of_many_groups_the_largest_are_shown_and_the_others_combined() -> None:
    numbers = [number for number in range(1, MAX_GROUPS + 4) for _ in range(1 if number in (2, 5, 9) else 2)]
    trials = make_trials([f"S{n}T{k}" for n, k in enumerate(numbers)], trial_number=numbers, success=[1] * len(numbers))
    bars = class_balance_by(trials, "trial_number").data[0]
    expected = {f"Trial {number}": 2 for number in range(1, MAX_GROUPS + 4) if number not in (2, 5, 9)}
    assert list(zip(bars.y, bars.x, strict=True)) == [*expected.items(), ("3 others", 3)]


def test_frames_per_trial_sorts_the_trials_with_frames() -> None:
    figure = frames_per_trial(TRIALS)
    bars = sorted(
        (place, name, length, trace.name)
        for trace in figure.data
        for place, name, length in zip(trace.x, trace.customdata, trace.y, strict=True)
    )
    assert bars == [
        (1, "S1T2", 60, "Success"),
        (2, "S3T1", 70, "Unknown"),
        (3, "S2T1", 90, "Success"),
        (4, "S1T1", 300, "Failure"),
    ]
    assert {trace.name: trace.marker.color for trace in figure.data}["Failure"] == FAILURE


def test_missing_counts_by_hand() -> None:
    counts = missing_counts(TRIALS)
    assert counts.index.to_list() == [title for name, title in CAN_BE_MISSING.items() if name != "repair_time"]
    assert counts[["Video frames", "Surgeon", "Outcome", "Frame size", "Cohort"]].to_list() == [1, 1, 1, 1, 1]
    assert counts[["Training status", "Blood loss", "Specialty", "Time to haemostasis"]].to_list() == [3, 3, 5, 5]


def test_missing_values_shows_fractions_with_the_most_missing_on_top() -> None:
    bars = missing_values(TRIALS).data[0]
    assert list(bars.x) == sorted(bars.x)
    shown = dict(zip(bars.y, zip(bars.x, bars.customdata, bars.text, strict=True), strict=True))
    assert shown["Blood loss"] == (0.6, 3, "60%")
    assert shown["Outcome"] == (0.2, 1, "20%")
    complete = missing_values(TRIALS.iloc[:1]).data[0]
    assert dict(zip(complete.y, complete.text, strict=True))["Outcome"] == "none"


@pytest.mark.parametrize(
    "figure",
    [
        class_balance(TRIALS.iloc[:0]),
        frames_by_outcome(TRIALS.iloc[:0]),
        frames_by_outcome(TRIALS.iloc[4:]),
        *(class_balance_by(TRIALS.iloc[:0], column) for column in GROUPS),
        frames_per_trial(TRIALS.iloc[:0]),
        frames_per_trial(TRIALS.iloc[3:4]),
        boxes_by_label(make_boxes([])),
        missing_values(TRIALS.iloc[:0]),
    ],
)
def test_a_figure_without_data_has_a_message(figure: go.Figure) -> None:
    assert figure.layout.title.text
    assert figure.layout.annotations[0].text.startswith("No ")


def test_a_table_without_known_values_is_shown() -> None:
    unknown = make_trials(["S1T1", "S2T1"], n_frames=[3, 4])
    for column in GROUPS:
        assert bars_of(class_balance_by(unknown, column)) == {"Unknown": {"Unknown": 2}}
    assert [trace.name for trace in frames_per_trial(unknown).data] == ["Unknown"]
    assert missing_counts(unknown)["Outcome"] == 2


def test_names_from_files_hold_no_markup() -> None:
    assert plain("<a href='x'>&") == "&lt;a href='x'&gt;&amp;"
    cohort = make_trials(["S1T1"], cohort=["<a href='https://example.org'>here</a>"], success=[1])
    shown = [*class_balance_by(cohort, "cohort").data[0].y, *boxes_by_label(make_boxes([("S1T1", 0, "<b>")])).data[0].y]
    assert not [name for name in shown if "<" in name]


@pytest.mark.parametrize(
    ("share", "text"), [(0, "0%"), (0.001, "<1%"), (0.0099, "<1%"), (0.01, "1%"), (0.555, "56%"), (1, "100%")]
)
def test_percent(share: float, text: str) -> None:
    assert percent(share) == text


def test_nothing_shows_a_title_and_a_text_alone() -> None:
    figure = nothing("A title", "No data.")
    assert (figure.layout.title.text, figure.layout.annotations[0].text) == ("A title", "No data.")
    assert figure.layout.xaxis.visible is figure.layout.yaxis.visible is False
    assert not figure.data


def test_figures_can_be_sent_to_a_browser() -> None:
    assert pd.notna(json.loads(class_balance_by(TRIALS, "size").to_json())["data"][0]["x"]).all()
