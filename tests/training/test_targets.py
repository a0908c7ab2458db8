"""Runs that predict a number or other classes than success, from the settings to the logits."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from socal_core.clips.loader import open_clips
from socal_core.dataset.dataset import Dataset
from socal_core.evaluation.logits import average_clips
from socal_core.evaluation.predictors import open_predictor
from socal_core.lifecycle.further import train_further
from socal_core.lifecycle.state import RunState, read_status
from socal_core.models.build import build_classifier, load_classifier
from socal_core.models.head import load_head
from socal_core.runs.checkpoint_folders import best_checkpoint, newest_checkpoint, read_training_state
from socal_core.runs.events import Event, epochs_table, head_of, line_of, notices, read_events
from socal_core.runs.folder import RunFolder
from socal_core.splits import Split
from socal_core.training.batches import Rank, training_batches
from socal_core.training.run_split import split_of, with_target_of_run
from socal_core.training.worker import work
from tests.factories import paint_trials, write_dataset, write_outcomes
from tests.preloaded import run_as_torchrun
from tests.training.killer import timeless, weights_hash
from tests.training.small_runs import NO_DROPOUT, new_run

COLOURS = {"clear": (150, 60, 60), "red": (60, 150, 60), "cloudy": (60, 60, 150)}
UNCHANGED = {"color_jitter": 0.0, "hue_jitter": 0.0, "horizontal_flip": 0.0}
LEARNS: dict[str, Any] = {**UNCHANGED, **NO_DROPOUT, "num_epochs": 40, "early_stopping_patience": 40}
LEARNS |= {"learning_rate": 1e-3, "batch_size": 8}
RECIPES: dict[str, dict[str, Any]] = {"finetune": LEARNS, "frozen": {"recipe": "frozen", "encoder": "video"}}


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Rounding depends on the number of threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def write_trials(folder: Path, coloured: bool) -> Path:
    """Write trials with `blood_loss`, which is unknown for two, and one of three words for `fluid`.

    The colour of the frames shows the fluid, or else their brightness rises with the blood loss.
    """
    write_dataset(folder, surgeons=14, frames=4)
    rng = np.random.default_rng(1)
    shares, fluids = rng.permutation(np.linspace(0, 1, 28)), rng.permutation(list(COLOURS) * 9 + ["red"])
    paint_trials(folder, [COLOURS[fluid] for fluid in fluids] if coloured else [[40 + 180 * s] * 3 for s in shares])
    losses = ["" if trial in {3, 11} else f"{100 + 900 * share:.1f}" for trial, share in enumerate(shares)]
    return write_outcomes(folder, blood_loss=losses, fluid=list(fluids))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Trials whose brightness rises with the blood loss."""
    return write_trials(tmp_path_factory.mktemp("targets") / "data", coloured=False)


def train(run: RunFolder, stop_at: tuple[Any, ...] = ()) -> RunFolder:
    """Train a run until its model is ready, or until a step; the evaluation is not part of these tests."""

    def stop(event: Event) -> None:
        trained = event["type"] == "head" or event.get("stage") == "Predicting all trials with the best checkpoint"
        if trained or (event["type"], event.get("epoch"), event.get("step")) == stop_at:
            run.stop_file.touch()

    assert work(run, resume=newest_checkpoint(run) is not None, echo=stop) is RunState.STOPPED, read_status(run).reason
    return run


def predicted(run: RunFolder, dataset: Dataset) -> tuple[torch.Tensor, pd.Series]:
    """Return the logits of the validation and test trials, and their values."""
    split = run.read_split()
    trials = [*split.validation, *split.test]
    with open_predictor(run, dataset, trials, lambda stage, done, total: None) as predictor:
        return predictor.logits(trials), dataset.target_values[trials]


