"""socal_core.clips.plan: which frames the clips of a run contain."""

from pathlib import Path

import pytest

from socal_core.clips.plan import ClipId, ClipPlan, frames_of_run
from socal_core.clips.sampling import derive_seed, segments
from socal_core.dataset.opening import open_dataset
from socal_core.errors import DataError
from socal_core.settings import TINY, config_from
from socal_core.splits import Split

# The trials of the folder have 12 frames.


def plan(folder: Path, **settings: object) -> ClipPlan:
    values = {"recipe": "finetune", "num_frames": 4, "test_clips": 1, **settings}
    config = config_from(values, TINY)
    return ClipPlan(open_dataset(folder), config.clip, config.split.seed)


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"window": "whole"}, [[0, 4, 7, 11]]),
        ({"window": "0:6"}, [[0, 2, 3, 5]]),
        ({"window": "4:8"}, [[4, 5, 6, 7]]),
        ({"window": "0:-8"}, [[0, 1, 2, 3]]),
        ({"window": "3:-5"}, [[3, 4, 5, 6]]),
        ({"window": "4:12", "test_clips": 2}, [[4, 6, 8, 10], [5, 7, 9, 11]]),
        ({"window": "whole", "sampling": "dense", "stride": 2}, [[2, 4, 6, 8]]),
    ],
    ids=str,
)
def test_clips_for_validation_and_test(
    shared_data_folder: Path, settings: dict[str, object], expected: list[list[int]]
) -> None:
    made = plan(shared_data_folder, **settings)
    clips = made.evaluation_clips("S100T1")
    assert clips == [ClipId("S100T1", number=number) for number in range(len(expected))]
    assert [made.indices_of(clip) for clip in clips] == expected


def test_seed_epoch_and_trial_determine_a_training_clip(shared_data_folder: Path) -> None:
    made = plan(shared_data_folder, window="4:12", sampling="segments", seed=5)
    for trial, epoch in [("S100T1", 1), ("S100T1", 2), ("S101T2", 1)]:
        expected = segments(8, 4, derive_seed(5, epoch, "frames", trial)) + 4
        assert made.indices_of(ClipId(trial, epoch)) == expected.tolist()


@pytest.mark.slow
def test_the_wanted_frames_are_those_that_some_clip_can_contain(shared_data_folder: Path) -> None:
    settings = {"window": "4:12", "sampling": "segments", "test_clips": 2}
    made = plan(shared_data_folder, **settings)
    wanted = {trial.trial_id: indices for trial, indices in made.wanted(["S100T1", "S101T1"], ["S101T1"])}
    assert wanted == {"S100T1": [4, 5, 6, 7, 8, 9, 10, 11], "S101T1": list(range(4, 12))}
    made = plan(shared_data_folder, window="4:12", sampling="segments")
    wanted = {trial.trial_id: indices for trial, indices in made.wanted(["S100T1", "S101T1"], ["S101T1"])}
    assert wanted == {"S100T1": [4, 6, 9, 11], "S101T1": list(range(4, 12))}
    made = plan(shared_data_folder, window="4:12")
    assert [indices for _, indices in made.wanted(["S100T1", "S101T1"], ["S101T1"])] == [[4, 6, 9, 11]] * 2


def test_a_trial_without_a_frame_in_the_window_is_left_out(shared_data_folder: Path) -> None:
    made = plan(shared_data_folder, window="100:160")
    assert made.wanted(["S100T1"], ["S100T1"]) == []
    with pytest.raises(DataError, match=r"S100T1: no frame in the window \(seconds 100 to 160\)"):
        made.indices_of(ClipId("S100T1"))


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["finetune", "frozen"])
def test_a_run_with_frozen_features_has_no_training_clips(shared_data_folder: Path, recipe: str) -> None:
    config = config_from({"recipe": recipe, "num_frames": 4, "test_clips": 1, "sampling": "segments"}, TINY)
    split = Split(("S100T1",), ("S101T1",), ("S102T1",), 0)
    wanted = {
        trial.trial_id: indices for trial, indices in frames_of_run(open_dataset(shared_data_folder), config, split)
    }
    evaluated = [0, 4, 7, 11]
    assert wanted["S101T1"] == wanted["S102T1"] == evaluated
    assert wanted["S100T1"] == (evaluated if recipe == "frozen" else list(range(12)))
