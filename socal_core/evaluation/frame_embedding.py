"""Embed frames with the frozen image encoder: one of each trial for a control, or the clips of all for their map."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from socal_core.errors import ModelError
from socal_core.evaluation.control_cues import Embed
from socal_core.models.efficientnet import EfficientNetLite0, load_efficientnet
from socal_core.models.encoders import image_preprocessor
from socal_core.models.feature_table import embed_trials
from socal_core.runs.folder import RunFolder
from socal_core.settings import EncoderChoice, Recipe

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


def embed_trials_of(run: RunFolder, progress: Callable[[str, int, int], None]) -> tuple[str, ...]:
    """Embed the evaluation clips of all trials of a run's data set with the image encoder, into the clip cache.

    Args:
        run: The run, whose settings determine the clips.
        progress: Called with (stage, done, total); may raise.

    Returns:
        What the user should know, such as that there was no room in the cache.

    Raises:
        DataError: The data of the run cannot be used.
        ModelError: The weights of the encoder are missing or damaged.
    """
    config = run.read_config().replace(recipe=Recipe.FROZEN, encoder=EncoderChoice.IMAGE)
    device = torch.accelerator.current_accelerator() or torch.device("cpu")
    return embed_trials(run.open_dataset(), config, device, progress).notices
