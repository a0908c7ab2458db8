import json
import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from socal_core.dataset.splits import SIDES, Split, describe, surgeon_split, surgeons_in_common
from socal_core.errors import ConfigError, DataError


def table(outcomes: list[list[int]]) -> pd.DataFrame:
    """One surgeon per entry, one trial per outcome."""
    rows = [
        (f"S{100 + surgeon}T{number + 1}", str(100 + surgeon), success)
        for surgeon, successes in enumerate(outcomes)
        for number, success in enumerate(successes)
    ]
    trials = pd.DataFrame(rows, columns=["trial_id", "participant_id", "success"]).set_index("trial_id")
    return trials.astype({"success": "Int64"})


OUTCOMES = st.lists(st.lists(st.integers(0, 1), min_size=1, max_size=4), min_size=3, max_size=25).filter(
    lambda surgeons: len({success for trials in surgeons for success in trials}) == 2
)
FRACTIONS = st.sampled_from([(0.1, 0.1), (0.2, 0.2), (0.01, 0.8), (0.4, 0.4), (0.3, 0.05)])


@settings(max_examples=60, deadline=None)
@given(OUTCOMES, FRACTIONS, st.integers(0, 2**31 - 1), st.randoms(use_true_random=False))
def test_no_surgeon_is_on_two_sides(outcomes, fractions, seed, chance) -> None:  # type: ignore[no-untyped-def]
    trials = table(outcomes)
    split = surgeon_split(trials, *fractions, seed)
    assert sorted((*split.train, *split.validation, *split.test)) == sorted(trials.index), "each trial on one side"
    assert surgeons_in_common(split, trials) == 0
    assert all(len(getattr(split, side)) > 0 for side in SIDES)
    shuffled = list(trials.index)
    chance.shuffle(shuffled)
    assert surgeon_split(trials.loc[shuffled], *fractions, seed) == split


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("fractions", "sizes"), [((0.1, 0.1), [160, 20, 20]), ((0.2, 0.2), [120, 40, 40]), ((0.3, 0.05), [130, 60, 10])]
)
def test_sizes_and_classes_are_as_asked_for(fractions: tuple[float, float], sizes: list[int], seed: int) -> None:
    chance = np.random.default_rng(7)
    trials = table([chance.integers(0, 2, 2).tolist() for _ in range(100)])
    sides = describe(surgeon_split(trials, *fractions, seed), trials)
    assert sides["trials"].tolist() == sizes
    assert sides["surgeons"].tolist() == [size // 2 for size in sizes]
    assert (sides["successes"] - sides["trials"] * trials["success"].mean()).abs().max() <= 1
    assert (sides["failures"] + sides["successes"]).tolist() == sizes


def test_sizes_are_near_with_surgeons_of_many_and_of_few_trials() -> None:
    trials = table([[0, 1] * 6, [0, 1] * 5, [1, 0] * 4, [1, 0, 1], [0, 1], [0, 1], [1], [0], [1, 0, 0]])
    sides = describe(surgeon_split(trials, 0.1, 0.1, 0), trials)
    assert sides.loc["validation", "trials"] in (4, 5)
    assert sides.loc["test", "trials"] in (4, 5)
    assert (sides[["successes", "failures"]] > 0).all(axis=None)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("fraction", [0.05, 0.1])
def test_each_side_has_both_classes_where_surgeons_allow(fraction: float, seed: int) -> None:
    trials = table([[1, 1]] * 14 + [[0, 0]] * 3)
    sides = describe(surgeon_split(trials, fraction, fraction, seed), trials)
    assert (sides[["successes", "failures"]] > 0).all(axis=None)
    assert sides.loc[["validation", "test"], "trials"].tolist() == [4, 4], "for 0.05 one surgeon would be nearer"


def test_a_class_of_one_surgeon_goes_to_one_side() -> None:
    trials = table([[1, 1], [0, 0], [0, 0], [0, 0]])
    split = surgeon_split(trials, 0.25, 0.25, 0)
    assert sorted(len(getattr(split, side)) for side in SIDES) == [2, 2, 4]


def test_the_seed_changes_the_split_and_nothing_else_does() -> None:
    trials = table([[0, 1], [1, 0]] * 20)
    assert surgeon_split(trials, 0.1, 0.1, 3) == surgeon_split(trials.assign(noise=1.5), 0.1, 0.1, 3)
    assert len({surgeon_split(trials, 0.1, 0.1, seed).test for seed in range(10)}) > 5


def test_a_known_split_stays_as_it_is() -> None:
    trials = table([[0, 1], [1, 1], [0, 0], [1, 0], [1, 1], [0, 0]])
    split = surgeon_split(trials, 0.2, 0.2, 0)
    assert split == Split(
        train=("S101T1", "S101T2", "S102T1", "S102T2", "S104T1", "S104T2", "S105T1", "S105T2"),
        validation=("S100T1", "S100T2"),
        test=("S103T1", "S103T2"),
        seed=0,
    )


def test_two_hundred_surgeons_are_split_at_once() -> None:
    chance = np.random.default_rng(0)
    trials = table([chance.integers(0, 2, 2).tolist() for _ in range(200)])
    start = time.perf_counter()
    surgeon_split(trials, 0.1, 0.1, 0)
    assert time.perf_counter() - start < 1.0, "measured at 0.1 s"


@pytest.mark.parametrize(
    ("outcomes", "said"),
    [
        ([[0, 1], [1, 0]], "of 2 surgeons"),
        ([], "of 0 surgeons"),
        ([[1, 1], [1], [1]], "end in success"),
        ([[0, 0], [0], [0]], "end in failure"),
    ],
)
def test_what_cannot_be_split(outcomes: list[list[int]], said: str) -> None:
    with pytest.raises(DataError, match=said):
        surgeon_split(table(outcomes), 0.1, 0.1, 0)


def test_unknown_outcomes_are_refused() -> None:
    trials = table([[0, 1], [1, 0], [1, 1]])
    trials.loc["S100T1", "success"] = pd.NA
    with pytest.raises(DataError, match="known success"):
        surgeon_split(trials, 0.1, 0.1, 0)


@pytest.mark.parametrize(
    ("validation", "test", "field"),
    [
        (0.0, 0.1, "validation_fraction"),
        (0.1, 0.0, "test_fraction"),
        (0.1, 1.0, "test_fraction"),
        (-0.1, 0.1, "validation_fraction"),
        (float("nan"), 0.1, "validation_fraction"),
        (0.5, 0.5, "validation_fraction"),
    ],
)
def test_fractions_that_make_no_sense(validation: float, test: float, field: str) -> None:
    with pytest.raises(ConfigError) as caught:
        surgeon_split(table([[0, 1], [1, 0], [1, 1]]), validation, test, 0)
    assert caught.value.field == field


def test_a_split_survives_json() -> None:
    split = Split(("S1T1", "S1T2"), ("S2T1",), ("S3T1",), 7)
    assert split.as_dict() == {"train": ["S1T1", "S1T2"], "validation": ["S2T1"], "test": ["S3T1"], "seed": 7}
    assert split.trial_ids == ("S1T1", "S1T2", "S2T1", "S3T1")
    assert Split.from_dict(json.loads(json.dumps(split.as_dict()))) == split


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"train": ["a"], "validation": ["b"], "test": ["c"]},
        {"train": ["a"], "validation": ["b"], "test": ["c"], "seed": "0"},
        {"train": ["a"], "validation": ["b"], "test": None, "seed": 0},
        {"train": "a", "validation": ["b"], "test": ["c"], "seed": 0},
        {"train": [1], "validation": ["b"], "test": ["c"], "seed": 0},
    ],
)
def test_what_is_no_split(values: dict[str, object]) -> None:
    with pytest.raises(DataError, match="lists of trial ids"):
        Split.from_dict(values)


@pytest.mark.parametrize("sides", [(("a", "a"), ("b",), ("c",)), (("a",), ("b",), ("a",)), ((), ("a",), ("a",))])
def test_a_trial_on_two_sides_is_refused(sides: tuple[tuple[str, ...], ...]) -> None:
    with pytest.raises(DataError, match="a more than once"):
        Split(*sides, seed=0)


def test_a_surgeon_on_two_sides_is_seen() -> None:
    trials = table([[0, 1], [1, 0], [1, 1]])
    split = Split(("S100T1", "S101T1"), ("S101T2", "S102T2"), ("S100T2", "S102T1"), 0)
    assert surgeons_in_common(split, trials) == 3
    assert describe(split, trials)["surgeons"].tolist() == [2, 2, 2]


def test_a_split_of_other_data_is_refused() -> None:
    with pytest.raises(DataError, match="no trial S9T9"):
        describe(Split(("S100T1",), ("S101T1",), ("S9T9",), 0), table([[0], [1]]))
