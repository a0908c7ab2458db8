"""Filters against a filter that looks at one row after the other."""

from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from socal_core.dataset.dataset import Dataset
from socal_core.dataset.filters import Choices, TrialFilter, apply, choices, frame_sizes
from tests.figures.made_tables import make_boxes, make_dataset, make_trials

LABELS = ("suction", "grasper", "muscle")
SIZES = [(None, None), (640, 360), (1280, 720), (640, None)]

DATASET = make_dataset(
    make_trials(
        ["S1T1", "S1T2", "S10T1", "SA1T1", "S9T9"],
        participant_id=["1", "1", "10", "A1", ""],
        trial_number=[1, 2, 1, 1, None],
        success=[0, 1, None, 1, 1],
        n_frames=[3, 2, 2, 0, 1],
        cohort=["USC", "USC", "CNS", None, None],
        training_status=["Trainee", "Trainee", "Attending", "Attending", "Trainee"],
        width=[1280, 1280, 640, None, 640],
        height=[720, 720, 480, 480, 480],
    ),
    make_boxes(
        [("S1T1", 0, "suction")] * 2
        + [("S1T1", 1, "muscle")] * 2
        + [("S1T2", 1, "muscle")] * 2
        + [("S10T1", 0, "suction")] * 2
    ),
)


@pytest.mark.parametrize(
    ("chosen", "trials", "boxes"),
    [
        pytest.param(TrialFilter(), ["S1T1", "S1T2", "S10T1", "SA1T1", "S9T9"], 8, id="everything"),
        pytest.param(TrialFilter(outcomes=(1,)), ["S1T2", "SA1T1", "S9T9"], 2, id="successes"),
        pytest.param(TrialFilter(outcomes=(0, None)), ["S1T1", "S10T1"], 6, id="failure or unknown"),
        pytest.param(TrialFilter(surgeons=("1",)), ["S1T1", "S1T2"], 6, id="a surgeon, not one whose id begins alike"),
        pytest.param(TrialFilter(surgeons=(None,)), ["S9T9"], 0, id="surgeon unknown"),
        pytest.param(TrialFilter(trial_numbers=(2, None)), ["S1T2", "S9T9"], 2, id="trial number"),
        pytest.param(TrialFilter(cohorts=("CNS", None)), ["S10T1", "SA1T1", "S9T9"], 2, id="cohort or unknown"),
        pytest.param(TrialFilter(training_statuses=("Attending",)), ["S10T1", "SA1T1"], 2, id="training status"),
        pytest.param(TrialFilter(sizes=((640, 480),)), ["S10T1", "S9T9"], 2, id="size"),
        pytest.param(TrialFilter(sizes=(None,)), ["SA1T1"], 0, id="size of which half is known"),
        pytest.param(TrialFilter(has_frames=True), ["S1T1", "S1T2", "S10T1", "S9T9"], 8, id="with frames"),
        pytest.param(TrialFilter(has_frames=False), ["SA1T1"], 0, id="without frames"),
        pytest.param(TrialFilter(labels=("muscle",)), ["S1T1", "S1T2"], 4, id="label"),
        pytest.param(TrialFilter(labels=("muscle",), outcomes=(1,)), ["S1T2"], 2, id="two at once"),
        pytest.param(TrialFilter(labels=("drill",)), [], 0, id="a label that is not there"),
        pytest.param(TrialFilter(cohorts=("elsewhere",)), [], 0, id="a cohort that is not there"),
    ],
)
def test_what_passes(chosen: TrialFilter, trials: list[str], boxes: int) -> None:
    part = apply(DATASET, chosen)
    assert part.trials.index.to_list() == trials
    assert len(part.boxes) == boxes
    assert part.frames["trial_id"].value_counts(sort=False).to_dict() == {
        trial: count for trial, count in DATASET.trials["n_frames"].items() if trial in trials and count
    }
    assert part.frames.index.equals(pd.RangeIndex(len(part.frames)))
    assert part.boxes.index.equals(pd.RangeIndex(len(part.boxes)))


def test_a_label_leaves_no_box_of_another_and_all_frames() -> None:
    part = apply(DATASET, TrialFilter(labels=("muscle",)))
    assert set(part.boxes["label"]) == {"muscle"}
    assert part.frames["frame"].to_list() == [f"S1T1_{n:03d}" for n in range(3)] + [f"S1T2_{n:03d}" for n in range(2)]


def test_the_data_set_that_was_given_stays_as_it_was() -> None:
    before = replace(DATASET, trials=DATASET.trials.copy(), frames=DATASET.frames.copy(), boxes=DATASET.boxes.copy())
    part = apply(DATASET, TrialFilter(outcomes=(1,)))
    assert apply(DATASET, TrialFilter()) is DATASET
    assert (part.root, part.outcome_rows, part.problems) == (DATASET.root, DATASET.outcome_rows, DATASET.problems)
    for name in ("trials", "frames", "boxes"):
        pd.testing.assert_frame_equal(getattr(before, name), getattr(DATASET, name))
        assert getattr(part, name).dtypes.equals(getattr(DATASET, name).dtypes)


