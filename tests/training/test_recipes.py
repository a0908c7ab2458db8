"""Runs with each recipe and with parts of the network trained: they learn what they say, resume and predict."""

from pathlib import Path

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from socal_core.clips.loader import ClipReader
from socal_core.errors import ModelError
from socal_core.evaluation.logits import logits_of
from socal_core.evaluation.predictors import best_classifier
from socal_core.lifecycle.state import RunState
from socal_core.models.weights_record import check_weights
from socal_core.runs.checkpoint_folders import best_checkpoint, checkpoint_path, newest_checkpoint
from socal_core.runs.events import read_events
from socal_core.settings import TINY, Recipe, config_from
from socal_core.training.checkpoint_io import load_tensors
from socal_core.training.worker import work
from tests.models.checkpoints import write_classifier
from tests.preloaded import run_preloaded
from tests.training.killer import timeless, weights_hash
from tests.training.small_runs import new_run, small_model
from tests.training.test_resume import KILLED_AT


@pytest.mark.parametrize("recipe", [Recipe.SMALL_DATA, Recipe.NOTEBOOK])
def test_a_recipe_is_a_choice_of_defaults(recipe: Recipe) -> None:
    config = config_from({"recipe": recipe}, "owner/name")
    assert config.augmentation.hue_jitter == (0.1 if recipe is Recipe.NOTEBOOK else 0.02)
    assert config.optimization.schedule == ("plateau" if recipe is Recipe.NOTEBOOK else "cosine")
    changed = config_from({"recipe": recipe, "learning_rate": 1e-3}, "owner/name")
    assert changed == config.replace(learning_rate=1e-3)


@pytest.mark.slow
def test_the_recipe_of_videomae_runs_resumes_and_follows_its_cosine(tmp_path: Path, shared_data_folder: Path) -> None:
    known = {"num_epochs": 3, "warmup_epochs": 1, "batch_size": 4, "test_clips": 2, "learning_rate": 1e-3}
    full = config_from({"recipe": "videomae-small-data", "model": small_model()}, TINY).as_dict()
    settings = {**full, "num_frames": 4, "validation_fraction": 0.2, "test_fraction": 0.2, **known}
    through, killed = (new_run(tmp_path / name, shared_data_folder, **settings) for name in ("through", "killed"))
    assert work(through, resume=False) is RunState.DONE
    assert run_preloaded("-c", KILLED_AT.format(event=("step", 2)), killed.path).returncode == -9
    assert work(killed, resume=True) is RunState.DONE
    assert weights_hash(newest_checkpoint(killed)) == weights_hash(newest_checkpoint(through))
    assert killed.predictions_file.read_bytes() == through.predictions_file.read_bytes()
    steps = [event for event in read_events(through.events_file) if event["type"] == "step"]
    rates = [event["learning_rate"] for event in steps]
    assert len(rates) % 3 == 0
    warm = len(rates) // 3
    assert rates[:warm] == pytest.approx([1e-3 * step / warm for step in range(1, warm + 1)])
    assert rates[warm:] == sorted(rates[warm:], reverse=True)
    assert rates[-1] == pytest.approx(3.1e-7)


@pytest.mark.slow
@pytest.mark.parametrize("tune", ["frozen", "last:1", "lora"])
def test_only_the_chosen_weights_change(tmp_path: Path, shared_data_folder: Path, tune: str) -> None:
    settings = {"model": TINY, "tune": tune, "num_epochs": 1, "learning_rate": 1e-2, "layer_decay": 1.0}
    run = new_run(tmp_path / "run", shared_data_folder, **settings)
    assert work(run, resume=False) is RunState.DONE
    weights = load_file(best_checkpoint(run) / "model.safetensors")
    start = load_file(Path("socal_core/models/tiny/model.safetensors").resolve())
    changed = {name for name, tensor in weights.items() if name in start and not torch.equal(tensor, start[name])}
    blocks = {int(name.split(".")[3]) for name in changed if ".layer." in name}
    assert blocks == {"frozen": set(), "last:1": {5}, "lora": set(range(6))}[tune]
    if tune == "lora":
        assert all(name.endswith(("query.weight", "value.weight")) for name in changed if ".layer." in name)