@pytest.mark.slow
@pytest.mark.parametrize("recipe", RECIPES)
def test_a_run_learns_a_number(tmp_path: Path, data: Path, recipe: str) -> None:
    run = train(new_run(tmp_path / "run", data, target="blood_loss", test_clips=2, **RECIPES[recipe]))
    dataset = run.open_dataset()
    training = dataset.target_values[list(run.read_split().train)]
    assert dataset.target.mean == pytest.approx(training.mean())
    assert dataset.target.scale == pytest.approx(training.std(ddof=0))
    logits, values = predicted(run, dataset)
    assert logits.shape == (len(values), 1)
    found = logits[:, 0].numpy() * dataset.target.scale + dataset.target.mean
    error, trivial = ((found - values) ** 2).mean(), ((training.mean() - values) ** 2).mean()
    assert error < trivial / 2
    events = read_events(run.events_file)
    assert "2 trials with frames are left out, because their blood_loss is not known." in notices(events)
    scores = [event for event in events if event["type"] in {"epoch", "head"}]
    for event in scores:
        assert event["val_rmse"] == pytest.approx(np.sqrt(event["val_loss"]) * dataset.target.scale)
        assert "val_accuracy" not in event
    best = min(scores, key=lambda event: event["val_loss"])
    validation = len(run.read_split().validation)
    error = np.sqrt(((found - values)[:validation] ** 2).mean())
    assert best["val_rmse"] == pytest.approx(error, rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("recipe", RECIPES)
def test_a_run_learns_three_classes(tmp_path: Path, recipe: str) -> None:
    data = write_trials(tmp_path / "data", coloured=True)
    run = train(new_run(tmp_path / "run", data, target="fluid", **RECIPES[recipe]))
    dataset = run.open_dataset()
    assert dataset.target.classes == ("clear", "cloudy", "red")
    logits, values = predicted(run, dataset)
    assert logits.shape == (len(values), 3)
    assert (logits.argmax(dim=1).numpy() == values).mean() > 0.7
    event = max(
        (event for event in read_events(run.events_file) if event["type"] in {"epoch", "head"}),
        key=lambda event: event["val_accuracy"],
    )
    assert event["val_accuracy"] > 0.7
    assert event["val_loss"] < np.log(3)
    assert "val_rmse" not in event


def test_the_files_of_a_run_name_its_outputs(tmp_path: Path, data: Path) -> None:
    run = train(new_run(tmp_path / "run", data, target="blood_loss", num_epochs=1))
    config = load_classifier(best_checkpoint(run)).model.config
    assert (config.id2label, config.problem_type) == ({0: "blood_loss"}, "regression")
    events = read_events(run.events_file)
    assert epochs_table(events)["val_rmse"].notna().all()
    assert epochs_table(events)["val_accuracy"].isna().all()
    (line,) = (line_of(event) for event in events if event["type"] == "epoch")
    assert f"RMSE {epochs_table(events)['val_rmse'].iloc[0]:.4g}" in line


def test_a_frozen_run_says_what_it_fitted(tmp_path: Path, data: Path) -> None:
    run = train(new_run(tmp_path / "run", data, target="blood_loss", **RECIPES["frozen"]))
    kept = load_head(best_checkpoint(run))
    assert "ridge regression" in kept.text
    head = head_of(read_events(run.events_file))
    assert head is not None
    assert (head["chance"], head["auroc"]) == (kept.chance, None)
    assert kept.chance > 0.9  # about the variance of standardized numbers
    assert all(row["loss"] < kept.chance for row in head["table"] if row["member"])


@pytest.mark.slow
@pytest.mark.parametrize("target", ["blood_loss", "fluid"])
def test_a_stopped_run_resumes_to_the_same_bits(tmp_path: Path, data: Path, target: str) -> None:
    settings = {"target": target, "num_epochs": 2, "mixup": 0.8, "weight_averaging": 0.9, "label_smoothing": 0.1}
    through = train(new_run(tmp_path / "through", data, **settings))
    stopped = train(new_run(tmp_path / "stopped", data, **settings), stop_at=("step", 2, 2))
    assert newest_checkpoint(stopped) == stopped.checkpoints / "epoch-0001-step-00002"
    train(stopped)
    assert weights_hash(newest_checkpoint(stopped)) == weights_hash(newest_checkpoint(through))
    assert timeless(read_events(stopped.events_file)) == timeless(read_events(through.events_file))


def test_the_loss_of_a_mixed_clip_is_the_mixture_of_both_squared_errors(tmp_path: Path, data: Path) -> None:
    settings = {**NO_DROPOUT, "num_epochs": 1, "batch_size": 64, "mixup": 5.0, "label_smoothing": 0.1}
    run = train(new_run(tmp_path / "run", data, target="blood_loss", **settings))
    (step,) = (event for event in read_events(run.events_file) if event["type"] == "step")
    config, dataset, trials = run.read_config(), run.open_dataset(), run.read_split().train
    values = ((dataset.target_values - dataset.target.mean) / dataset.target.scale).to_dict()
    classifier = build_classifier(config, dataset.target)
    rank = Rank(0, 1, torch.device("cpu"))
    with open_clips(dataset, config, classifier.preprocessor, trials, trials, lambda *stage: None) as reader:
        (batch,) = training_batches(reader, trials, values, None, config, 1, rank)
    assert 0.1 < batch.lam < 0.9
    assert batch.labels.dtype == torch.float32
    assert batch.weights.tolist() == [1.0] * len(trials)
    with torch.no_grad():
        found = classifier.model(pixel_values=batch.pixel_values).logits[:, 0]
    own, partner = (found - batch.labels) ** 2, (found - batch.labels.flip(0)) ** 2
    expected = (batch.lam * own + (1 - batch.lam) * partner).mean()
    assert step["loss"] == pytest.approx(float(expected), rel=1e-4)


@pytest.mark.slow
def test_two_processes_train_a_number_like_one(tmp_path: Path, data: Path) -> None:
    """With mixup, parts, and a short last batch."""
    settings = {**NO_DROPOUT, "optimizer": "SGD", "learning_rate": 0.01, "num_epochs": 2, "batch_size": 5}
    settings |= {"mixup": 5.0, "accumulation_steps": 2}
    alone, together = (new_run(tmp_path / name, data, target="blood_loss", **settings) for name in ("one", "two"))
    train(alone)
    run_as_torchrun("-m", "socal_core.training.worker", together.path)
    assert together.read_environment().processes == 2
    assert read_training_state(newest_checkpoint(together) or Path()).epoch == 2
    first, second = (load_classifier(newest_checkpoint(run) or Path()).model.state_dict() for run in (alone, together))
    start = build_classifier(alone.read_config(), alone.read_target()).model.state_dict()
    assert max(float((first[name] - start[name]).abs().max()) for name in first) > 0.01
    for name in first:
        torch.testing.assert_close(second[name], first[name], atol=1e-5, rtol=0)


def test_each_process_gets_the_mean_that_the_first_one_has_written(tmp_path: Path, data: Path) -> None:
    """Also one that had opened the data set before."""
    run = new_run(tmp_path / "run", data, target="blood_loss")
    first, second = run.open_dataset(), run.open_dataset()
    split = split_of(run, run.read_config().split, first, main_process=True)
    written = with_target_of_run(run, first, split, main_process=True).target
    assert with_target_of_run(run, second, split, main_process=False).target == written == run.read_target()
    assert written.scale > 100


def failure_of(run: RunFolder) -> str:
    assert work(run, resume=False) is RunState.FAILED
    return read_status(run).reason


@pytest.mark.slow
@pytest.mark.parametrize("recipe", RECIPES)
def test_a_class_that_no_training_trial_has_is_named(tmp_path: Path, data: Path, recipe: str) -> None:
    run = new_run(tmp_path / "run", data, target="fluid", **RECIPES[recipe])
    fluid = run.open_dataset().trials["fluid"]
    rest = fluid.index[fluid != "red"]
    reds = tuple(fluid.index[fluid == "red"])
    run.write_split(Split(tuple(rest[3:]), reds[:2], (*reds[2:], *rest[:3]), seed=0))
    assert "No training trial has the outcome red (fluid), so it cannot be learned." in failure_of(run)


@pytest.mark.slow
@pytest.mark.parametrize("recipe", RECIPES)
def test_training_trials_with_the_same_number_are_refused(tmp_path: Path, recipe: str) -> None:
    folder = write_dataset(tmp_path / "data", frames=4)
    write_outcomes(folder, blood_loss=["250"] * 14 + ["100", "200", "300", "400", "500", "600"])
    run = new_run(tmp_path / "run", folder, target="blood_loss", **RECIPES[recipe])
    trials = tuple(run.open_dataset().trials.index)
    run.write_split(Split(trials[:14], trials[14:17], trials[17:], seed=0))
    assert "must differ between the training trials, but all have 250" in failure_of(run)


@pytest.mark.slow
def test_a_run_of_success_can_be_trained_further_for_a_number(tmp_path: Path, data: Path) -> None:
    first = new_run(tmp_path / "first", data, num_epochs=1, num_frames=2)
    assert work(first, resume=False) is RunState.DONE
    run = train(train_further(first, tmp_path / "further", {"target": "blood_loss"}))
    before, after = first.read_split(), run.read_split()
    unknown = set(before.trial_ids) - set(after.trial_ids)
    assert len(unknown) == 2
    assert after.train == tuple(trial for trial in before.train if trial not in unknown)
    told = notices(read_events(run.events_file))
    assert any("its head (failure, success) is not used: for a number such as blood_loss" in text for text in told)
    again = train(train_further(run, tmp_path / "again", {"num_epochs": 1}))
    assert again.read_split() == after


def test_clips_of_a_number_are_averaged_and_those_of_classes_by_their_probabilities() -> None:
    numbers = torch.tensor([[[1.0], [2.0], [6.0]]])
    assert average_clips(numbers).tolist() == [[3.0]]
    logits = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(average_clips(logits).softmax(-1), logits.softmax(-1).mean(dim=1))
