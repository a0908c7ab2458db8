"""socal_core.evaluation.trial_features"""

import os
from pathlib import Path

import numpy as np
import pytest

from socal_core.dataset import layout
from socal_core.dataset.opening import open_dataset
from socal_core.evaluation.frame_embedding import embed_trials_of
from socal_core.evaluation.trial_features import cached_features
from socal_core.settings import TINY, TrainConfig
from tests.factories import write_dataset
from tests.made_features import write_features
from tests.made_runs import write_run

CONFIG = TrainConfig.from_flat({"model": TINY, "num_frames": 4, "test_clips": 2})
TRIALS = ["S100T2", "S101T1", "S100T1"]


def draw(trials: list[str], dims: int = 3) -> dict[str, np.ndarray]:
    chance = np.random.default_rng(0)
    return {trial: chance.normal(size=(2, 4, dims)) for trial in trials}


def test_a_trial_has_the_mean_over_its_clips_and_steps(data_folder: Path) -> None:
    dataset = open_dataset(data_folder)
    values = draw(TRIALS[:2])
    write_features(dataset, CONFIG, values)
    found = cached_features(dataset, CONFIG, TRIALS)
    assert found.encoder == "image"
    assert list(found.values.index) == TRIALS[:2], "no features of the third"
    for trial, of_trial in values.items():
        np.testing.assert_allclose(found.values.loc[trial], of_trial.mean(axis=(0, 1)), rtol=1e-6)


def test_features_of_frames_that_have_changed_are_not_used(data_folder: Path) -> None:
    dataset = open_dataset(data_folder)
    write_features(dataset, CONFIG, draw(TRIALS))
    for frame in (data_folder / layout.IMAGES_DIR).glob("S101T1_*"):
        os.utime(frame, (1, 1))
    assert "S101T1" not in cached_features(dataset, CONFIG, TRIALS).values.index
    other_clips = CONFIG.replace(num_frames=8)
    assert cached_features(dataset, other_clips, TRIALS).values.empty


def test_the_encoder_of_most_trials_counts_then_the_image_encoder(data_folder: Path, tmp_path: Path) -> None:
    dataset = open_dataset(data_folder)
    write_features(open_dataset(write_dataset(tmp_path / "other")), CONFIG, draw(TRIALS))
    assert cached_features(dataset, CONFIG, TRIALS).encoder == "", "of another folder"
    write_features(dataset, CONFIG, draw(TRIALS[:2], dims=5), "video")
    write_features(dataset, CONFIG, draw(TRIALS[:1]))
    assert cached_features(dataset, CONFIG, TRIALS).encoder == "video"
    write_features(dataset, CONFIG, draw(TRIALS[:2]))
    assert cached_features(dataset, CONFIG, TRIALS).encoder == "image"


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["frozen", "finetune"])
def test_what_is_computed_for_a_run_is_found(tmp_path: Path, recipe: str) -> None:
    """The real encoder, also for a run that never used it."""
    folder = write_dataset(tmp_path / "data", surgeons=4, frames=2)
    run = write_run(tmp_path / "run", folder, recipe=recipe, num_frames=2, test_fraction=0.5, validation_fraction=0.25)
    dataset, config = run.open_dataset(), run.read_config()
    trials = list(run.read_split().trial_ids)
    shown: list[str] = []
    assert embed_trials_of(run, lambda stage, done, total: shown.append(stage)) == ()
    assert "Embedding frames: EfficientNet-Lite0" in shown
    found = cached_features(dataset, config, trials)
    assert found.values.shape == (8, 1280)
    assert list(found.values.index) == trials
