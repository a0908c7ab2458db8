"""A video transformer in numbers, from its configuration alone: parameters, work and memory of a clip, without PyTorch.

Counted for VideoMAE as transformers builds it; tests compare with the model itself.
"""

import json
from dataclasses import dataclass, fields
from pathlib import Path

from huggingface_hub import try_to_load_from_cache
from huggingface_hub.errors import HFValidationError

from socal_core.runs.config import TINY, TrainConfig
from socal_core.runs.model_choice import local_folder
from socal_core.runs.recipes import IMAGE_ENCODER, IMAGE_SIZE, Recipe

CONFIG_FILE = "config.json"

COLOURS = 3
CLASSES = 2
FLOAT32 = 4
FLOAT16 = 2
"""Bytes."""
PIXEL_BYTES = 20
"""A pixel's colour on its way to the model: bytes read ahead, then float32 as read, augmented, mixed and normalised."""
VALUES_PER_HIDDEN = 8
VALUES_PER_INTERMEDIATE = 2
"""What a layer keeps of a token for the way back: input, both norms, query, key, value, context and the middle of the
two residuals, of hidden size; before and after the activation, of intermediate size."""
ATTENTION_BYTES = 12
"""Of each attention weight a layer with dropout on the CPU keeps softmax, mask and the dropped one, in float32."""
ATTENTION_PASSING_BYTES = 16
"""Copies that one layer at a time makes of them on the way back."""


@dataclass(frozen=True)
class Architecture:
    """The sizes of a VideoMAE, by the names of its config.json; the defaults are those of the base model."""

    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    image_size: int = 224
    patch_size: int = 16
    tubelet_size: int = 2

    @property
    def parameters(self) -> int:
        """Trainable weights, with a head for two classes; query and value have a bias, key has none."""
        hidden, middle = self.hidden_size, self.intermediate_size
        embedding = self._patch_values * hidden + hidden
        attention = 4 * hidden**2 + 3 * hidden
        feed_forward = 2 * hidden * middle + middle + hidden
        norm = 2 * hidden
        head = norm + CLASSES * (hidden + 1)
        return embedding + self.num_hidden_layers * (attention + feed_forward + 2 * norm) + head

    def tokens(self, num_frames: int) -> int:
        """The length of the sequence that a clip becomes."""
        return num_frames // self.tubelet_size * (self.image_size // self.patch_size) ** 2

    def forward_flop(self, num_frames: int) -> float:
        """Floating-point operations of one clip, forward; a multiply-add counts as two, norms and the like as none."""
        tokens, hidden = self.tokens(num_frames), self.hidden_size
        linear = tokens * (4 * hidden**2 + 2 * hidden * self.intermediate_size)
        attention = 2 * tokens**2 * hidden
        embedding = tokens * self._patch_values * hidden
        return 2.0 * (embedding + self.num_hidden_layers * (linear + attention) + CLASSES * hidden)

    def input_bytes(self, num_frames: int) -> float:
        """Memory that the pixels of one clip of a batch take."""
        return float(num_frames * COLOURS * self.image_size**2 * PIXEL_BYTES)

    def kept_bytes(self, num_frames: int, attention_dropout: bool, on_gpu: bool, checkpointing: bool) -> float:
        """Memory that one clip takes from its way forward to its way back, its pixels aside.

        On a GPU values are kept in 16 bits and attention weights never; on the CPU they are, where they are dropped.
        With gradient checkpointing a layer keeps its input, and one layer at a time all the rest.
        """
        tokens, size = self.tokens(num_frames), FLOAT16 if on_gpu else FLOAT32
        values = VALUES_PER_HIDDEN * self.hidden_size + VALUES_PER_INTERMEDIATE * self.intermediate_size
        layer = float(tokens * values * size)
        passing = 0.0
        if attention_dropout and not on_gpu:
            weights = self.num_attention_heads * tokens**2
            layer += weights * ATTENTION_BYTES
            passing = float(weights * ATTENTION_PASSING_BYTES)
        if checkpointing:
            return self.num_hidden_layers * tokens * self.hidden_size * size + layer + passing
        return self.num_hidden_layers * layer + passing

    @property
    def _patch_values(self) -> int:
        return COLOURS * self.tubelet_size * self.patch_size**2


TINY_ARCHITECTURE = Architecture(
    hidden_size=192, num_hidden_layers=4, num_attention_heads=3, intermediate_size=768, image_size=64
)
"""The smallest of those tried that learns the demo from random weights within the time that the demo run may take on
two cores (benchmarks/README.md)."""


def architecture_of(model: str) -> Architecture:
    """A model's sizes by its config.json on this machine; the base model's where there is none, or none to work with.

    It asks no hub: what is not here is taken to be as large as the published VideoMAE that most start from.
    """
    if model == TINY:
        return TINY_ARCHITECTURE
    folder = local_folder(model)
    try:
        found = folder / CONFIG_FILE if folder is not None else try_to_load_from_cache(model, CONFIG_FILE)
        values = json.loads(Path(str(found)).read_text(encoding="utf-8"))
        sizes = {item.name: values[item.name] for item in fields(Architecture) if item.name in values}
    except (OSError, ValueError, TypeError, HFValidationError):
        return Architecture()
    usable = all(type(size) is int and size > 0 for size in sizes.values())
    return Architecture(**sizes) if usable else Architecture()


def frame_sides(config: TrainConfig) -> tuple[int, ...]:
    """Height and width in pixels of the frames that a run's networks are given, one for each network."""
    side = architecture_of(config.model).image_size
    if config.recipe is Recipe.FINETUNE:
        return (side,)
    return tuple(IMAGE_SIZE if name == IMAGE_ENCODER else side for name in config.encoder.names)
