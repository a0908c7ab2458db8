"""socal_core.training: results, files and errors of runs on a small data folder."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from torch.utils.checkpoint import checkpoint
from transformers import modeling_utils

from socal_core.clips.loader import open_clips
from socal_core.dataset import layout
from socal_core.dataset.opening import open_dataset
from socal_core.evaluation.predict_trials import predict_trials
from socal_core.evaluation.trial_scores import metrics_of_test_trials
from socal_core.lifecycle.state import RunState, read_status, written_status
from socal_core.models.build import build_classifier, load_classifier, save_classifier
from socal_core.runs.checkpoint_folders import best_checkpoint, newest_checkpoint, read_training_state
from socal_core.runs.events import Event, epochs_table, notices, read_events
from socal_core.runs.files.predictions import PREDICTION_COLUMNS
from socal_core.runs.folder import RunFolder
from socal_core.settings import TINY, config_from
from socal_core.splits import Split, surgeons_in_common
from socal_core.training.batches import Rank, training_batches
from socal_core.training.objective import class_weights
from socal_core.training.out_of_memory import is_out_of_memory, smaller
from socal_core.training.worker import work
from tests.factories import write_dataset
from tests.training.killer import timeless, weights_hash
from tests.training.small_runs import EVERYTHING, NO_DROPOUT, QUICK, new_run


def change_outcomes(data: Path, change: Callable[[str, str], str]) -> None:
    """Replace each trial's success by `change(trial_id, success)`."""
    table = data / layout.OUTCOMES_FILE
    header, *lines = (line.split(",") for line in table.read_text(encoding="utf-8").splitlines())
    trial, success = header.index("trial_id"), header.index("success")
    for line in lines:
        line[success] = change(line[trial], line[success])
    table.write_text("".join(",".join(line) + "\n" for line in [header, *lines]), encoding="utf-8")


@pytest.mark.slow
def test_a_run_leaves_all_its_files(done_run: RunFolder, shared_data_folder: Path) -> None:
    assert written_status(done_run).state is RunState.DONE
    environment = done_run.read_environment()
    assert (environment.packages or {})["torch"].startswith(torch.__version__.split("+")[0])
    epochs = epochs_table(read_events(done_run.events_file))
    assert epochs["epoch"].tolist() == [1, 2, 3]
    assert epochs["val_loss"].notna().all()
    state = read_training_state(newest_checkpoint(done_run) or Path())
    assert state.best_val_loss == epochs["val_loss"].min()
    assert best_checkpoint(done_run).name == f"epoch-{epochs['val_loss'].idxmin() + 1:04d}"
    assert len(list(done_run.checkpoints.iterdir())) <= 2


def test_the_split_is_by_surgeon_and_the_predictions_follow_it(done_run: RunFolder, shared_data_folder: Path) -> None:
    split, trials = done_run.read_split(), open_dataset(shared_data_folder).trials
    assert surgeons_in_common(split, trials) == 0
    predictions = done_run.read_predictions()
    assert predictions is not None
    assert tuple(predictions.columns) == PREDICTION_COLUMNS
    sides = predictions.groupby("split")["trial_id"].agg(tuple)
    assert set(sides["train"]) == set(split.train)
    assert set(sides["validation"]) == set(split.validation)
    assert set(sides["test"]) == set(split.test)
    assert predictions["label"].tolist() == trials.loc[predictions["trial_id"], "success"].tolist()
    assert predictions["prob_success"].between(0, 1).all()


def test_the_metrics_come_from_the_predictions_and_the_threshold_from_validation(done_run: RunFolder) -> None:
    metrics, predictions = done_run.read_metrics(), done_run.read_predictions()
    assert metrics is not None and predictions is not None
    again = metrics_of_test_trials(predictions)
    assert {key: metrics[key] for key in again} == again
    called = (predictions["prob_success"] >= metrics["threshold"]).astype(int)
    assert called.tolist() == predictions["predicted"].tolist()
    assert (metrics["task"], metrics["share_ending_inside"]) == ("recognition", 1.0)  # the trials last 12 s


def test_the_controls_see_the_clips_and_the_boxes_of_the_run(done_run: RunFolder) -> None:
    """Successes are greenish and failures reddish; all trials have the same boxes."""
    controls = {control["key"]: control for control in done_run.read_metrics()["controls"]}
    assert list(controls) == ["majority", "frames", "length", "colour", "middle_frame", "tools", "motion"]
    assert (controls["colour"]["auroc"], controls["tools"]["auroc"]) == (1, 0.5)


