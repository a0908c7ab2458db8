"""What a column of the outcomes holds, as the target of a run."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from socal_core.dataset.dataset import Dataset
from socal_core.dataset.opening import open_dataset
from socal_core.dataset.target_choice import target_columns, with_target
from socal_core.dataset.targets import SUCCESS_TARGET
from socal_core.errors import ConfigError
from tests.factories import write_dataset, write_outcomes

TRIALS = 8


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_dataset(tmp_path / "data", surgeons=TRIALS // 2, frames=1)


def opened(folder: Path, **columns: list[Any]) -> Dataset:
    return open_dataset(write_outcomes(folder, **columns))


def test_success_is_the_target_of_an_opened_folder(folder: Path) -> None:
    dataset = open_dataset(folder)
    assert dataset.target == SUCCESS_TARGET
    assert dataset.target_values.tolist() == dataset.usable_trials["success"].tolist()
    assert with_target(dataset, "success") is dataset


def test_a_measure_with_a_unit_is_a_number_and_unknown_values_are_left_out(folder: Path) -> None:
    dataset = with_target(opened(folder, blood_loss=[100, 200, "", 300, 400, "NA", 500, 600]), "blood_loss")
    target = dataset.target
    assert (target.label, target.unit, target.is_number, target.outputs) == ("Blood loss", "mL", True, 1)
    assert dataset.target_values.tolist() == [100, 200, 300, 400, 500, 600]
    unknown = dataset.trials.loc[~dataset.trials["usable"], "unusable_because"]
    assert unknown.to_dict() == {"S101T1": "blood_loss unknown", "S102T2": "blood_loss unknown"}
    assert dataset.strata.tolist() == [0, 0, 0, 1, 1, 1]


def test_a_trial_of_unknown_success_is_usable_for_another_target(folder: Path) -> None:
    dataset = opened(folder, success=["", 1, 0, 1, 0, 1, 0, 1], blood_loss=range(100, 900, 100))
    assert "S100T1" not in dataset.usable_trials.index
    assert "S100T1" in with_target(dataset, "blood_loss").usable_trials.index


@pytest.mark.parametrize(
    ("values", "classes", "indices"),
    [
        (
            ["good", "Fair", "poor", "GOOD", "fair", "poor", "good", "n/a"],
            ("Fair", "GOOD", "poor"),
            [1, 0, 2, 1, 0, 2, 1],
        ),
        (["yes", "no", "No", "YES", "no", "yes", "yes", "no"], ("No", "YES"), [1, 0, 0, 1, 0, 1, 1, 0]),
        ([1, 2, 3, "1.0", 10, 2, 3, 1], ("1", "2", "3", "10"), [0, 1, 2, 0, 3, 1, 2, 0]),
    ],
)
def test_text_and_few_whole_numbers_are_classes(
    folder: Path, values: list[Any], classes: tuple[str, ...], indices: list[int]
) -> None:
    dataset = with_target(opened(folder, Grade=values), "grade")
    assert (dataset.target.column, dataset.target.classes) == ("Grade", classes)
    assert dataset.target_values.tolist() == indices
    assert dataset.strata.tolist() == indices


def test_a_column_of_fractions_is_a_number(folder: Path) -> None:
    dataset = with_target(opened(folder, score=[0.5, 1, 2, 3, 4, 5, 6, 7]), "score")
    assert dataset.target.is_number
    assert dataset.target_values.tolist() == [0.5, 1, 2, 3, 4, 5, 6, 7]


def test_the_columns_that_may_be_a_target_are_listed(folder: Path) -> None:
    dataset = opened(folder, grade=["a", "b"] * 4, usable=[1] * TRIALS, cottonoid=[""] * TRIALS)
    expected = ["success", "cottonoid_success", "muscle", "muscle_success", "tth", "blood_loss", "grade"]
    assert target_columns(dataset.trials, dataset.preset) == expected


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("grade", None, "must be a column of the outcomes with values, which are success, cottonoid"),
        ("participant_id", None, "must be a column of the outcomes"),
        ("grade", ["x"] * TRIALS, "must differ between trials, but all with frames have x"),
        ("blood_loss", [5] * TRIALS, "must differ between trials, but all with frames have 5"),
        ("grade", [""] * TRIALS, "must be known for some trials"),
        ("grade", [100.5, "about 5", *range(300, 306)], "must be a number in each trial, but S100T2 has 'about 5'"),
    ],
)
def test_a_column_that_cannot_be_a_target_is_refused(
    folder: Path, column: str, values: list[Any] | None, message: str
) -> None:
    dataset = open_dataset(folder) if values is None else opened(folder, **{column: values})
    with pytest.raises(ConfigError, match=message):
        with_target(dataset, column)


def test_text_that_differs_in_most_trials_is_no_outcome(tmp_path: Path) -> None:
    folder = write_dataset(tmp_path / "data", surgeons=11, frames=1)
    with pytest.raises(ConfigError, match="at most 20 different texts"):
        with_target(opened(folder, note=[f"note {number}" for number in range(22)]), "note")


def test_rows_of_a_trial_that_contradict_each_other_leave_a_further_column_unknown(folder: Path) -> None:
    write_outcomes(folder, grade=["a", "b"] * 4)
    path = folder / "socal_trial_outcomes.csv"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines, lines[1].replace(",a", ",b")]) + "\n")
    trials = with_target(open_dataset(folder), "grade").trials
    assert trials.loc["S100T1", "unusable_because"] == "grade unknown"
    assert trials.loc["S100T1", "success"] == open_dataset(folder).trials.loc["S100T1", "success"]


def test_a_number_is_standardized_on_the_training_trials(folder: Path) -> None:
    target = with_target(opened(folder, blood_loss=range(100, 900, 100)), "blood_loss").target
    found = target.standardized_on(pd.Series([100.0, 200.0, 300.0]))
    assert (found.mean, found.scale) == (200.0, pytest.approx(81.6497, rel=1e-5))
    with pytest.raises(ConfigError, match="all have 7"):
        target.standardized_on(pd.Series([7.0, 7.0]))
