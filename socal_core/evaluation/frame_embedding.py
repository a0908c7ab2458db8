"""Embed single frames with the frozen image encoder, for the control that sees one frame of each trial."""

import numpy as np
import torch
from numpy.typing import NDArray

from socal_core.errors import ModelError
from socal_core.evaluation.control_cues import Embed
from socal_core.models.efficientnet import EfficientNetLite0, load_efficientnet
from socal_core.models.encoders import image_preprocessor

BATCH = 16
"""Frames per forward pass."""


def frame_embedder() -> Embed | None:
    """Load the image encoder on the CPU; None if its weights are missing or damaged.

    A trial has one frame, so a GPU would save less than a second.
    """
    try:
        network = load_efficientnet().fused()
    except ModelError:
        return None
    return lambda frames: _embed(network, frames)


@torch.inference_mode()
def _embed(network: EfficientNetLite0, frames: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Embed frames of any size, (frames, 3, height, width), RGB; (frames, 1280)."""
    preprocessor = image_preprocessor()
    parts = []
    for batch in torch.split(torch.from_numpy(frames), BATCH):
        pixel_values = preprocessor.model_input(batch, torch.empty(batch.shape))
        parts.append(network.features(pixel_values.contiguous(memory_format=torch.channels_last)))
    return torch.cat(parts).double().numpy()