@pytest.mark.slow
def test_a_model_with_random_weights_does_not_score_100_percent(tmp_path: Path, shared_data_folder: Path) -> None:
    """The notebook compared the labels with themselves; here an untrained model must have a low score."""
    run = new_run(
        tmp_path / "random",
        shared_data_folder,
        model=TINY,
        num_epochs=1,
        learning_rate=1e-8,
        window="0:6",
        validation_fraction=0.1,
        test_fraction=0.7,
        color_jitter=0.0,
    )
    assert work(run, resume=False) is RunState.DONE
    metrics = run.read_metrics()
    assert metrics is not None
    assert metrics["task"] == "prediction"
    assert metrics["n"] >= 12
    assert metrics["accuracy"] < 1


def epochs_of_a_worsening_run(folder: Path, data: Path, **settings: Any) -> pd.DataFrame:
    """Train on data with inverted validation outcomes: the more a run learns, the higher its loss."""
    trials = open_dataset(data).trials.index.astype(str)
    validation = tuple(trial for trial in trials if trial[:4] in {"S100", "S101", "S102"})
    rest = tuple(trial for trial in trials if trial not in validation)
    change_outcomes(data, lambda trial, success: str(1 - int(success)) if trial in validation else success)
    quick = {"num_epochs": 5, "early_stopping_patience": 1, "scheduler_patience": 0, "learning_rate": 1e-3}
    run = new_run(folder, data, **quick, **settings)
    run.write_split(Split(rest[4:], validation, rest[:4], 0))
    assert work(run, resume=False) is RunState.DONE
    return epochs_table(read_events(run.events_file))


@pytest.mark.slow
@pytest.mark.parametrize("stops", [True, False])
def test_early_stopping_can_be_switched_off(tmp_path: Path, data_folder: Path, stops: bool) -> None:
    epochs = epochs_of_a_worsening_run(tmp_path / "run", data_folder, use_early_stopping=stops)
    best = int(epochs["val_loss"].argmin()) + 1
    assert best < 4
    assert len(epochs) == (best + 1 if stops else 5)


@pytest.mark.slow
@pytest.mark.parametrize("falls", [True, False])
def test_the_schedule_can_be_switched_off(tmp_path: Path, data_folder: Path, falls: bool) -> None:
    settings = {"use_early_stopping": False, "use_lr_scheduler": falls}
    rates = epochs_of_a_worsening_run(tmp_path / "run", data_folder, **settings)["learning_rate"].tolist()
    assert len(rates) == 5
    assert rates[0] == 1e-3
    assert (rates[-1] < 1e-3) is falls
    assert falls or set(rates) == {1e-3}


@pytest.mark.slow
def test_a_run_learns_a_visible_difference(tmp_path: Path, shared_data_folder: Path) -> None:
    run = new_run(tmp_path / "run", shared_data_folder, model=TINY)
    assert work(run, resume=False) is RunState.DONE
    epochs = epochs_table(read_events(run.events_file))
    assert epochs["train_loss"].iloc[-1] < epochs["train_loss"].iloc[0]


def test_single_trials_have_reproducible_probabilities(done_run: RunFolder, shared_data_folder: Path) -> None:
    predictions = done_run.read_predictions()
    assert predictions is not None
    chosen = predictions.iloc[[5, 0]]
    rows = predict_trials(done_run, open_dataset(shared_data_folder), chosen["trial_id"].tolist())
    assert [row["trial_id"] for row in rows] == chosen["trial_id"].tolist()
    assert [row["prob_success"] for row in rows] == pytest.approx(chosen["prob_success"].tolist(), abs=1e-5)
    assert [row["predicted"] for row in rows] == chosen["predicted"].tolist()


@pytest.mark.slow
def test_two_runs_with_the_same_seed_are_identical(
    done_run: RunFolder, tmp_path: Path, shared_data_folder: Path
) -> None:
    again = new_run(tmp_path / "again", shared_data_folder)
    work(again, resume=False)
    assert weights_hash(best_checkpoint(again)) == weights_hash(best_checkpoint(done_run))
    assert again.predictions_file.read_bytes() == done_run.predictions_file.read_bytes()
    assert timeless(read_events(again.events_file)) == timeless(read_events(done_run.events_file))


