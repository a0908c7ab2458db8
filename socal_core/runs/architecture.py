"""Parameters, operations and memory of a video transformer, computed from its configuration without PyTorch.

The formulas are for VideoMAE as transformers builds it; tests compare them with the model itself.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from huggingface_hub import try_to_load_from_cache
from huggingface_hub.errors import HFValidationError

from socal_core.errors import ConfigError
from socal_core.runs.model_choice import local_folder
from socal_core.settings import IMAGE_ENCODER, IMAGE_SIZE, TINY, ModelSettings, TrainConfig

CONFIG_FILE = "config.json"

COLOURS = 3
CLASSES = 2
FLOAT32 = 4
FLOAT16 = 2
"""Bytes per value."""
PIXEL_BYTES = 20
"""Bytes per colour value of the input: read ahead as bytes, then as float32 read, augmented, mixed and normalized."""
VALUES_PER_HIDDEN = 8
VALUES_PER_INTERMEDIATE = 2
"""Activations that a layer stores per token for the backward pass: of hidden size the input, both norms, query, key,
value, context and the sum between the two residuals; of intermediate size the input and output of the activation."""
ATTENTION_BYTES = 12
"""Bytes per attention weight of a layer with dropout on the CPU: softmax, mask and result of dropout in float32."""
ATTENTION_PASSING_BYTES = 16
"""Bytes per attention weight of temporary copies in the backward pass, which one layer at a time needs."""


@dataclass(frozen=True)
class Architecture:
    """The sizes of a VideoMAE, named as in its config.json; the defaults are those of the base model."""

    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    image_size: int = 224
    patch_size: int | tuple[int, int] = 16
    """The edge length of a square patch, or height and width."""
    tubelet_size: int = 2

    @property
    def parameters(self) -> int:
        """The number of weights, with a head for two classes."""
        embedding = self._patch_values * self.hidden_size + self.hidden_size
        return embedding + self.num_hidden_layers * self.block_parameters + self.head_parameters

    @property
    def block_parameters(self) -> int:
        """The number of weights of a transformer block; query and value have a bias, key has none."""
        hidden, middle = self.hidden_size, self.intermediate_size
        attention = 4 * hidden**2 + 3 * hidden
        feed_forward = 2 * hidden * middle + middle + hidden
        return attention + feed_forward + 2 * 2 * hidden

    @property
    def head_parameters(self) -> int:
        """The number of weights of the head for two classes and of the norm before it."""
        return 2 * self.hidden_size + CLASSES * (self.hidden_size + 1)

    def update_parameters(self, rank: int, modules: str) -> int:
        """Return the number of weights of the low-rank updates of all blocks.

        Args:
            rank: The rank of the updates.
            modules: Names of linear layers, separated by blanks. `dense` names three layers of a block.
        """
        hidden, middle = self.hidden_size, self.intermediate_size
        square = 2 * hidden * rank
        of_module = dict.fromkeys(("query", "key", "value"), square)
        of_module["dense"] = square + 2 * (hidden + middle) * rank
        return self.num_hidden_layers * sum(of_module.get(name, 0) for name in modules.split())

    def tokens(self, num_frames: int) -> int:
        """Return the number of tokens of a clip."""
        height, width = self._patch
        return num_frames // self.tubelet_size * (self.image_size // height) * (self.image_size // width)

    def forward_flop(self, num_frames: int) -> float:
        """Return the floating-point operations of a forward pass of one clip.

        A multiply-add counts as two operations. Norms, activations and softmax are not counted.
        """
        tokens, hidden = self.tokens(num_frames), self.hidden_size
        linear = tokens * (4 * hidden**2 + 2 * hidden * self.intermediate_size)
        attention = 2 * tokens**2 * hidden
        embedding = tokens * self._patch_values * hidden
        return 2.0 * (embedding + self.num_hidden_layers * (linear + attention) + CLASSES * hidden)

    def input_bytes(self, num_frames: int) -> float:
        """Return the memory for the pixels of one clip, in bytes."""
        return float(num_frames * COLOURS * self.image_size**2 * PIXEL_BYTES)

    def kept_bytes(
        self, num_frames: int, attention_dropout: bool, on_gpu: bool, checkpointing: bool, blocks: int | None = None
    ) -> float:
        """Return the memory that one clip takes from its forward to its backward pass, without its pixels.

        On a GPU, activations are stored in 16 bits and attention weights are not stored. On the CPU, attention weights
        are stored if they have dropout. With gradient checkpointing, each layer stores its input, and one layer at a
        time stores everything else.

        Args:
            num_frames: The number of frames of the clip.
            attention_dropout: Whether attention weights have dropout.
            on_gpu: Whether the model is on a GPU.
            checkpointing: Whether gradient checkpointing is on.
            blocks: The number of blocks that the backward pass goes through; None for all. The others store nothing,
                but need as much memory as one of them for a moment.

        Returns:
            The memory in bytes.
        """
        depth = self.num_hidden_layers if blocks is None else min(blocks, self.num_hidden_layers)
        tokens, size = self.tokens(num_frames), FLOAT16 if on_gpu else FLOAT32
        values = VALUES_PER_HIDDEN * self.hidden_size + VALUES_PER_INTERMEDIATE * self.intermediate_size
        layer = float(tokens * values * size)
        passing = 0.0
        if attention_dropout and not on_gpu:
            weights = self.num_attention_heads * tokens**2
            layer += weights * ATTENTION_BYTES
            passing = float(weights * ATTENTION_PASSING_BYTES)
        if checkpointing:
            return depth * tokens * self.hidden_size * size + layer + passing
        return max(depth, 1) * layer + passing

    @property
    def _patch(self) -> tuple[int, int]:
        """The height and width of a patch."""
        return (self.patch_size, self.patch_size) if isinstance(self.patch_size, int) else self.patch_size

    @property
    def _patch_values(self) -> int:
        height, width = self._patch
        return COLOURS * self.tubelet_size * height * width


TINY_ARCHITECTURE = Architecture(
    hidden_size=192, num_hidden_layers=6, num_attention_heads=3, intermediate_size=768, image_size=96
)
"""The sizes of the model in models/tiny, as in its config.json. It is small enough to be fine-tuned on two cores."""


def architecture_of(model: str) -> Architecture:
    """Read the sizes of a model from its config.json on this machine, without a request to the hub.

    Args:
        model: `tiny`, a folder, or an id of the Hugging Face hub.

    Returns:
        The sizes; those of VideoMAE base if the file is absent or unusable, because most models are based on it.
    """
    return _known_architecture(model) or Architecture()


def _known_architecture(model: str) -> Architecture | None:
    if model == TINY:
        return TINY_ARCHITECTURE
    folder = local_folder(model)
    try:
        found = folder / CONFIG_FILE if folder is not None else try_to_load_from_cache(model, CONFIG_FILE)
        values = json.loads(Path(str(found)).read_text(encoding="utf-8"))
        return architecture_in(values) if isinstance(values, dict) else None
    except (OSError, ValueError, HFValidationError):
        return None


def architecture_in(values: Mapping[str, Any]) -> Architecture:
    """Read the sizes of a model from the content of its config.json.

    Args:
        values: The content of its config.json. `image_size` and `patch_size` may be lists of height and width.

    Returns:
        The sizes, with the defaults of VideoMAE base for what is absent.

    Raises:
        ValueError: A size is not a positive whole number, or frames are not square. The message names the field.
    """
    sizes: dict[str, Any] = {}
    for item in fields(Architecture):
        value = values.get(item.name)
        if value is None:
            continue
        pair = item.name in {"image_size", "patch_size"} and isinstance(value, list) and len(value) == 2
        parts = value if pair else [value]
        if not all(type(part) is int and part > 0 for part in parts):
            raise ValueError(f"{item.name} {value!r} is not a positive whole number")
        sizes[item.name] = parts[0] if len(set(parts)) == 1 else tuple(parts)
    if isinstance(sizes.get("image_size"), tuple):
        raise ValueError(f"image_size {values['image_size']!r} is not square, and only square frames are supported")
    return Architecture(**sizes)


def check_num_frames(config: TrainConfig) -> None:
    """Check that the model can divide the frames of a clip into tokens, if its config.json is on this machine.

    Args:
        config: The settings of a run.

    Raises:
        ConfigError: `num_frames` is not a multiple of the model's `tubelet_size`, so the model would ignore frames.
    """
    found = _known_architecture(config.model.model)
    if found is not None:
        refuse_remainder(config.clip.num_frames, found.tubelet_size)


def refuse_remainder(num_frames: int, tubelet_size: int) -> None:
    """Check that the number of frames is a multiple of the tubelet size.

    Args:
        num_frames: The number of frames of a clip.
        tubelet_size: The number of frames that the model combines in a token.

    Raises:
        ConfigError: It is not, so the model would ignore the remaining frames.
    """
    if num_frames % tubelet_size:
        rule = f"must be a multiple of {tubelet_size}, because the model combines {tubelet_size} frames in a token"
        raise ConfigError("num_frames", rule, num_frames)


def input_sizes(settings: ModelSettings) -> tuple[int, ...]:
    """Return the height and width in pixels of the input frames of each network of a run."""
    size = architecture_of(settings.model).image_size
    if settings.recipe.trains_network:
        return (size,)
    return tuple(IMAGE_SIZE if name == IMAGE_ENCODER else size for name in settings.encoder.names)
