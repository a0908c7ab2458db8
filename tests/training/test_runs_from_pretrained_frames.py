"""Runs that start from a model that was pre-trained on the frames of the same data set."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from socal_core.dataset.opening import open_dataset
from socal_core.lifecycle.cross_validation import make_cross_validation
from socal_core.lifecycle.state import RunState, read_status
from socal_core.models.build import build_classifier
from socal_core.runs.cross_validation import folds_of
from socal_core.runs.events import notices, read_events
from socal_core.settings import TINY, config_from
from socal_core.training.cross_validation import cross_validate
from socal_core.training.worker import work
from tests.models.checkpoints import write_pretrained
from tests.pretraining.small_frames import pretrain
from tests.training.small_runs import QUICK, new_run


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, shared_data_folder: Path) -> Path:
    folder = tmp_path_factory.mktemp("pretrained")
    write_pretrained(folder / "start")
    pretrain(shared_data_folder, folder / "start", folder / "model", validation_fraction=0.2, test_fraction=0.2)
    return folder / "model"


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["finetune", "frozen"])
@pytest.mark.parametrize("seed", [0, 3])
def test_a_run_starts_from_the_model_and_knows_its_test_trials_if_they_were_seen(
    tmp_path: Path, shared_data_folder: Path, model: Path, recipe: str, seed: int
) -> None:
    encoder = "video" if recipe == "frozen" else "auto"
    settings = {"model": str(model), "recipe": recipe, "encoder": encoder, "num_epochs": 1}
    run = new_run(tmp_path / "run", shared_data_folder, **settings, seed=seed)
    assert work(run, resume=False) is RunState.DONE, read_status(run).reason
    seen = [text for text in notices(read_events(run.events_file)) if "The model was pre-trained on the frames" in text]
    assert len(seen) == (seed != 0)
    stored = load_file(model / "model.safetensors")
    built = build_classifier(run.read_config()).model.state_dict()
    backbone = {name: tensor for name, tensor in built.items() if name.startswith("videomae.")}
    assert len(backbone) > 20
    assert all(torch.equal(tensor, stored[name]) for name, tensor in backbone.items())


@pytest.mark.slow
def test_a_cross_validation_says_which_of_its_trials_were_seen(
    tmp_path: Path, shared_data_folder: Path, model: Path
) -> None:
    settings = {**QUICK, "model": str(model), "num_epochs": 1, "split_method": "k-fold", "folds": 2}
    run = make_cross_validation(tmp_path / "cv", config_from(settings, TINY), open_dataset(shared_data_folder))
    assert cross_validate(run) is RunState.DONE, read_status(run).reason
    seen = [text for text in notices(read_events(run.events_file)) if "The model was pre-trained on the frames" in text]
    assert len(seen) == 1
    assert "of 16 of the 20 test trials of this run" in seen[0]
    of_folds = [text for fold in folds_of(run) for text in notices(read_events(fold.run.events_file))]
    assert sum("The model was pre-trained on the frames" in text for text in of_folds) == 2
