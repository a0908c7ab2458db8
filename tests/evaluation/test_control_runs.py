"""Controls that are runs: shuffled frames, shuffled outcomes, and their rows beside the result."""

from pathlib import Path

import numpy as np
import pytest

from socal_core.clips.plan import ClipId, ClipPlan
from socal_core.dataset.opening import open_dataset
from socal_core.errors import RunError
from socal_core.evaluation.alarms import times_tested
from socal_core.evaluation.compare import auroc_difference
from socal_core.evaluation.control_runs import (
    rows_of_control_runs,
    rows_of_target_control_runs,
    what_controls_show,
)
from socal_core.evaluation.metrics import auroc
from socal_core.lifecycle.control import KINDS, controls_of, is_control, make_control
from socal_core.lifecycle.state import RunState
from socal_core.runs.folder import RunFolder
from socal_core.settings import TINY, Control, config_from
from socal_core.splits import split_dataset
from socal_core.training.run_split import with_outcomes_of_control
from socal_core.training.worker import work
from tests.made_runs import write_run
from tests.made_target_runs import NUMBER, write_target_dataset, write_target_run
from tests.training.small_runs import new_run

FRAMES, OUTCOMES = KINDS


def plan(data: Path, **settings: object) -> ClipPlan:
    config = config_from({"num_frames": 8, "test_clips": 2, **settings}, TINY)
    return ClipPlan(open_dataset(data), config.clip, config.split.seed)


@pytest.mark.slow
@pytest.mark.parametrize("sampling", ["uniform", "segments"])
def test_frames_are_shuffled_the_same_way_in_every_clip_of_a_trial(shared_data_folder: Path, sampling: str) -> None:
    ordered = plan(shared_data_folder, sampling=sampling)
    shuffled = plan(shared_data_folder, sampling=sampling, control=FRAMES)
    orders = {}
    for trial in ("S100T1", "S101T2"):
        for clip in (ClipId(trial), ClipId(trial, number=1), ClipId(trial, epoch=1), ClipId(trial, epoch=2)):
            before, after = ordered.indices_of(clip), shuffled.indices_of(clip)
            assert sorted(before) == sorted(after)
            assert before == sorted(before)
            assert after != before
            assert after == shuffled.indices_of(clip)
            if len(set(before)) == len(before):
                orders.setdefault(trial, set()).add(tuple(before.index(index) for index in after))
    assert all(len(found) == 1 for found in orders.values())
    assert orders["S100T1"] != orders["S101T2"]
    other = plan(shared_data_folder, sampling=sampling, control=FRAMES, seed=1)
    assert other.indices_of(ClipId("S100T1")) != shuffled.indices_of(ClipId("S100T1"))


@pytest.mark.parametrize("target", ["success", NUMBER])
def test_outcomes_are_exchanged_within_training_and_within_validation(tmp_path: Path, target: str) -> None:
    data = write_target_dataset(tmp_path / "data")
    config = config_from({"target": target, "control": OUTCOMES, "validation_fraction": 0.3}, TINY)
    run = RunFolder.create(tmp_path / "run", config, data)
    dataset = run.open_dataset()
    split = split_dataset(dataset, config.split)
    shuffled = with_outcomes_of_control(dataset, split, config)
    before, after = dataset.target_values, shuffled.target_values
    for trials in (split.train, split.validation):
        assert sorted(before[list(trials)]) == sorted(after[list(trials)])
    assert (before[list(split.train)] != after[list(split.train)]).any()
    assert (before[list(split.test)] == after[list(split.test)]).all()
    assert (after == with_outcomes_of_control(dataset, split, config).target_values).all()
    assert (after != with_outcomes_of_control(dataset, split, config.replace(seed=1)).target_values).any()
    assert with_outcomes_of_control(dataset, split, config.replace(control="none")) is dataset


@pytest.fixture
def run(tmp_path: Path, shared_data_folder: Path) -> RunFolder:
    return write_run(tmp_path / "run", shared_data_folder, test_fraction=0.4, skill=0.7)


def test_a_control_has_the_settings_and_the_split_of_its_run(run: RunFolder) -> None:
    made = make_control(run, FRAMES)
    assert made.name == "run-shuffled-frames"
    assert made.read_split() == run.read_split()
    assert made.read_config() == run.read_config().replace(control=FRAMES)
    assert controls_of(run) == {FRAMES: [made], OUTCOMES: []}
    assert controls_of(made) == {FRAMES: [], OUTCOMES: []}
    assert is_control(made)
    assert not is_control(run)
    assert make_control(run, FRAMES).name == "run-shuffled-frames-2"
    with pytest.raises(RunError, match="is a control itself"):
        make_control(made, OUTCOMES)


