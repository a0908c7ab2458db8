"""socal_core.training.objective: the weighted loss, its gradients, the optimizer."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from transformers import VideoMAEConfig, VideoMAEForVideoClassification

from socal_core.clips.loader import open_clips
from socal_core.clips.mix import mix_of
from socal_core.clips.plan import ClipId
from socal_core.clips.preprocess import Preprocessor
from socal_core.clips.sampling import derive_seed, epoch_batches
from socal_core.dataset import layout
from socal_core.dataset.targets import SUCCESS_TARGET, Target
from socal_core.errors import RunError
from socal_core.lifecycle.state import RunState
from socal_core.models.build import VideoClassifier, build_classifier, load_classifier, save_classifier
from socal_core.runs.checkpoint_folders import newest_checkpoint
from socal_core.runs.events import epochs_table, read_events
from socal_core.runs.files.records import TrainingState
from socal_core.runs.folder import RunFolder
from socal_core.settings import TINY, config_from
from socal_core.splits import Split
from socal_core.training.objective import class_weights, make_optimizer, make_scheduler
from socal_core.training.worker import work
from tests.factories import write_dataset
from tests.preloaded import run_as_torchrun
from tests.training.small_runs import new_run

PLAIN = {
    "num_frames": 2,
    "window": "0:2",
    "dropout_rate": 0.0,
    "horizontal_flip": 0.0,
    "color_jitter": 0.0,
    "hue_jitter": 0.0,
    "weight_decay": 0.0,
    "num_workers": 0,
}
"""Settings without random changes to clips or model."""
SGD = {"optimizer": "SGD", "learning_rate": 0.05, "num_epochs": 1}
# Seven successes and two failures, so that the class weights are far from 1.
SPLIT = Split(
    train=("S100T1", "S100T2", "S104T1", "S104T2", "S106T1", "S106T2", "S101T1", "S102T1", "S102T2"),
    validation=("S103T1", "S103T2"),
    test=("S107T1", "S107T2", "S108T1"),
    seed=0,
)


@pytest.fixture(scope="module")
def micro(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a classifier that takes milliseconds per step."""
    config = VideoMAEConfig(
        image_size=16,
        patch_size=8,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        num_frames=2,
        use_mean_pooling=True,
        id2label=dict(enumerate(SUCCESS_TARGET.classes)),
        label2id={name: row for row, name in enumerate(SUCCESS_TARGET.classes)},
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = VideoMAEForVideoClassification(config)
    folder = tmp_path_factory.mktemp("models") / "micro"
    save_classifier(VideoClassifier(model, Preprocessor.for_size(16)), folder)
    return folder


def trained_by_hand(run: RunFolder) -> tuple[dict[str, torch.Tensor], float]:
    """The weights after one epoch of SGD in float64 and the epoch's train loss, clip by clip.

    The loss and its gradient by the logits are written out: for the label y with weight w, w * (softmax - one-hot of y)
    divided by the clips in a full batch.
    """
    config, dataset, trials = run.read_config(), run.open_dataset(), run.read_split().train
    labels = {trial: int(dataset.usable_trials.loc[trial, "success"]) for trial in trials}
    counts = [list(labels.values()).count(label) for label in (0, 1)]
    weights = [len(trials) / (2 * count) for count in counts]
    classifier = build_classifier(config)
    model = classifier.model.double().eval()
    order = epoch_batches(trials, config.optimization.batch_size, config.split.seed, 1)
    with open_clips(dataset, config, classifier.preprocessor, trials, trials, lambda *stage: None) as reader:
        pixels = list(reader.batches([[ClipId(trial, 1) for trial in batch] for batch in order]))
    velocity = {name: torch.zeros_like(value) for name, value in model.named_parameters()}
    total = 0.0
    for step, (batch, clips) in enumerate(zip(order, pixels, strict=True)):
        clips = classifier.preprocessor.normalise(clips.float() / 255).double()
        mix = mix_of(config.augmentation, len(batch), clips.shape[-1], derive_seed(config.split.seed, 1, "mix", step))
        share = 1.0 if mix is None else mix.lam
        model.zero_grad()
        for place, trial in enumerate(batch):
            mirrored = len(batch) - 1 - place
            clip = share * clips[place] + (1 - share) * clips[mirrored]
            logits = model(pixel_values=clip[None]).logits[0]
            numbers = logits.detach().numpy()
            softmax = np.exp(numbers) / np.exp(numbers).sum()
            slope = np.zeros(2)
            for part, label in ((share, labels[trial]), (1 - share, labels[batch[mirrored]])):
                total -= part * weights[label] * math.log(softmax[label])
                slope += part * weights[label] * (softmax - np.eye(2)[label])
            logits.backward(torch.tensor(slope / min(config.optimization.batch_size, len(trials))))
        with torch.no_grad():
            for name, value in model.named_parameters():
                velocity[name] = 0.9 * velocity[name] + value.grad
                value -= config.optimization.learning_rate * velocity[name]
    return dict(model.named_parameters()), total / len(trials)


def flat(weights: dict[str, torch.Tensor]) -> torch.Tensor:
    """Return all weights in the order of their names, as one float64 vector."""
    return torch.cat([weights[name].detach().double().flatten() for name in sorted(weights)])


def check_by_hand(run: RunFolder) -> None:
    """Compare the change of the weights and the train loss of a run with those computed by hand."""
    before = flat(dict(build_classifier(run.read_config()).model.named_parameters()))
    after = flat(dict(load_classifier(newest_checkpoint(run) or Path()).model.named_parameters()))
    weights, loss = trained_by_hand(run)
    expected = flat(weights)
    assert (expected - before).norm() > 0.02
    assert (after - expected).norm() < 1e-4 * (expected - before).norm()
    (found,) = epochs_table(read_events(run.events_file))["train_loss"]
    assert found == pytest.approx(loss, rel=1e-5)


BATCHES = {
    "batches of one": {"batch_size": 1},
    "a short last batch": {"batch_size": 4},
    "a last batch of one": {"batch_size": 8},
    "fewer trials than a batch": {"batch_size": 20},
    "two parts": {"batch_size": 4, "accumulation_steps": 2},
    "four parts": {"batch_size": 4, "accumulation_steps": 4},
    "mixup": {"batch_size": 5, "mixup": 5.0},
    "mixup in parts": {"batch_size": 5, "mixup": 5.0, "accumulation_steps": 3},
}


@pytest.mark.slow
@pytest.mark.sampled(2)
@pytest.mark.parametrize("settings", BATCHES.values(), ids=list(BATCHES))
def test_each_step_follows_the_gradient_computed_by_hand(
    tmp_path: Path, shared_data_folder: Path, micro: Path, settings: dict[str, Any]
) -> None:
    run = new_run(tmp_path / "run", shared_data_folder, **PLAIN, **SGD, model=str(micro), **settings)
    run.write_split(SPLIT)
    assert work(run, resume=False) is RunState.DONE
    check_by_hand(run)


@pytest.mark.slow
def test_two_processes_follow_the_gradient_computed_by_hand(
    tmp_path: Path, shared_data_folder: Path, micro: Path
) -> None:
    """With mixup, parts, and a last batch of one clip, of which the second process has none."""
    settings = {"batch_size": 4, "mixup": 5.0, "accumulation_steps": 2}
    run = new_run(tmp_path / "run", shared_data_folder, **PLAIN, **SGD, model=str(micro), **settings)
    run.write_split(SPLIT)
    for result in run_as_torchrun("-m", "socal_core.training.worker", run.path):
        assert result.returncode == 0, result.stderr
    assert run.read_environment().processes == 2
    check_by_hand(run)


FAILURES = {"S100T1", "S101T1", "S110T1", "S111T1"}


@pytest.fixture(scope="module")
def grey_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 trials that look the same: only the frequency of each outcome can be learned."""
    folder = write_dataset(tmp_path_factory.mktemp("grey") / "data", surgeons=12, frames=1, size=(16, 16))
    for frame in (folder / layout.IMAGES_DIR).iterdir():
        Image.new("RGB", (16, 16), (120, 120, 120)).save(frame)
    outcomes = pd.read_csv(folder / layout.OUTCOMES_FILE, dtype=str)
    outcomes["success"] = (~outcomes["trial_id"].isin(FAILURES)).astype(int)
    outcomes.to_csv(folder / layout.OUTCOMES_FILE, index=False)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("batch_size", [1, 3, 4, 20])
def test_both_outcomes_count_alike_in_batches_of_any_size(
    tmp_path: Path, grey_data: Path, micro: Path, batch_size: int
) -> None:
    """With 18 successes and 2 failures that look the same, p(success) = 0.5 and a train loss of ln 2 are optimal."""
    trials = [f"S{surgeon}T{number}" for surgeon in range(100, 112) for number in (1, 2)]
    settings = {"num_epochs": 40, "early_stopping_patience": 1000, "scheduler_patience": 1000, "learning_rate": 2e-3}
    run = new_run(tmp_path / "run", grey_data, **PLAIN, **settings, model=str(micro), batch_size=batch_size)
    run.write_split(Split(tuple(trials[:20]), tuple(trials[20:22]), tuple(trials[22:]), seed=0))
    assert work(run, resume=False) is RunState.DONE
    model = load_classifier(newest_checkpoint(run) or Path()).model.eval()
    grey = Preprocessor.for_size(16).normalise(torch.full((1, 2, 3, 16, 16), 120 / 255))
    with torch.no_grad():
        probability = float(model(pixel_values=grey).logits.softmax(-1)[0, 1])
    assert probability == pytest.approx(0.5, abs=0.03)
    assert epochs_table(read_events(run.events_file))["train_loss"].iloc[-1] == pytest.approx(math.log(2), abs=0.03)


SEQUENCES = {
    "tiny improvements": [1.0 - 1e-6 * epoch for epoch in range(12)],
    "the last bit": [1.0, math.nextafter(1.0, 0), math.nextafter(1.0, 0), 1.0, 1.0],
    "the same again": [0.7] * 8,
    "ups and downs": [0.7, 0.8, 0.69995, 0.69999, 0.7, 0.69994, 0.9, 0.9, 0.9, 0.9, 0.6],
    "below zero and back": [0.0, -1e-9, -1e-9, 1e-9, -2e-9],
}


@pytest.mark.parametrize("resumed_after", [None, 1, 4])
@pytest.mark.parametrize("patience", [0, 1, 2])
@pytest.mark.parametrize("losses", SEQUENCES.values(), ids=list(SEQUENCES))
def test_schedule_and_early_stopping_call_the_same_losses_an_improvement(
    losses: list[float], patience: int, resumed_after: int | None
) -> None:
    """Any lower loss is an improvement; the learning rate falls after patience + 1 epochs without one."""
    config = config_from({"scheduler_patience": patience, "scheduler_factor": 0.5, "learning_rate": 1e-3}, TINY)
    model = torch.nn.Linear(2, 2)
    optimizer = make_optimizer(model, config.optimization)
    scheduler = make_scheduler(optimizer, config.optimization)
    state, waited, rate = TrainingState(), 0, 1e-3
    for epoch, loss in enumerate(losses, start=1):
        scheduler.step(loss)
        state = state.after_epoch(loss)
        if epoch == resumed_after:
            kept = {"optimizer": optimizer.state_dict(), "scheduler": scheduler.state_dict()}
            optimizer = make_optimizer(model, config.optimization)
            scheduler = make_scheduler(optimizer, config.optimization)
            optimizer.load_state_dict(kept["optimizer"])
            scheduler.load_state_dict(kept["scheduler"])
        improved = epoch == 1 or loss < min(losses[: epoch - 1])
        waited = 0 if improved else waited + 1
        if waited and waited % (patience + 1) == 0:
            rate /= 2
        assert state.epochs_without_improvement == waited
        assert scheduler.num_bad_epochs == waited % (patience + 1)
        assert scheduler.best == state.best_val_loss == min(losses[:epoch])
        assert state.best_epoch == losses.index(min(losses[:epoch])) + 1
        assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([rate, rate])


@pytest.mark.parametrize("name", ["AdamW", "SGD"])
def test_only_weights_of_two_or_more_dimensions_decay(name: str) -> None:
    """One step without gradients: decay alone multiplies a weight by 1 - learning_rate * weight_decay."""
    values = {"num_frames": 2, "optimizer": name, "learning_rate": 0.1, "weight_decay": 0.5, "layer_decay": 1.0}
    config = config_from(values, TINY)
    model = build_classifier(config).model
    before = {key: value.detach().clone() for key, value in model.named_parameters()}
    for value in model.parameters():
        value.grad = torch.zeros_like(value)
    optimizer = make_optimizer(model, config.optimization)
    optimizer.step()
    kept = {key for key, value in model.named_parameters() if torch.equal(value, before[key])}
    zero = {key for key, value in before.items() if not value.any()}
    flat = {key for key, value in before.items() if key.endswith("bias") or "norm" in key}
    assert kept - zero == flat - zero
    for key, value in model.named_parameters():
        torch.testing.assert_close(value, before[key] * (1.0 if key in flat else 0.95))
    assert sum(len(group["params"]) for group in optimizer.param_groups) == len(before)
    assert {group["lr"] for group in optimizer.param_groups} == {0.1}


def test_each_layer_learns_slower_than_the_one_after_it() -> None:
    """In SGD with gradients of 1, a parameter changes by its learning rate."""
    values = {"num_frames": 2, "optimizer": "SGD", "learning_rate": 0.1, "weight_decay": 0.0, "layer_decay": 0.5}
    config = config_from(values, TINY)
    model = build_classifier(config).model
    before = {key: value.detach().clone() for key, value in model.named_parameters()}
    for value in model.parameters():
        value.grad = torch.ones_like(value)
    optimizer = make_optimizer(model, config.optimization)
    optimizer.step()
    rates = {"classifier.": 0.1, "fc_norm.": 0.1, "videomae.embeddings.": 0.1 / 2**7}
    rates |= {f"videomae.encoder.layer.{number}.": 0.1 / 2 ** (6 - number) for number in range(6)}
    for key, value in model.named_parameters():
        (rate,) = (rate for start, rate in rates.items() if key.startswith(start))
        torch.testing.assert_close(before[key] - value, torch.full_like(value, rate), rtol=1e-4, atol=1e-6)
    assert optimizer.param_groups[0]["lr"] == 0.1  # the rate that is reported
    assert sum(len(group["params"]) for group in optimizer.param_groups) == len(before)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [([0, 1], [1.0, 1.0]), ([0, 1, 1, 1], [2.0, 2 / 3]), ([0, 0, 1], [0.75, 1.5])],
)
def test_class_weights_are_n_over_2_n_class(labels: list[int], expected: list[float]) -> None:
    assert class_weights(labels).tolist() == pytest.approx(expected)


def test_several_classes_have_weights_and_a_number_has_none() -> None:
    grade = Target("grade", "grade", classes=("1", "2", "3"))
    weights = class_weights([0, 0, 0, 1, 2, 2], grade)
    assert weights is not None
    assert weights.tolist() == pytest.approx([2 / 3, 2.0, 1.0])
    assert class_weights([0.5, -0.5], Target("blood_loss", "Blood loss")) is None
    with pytest.raises(RunError, match=r"No training trial has the outcome 2 \(grade\)"):
        class_weights([0, 2], grade)


def test_one_class_cannot_be_weighted() -> None:
    with pytest.raises(RunError, match="No training trial has the outcome failure"):
        class_weights([1, 1])
