"""socal_core.cli: every command as a user types it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest

from socal_core.cli import main
from socal_core.cli.bars import TrainingBar
from socal_core.evaluation.controls import comparison
from socal_core.lifecycle.lock import take_lock
from socal_core.lifecycle.state import RunState
from socal_core.lifecycle.trash import list_trash
from socal_core.runs.checkpoint_folders import best_checkpoint
from socal_core.runs.files.metrics_record import Score
from socal_core.runs.files.records import Origin
from socal_core.runs.folder import RunFolder
from socal_core.settings import SETTINGS as ALL_SETTINGS
from socal_core.storage import write_json
from tests.made_runs import write_run
from tests.preloaded import run_preloaded

QUICK = ["recipe=finetune", "num_frames=4", "num_epochs=2", "validation_fraction=0.2", "test_fraction=0.2"]
SETTINGS = [part for text in QUICK for part in ("--set", text)]


def run_cli(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, shared_data_folder: Path) -> Path:
    run = tmp_path_factory.mktemp("runs") / "run-1"
    assert main(["train", str(shared_data_folder), "--run", str(run), *SETTINGS]) == 0
    return run


@pytest.mark.slow
def test_evaluate_gives_the_metrics_as_json(capsys: pytest.CaptureFixture[str], trained: Path) -> None:
    code, out, _ = run_cli(capsys, "evaluate", trained, "--json")
    metrics = json.loads(out)
    assert code == 0
    names = {"split", "n", "accuracy", "balanced_accuracy", "precision", "recall", "f1", "auroc", "brier"}
    assert names | {"confusion_matrix", "trials"} <= set(metrics)
    assert metrics["split"] == "test"
    assert metrics["n"] == len(metrics["trials"]) == sum(map(sum, metrics["confusion_matrix"]))
    assert set(metrics["trials"][0]) == {"trial_id", "participant_id", "label", "prob_success", "predicted"}
    controls = [{name: value for name, value in row.items() if name != "interval"} for row in metrics["controls"]]
    assert controls == json.loads((trained / "metrics.json").read_text())["controls"]
    assert {"colour", "tools"} <= {control["key"] for control in metrics["controls"]}
    assert metrics["surgeons"] == len({trial["participant_id"] for trial in metrics["trials"]})
    assert set(metrics["intervals"]) == set(get_args(Score)) <= set(metrics)
    assert metrics["threshold"] == {"value": RunFolder(trained).read_metrics()["threshold"], "chosen_on": "validation"}
    assert {"few-test-trials", "recognition"} <= {alarm["key"] for alarm in metrics["alarms"]}
    text = run_cli(capsys, "evaluate", trained)[1]
    assert f"{metrics['n']} test trials of {metrics['surgeons']} surgeons" in text
    assert f"accuracy: {metrics['accuracy']:.3f} (too few surgeons for an interval)" in text


def test_evaluate_reports_whether_the_model_is_above_the_controls(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, shared_data_folder: Path
) -> None:
    run = write_run(tmp_path / "run", shared_data_folder, test_fraction=0.6, skill=0.5)
    last = run_cli(capsys, "evaluate", run.path)[1].splitlines()[-1]
    assert last == comparison(run.read_metrics())
    metrics = run.read_metrics()
    colour = next(row for row in metrics["controls"] if row["key"] == "colour")
    assert last.startswith(f"The model (AUROC {metrics['auroc']:.2f}) is ")
    assert f" the colour control ({colour['auroc']:.2f}; difference {metrics['auroc'] - colour['auroc']:+.2f}" in last
    written = ("name", "description", "accuracy", "balanced_accuracy", "auroc")  # by earlier versions
    old = [{name: row[name] for name in written} for row in metrics["controls"][:3]]
    write_json(run.metrics_file, {**metrics, "controls": old})
    assert "The model (AUROC" not in run_cli(capsys, "evaluate", run.path)[1]


@pytest.mark.slow
def test_a_run_that_was_stopped_is_evaluated_by_its_best_checkpoint(
    capsys: pytest.CaptureFixture[str], trained: Path
) -> None:
    run = RunFolder(trained)
    expected = run.predictions_file.read_text()
    run.predictions_file.unlink()
    run.metrics_file.unlink()
    assert run_cli(capsys, "evaluate", trained, "--json")[0] == 0
    assert run.predictions_file.read_text() == expected


@pytest.mark.slow
def test_predict_gives_the_trials_asked_for(capsys: pytest.CaptureFixture[str], trained: Path) -> None:
    code, out, _ = run_cli(capsys, "predict", trained, "S103T2", "S100T1", "--json")
    rows = json.loads(out)
    assert code == 0
    assert [row["trial_id"] for row in rows] == ["S103T2", "S100T1"]
    assert all(row["prob_success"] + row["prob_failure"] == pytest.approx(1) for row in rows)


def test_a_finished_run_is_left_as_it_is(
    capsys: pytest.CaptureFixture[str], trained: Path, shared_data_folder: Path
) -> None:
    before = {path: path.read_bytes() for path in trained.iterdir() if path.is_file()}
    code, _, err = run_cli(capsys, "train", shared_data_folder, "--run", trained, "--resume")
    assert code == 0
    assert "already done" in err
    assert "--from-run RUN" in err
    assert before == {path: path.read_bytes() for path in trained.iterdir() if path.is_file()}


@pytest.mark.slow
def test_the_same_command_starts_continues_and_leaves_a_run(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, shared_data_folder: Path
) -> None:
    """As a job of a cluster does, which is started anew with the same arguments."""
    run = tmp_path / "run"
    command = ["train", shared_data_folder, "--run", run, *SETTINGS, "--boxes", "csv", "--resume"]
    killed = "import os, sys; from socal_core.training import loop; loop._validate = lambda *_: os.kill(os.getpid(), 9)"
    code = f"{killed}; from socal_core.cli import main; main(sys.argv[1:])"
    assert run_preloaded("-c", code, *command).returncode == -9
    config = (run / "config.json").read_bytes()
    assert run_cli(capsys, *command)[:2] == (0, "Run run is done.\n")
    assert (run / "config.json").read_bytes() == config
    ended, _, said = run_cli(capsys, *command)
    assert (ended, "already done" in said) == (0, True)


@pytest.mark.slow
def test_a_finished_run_is_trained_further(
    capsys: pytest.CaptureFixture[str], trained: Path, shared_data_folder: Path, tmp_path: Path
) -> None:
    further = tmp_path / "further"
    arguments = ["train", shared_data_folder, "--run", further, "--from-run", trained, "--set", "num_epochs=1"]
    assert run_cli(capsys, *arguments)[:2] == (0, "Run further is done.\n")
    run, old = RunFolder(further), RunFolder(trained)
    assert run.read_split() == old.read_split()
    assert run.read_config().model.model == str(best_checkpoint(old))
    assert (run.read_config().clip.num_frames, run.read_config().optimization.num_epochs) == (4, 1)
    assert run.read_origin() == Origin("run-1", best_checkpoint(old).name)


@pytest.mark.slow
def test_a_checkpoint_as_a_model_brings_the_split_of_its_run(
    capsys: pytest.CaptureFixture[str], trained: Path, shared_data_folder: Path, tmp_path: Path
) -> None:
    model = ["--set", f"model={best_checkpoint(RunFolder(trained))}"]
    code, _, err = run_cli(capsys, "train", shared_data_folder, "--run", tmp_path / "a", *model)
    assert code == 2
    assert "validation_fraction: must be 0.2, as in run run-1, whose checkpoint is the model" in err
    assert not (tmp_path / "a").exists()
    arguments = ["train", shared_data_folder, "--run", tmp_path / "b", *SETTINGS, *model, "--set", "num_epochs=1"]
    assert run_cli(capsys, *arguments)[0] == 0
    assert RunFolder(tmp_path / "b").read_split() == RunFolder(trained).read_split()


@pytest.mark.slow
def test_force_retrain_replaces_the_old_run_by_a_new_one(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, shared_data_folder: Path
) -> None:
    run = write_run(tmp_path / "run", shared_data_folder, seed=7)
    arguments = ["train", shared_data_folder, "--run", run.path, *SETTINGS, "--set", "num_epochs=1"]
    code, _, err = run_cli(capsys, *arguments)
    assert code == 2
    assert "already exists" in err
    assert "--set force_retrain=true" in err
    code, out, err = run_cli(capsys, *arguments, "--set", "force_retrain=true")
    assert (code, out) == (0, "Run run is done.\n")
    (trashed,) = list_trash(tmp_path)
    assert f"The earlier run run is now in the trash, in .trash/{trashed.path.name} next to it." in err
    assert RunFolder(trashed.path).read_config().split.seed == 7
    assert RunFolder(trashed.path).read_metrics() is not None
    assert run.read_config().split.seed == 0
    assert "force_retrain" not in json.loads(run.config_file.read_text())


def test_force_retrain_changes_nothing_where_no_run_is_there_or_it_is_false(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, shared_data_folder: Path
) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "thesis.txt").write_text("three years")
    train = ["train", shared_data_folder, *SETTINGS]
    code, _, err = run_cli(capsys, *train, "--run", tmp_path / "notes", "--set", "force_retrain=true")
    assert code == 2
    assert "already exists" in err
    run = write_run(tmp_path / "run", shared_data_folder)
    assert run_cli(capsys, *train, "--run", run.path, "--set", "force_retrain=false")[0] == 2
    assert list_trash(tmp_path) == []
    assert (tmp_path / "notes" / "thesis.txt").exists()


def test_force_retrain_is_refused_while_the_run_is_at_work(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, shared_data_folder: Path
) -> None:
    run = write_run(tmp_path / "run", shared_data_folder, RunState.RUNNING)
    lock = take_lock(run.lock_file, run.name)
    arguments = ["train", shared_data_folder, "--run", run.path, "--set", "force_retrain=true"]
    code, _, err = run_cli(capsys, *arguments)
    os.close(lock)
    assert code == 2
    assert "Run run is waiting or active. Stop it" in err
    assert run.config_file.is_file()
    assert list_trash(tmp_path) == []


def test_a_run_that_cannot_be_replaced_stays(
    capsys: pytest.CaptureFixture[str], trained: Path, tmp_path: Path, shared_data_folder: Path
) -> None:
    run = write_run(tmp_path / "run", shared_data_folder, seed=7)
    train = ["train", shared_data_folder, "--set", "force_retrain=true", "--run"]
    checkpoint = best_checkpoint(RunFolder(trained))
    for arguments, message in (
        ([run.path, "--set", "num_epochs=0"], "num_epochs: must be between"),
        ([run.path, "--set", f"model={checkpoint}"], "validation_fraction: must be 0.2, as in run run-1"),
        ([trained, "--from-run", trained], "The new run starts from run run-1, so it cannot replace it"),
        ([trained, "--set", f"model={checkpoint}"], "The new run starts from run run-1, so it cannot replace it"),
        ([run.path, "--set", "force_retrain=perhaps"], "force_retrain: must be true or false"),
        ([run.path, "--resume"], "--resume continues run run, and force_retrain replaces it"),
    ):
        code, _, err = run_cli(capsys, *train, *arguments)
        assert code == 2
        assert message in err
        assert run.read_config().split.seed == 7
        assert list_trash(tmp_path) == list_trash(trained.parent) == []
    assert "is not a setting" in run_cli(capsys, "split", shared_data_folder, "--set", "force_retrain=true")[2]


@pytest.mark.slow
def test_the_notebooks_names_work_on_the_command_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, shared_data_folder: Path
) -> None:
    (tmp_path / "notebook.json").write_text('{"optimizer_choice": "SGD", "use_early_stopping": false}')
    arguments = ["train", shared_data_folder, "--run", tmp_path / "run", "--config", tmp_path / "notebook.json"]
    arguments += [*SETTINGS, "--set", "num_epochs=1"]
    both = ["--set", "optimizer=SGD", "--set", "optimizer_choice=SGD"]
    assert "optimizer_choice: is another name for optimizer" in run_cli(capsys, *arguments, *both)[2]
    switches = ["--set", "optimizer=AdamW", "--set", "lr_scheduler_patience=2", "--set", "use_lr_scheduler=false"]
    assert run_cli(capsys, *arguments, *switches)[0] == 0
    chosen = RunFolder(tmp_path / "run").read_config().optimization
    assert (chosen.optimizer, chosen.scheduler_patience) == ("AdamW", 2)
    assert (chosen.use_lr_scheduler, chosen.use_early_stopping) == (False, False)


@pytest.mark.slow
def test_another_runs_config_can_be_used_again(
    capsys: pytest.CaptureFixture[str], trained: Path, tmp_path: Path, data_folder: Path
) -> None:
    config = trained / "config.json"
    arguments = ["train", data_folder, "--run", tmp_path / "run", "--config", config, "--set", "num_epochs=1"]
    assert run_cli(capsys, *arguments)[0] == 0
    settings = RunFolder(tmp_path / "run").read_config()
    assert (settings.clip.num_frames, settings.optimization.num_epochs) == (4, 1)
    assert RunFolder(tmp_path / "run").read_data() == data_folder


def bad_config(folder: Path, content: str) -> Path:
    (folder / "c.json").write_text(content)
    return folder / "c.json"


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["app", "--port", "65536"], "--port: must be between 1 and 65535"),
        (["inspect", "{tmp}/none"], "none"),
        (["inspect", "{tmp}/config"], "config"),
        (["train", "{tmp}/none", "--run", "{tmp}/run"], "none"),
        (["train", "{data}", "--run", "{tmp}/run", "--set", "num_epochs=0"], "num_epochs: must be between 1"),
        (["train", "{data}", "--run", "{tmp}/run", "--set", "epochs"], "--set: must be NAME=VALUE"),
        (
            ["train", "{data}", "--run", "{tmp}/run", "--set", "learning_rat=3"],
            "learning_rat: is not a setting (did you mean learning_rate?), got '3'",
        ),
        (["train", "{data}", "--run", "{tmp}/run", "--set", "xyz=3"], "xyz: is not a setting (the settings are "),
        (["train", "{data}", "--run", "{tmp}/run", "--config", "{tmp}/none"], "--config: must name a file"),
        (["train", "{data}", "--run", "{tmp}/run", "--config", "{tmp}/config"], "must be a JSON file"),
        (["train", "{data}", "--run", "{trained}"], "already exists"),
        (["train", "{tmp}", "--run", "{trained}", "--resume"], "another data folder"),
        (["train", "{data}", "--run", "{trained}", "--resume", "--set", "seed=1"], "seed is 0, not 1"),
        (
            ["train", "{data}", "--run", "{trained}", "--resume", "--set", "batch_size=2", "--set", "dropout_rate=0.3"],
            "batch_size is 8, not 2; dropout_rate is 0.1, not 0.3. Give the same ones",
        ),
        (["train", "{data}", "--run", "{trained}", "--resume", "--boxes", "csv"], "--boxes and --column are others"),
        (["train", "{data}", "--run", "{trained}", "--resume", "--from-run", "{trained}"], "--from-run is not given"),
        (["train", "{data}", "--run", "{tmp}/run", "--from-run", "{tmp}/none"], "is not a run"),
        (["train", "{tmp}", "--run", "{tmp}/run", "--from-run", "{trained}"], "another data folder"),
        (["train", "{data}", "--run", "{tmp}/run", "--from-run", "{trained}", "--set", "seed=1"], "seed: must be 0"),
        (["train", "{data}", "--run", "{tmp}/run", "--from-run", "{trained}", "--boxes", "csv"], "Leave out --config"),
        (["train", "{data}", "--run", "{trained}", "--from-run", "{trained}"], "already exists"),
        (["evaluate", "{tmp}/none"], "is not a run"),
        (["predict", "{trained}", "S999T1"], "S999T1"),
        (["demo", "{tmp}/demo", "--surgeons", "1"], "surgeons"),
    ],
)
def test_errors_go_to_stderr_with_exit_code_2(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    shared_data_folder: Path,
    trained: Path,
    arguments: list[str],
    message: str,
) -> None:
    (tmp_path / "config").write_text("{")
    places: dict[str, Any] = {"tmp": tmp_path, "data": shared_data_folder, "trained": trained}
    code, out, err = run_cli(capsys, *(argument.format(**places) for argument in arguments))
    assert code == 2
    assert out == ""
    assert err.startswith("error: ")
    assert message in err
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_the_module_runs_and_shows_its_help() -> None:
    result = subprocess.run([sys.executable, "-m", "socal_core", "--help"], capture_output=True, text=True, check=True)
    assert result.stdout.startswith("usage: python -m socal_core ")
    data = ("demo", "download", "inspect", "agreement", "convert", "split", "leaks")
    for command in ("app", *data, "train", "evaluate", "predict"):
        assert command in result.stdout


@pytest.mark.slow
def test_a_reader_that_has_enough_is_no_traceback(shared_data_folder: Path) -> None:
    command = f"{sys.executable} -m socal_core inspect {shared_data_folder} --json | head -n 1"
    result = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
    assert result.stderr == ""


@pytest.mark.slow
def test_evaluate_warns_of_a_random_split(
    capsys: pytest.CaptureFixture[str], shared_data_folder: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run-random"
    assert run_cli(capsys, "train", shared_data_folder, "--run", run, *SETTINGS, "--set", "split_method=random")[0] == 0
    code, _, err = run_cli(capsys, "evaluate", run)
    assert code == 0
    assert "Split at random by trial" in err


def test_a_stage_is_printed_once_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with TrainingBar() as bar:
        for stage in ("Waiting for another run to end", "Filling the clip cache"):
            for done in range(3):
                bar.show({"type": "stage", "stage": stage, "done": done, "total": 3})
    assert capsys.readouterr().err == "Waiting for another run to end\nFilling the clip cache\n"


def test_a_misspelt_command_gets_the_nearest_match(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["trian"])
    assert ended.value.code == 2
    assert "Did you mean train?" in capsys.readouterr().err


def test_the_help_of_train_lists_all_settings(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    text = capsys.readouterr().out
    for item in ALL_SETTINGS.values():
        assert f"\n  {item.name} " in text
    assert "number, 1e-08 to 1 (default: 0.0001)" in text
    assert "frozen, finetune, videomae-small-data, notebook (default: frozen)" in text


def test_evaluate_says_if_the_data_were_changed_since(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, shared_data_folder: Path
) -> None:
    run = write_run(tmp_path / "run", shared_data_folder)
    _, out, err = run_cli(capsys, "evaluate", run.path, "--json")
    assert "changed" not in err
    for row in json.loads(out)["controls"]:
        assert row["interval"] == row["auroc_interval"]
    run.write_metrics({**run.read_metrics(), "data_fingerprint": "earlier"})
    assert (
        "warning: The data folder was changed after this run was evaluated." in run_cli(capsys, "evaluate", run.path)[2]
    )