def test_choices_are_ordered_and_say_where_something_is_unknown() -> None:
    assert choices(DATASET) == Choices(
        outcomes=(0, 1, None),
        surgeons=("1", "10", "A1", None),
        trial_numbers=(1, 2, None),
        cohorts=("CNS", "USC", None),
        training_statuses=("Attending", "Trainee"),
        labels=("suction", "muscle"),
        sizes=((640, 480), (1280, 720), None),
        has_frames=(True, False),
    )
    known = choices(apply(DATASET, TrialFilter(surgeons=("1",))))
    assert (known.outcomes, known.surgeons, known.sizes, known.has_frames) == ((0, 1), ("1",), ((1280, 720),), (True,))


def test_of_nothing_there_is_nothing_to_choose() -> None:
    empty = apply(DATASET, TrialFilter(labels=("drill",)))
    assert choices(empty) == Choices((), (), (), (), (), (), (), ())
    assert len(apply(empty, TrialFilter(outcomes=(1,), sizes=((640, 480),), has_frames=True)).trials) == 0


TRIAL = st.tuples(
    st.sampled_from(["", "1", "2", "A1"]),
    st.sampled_from([1, 2, None]),
    st.sampled_from([0, 1, None]),
    st.integers(0, 3),
    st.sampled_from(["USC", "CNS", None]),
    st.sampled_from(["Trainee", None]),
    st.sampled_from(SIZES),
)
BOX = st.tuples(st.integers(0, 30), st.integers(0, 9), st.sampled_from(LABELS))


def some(*values: Any) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(st.sampled_from(values), max_size=2, unique=True).map(tuple)


FILTER = st.builds(
    TrialFilter,
    outcomes=some(0, 1, None),
    surgeons=some("1", "2", "A1", "elsewhere", None),
    trial_numbers=some(1, 2, None),
    cohorts=some("USC", "CNS", None),
    training_statuses=some("Trainee", None),
    labels=some(*LABELS),
    sizes=some((640, 360), (1280, 720), None),
    has_frames=st.sampled_from([None, None, True, False]),
)


def drawn(rows: list[Any], box_rows: list[Any]) -> Dataset:
    names = ("participant_id", "trial_number", "success", "n_frames", "cohort", "training_status")
    columns = {name: [row[place] for row in rows] for place, name in enumerate(names)}
    width, height = ([row[6][side] for row in rows] for side in (0, 1))
    trials = make_trials([f"S{n}T1" for n in range(len(rows))], **columns, width=width, height=height)
    filmed = [(trial, count) for trial, count in trials["n_frames"].items() if count]
    boxes = [(*filmed[row % len(filmed)], position, label) for row, position, label in box_rows if filmed]
    placed = [(trial, place % count, label) for trial, count, place, label in boxes]
    return make_dataset(trials, make_boxes(sorted(placed, key=lambda box: (int(box[0][1:-2]), box[1]))))


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.lists(TRIAL, max_size=12), st.lists(BOX, max_size=25), FILTER)
def test_a_filter_is_what_a_look_at_each_row_says(rows: list[Any], box_rows: list[Any], chosen: TrialFilter) -> None:
    dataset = drawn(rows, box_rows)
    kept_boxes = [box for box in dataset.boxes.to_dict("records") if not chosen.labels or box["label"] in chosen.labels]

    def passes(trial_id: str, row: tuple[Any, ...]) -> bool:
        surgeon, number, success, count, cohort, status, size = row
        has_label = any(box["trial_id"] == trial_id for box in kept_boxes)
        wanted = [
            (success, chosen.outcomes),
            (surgeon or None, chosen.surgeons),
            (number, chosen.trial_numbers),
            (cohort, chosen.cohorts),
            (status, chosen.training_statuses),
            (None if None in size else size, chosen.sizes),
            (count > 0, () if chosen.has_frames is None else (chosen.has_frames,)),
            (has_label, (True,) if chosen.labels else ()),
        ]
        return all(not allowed or value in allowed for value, allowed in wanted)

    keep = [trial for trial, row in zip(dataset.trials.index, rows, strict=True) if passes(trial, row)]
    part = apply(dataset, chosen)
    assert part.trials.index.to_list() == keep
    pd.testing.assert_frame_equal(part.trials, dataset.trials.loc[keep])
    frames = [frame for frame in dataset.frames.to_dict("records") if frame["trial_id"] in keep]
    assert part.frames.to_dict("records") == frames
    assert part.boxes["frame"].to_list() == [box["frame"] for box in kept_boxes if box["trial_id"] in keep]
    assert part.boxes["label"].to_list() == [box["label"] for box in kept_boxes if box["trial_id"] in keep]


@pytest.mark.slow
@settings(max_examples=12, deadline=None)
@given(st.lists(TRIAL, max_size=12), st.lists(BOX, max_size=25))
def test_each_choice_finds_something_and_all_choices_of_a_field_find_everything(
    rows: list[Any], box_rows: list[Any]
) -> None:
    dataset = drawn(rows, box_rows)
    offered = choices(dataset)
    for name in ("outcomes", "surgeons", "trial_numbers", "cohorts", "training_statuses", "labels", "sizes"):
        values = getattr(offered, name)
        assert all(len(apply(dataset, TrialFilter(**{name: (value,)})).trials) for value in values)
        if name != "labels":
            assert len(apply(dataset, TrialFilter(**{name: values})).trials) == len(rows)
    assert all(len(apply(dataset, TrialFilter(has_frames=flag)).trials) for flag in offered.has_frames)
    assert len(frame_sizes(dataset.trials)) == len(rows)
