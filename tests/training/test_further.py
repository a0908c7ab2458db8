"""Training a finished run further: weights and head are kept, and the old run can be deleted."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from socal_core.evaluation.predict_trials import predict_trials
from socal_core.lifecycle.further import train_further
from socal_core.lifecycle.state import RunState, read_status
from socal_core.models.build import build_classifier, load_classifier
from socal_core.runs.checkpoint_folders import best_checkpoint, newest_checkpoint, read_training_state, write_manifest
from socal_core.runs.events import Event, read_events
from socal_core.runs.folder import RunFolder
from socal_core.settings import TINY, config_from
from socal_core.training.checkpoint_io import load_tensors
from socal_core.training.worker import work
from tests.training.killer import timeless, weights_hash
from tests.training.small_runs import QUICK, new_run


def test_a_checkpoint_named_as_the_model_keeps_all_its_weights(done_run: RunFolder) -> None:
    checkpoint = best_checkpoint(done_run)
    built = build_classifier(config_from({**QUICK, "model": str(checkpoint), "seed": 5}, TINY)).model.state_dict()
    saved = load_classifier(checkpoint).model.state_dict()
    assert built.keys() == saved.keys()
    assert "classifier.weight" in built
    for name, value in saved.items():
        assert torch.equal(built[name], value), name


@pytest.mark.slow
def test_a_new_run_begins_with_what_the_old_one_learned_on_the_same_split(done_run: RunFolder, tmp_path: Path) -> None:
    """With negligible steps, the predictions are those of the old run."""
    run = train_further(done_run, tmp_path / "further", {"learning_rate": 1e-8, "num_epochs": 1})
    assert work(run, resume=False) is RunState.DONE
    assert run.read_split() == done_run.read_split()
    before, after = done_run.read_predictions(), run.read_predictions()
    assert before is not None and after is not None
    assert after[["trial_id", "split"]].equals(before[["trial_id", "split"]])
    assert after["prob_success"].tolist() == pytest.approx(before["prob_success"].tolist(), abs=1e-4)


@pytest.mark.slow
def test_the_old_run_may_be_deleted_once_the_new_one_has_a_checkpoint(done_run: RunFolder, tmp_path: Path) -> None:
    old = RunFolder(shutil.copytree(done_run.path, tmp_path / "old"))
    through = train_further(old, tmp_path / "through")
    assert work(through, resume=False) is RunState.DONE
    run = train_further(old, tmp_path / "further")

    def stop(event: Event) -> None:
        if (event["type"], event.get("epoch")) == ("step", 2):
            run.stop_file.touch()

    assert work(run, resume=False, echo=stop) is RunState.STOPPED
    shutil.rmtree(old.path)
    assert work(run, resume=True) is RunState.DONE
    assert weights_hash(newest_checkpoint(run)) == weights_hash(newest_checkpoint(through))
    assert timeless(read_events(run.events_file)) == timeless(read_events(through.events_file))
    assert predict_trials(run, run.open_dataset(), ["S100T1"])[0]["trial_id"] == "S100T1"
    assert train_further(run).read_split() == done_run.read_split()


def with_one_parameter_group(run: RunFolder) -> None:
    """Replace the optimizer state of the newest checkpoint by that of a version with one parameter group."""
    checkpoint = newest_checkpoint(run)
    assert checkpoint is not None
    tensors: dict[str, Any] = load_tensors(checkpoint)
    groups = tensors["optimizer"]["param_groups"]
    parameters = [parameter for group in groups for parameter in group["params"]]
    tensors["optimizer"]["param_groups"] = [{**groups[0], "params": parameters}]
    torch.save(tensors, checkpoint / "optimizer.pt")
    (checkpoint / "manifest.json").unlink()
    write_manifest(checkpoint)


@pytest.mark.slow
def test_a_run_of_an_earlier_version_is_not_resumed_but_trained_further(
    tmp_path: Path, shared_data_folder: Path
) -> None:
    run = new_run(tmp_path / "run", shared_data_folder)

    def stop(event: Event) -> None:
        if (event["type"], event.get("epoch")) == ("step", 2):
            run.stop_file.touch()

    assert work(run, resume=False, echo=stop) is RunState.STOPPED
    with_one_parameter_group(run)
    assert work(run, resume=True) is RunState.FAILED
    assert read_status(run).reason.startswith("Run run cannot be resumed: an earlier version wrote its checkpoints")
    assert "--from-run RUN" in read_status(run).reason
    further = train_further(run)
    assert work(further, resume=False) is RunState.DONE
    assert further.read_split() == run.read_split()


def test_schedule_and_early_stopping_of_a_checkpoint_have_the_same_best_loss(done_run: RunFolder) -> None:
    for checkpoint in done_run.checkpoints.iterdir():
        state = read_training_state(checkpoint)
        schedule = load_tensors(checkpoint)["scheduler"]
        assert schedule["best"] == state.best_val_loss
        assert schedule["num_bad_epochs"] == state.epochs_without_improvement % (schedule["patience"] + 1)
