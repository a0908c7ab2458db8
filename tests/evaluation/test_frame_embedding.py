"""socal_core.evaluation.frame_embedding"""

import numpy as np
import pytest
import torch

from socal_core.evaluation.frame_embedding import BATCH, frame_embedder
from socal_core.models import efficientnet


def test_frames_are_embedded_as_the_encoder_does() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (BATCH + 1, 3, 32, 32), np.uint8)
    embed = frame_embedder()
    assert embed is not None
    with torch.inference_mode():
        values = (torch.from_numpy(frames).float() - 127) / 128
        expected = efficientnet.load_efficientnet().features(values).numpy()
    np.testing.assert_allclose(embed(frames), expected, atol=1e-3)


def test_without_weights_there_is_no_embedder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(efficientnet, "weights_path", lambda: None)
    assert frame_embedder() is None