@pytest.mark.slow
def test_the_loss_counts_both_labels_of_a_mixed_clip(tmp_path: Path, shared_data_folder: Path) -> None:
    """The loss of the first step equals the textbook's: cross-entropy with soft labels, each weighted by its class."""
    settings = {"num_epochs": 1, "batch_size": 64, "dropout_rate": 0.0, "mixup": 5.0, "test_fraction": 0.1}
    run = new_run(tmp_path / "run", shared_data_folder, **settings)
    work(run, resume=False)
    (step,) = (event for event in read_events(run.events_file) if event["type"] == "step")
    config, dataset, trials = run.read_config(), run.open_dataset(), run.read_split().train
    labels = {str(trial): int(success) for trial, success in dataset.usable_trials["success"].items()}
    weights = class_weights([labels[trial] for trial in trials])
    classifier = build_classifier(config)
    rank = Rank(0, 1, torch.device("cpu"))
    with open_clips(dataset, config, classifier.preprocessor, trials, trials, lambda *stage: None) as reader:
        (batch,) = training_batches(reader, trials, labels, weights, config, 1, rank)
    assert 0.1 < batch.lam < 0.9
    with torch.no_grad():
        log_probabilities = classifier.model(pixel_values=batch.pixel_values).logits.log_softmax(-1)
    one_hot = torch.nn.functional.one_hot(batch.labels, 2).float()
    soft = batch.lam * one_hot + (1 - batch.lam) * one_hot.flip(0)
    expected = -(soft * weights * log_probabilities).sum() / len(trials)
    assert step["loss"] == pytest.approx(float(expected), abs=1e-5)


@pytest.mark.slow
def test_training_does_not_use_test_trials(tmp_path: Path, shared_data_folder: Path) -> None:
    """Inverted test outcomes change no weight and no validation score."""
    data = write_dataset(tmp_path / "data")
    first = new_run(tmp_path / "first", data)
    work(first, resume=False)
    test = set(first.read_split().test)
    turn_round = {"0": "1", "1": "0"}
    change_outcomes(data, lambda trial, success: turn_round[success] if trial in test else success)
    second = new_run(tmp_path / "second", data)
    second.write_split(first.read_split())
    work(second, resume=False)
    assert timeless(read_events(first.events_file)) == timeless(read_events(second.events_file))
    assert weights_hash(best_checkpoint(first)) == weights_hash(best_checkpoint(second))


@pytest.mark.slow
def test_a_broken_frame_is_named_in_the_run(tmp_path: Path, data_folder: Path) -> None:
    broken = data_folder / "JPEGImages" / "S103T1_frame_00000001.jpeg"
    broken.write_bytes(b"broken")
    run = new_run(tmp_path / "run", data_folder, num_frames=6)
    assert work(run, resume=False) is RunState.DONE
    assert any(broken.name in notice for notice in notices(read_events(run.events_file)))


@pytest.mark.slow
def test_a_trial_that_cannot_be_read_is_left_out_and_named(tmp_path: Path, data_folder: Path) -> None:
    for frame in (data_folder / "JPEGImages").glob("S103T1_*"):
        frame.write_bytes(b"broken")
    run = new_run(tmp_path / "run", data_folder)
    assert work(run, resume=False) is RunState.DONE
    predictions, metrics = run.read_predictions(), run.read_metrics()
    assert predictions is not None and metrics is not None
    assert "S103T1" not in set(predictions["trial_id"])
    assert [item["trial_id"] for item in metrics["left_out"]] == ["S103T1"]


def remove_outcomes(data: Path) -> None:
    (data / "socal_trial_outcomes.csv").unlink()


def one_outcome(data: Path) -> None:
    change_outcomes(data, lambda trial, success: "1")


def break_all_frames(data: Path) -> None:
    for frame in (data / "JPEGImages").iterdir():
        frame.write_bytes(b"broken")


@pytest.mark.slow
@pytest.mark.parametrize("spoil", [remove_outcomes, one_outcome, break_all_frames])
def test_data_that_cannot_be_trained_on_fails_with_a_reason(
    tmp_path: Path, data_folder: Path, spoil: Callable[[Path], None]
) -> None:
    spoil(data_folder)
    run = new_run(tmp_path / "run", data_folder)
    assert work(run, resume=False) is RunState.FAILED
    status = written_status(run)
    assert status.state is RunState.FAILED
    assert status.reason.endswith(".")
    assert "unexpected" not in status.reason
    assert str(tmp_path) not in status.reason


def test_a_loss_that_is_nan_ends_the_run_with_advice(tmp_path: Path, shared_data_folder: Path) -> None:
    classifier = build_classifier(config_from(QUICK, TINY))
    with torch.no_grad():
        classifier.model.classifier.weight.fill_(3e38)  # finite, but no product with it is
    save_classifier(classifier, tmp_path / "huge")
    run = new_run(tmp_path / "run", shared_data_folder, model=str(tmp_path / "huge"), learning_rate=1e-4)
    assert work(run, resume=False) is RunState.FAILED
    reason = written_status(run).reason
    assert "The loss is no longer a number (epoch 1, step 1)" in reason
    assert "learning_rate below 0.0001" in reason


