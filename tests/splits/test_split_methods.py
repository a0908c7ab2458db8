"""The methods of splitting, chosen by the settings: published trials, a column, folds, random trials."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from socal_core.dataset import layout
from socal_core.dataset.opening import open_dataset
from socal_core.errors import ConfigError, DataError
from socal_core.presets import SOCAL
from socal_core.settings import SplitMethod, SplitSettings
from socal_core.splits import (
    SOCAL20_TRIALS,
    Split,
    column_split,
    describe,
    k_fold_split,
    left_out,
    make_split,
    random_split,
    socal20_split,
    split_warning,
    surgeon_split,
    surgeons_in_common,
    warning_of,
)
from tests.splits.split_tables import table


def published() -> pd.DataFrame:
    """The twenty published trials, and twelve other surgeons."""
    ten = table([[1, 0]] * 10, surgeons=[trial[1:-2] for trial in SOCAL20_TRIALS[::2]])
    return pd.concat([table([[0, 1], [1, 1], [0, 0]] * 4), ten])


def test_the_published_test_trials() -> None:
    assert len(set(SOCAL20_TRIALS)) == 20
    trials = published()
    split = socal20_split(trials, 0.25, 0)
    assert split.test == tuple(sorted(SOCAL20_TRIALS))
    assert describe(split, trials)["trials"].tolist() == [18, 6, 20], "validation: 0.25 of the trials outside the test"
    assert surgeons_in_common(split, trials) == 0


def test_missing_published_trials_are_named() -> None:
    with pytest.raises(DataError, match=r"2 are not among the usable ones: S203T1, S807T2\."):
        socal20_split(published().drop(index=["S203T1", "S807T2"]), 0.2, 0)


def test_another_trial_of_a_published_surgeon_is_left_out() -> None:
    trials = pd.concat([published(), table([[1]], surgeons=["403"], first_number=3)])
    split = socal20_split(trials, 0.2, 0)
    assert left_out(split, trials) == ("S403T3",)


def cohorts(*names: str | None) -> pd.DataFrame:
    """One surgeon of two trials, a failure and a success, for each cohort."""
    trials = table([[0, 1]] * len(names))
    return trials.assign(cohort=pd.Series([name for name in names for _ in range(2)], trials.index, dtype="str"))


def test_one_cohort_is_left_out_for_the_test() -> None:
    trials = cohorts("USC", "EMORY", "USC", "ATLS", None, "EMORY")
    split = column_split(trials, "cohort", " USC ", 0.3, 0)
    assert split.test == ("S100T1", "S100T2", "S102T1", "S102T2")
    assert left_out(split, trials) == ("S104T1", "S104T2"), "surgeon 104 may belong to the cohort"
    assert describe(split, trials)["surgeons"].tolist() == [2, 1, 2]


@pytest.mark.parametrize("value", ["UCLA", "usc", "", "nan"])
def test_an_unknown_value_is_refused_with_the_known_ones(value: str) -> None:
    with pytest.raises(ConfigError, match="cohort of the usable trials: EMORY, USC, got") as caught:
        column_split(cohorts("USC", "EMORY", "USC", None), "cohort", value, 0.2, 0)
    assert caught.value.field == "split_value"


@pytest.mark.parametrize("column", SOCAL.reasons)
def test_a_split_by_an_outcome_is_refused(column: str) -> None:
    with pytest.raises(ConfigError, match="not an outcome") as caught:
        column_split(cohorts("USC", "EMORY", "EMORY").assign(tth=1.0), column, "1.0", 0.2, 0)
    assert caught.value.field == "split_column"
    assert SOCAL.reasons[column] in str(caught.value)
    assert repr(column) in str(caught.value)


def test_every_outcome_of_the_file_is_refused() -> None:
    inputs = {"trial_id", "participant_id", "trial_video_width", "trial_video_height"}
    assert set(SOCAL.reasons) == set(layout.OUTCOME_COLUMNS) - inputs


@pytest.mark.parametrize(
    ("trials", "message"),
    [
        (cohorts("USC", "USC", "USC"), "trials of 0 surgeons"),
        (cohorts("USC", "USC", "EMORY"), "trials of 1 surgeons"),
        (cohorts(None, None, None), "No usable trial has a known cohort"),
        (table([[0, 1]] * 4), "No usable trial has a known cohort"),
        (table([[0, 1], [1], [1]]).assign(cohort=["USC", "USC", "EMORY", "EMORY"]), "end in success"),
        (cohorts("USC", "EMORY", "EMORY").assign(cohort=["USC", *["EMORY"] * 5]), "100 has more than one cohort"),
    ],
)
def test_a_column_that_cannot_be_split_by(trials: pd.DataFrame, message: str) -> None:
    with pytest.raises(DataError, match=message):
        column_split(trials, "cohort", "USC", 0.2, 0)


def test_folds_of_two_hundred_surgeons_take_no_noticeable_time() -> None:
    chance = np.random.default_rng(0)
    trials = table([chance.integers(0, 2, 2).tolist() for _ in range(200)])
    start = time.perf_counter()
    sizes = describe(k_fold_split(trials, 10, 10, 0.1, 0), trials)
    assert time.perf_counter() - start < 1.0, "measured at 0.1 s"
    assert sizes["trials"].tolist() == [324, 36, 40]


def test_a_rare_outcome_is_spread_over_the_folds() -> None:
    trials = table([[1, 1]] * 17 + [[0, 0]] * 5)
    for fold in range(1, 6):
        assert describe(k_fold_split(trials, 5, fold, 0.1, 0), trials).loc["test", "failures"] == 2


@pytest.mark.parametrize(
    ("folds", "fold", "field"), [(1, 1, "folds"), (101, 1, "folds"), (5, 0, "fold"), (5, 6, "fold")]
)
def test_a_fold_out_of_range_is_refused(folds: int, fold: int, field: str) -> None:
    with pytest.raises(ConfigError) as caught:
        k_fold_split(table([[0, 1]] * 10), folds, fold, 0.1, 0)
    assert caught.value.field == field


def test_more_folds_than_surgeons_are_refused() -> None:
    with pytest.raises(DataError, match="of 4 surgeons; this split needs at least 5"):
        k_fold_split(table([[0, 1]] * 4), 5, 1, 0.1, 0)


@pytest.mark.parametrize("unknown", ["", None])
@pytest.mark.parametrize("method", [SplitMethod.SURGEON, SplitMethod.KFOLD])
def test_a_trial_of_an_unknown_surgeon_is_refused_and_named(method: SplitMethod, unknown: str | None) -> None:
    trials = table([[0, 1]] * 6)
    trials.loc["S103T2", "participant_id"] = unknown
    with pytest.raises(DataError, match="surgeon of S103T2 is unknown"):
        make_split(trials, SplitSettings(split_method=method))
    assert "S103T2" in make_split(trials, SplitSettings(split_method=SplitMethod.RANDOM)).trial_ids


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"split_method": SplitMethod.SURGEON, "test_fraction": 0.3}, surgeon_split(published(), 0.2, 0.3, 4)),
        ({"split_method": SplitMethod.SOCAL20}, socal20_split(published(), 0.2, 4)),
        ({"split_method": SplitMethod.KFOLD, "folds": 3, "fold": 2}, k_fold_split(published(), 3, 2, 0.2, 4)),
        ({"split_method": SplitMethod.RANDOM, "test_fraction": 0.3}, random_split(published(), 0.2, 0.3, 4)),
    ],
    ids=["surgeon", "socal20", "k-fold", "random"],
)
def test_the_settings_choose_the_method(values: dict[str, Any], expected: Split) -> None:
    settings = SplitSettings(validation_fraction=0.2, seed=4, **values)
    assert make_split(published(), settings) == expected
    assert expected.method is settings.split_method


def test_the_methods_take_a_data_set_as_it_is_opened(data_folder: Path) -> None:
    (data_folder / layout.DEMOGRAPHICS_FILE).write_text(
        "participant_id,cohort,specialty,training_status\n"
        + "".join(f"{100 + s},{'USC' if s < 3 else 'EMORY'},,{'NA' if s == 9 else 'Trainee'}\n" for s in range(10)),
        encoding="utf-8",
    )
    trials = open_dataset(data_folder).usable_trials
    split = make_split(trials, SplitSettings(split_method=SplitMethod.COLUMN, split_column="cohort", split_value="USC"))
    assert describe(split, trials)["surgeons"].tolist() == [6, 1, 3]
    with pytest.raises(DataError, match="No usable trial has a known specialty"):
        make_split(trials, SplitSettings(split_method=SplitMethod.COLUMN, split_column="specialty", split_value="ENT"))


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"split_method": SplitMethod.COLUMN}, "split_value"),
        ({"split_method": SplitMethod.COLUMN, "split_value": " "}, "split_value"),
        ({"split_method": SplitMethod.COLUMN, "split_value": "USC", "split_column": ""}, "split_column"),
        ({"split_column": "tth"}, "split_column"),
        ({"split_value": "USC"}, "split_value"),
        ({"folds": 3, "fold": 4}, "fold"),
        ({"validation_fraction": 0.5, "test_fraction": 0.5}, "validation_fraction"),
    ],
)
def test_settings_that_contradict_each_other(values: dict[str, Any], field: str) -> None:
    with pytest.raises(ConfigError) as caught:
        SplitSettings(**values)
    assert caught.value.field == field


def test_fractions_may_add_up_to_more_where_the_method_fixes_the_test_subset() -> None:
    settings = SplitSettings(split_method=SplitMethod.SOCAL20, validation_fraction=0.5, test_fraction=0.5)
    assert settings.validation_fraction == 0.5


def test_a_split_by_trial_gives_a_warning() -> None:
    trials = table([[0, 1]] * 20)
    split = random_split(trials, 0.2, 0.2, 0)
    warning = split_warning(split, trials)
    assert warning is not None
    assert f"{surgeons_in_common(split, trials)} of 20 surgeons" in warning
    assert "too good" in warning


def test_a_random_split_gives_a_warning_even_without_common_surgeons() -> None:
    trials = table([[0], [1]] * 5)
    split = random_split(trials, 0.2, 0.2, 0)
    assert surgeons_in_common(split, trials) == 0
    assert split_warning(split, trials) == warning_of(SplitMethod.RANDOM)


def test_a_surgeon_in_two_subsets_gives_a_warning_for_every_method() -> None:
    trials = table([[0, 1], [1, 0], [1, 1]])
    split = Split(("S100T1", "S101T1"), ("S101T2",), ("S102T1", "S102T2"), 0)
    assert "1 of 3 surgeons" in (split_warning(split, trials) or "")


@pytest.mark.parametrize("method", [method for method in SplitMethod if method is not SplitMethod.RANDOM])
def test_a_split_by_surgeon_gives_no_warning(method: SplitMethod) -> None:
    assert warning_of(method) is None
    trials = published().assign(cohort="USC")
    trials.loc[trials["participant_id"] < "106", "cohort"] = "EMORY"
    value = "USC" if method is SplitMethod.COLUMN else ""
    assert split_warning(make_split(trials, SplitSettings(split_method=method, split_value=value)), trials) is None