@pytest.mark.slow
def test_low_rank_updates_resume_to_the_same_bits(tmp_path: Path, shared_data_folder: Path) -> None:
    settings = {"tune": "lora", "learning_rate": 1e-3, "weight_averaging": 0.8}
    through, killed = (new_run(tmp_path / name, shared_data_folder, **settings) for name in ("through", "killed"))
    assert work(through, resume=False) is RunState.DONE
    assert run_preloaded("-c", KILLED_AT.format(event=("epoch", 2)), killed.path).returncode == -9
    assert work(killed, resume=True) is RunState.DONE
    assert weights_hash(newest_checkpoint(killed)) == weights_hash(newest_checkpoint(through))
    assert timeless(read_events(killed.events_file)) == timeless(read_events(through.events_file))
    assert killed.predictions_file.read_bytes() == through.predictions_file.read_bytes()


@pytest.mark.slow
def test_updates_are_not_added_to_other_weights(tmp_path: Path, shared_data_folder: Path) -> None:
    run = new_run(tmp_path / "run", shared_data_folder, tune="lora", num_epochs=1)
    assert work(run, resume=False) is RunState.DONE
    check_weights(run)
    environment = run.environment_file.read_text(encoding="utf-8")
    digest = run.read_environment().weights
    assert digest is not None
    run.environment_file.write_text(environment.replace(digest.sha256, "0" * 64), encoding="utf-8")
    with pytest.raises(ModelError, match="not those that run run started from"):
        check_weights(run)


@pytest.mark.slow
def test_the_average_of_the_weights_is_what_predicts(tmp_path: Path, shared_data_folder: Path) -> None:
    """The average is computed anew from the checkpoints of a run with one step per epoch and the same seed."""
    known = {"model": TINY, "num_epochs": 3, "batch_size": 64, "use_early_stopping": False, "learning_rate": 1e-2}
    averaged = new_run(tmp_path / "averaged", shared_data_folder, weight_averaging=0.5, **known)
    assert work(averaged, resume=False) is RunState.DONE
    trained, start = [], load_file(Path("socal_core/models/tiny/model.safetensors").resolve())
    for epochs in (1, 2, 3):
        run = new_run(tmp_path / f"plain-{epochs}", shared_data_folder, **{**known, "num_epochs": epochs})
        assert work(run, resume=False) is RunState.DONE
        trained.append(load_file(checkpoint_path(run, epochs) / "model.safetensors"))
    name = "videomae.encoder.layer.5.output.dense.weight"
    expected = start[name]
    for weights in trained:
        expected = 0.5 * expected + 0.5 * weights[name]
    last = checkpoint_path(averaged, 3)
    torch.testing.assert_close(load_file(last / "model.safetensors")[name], expected, atol=1e-7, rtol=1e-5)
    torch.testing.assert_close(load_tensors(last)["weights"]["trained"][name], trained[-1][name])


@pytest.mark.slow
def test_all_crops_are_averaged_in_the_predictions(tmp_path: Path, shared_data_folder: Path) -> None:
    """Validation and training see the middle alone, so the weights are the same."""
    write_classifier(tmp_path / "model")
    settings = {"model": str(tmp_path / "model"), "num_epochs": 1}
    one, three = (new_run(tmp_path / str(crops), shared_data_folder, test_crops=crops, **settings) for crops in (1, 3))
    for run in (one, three):
        assert work(run, resume=False) is RunState.DONE
    assert weights_hash(newest_checkpoint(one)) == weights_hash(newest_checkpoint(three))
    tables = [pd.read_csv(run.predictions_file, index_col="trial_id") for run in (one, three)]
    assert tables[0].index.equals(tables[1].index)
    classifier, dataset = best_classifier(three), three.open_dataset()
    trials = list(tables[1].index[:3])
    crops = []
    for preprocessor in classifier.preprocessor.crops(3):
        reader = ClipReader(dataset, three.read_config(), preprocessor)
        crops.append(logits_of(classifier.model, reader, trials, torch.device("cpu")).double().softmax(-1)[:, 1])
    expected = torch.stack(crops).mean(0)
    assert tables[1].loc[trials, "prob_success"].tolist() == pytest.approx(expected.tolist(), abs=1e-6)
    assert (tables[1]["prob_success"] - tables[0]["prob_success"]).abs().max() > 1e-4