def test_an_unexpected_error_is_recorded_and_not_hidden(tmp_path: Path, shared_data_folder: Path) -> None:
    run = new_run(tmp_path / "run", shared_data_folder)

    def fail(event: Event) -> None:
        if event["type"] == "step":
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work(run, resume=False, echo=fail)
    status = written_status(run)
    assert status.state is RunState.FAILED
    assert "ZeroDivisionError" in status.reason


def test_running_out_of_memory_is_distinguished_from_other_errors() -> None:
    with pytest.raises(RuntimeError) as memory:
        torch.empty(1 << 50)
    with pytest.raises(RuntimeError) as shapes:
        torch.ones(2, 3) @ torch.ones(2, 3)
    assert is_out_of_memory(memory.value)
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory"))
    assert not is_out_of_memory(shapes.value)


ALONE = {"accumulation_steps": 4}


@pytest.mark.parametrize(
    ("settings", "advice"),
    [
        ({}, "accumulation_steps 2 instead of 1: fewer clips at a time"),
        ({"accumulation_steps": 3}, "accumulation_steps 4 instead of 3: fewer clips at a time"),
        (ALONE, "gradient_checkpointing on, which takes a third more time"),
        ({**ALONE, "gradient_checkpointing": True, "num_frames": 16}, "num_frames 8 instead of 16"),
        ({**ALONE, "gradient_checkpointing": True, "num_frames": 2}, "a smaller model, such as tiny"),
    ],
)
def test_without_memory_the_setting_to_change_is_named(settings: dict[str, int], advice: str) -> None:
    assert smaller(config_from(settings, TINY), 4).endswith(f"Start a new run with {advice}.")


SAVING = [{"accumulation_steps": 3}, {"gradient_checkpointing": True}]


@pytest.mark.slow
@pytest.mark.parametrize("saving", SAVING, ids=str)
@pytest.mark.sampled(1)
def test_settings_that_save_memory_change_no_result(
    tmp_path: Path, shared_data_folder: Path, saving: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    recomputed = 0

    def counted(*arguments: Any, **named: Any) -> Any:
        nonlocal recomputed
        recomputed += 1
        return checkpoint(*arguments, **named)

    monkeypatch.setattr(modeling_utils, "checkpoint", counted)
    settings = {**EVERYTHING, "batch_size": 5, "num_epochs": 2}
    if "accumulation_steps" in saving:
        settings |= NO_DROPOUT
    runs = [
        new_run(tmp_path / name, shared_data_folder, **settings, **more)
        for name, more in (("plain", {}), ("sparing", saving))
    ]
    for run in runs:
        assert work(run, resume=False) is RunState.DONE
    assert bool(recomputed) == saving.get("gradient_checkpointing", False)
    plain, sparing = (epochs_table(read_events(run.events_file)) for run in runs)
    for column in ("train_loss", "val_loss"):
        assert sparing[column].tolist() == pytest.approx(plain[column].tolist(), abs=1e-3)
    first, second = (load_classifier(newest_checkpoint(run) or Path()).model.state_dict() for run in runs)
    for name in first:
        torch.testing.assert_close(first[name], second[name], atol=5e-3, rtol=0)


@pytest.mark.slow
def test_two_processes_train_like_one(done_run: RunFolder, tmp_path: Path, shared_data_folder: Path) -> None:
    """With PyTorch's distributed engine on the CPU, batches, losses and model are the same up to rounding."""
    settings = {**EVERYTHING, **NO_DROPOUT, "batch_size": 5, "accumulation_steps": 2}
    alone = new_run(tmp_path / "alone", shared_data_folder, **settings)
    work(alone, resume=False)
    together = RunFolder(tmp_path / "together")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    # Without the two dashes, torchrun would read --run as its own option.
    command += ["--module", "--", "socal_core", "train", str(shared_data_folder), "--run", str(together.path)]
    command += ["--config", str(alone.config_file)]
    result = subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert result.returncode == 0, result.stderr
    assert read_status(together).state is RunState.DONE
    assert together.read_environment().processes == 2
    expected = epochs_table(read_events(alone.events_file))
    actual = epochs_table(read_events(together.events_file))
    for column in ("train_loss", "val_loss"):
        assert actual[column].tolist() == pytest.approx(expected[column].tolist(), abs=1e-3)
    first = load_classifier(newest_checkpoint(alone) or Path()).model.state_dict()
    second = load_classifier(newest_checkpoint(together) or Path()).model.state_dict()
    for name in first:
        torch.testing.assert_close(first[name], second[name], atol=5e-3, rtol=0)
