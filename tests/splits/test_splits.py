import json
import time

import numpy as np
import pandas as pd
import pytest

from socal_core.errors import ConfigError, DataError
from socal_core.settings import SplitMethod
from socal_core.splits import (
    SUBSETS,
    Split,
    describe,
    surgeon_split,
    surgeons_in_common,
)
from socal_core.splits.balance import make_folds, make_subsets
from tests.splits.split_tables import table


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("fractions", "sizes"), [((0.1, 0.1), [160, 20, 20]), ((0.2, 0.2), [120, 40, 40]), ((0.3, 0.05), [130, 60, 10])]
)
def test_sizes_and_classes_match_the_fractions(fractions: tuple[float, float], sizes: list[int], seed: int) -> None:
    chance = np.random.default_rng(7)
    trials = table([chance.integers(0, 2, 2).tolist() for _ in range(100)])
    subsets = describe(surgeon_split(trials, *fractions, seed), trials)
    assert subsets["trials"].tolist() == sizes
    assert subsets["surgeons"].tolist() == [size // 2 for size in sizes]
    assert (subsets["successes"] - subsets["trials"] * trials["success"].mean()).abs().max() <= 1
    assert (subsets["failures"] + subsets["successes"]).tolist() == sizes


def test_sizes_are_near_with_surgeons_of_many_and_of_few_trials() -> None:
    trials = table([[0, 1] * 6, [0, 1] * 5, [1, 0] * 4, [1, 0, 1], [0, 1], [0, 1], [1], [0], [1, 0, 0]])
    subsets = describe(surgeon_split(trials, 0.1, 0.1, 0), trials)
    assert subsets.loc["validation", "trials"] in (4, 5)
    assert subsets.loc["test", "trials"] in (4, 5)
    assert (subsets[["successes", "failures"]] > 0).all(axis=None)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("fraction", [0.05, 0.1])
def test_each_subset_has_both_classes_where_surgeons_allow(fraction: float, seed: int) -> None:
    trials = table([[1, 1]] * 14 + [[0, 0]] * 3)
    subsets = describe(surgeon_split(trials, fraction, fraction, seed), trials)
    assert (subsets[["successes", "failures"]] > 0).all(axis=None)
    assert subsets.loc[["validation", "test"], "trials"].tolist() == [4, 4], "for 0.05 one surgeon would be nearer"


def test_a_class_of_one_surgeon_goes_to_one_subset() -> None:
    trials = table([[1, 1], [0, 0], [0, 0], [0, 0]])
    split = surgeon_split(trials, 0.25, 0.25, 0)
    assert sorted(len(getattr(split, subset)) for subset in SUBSETS) == [2, 2, 4]


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


def test_two_hundred_surgeons_take_no_noticeable_time() -> None:
    chance = np.random.default_rng(0)
    trials = table([chance.integers(0, 2, 2).tolist() for _ in range(200)])
    start = time.perf_counter()
    surgeon_split(trials, 0.1, 0.1, 0)
    assert time.perf_counter() - start < 1.0, "measured at 0.1 s"


@pytest.mark.parametrize(
    ("outcomes", "message"),
    [
        ([[0, 1], [1, 0]], "of 2 surgeons"),
        ([], "of 0 surgeons"),
        ([[1, 1], [1], [1]], "end in success"),
        ([[0, 0], [0], [0]], "end in failure"),
    ],
)
def test_trials_that_cannot_be_split(outcomes: list[list[int]], message: str) -> None:
    with pytest.raises(DataError, match=message):
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
def test_fractions_out_of_range(validation: float, test: float, field: str) -> None:
    with pytest.raises(ConfigError) as caught:
        surgeon_split(table([[0, 1], [1, 0], [1, 1]]), validation, test, 0)
    assert caught.value.field == field


def test_a_split_is_the_same_after_json() -> None:
    split = Split(("S1T1", "S1T2"), ("S2T1",), ("S3T1",), 7)
    subsets = {"train": ["S1T1", "S1T2"], "validation": ["S2T1"], "test": ["S3T1"]}
    assert split.as_dict() == {**subsets, "seed": 7, "method": "surgeon"}
    assert split.trial_ids == ("S1T1", "S1T2", "S2T1", "S3T1")
    assert Split.from_dict(json.loads(json.dumps(split.as_dict()))) == split


def test_a_split_written_before_there_were_methods_is_by_surgeon() -> None:
    split = Split.from_dict({"train": ["a"], "validation": ["b"], "test": ["c"], "seed": 0})
    assert split.method is SplitMethod.SURGEON


@pytest.mark.parametrize("method", ["coin", None, 3, ["random"]])
def test_an_unknown_method_is_refused(method: object) -> None:
    with pytest.raises(DataError, match="method must be one of surgeon, socal20, column, k-fold, random"):
        Split.from_dict({"train": ["a"], "validation": ["b"], "test": ["c"], "seed": 0, "method": method})


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
def test_values_that_are_not_a_split(values: dict[str, object]) -> None:
    with pytest.raises(DataError, match="lists of trial ids"):
        Split.from_dict(values)


@pytest.mark.parametrize("subsets", [(("a", "a"), ("b",), ("c",)), (("a",), ("b",), ("a",)), ((), ("a",), ("a",))])
def test_a_trial_in_two_subsets_is_refused(subsets: tuple[tuple[str, ...], ...]) -> None:
    with pytest.raises(DataError, match="a more than once"):
        Split(*subsets, seed=0)


def test_a_surgeon_in_two_subsets_is_counted() -> None:
    trials = table([[0, 1], [1, 0], [1, 1]])
    split = Split(("S100T1", "S101T1"), ("S101T2", "S102T2"), ("S100T2", "S102T1"), 0)
    assert surgeons_in_common(split, trials) == 3
    assert describe(split, trials)["surgeons"].tolist() == [2, 2, 2]


def test_a_split_of_other_data_is_refused() -> None:
    with pytest.raises(DataError, match="no trial S9T9"):
        describe(Split(("S100T1",), ("S101T1",), ("S9T9",), 0), table([[0], [1]]))


def test_several_classes_are_distributed_evenly() -> None:
    surgeons = pd.Series([f"S{number // 2}" for number in range(120)], index=[f"T{number}" for number in range(120)])
    classes = pd.Series([number // 2 % 4 for number in range(120)], index=surgeons.index)
    for subset in (*make_subsets(surgeons, classes, (0.2, 0.2), seed=0), *make_folds(surgeons, classes, 4, seed=0)):
        counts = classes[list(subset)].value_counts()
        assert len(counts) == 4
        assert counts.max() - counts.min() <= 4