def test_runs_with_other_settings_or_another_split_are_no_controls(
    run: RunFolder, shared_data_folder: Path, tmp_path: Path
) -> None:
    same = {"test_fraction": 0.4, "control": FRAMES}
    write_run(tmp_path / "other-rate", shared_data_folder, **same, learning_rate=1e-5)
    write_run(tmp_path / "other-seed", shared_data_folder, **same, seed=1)
    write_run(tmp_path / "unfinished", shared_data_folder, RunState.STOPPED, **same)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "config.json").write_text("{")
    assert [other.name for other in controls_of(run)[FRAMES]] == ["unfinished"]
    assert rows_of_control_runs(run, run.read_predictions()) == []


def test_a_finished_control_stands_beside_the_result(run: RunFolder, shared_data_folder: Path, tmp_path: Path) -> None:
    other = write_run(tmp_path / "other", shared_data_folder, test_fraction=0.4, skill=0.0, control=FRAMES, gpus=2)
    shuffled = other.read_predictions()
    other.write_predictions(shuffled.iloc[::-1])  # their order does not matter
    (row,) = rows_of_control_runs(run, run.read_predictions())
    test = [table[table["split"] == "test"] for table in (run.read_predictions(), shuffled)]
    expected = auroc_difference(
        test[0]["label"], test[0]["prob_success"], test[1]["prob_success"], test[0]["participant_id"]
    )
    assert row["key"] == FRAMES
    assert row["auroc"] == auroc(test[1]["label"], test[1]["prob_success"])
    assert (row["difference"], row["difference_interval"]) == (expected.value, expected.interval)
    assert row["accuracy"] == (test[1]["label"] == test[1]["predicted"]).mean()
    assert "is not shown" in what_controls_show([row])[0]
    above = {**row, "verdict": "above"}
    assert what_controls_show([above, {**above, "key": OUTCOMES}]) == [
        "The model is better than the same model on shuffled frames: it uses the order of the frames.",
        "The model is better than the same model on shuffled outcomes: it has learnt from the outcomes.",
    ]
    part = run.read_predictions()
    part = part[(part["split"] != "test") | part["trial_id"].str.endswith("T1")]
    assert len(rows_of_control_runs(run, part)[0]["probabilities"]) == 4
    assert times_tested(run) == 1
    changed = shuffled.assign(label=np.where(shuffled["split"] == "test", 1 - shuffled["label"], shuffled["label"]))
    other.write_predictions(changed)
    assert rows_of_control_runs(run, run.read_predictions()) == []


@pytest.mark.slow
def test_a_control_of_another_target_is_scored_in_its_unit(tmp_path: Path) -> None:
    data = write_target_dataset(tmp_path / "data")
    run = write_target_run(tmp_path / "run", data, NUMBER)
    write_target_run(tmp_path / "other", data, NUMBER, skill=0.0, control=OUTCOMES)
    (row,) = rows_of_target_control_runs(run, run.read_predictions(), run.read_target())
    assert row["key"] == OUTCOMES
    assert row["scores"]["rmse"] > run.read_metrics()["scores"]["rmse"]
    assert row["difference"] < 0


@pytest.mark.slow
def test_trained_controls_differ_from_their_run(tmp_path: Path, shared_data_folder: Path) -> None:
    """With frozen features of the default encoders: a control for each kind, trained and found."""
    run = new_run(tmp_path / "run", shared_data_folder, recipe="frozen", encoder="video", test_fraction=0.4)
    made = [run]
    assert work(run, resume=False) is RunState.DONE
    for kind in KINDS:
        made.append(make_control(run, kind))
        assert work(made[-1], resume=False) is RunState.DONE
    tables = [each.read_predictions().set_index("trial_id") for each in made]
    subsets, labels, probabilities = ([table[name] for table in tables] for name in ("split", "label", "prob_success"))
    assert all((found == subsets[0]).all() for found in subsets)
    assert (labels[1] == labels[0]).all()
    test = subsets[0] == "test"
    assert (labels[2][test] == labels[0][test]).all()
    assert (labels[2][~test] != labels[0][~test]).any()
    for found in probabilities[1:]:
        assert not np.allclose(found, probabilities[0])
    assert [row["key"] for row in rows_of_control_runs(run, run.read_predictions())] == list(KINDS)
    assert Control.NONE not in KINDS
