"""socal_core.evaluation.predict: what validation and test show the model."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from transformers.models.videomae.image_processing_pil_videomae import VideoMAEImageProcessorPil

from socal_core.clips.loader import open_clips
from socal_core.dataset.opening import open_dataset
from socal_core.evaluation.logits import logits_of
from socal_core.evaluation.predict import probabilities_of
from socal_core.models.build import build_classifier
from socal_core.settings import TINY, config_from
from tests.factories import write_dataset

TRIALS = ["S100T1", "S101T2", "S104T1"]
LOUD = {
    "horizontal_flip": 1.0,
    "color_jitter": 1.0,
    "hue_jitter": 0.5,
    "rotation_degrees": 90.0,
    "crop_area": 0.1,
    "random_erasing": 1.0,
    "rand_augment": 10.0,
    "mixup": 1.0,
    "cutmix": 1.0,
}


@pytest.mark.slow
@pytest.mark.parametrize("test_clips", [1, 3])
def test_clips_are_the_processors_own_never_augmented_and_averaged(tmp_path: Path, test_clips: int) -> None:
    """Beside the way that the transformers library documents: pictures, processor, model."""
    data = write_dataset(tmp_path / "data", surgeons=6, frames=24, size=(160, 90))
    for path in (data / "JPEGImages").iterdir():  # it grows dark, so that a trial's clips differ
        level = 250 - 10 * int(path.stem[-8:])
        Image.new("RGB", (160, 90), (level, level // 2, 30 * (int(path.name[1:4]) - 100))).save(path)
    settings = {"num_frames": 4, "window": "whole", "sampling": "dense", "stride": 1, "test_clips": test_clips}
    config = config_from({**settings, **LOUD}, TINY)
    classifier = build_classifier(config)
    dataset = open_dataset(data)
    with open_clips(dataset, config, classifier.preprocessor, TRIALS, TRIALS, lambda *stage: None) as reader:
        between = logits_of(classifier.model, reader, TRIALS[:1], torch.device("cpu"))[0]
    # A sure model that changes its mind within a trial: the mean of probabilities is not that of logits.
    classifier.model.classifier.weight.data *= 500
    classifier.model.classifier.bias.data = -500 * between
    with open_clips(dataset, config, classifier.preprocessor, TRIALS, TRIALS, lambda *stage: None) as reader:
        logits = logits_of(classifier.model, reader, TRIALS, torch.device("cpu"))
        indices = {
            clip: reader.plan.indices_of(clip) for trial in TRIALS for clip in reader.plan.evaluation_clips(trial)
        }
    processor = VideoMAEImageProcessorPil(
        size={"shortest_edge": 96},
        crop_size={"height": 96, "width": 96},
        image_mean=[0.485, 0.456, 0.406],
        image_std=[0.229, 0.224, 0.225],
    )
    expected = []
    for trial in TRIALS:
        probabilities = []
        for clip, chosen in indices.items():
            if clip.trial_id == trial:
                names = [data / "JPEGImages" / f"{trial}_frame_{place + 1:08d}.jpeg" for place in chosen]
                frames = [np.asarray(Image.open(name).convert("RGB")) for name in names]
                with torch.no_grad():
                    out = classifier.model(**processor(frames, return_tensors="pt")).logits
                probabilities.append(out.softmax(-1)[0, 1].item())
        assert len(probabilities) == test_clips
        expected.append(np.mean(probabilities))
    assert probabilities_of(logits).tolist() == pytest.approx(expected, abs=0.01)
    assert np.ptp(expected) > 0.1, "the trials differ, or nothing would be shown"
