"""socal_core.models.features, with a small encoder whose features are the mean colours of each frame."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from socal_core.clips.preprocess import Preprocessor
from socal_core.dataset.opening import open_dataset
from socal_core.models.encoders import Encoder
from socal_core.models.features import open_embedder
from socal_core.settings import TINY, TrainConfig

CONFIG = TrainConfig.from_flat({"model": TINY, "recipe": "frozen", "num_frames": 4, "test_clips": 2})
TRIALS = ["S100T1", "S101T2"]
CPU = torch.device("cpu")


class MeanColours(nn.Module):
    """(clips, frames, 3, height, width) to (clips, frames, 3); counts the clips."""

    def __init__(self) -> None:
        super().__init__()
        self.clips = 0

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        self.clips += len(clips)
        return clips.mean(dim=(3, 4))


def encoder(digest: str = "ab", size: int = 32) -> Encoder:
    return Encoder("image", "Mean colours", "Embedding", digest, Preprocessor.for_size(size), MeanColours().eval())


def embed(data: Path, by: Encoder, trials: Sequence[str] = TRIALS) -> tuple[np.ndarray, list[str]]:
    """Embed the clips twice, and return the features and the notices."""
    shown: list[tuple[int, int]] = []
    with open_embedder(by, open_dataset(data), CONFIG, trials, CPU, lambda *stage: None) as embedder:
        features = embedder.embed(trials, lambda done, total: shown.append((done, total)))
        again = embedder.embed(trials[::-1], lambda done, total: None)
        np.testing.assert_array_equal(again[::-1], features)
        assert shown[-1] == (len(trials) * CONFIG.clip.test_clips,) * 2
        return features, embedder.notices()


def count(by: Encoder) -> int:
    """Return the number of clips that were embedded."""
    assert isinstance(by.module, MeanColours)
    return by.module.clips


def test_features_are_computed_from_the_frames_of_the_clip(data_folder: Path) -> None:
    features, notices = embed(data_folder, encoder())
    assert features.shape == (2, 2, 4, 3)
    assert notices == []
    # 12 frames, two clips of 4: the first frame of the first clip lies in the first quarter of the trial.
    successful = [trial for trial in TRIALS if open_dataset(data_folder).trials.loc[trial, "success"]]
    for trial, of_trial in zip(TRIALS, features, strict=True):
        red, green = of_trial[..., 0].mean(), of_trial[..., 1].mean()
        assert (green > red) == (trial in successful)


def test_a_clip_is_embedded_once(data_folder: Path) -> None:
    first, second = encoder(), encoder()
    features, _ = embed(data_folder, first)
    assert count(first) == 4
    again, _ = embed(data_folder, second, [*TRIALS, "S102T1"])
    np.testing.assert_array_equal(again[:2], features)
    assert count(second) == 2  # the clips of the new trial


@pytest.mark.slow
@pytest.mark.parametrize("other", [{"digest": "cd"}, {"size": 40}], ids=["weights", "preprocessing"])
def test_features_of_another_encoder_are_not_reused(data_folder: Path, other: dict[str, object]) -> None:
    embed(data_folder, encoder())
    changed = encoder(**other)
    embed(data_folder, changed)
    assert count(changed) == 4


def test_features_with_another_normalization_are_not_reused(data_folder: Path) -> None:
    embed(data_folder, encoder())
    changed = encoder()
    changed.preprocessor.processor.image_mean = [0.5, 0.5, 0.5]
    features, _ = embed(data_folder, changed)
    assert count(changed) == 4
    plain, _ = embed(data_folder, encoder())
    assert np.abs(features - plain).max() > 0.01


def test_a_changed_frame_is_embedded_again(data_folder: Path) -> None:
    features, _ = embed(data_folder, encoder())
    frame = data_folder / "JPEGImages" / "S100T1_frame_00000001.jpeg"
    Image.new("RGB", (64, 48), (255, 255, 255)).save(frame)
    os.utime(frame, (1, 1))
    changed = encoder()
    found, _ = embed(data_folder, changed)
    assert 0 < count(changed) <= 2  # the clips with this frame
    assert (found[0] != features[0]).any()
    np.testing.assert_array_equal(found[1], features[1])


def test_features_of_a_clip_with_a_replaced_frame_are_not_stored(data_folder: Path) -> None:
    # A clip of 4 frames is left out if one of them is broken, so the clip is longer here.
    config = CONFIG.replace(num_frames=12, test_clips=1)
    (data_folder / "JPEGImages" / "S100T1_frame_00000002.jpeg").write_bytes(b"no picture")
    counts = []
    for _ in range(2):
        by = encoder()
        with open_embedder(by, open_dataset(data_folder), config, TRIALS, CPU, lambda *stage: None) as embedder:
            features = embedder.embed(TRIALS, lambda done, total: None)
            assert any("is used instead" in notice for notice in embedder.notices())
        np.testing.assert_array_equal(features[0, 0, 1], features[0, 0, 0])
        counts.append(count(by))
    assert counts == [2, 1]


def test_without_disk_space_features_are_the_same_and_a_notice_says_so(
    data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, _ = embed(data_folder, encoder())
    monkeypatch.setenv("SOCAL_CACHE_GB", "0")
    other = encoder("cd")
    features, notices = embed(data_folder, other)
    np.testing.assert_array_equal(features, kept)
    assert any("The features of Mean colours are not stored" in notice for notice in notices)
    assert count(other) == 4  # they are computed only once per run


def test_a_damaged_file_is_embedded_again(data_folder: Path, workspace: Path) -> None:
    features, _ = embed(data_folder, encoder())
    files = sorted(workspace.rglob("*.features"))
    assert len(files) == 4
    files[0].write_bytes(files[0].read_bytes()[:-1])
    again = encoder()
    found, _ = embed(data_folder, again)
    np.testing.assert_array_equal(found, features)
    assert count(again) == 1
