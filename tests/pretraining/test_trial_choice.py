"""socal_core.pretraining.trial_choice: which trials a model may see before it is tested on others."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from socal_core.dataset import layout
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.opening import open_dataset
from socal_core.errors import DataError
from socal_core.pretraining.frame_settings import pretraining_config
from socal_core.pretraining.trial_choice import TrialChoice, choose_trials
from socal_core.splits import make_split, random_split
from tests.factories import write_dataset


def choose(data: Path | Dataset, include_test: bool = False, **settings: Any) -> TrialChoice:
    dataset = data if isinstance(data, Dataset) else open_dataset(data)
    return choose_trials(dataset, pretraining_config({"num_frames": 4, **settings}), include_test)


def change_outcomes(data: Path, values: Mapping[str, Mapping[str, object]]) -> None:
    """Set values of the outcomes table: by trial, by column."""
    path = data / layout.OUTCOMES_FILE
    table = pd.read_csv(path, dtype=str, index_col="trial_id")
    for trial, changes in values.items():
        for column, value in changes.items():
            table.loc[trial, column] = value
    table.to_csv(path)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_surgeons_of_the_test_subset_are_excluded(shared_data_folder: Path, seed: int) -> None:
    dataset = open_dataset(shared_data_folder)
    split = make_split(dataset.usable_trials, pretraining_config({"seed": seed}).split)
    choice = choose(dataset, seed=seed)
    assert choice.trials == tuple(sorted({*split.train, *split.validation}))
    assert choice.excluded_surgeons == tuple(sorted({trial[1:4] for trial in split.test}))
    assert choice.left_out == {}


def test_all_surgeons_are_used_on_demand(shared_data_folder: Path) -> None:
    choice = choose(shared_data_folder, include_test=True)
    assert len(choice.trials) == 20
    assert choice.excluded_surgeons == ()


def test_trials_without_an_outcome_are_used_if_their_surgeon_is_not_tested(data_folder: Path) -> None:
    before = choose(data_folder)
    tested = before.excluded_surgeons[0]
    kept = before.trials[0]
    change_outcomes(data_folder, {f"S{tested}T2": {"success": ""}, kept: {"success": ""}})
    dataset = open_dataset(data_folder)
    assert {kept, f"S{tested}T2"} <= set(dataset.trials.index) - set(dataset.usable_trials.index)
    choice = choose(dataset)
    for trial in (kept, f"S{tested}T2"):
        assert (trial in choice.trials) == (trial[1:4] not in choice.excluded_surgeons)
    assert any(trial not in dataset.usable_trials.index for trial in choice.trials)


def test_trials_of_the_tested_cohort_are_excluded_also_without_an_outcome(data_folder: Path) -> None:
    demographics = data_folder / layout.DEMOGRAPHICS_FILE
    table = pd.read_csv(demographics, dtype=str)
    table["cohort"] = ["A"] * 4 + ["B"] * 5 + [""]
    table.to_csv(demographics, index=False)
    change_outcomes(data_folder, {"S100T1": {"success": ""}, "S100T2": {"success": ""}})
    choice = choose(data_folder, split_method="column", split_column="cohort", split_value="A")
    assert {trial[1:4] for trial in choice.trials} == {"104", "105", "106", "107", "108"}
    assert choice.excluded_surgeons == ("100", "101", "102", "103", "109")


def test_a_trial_of_an_unknown_surgeon_may_be_tested(shared_data_folder: Path) -> None:
    dataset = open_dataset(shared_data_folder)
    trials = dataset.trials.copy()
    trials.loc["S100T1", ["participant_id", "usable"]] = ["", False]
    choice = choose(replace(dataset, trials=trials))
    assert "S100T1" not in choice.trials
    assert choice.left_out == {"S100T1": "S100T1: its surgeon is unknown and may be in the test subset."}
    assert "" not in choice.excluded_surgeons


def test_one_surgeon_only(tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "data", surgeons=1)
    change_outcomes(data, {"S100T1": {"success": "1"}, "S100T2": {"success": "0"}})
    with pytest.raises(DataError, match=r"no split: The usable trials are of 1 surgeons.* give --include-test\."):
        choose(data)
    assert choose(data, include_test=True).trials == ("S100T1", "S100T2")


def test_without_outcomes_there_is_no_test_subset(data_folder: Path) -> None:
    (data_folder / layout.OUTCOMES_FILE).unlink()
    with pytest.raises(DataError, match=r"there is no split: .* give --include-test\."):
        choose(data_folder)
    assert len(choose(data_folder, include_test=True).trials) == 20


def test_a_random_split_may_leave_no_surgeon(tmp_path: Path) -> None:
    dataset = open_dataset(write_dataset(tmp_path / "data", surgeons=3))
    splits = {seed: random_split(dataset.usable_trials, 0.15, 0.7, seed) for seed in range(20)}
    seed = next(seed for seed, split in splits.items() if len({trial[1:4] for trial in split.test}) == 3)
    with pytest.raises(DataError, match=r"None of the 6 trials .* Choose another split_method"):
        choose(dataset, split_method="random", test_fraction=0.7, seed=seed)


def test_trials_with_fewer_frames_than_a_clip_are_left_out(data_folder: Path) -> None:
    for number in range(4, 13):
        (data_folder / layout.IMAGES_DIR / f"S101T1_frame_{number:08d}.jpeg").unlink()
    choice = choose(data_folder, include_test=True)
    assert choice.left_out == {"S101T1": "S101T1: the window has 3 frames, fewer than the 4 of a clip."}
    assert "S101T1" not in choice.trials
    with pytest.raises(
        DataError, match=r"has the 16 frames of a clip \(num_frames\) in the window \(whole trial\)\. Set"
    ):
        choose(data_folder, num_frames=16)
    with pytest.raises(DataError, match=r"\(num_frames\) in the window \(seconds 50 to 60\)"):
        choose(data_folder, window="50:60")
