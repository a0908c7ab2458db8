"""Saved views on the command line: split, train, evaluate, compare, convert."""

import json
from pathlib import Path

import pytest

from socal_core.cli import main
from socal_core.dataset import layout
from socal_core.dataset.filter_text import filter_to_json
from socal_core.dataset.filters import TrialFilter, apply
from socal_core.dataset.opening import open_dataset
from socal_core.dataset.saved_views import delete_view, save_view
from socal_core.errors import ConfigError, DataError
from socal_core.evaluation.trial_scores import metrics_of_test_trials
from socal_core.lifecycle.further import make_run
from socal_core.runs.folder import RunFolder
from socal_core.settings import TINY, config_from
from socal_core.splits import dataset_of_run, split_dataset
from socal_core.training.run_split import split_of
from tests.made_runs import write_run
from tests.made_target_runs import NUMBER, write_target_dataset, write_target_run

FIRST = TrialFilter(trial_numbers=(1,))


@pytest.fixture
def view(shared_data_folder: Path) -> str:
    return save_view(shared_data_folder, "first trials", FIRST)


def run_cli(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_a_split_of_a_view_has_only_its_trials(
    capsys: pytest.CaptureFixture[str], shared_data_folder: Path, view: str
) -> None:
    code, out, _ = run_cli(capsys, "split", shared_data_folder, "--set", f"view={view}", "--json")
    found = json.loads(out)
    trials = found["train"] + found["validation"] + found["test"]
    assert code == 0
    assert sorted(trials) == sorted(apply(open_dataset(shared_data_folder), FIRST).trials.index)
    code, _, err = run_cli(capsys, "split", shared_data_folder, "--set", "view=others")
    assert code == 2
    assert "which are first trials, got 'others'" in err


def test_a_run_keeps_the_filter_when_its_view_is_deleted(tmp_path: Path, shared_data_folder: Path, view: str) -> None:
    run = make_run(tmp_path / "run", config_from({"view": view}, TINY), shared_data_folder)
    delete_view(shared_data_folder, view)
    config = RunFolder.open(run.path).read_config()
    assert (config.split.view, config.split.trials) == (view, filter_to_json(FIRST))
    split = split_of(run, config.split, run.open_dataset(), main_process=True)
    assert all(trial.endswith("T1") for trial in split.trial_ids)
    again = make_run(tmp_path / "again", config, shared_data_folder)
    assert split_of(again, config.split, again.open_dataset(), main_process=True) == split


def test_another_view_takes_its_own_filter(tmp_path: Path, shared_data_folder: Path, view: str) -> None:
    run = make_run(tmp_path / "run", config_from({"view": view}, TINY), shared_data_folder)
    config = run.read_config()
    save_view(shared_data_folder, "second trials", TrialFilter(trial_numbers=(2,)))
    changed = make_run(tmp_path / "other", config.replace(view="second trials"), shared_data_folder).read_config()
    assert changed.split.trials == '{"trial_numbers": [2]}'
    assert config.replace(num_frames=8).split.trials == config.split.trials
    assert config.replace(view="").split.trials == ""


def test_a_view_without_its_filter_is_not_all_trials(shared_data_folder: Path) -> None:
    with pytest.raises(ConfigError, match="must be the filter of view x"):
        dataset_of_run(open_dataset(shared_data_folder), config_from({"view": "x"}, TINY))


def test_a_view_that_matches_nothing_says_so(shared_data_folder: Path) -> None:
    config = config_from({"view": "gone", "trials": '{"surgeons": ["999"]}'}, TINY)
    with pytest.raises(DataError, match=r"The view gone matches no usable trial .*surgeon 999"):
        split_dataset(dataset_of_run(open_dataset(shared_data_folder), config), config.split)


def test_a_filter_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(ConfigError, match="trials: must be the filter of a view, but it is not JSON"):
        config_from({"trials": "T1 only"}, TINY)


def test_evaluate_scores_the_trials_of_the_view(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, shared_data_folder: Path, view: str
) -> None:
    run = write_run(tmp_path / "run", shared_data_folder, test_fraction=0.4, skill=0.3)
    code, out, err = run_cli(capsys, "evaluate", run.path, "--view", view, "--json")
    found, predictions = json.loads(out), run.read_predictions()
    of_view = predictions[(predictions["split"] != "test") | predictions["trial_id"].str.endswith("T1")]
    expected = metrics_of_test_trials(of_view)
    assert code == 0
    assert (found["n"], found["auroc"], found["accuracy"]) == (4, expected["auroc"], expected["accuracy"])
    assert "Only the 4 test trials in the view first trials" in err
    majority = next(row for row in found["controls"] if row["key"] == "majority")
    test = of_view[of_view["split"] == "test"]
    rate = (predictions.loc[predictions["split"] == "train", "label"].mean() >= 0.5).astype(int)
    assert majority["accuracy"] == (test["label"] == rate).mean()
    assert len(majority["probabilities"]) == 4
    save_view(shared_data_folder, "nobody", TrialFilter(surgeons=("999",)))
    code, out, err = run_cli(capsys, "evaluate", run.path, "--view", "nobody")
    assert (code, out) == (2, "")
    assert "None of the 8 test trials of run run is in the view nobody." in err


@pytest.mark.slow
def test_evaluate_scores_another_target_on_the_view(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, view: str
) -> None:
    data = write_target_dataset(tmp_path / "data")
    save_view(data, view, FIRST)
    run = write_target_run(tmp_path / "run", data, NUMBER)
    whole = run.read_metrics()
    _, out, _ = run_cli(capsys, "evaluate", run.path, "--view", view, "--json")
    found = json.loads(out)
    assert found["n"] == sum(trial["trial_id"].endswith("T1") for trial in whole["trials"]) < whole["n"]
    assert [row["key"] for row in found["controls"]] == [row["key"] for row in whole["controls"]]


def test_compare_on_a_view(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, shared_data_folder: Path, view: str
) -> None:
    runs = [write_run(tmp_path / name, shared_data_folder, skill=skill) for name, skill in (("a", 0.7), ("b", 0.3))]
    code, out, _ = run_cli(capsys, "compare", runs[0].path, runs[1].path, "--view", view, "--json")
    found, whole = json.loads(out), runs[0].read_metrics()["n"]
    assert code == 0
    assert 0 < found["trials"] < whole
    assert found["notes"][0] == f"Only the test trials in the view first trials are compared, of {whole}."


def test_convert_writes_only_the_trials_of_the_view(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, shared_data_folder: Path, view: str
) -> None:
    out = tmp_path / "out"
    code, _, _ = run_cli(capsys, "convert", shared_data_folder, out, "--to", "coco", "--view", view)
    written, part = open_dataset(out), apply(open_dataset(shared_data_folder), FIRST)
    assert code == 0
    assert list(written.trials.index) == list(part.trials.index)
    assert (len(written.frames), len(written.boxes)) == (len(part.frames), len(part.boxes))
    assert not written.problems
    rows = (shared_data_folder / layout.OUTCOMES_FILE).read_bytes().splitlines(keepends=True)
    kept = b"".join(row for row in rows if not row.split(b",")[0].endswith(b"T2"))
    assert (out / layout.OUTCOMES_FILE).read_bytes() == kept
    save_view(shared_data_folder, "nobody", TrialFilter(surgeons=("999",)))
    code, _, err = run_cli(capsys, "convert", shared_data_folder, tmp_path / "x", "--to", "coco", "--view", "nobody")
    assert code == 2
    assert "No trial matches the view (surgeon 999)" in err
    assert not (tmp_path / "x").exists()
