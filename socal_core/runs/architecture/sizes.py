"""Parameters, operations and memory of a video transformer, computed from its configuration without PyTorch.

The formulas are for VideoMAE as transformers builds it; the other families override what differs. Tests compare them
with the models themselves.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Self

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
DROPOUT_BYTES = 8
"""Bytes per attention weight of the dropout of a layer: its mask and its result in float32, beside the softmax."""
ATTENTION_PASSING_BYTES = 16
"""Bytes per attention weight of temporary copies in the backward pass, which one layer at a time needs."""


LARGEST = {
    "hidden_size": 16_384,
    "num_hidden_layers": 256,
    "num_attention_heads": 256,
    "intermediate_size": 131_072,
    "image_size": 4096,
    "patch_size": 4096,
    "tubelet_size": 1024,
    "num_frames": 4096,
    "num_temporal_layers": 256,
    "num_pooler_layers": 256,
    "attention_pooling": 1,
}
"""Limits far above any published model: a larger value is a mistake, and building the network would take all memory."""


@dataclass(frozen=True)
class Linear:
    """A linear layer of a network."""

    name: str
    """The end of its name."""
    inputs: int
    outputs: int
    count: int = 1
    """How many of them the network has."""


@dataclass(frozen=True)
class Architecture:
    """The sizes of a VideoMAE, named as in its config.json; the defaults are those of the base model."""

    model_type: ClassVar[str] = "videomae"
    """The name of the family in a config.json."""
    values_per_hidden: ClassVar[int] = VALUES_PER_HIDDEN
    values_per_intermediate: ClassVar[int] = VALUES_PER_INTERMEDIATE
    attention_bytes: ClassVar[int] = 0
    """Bytes stored per attention weight without dropout: the softmax, and for some families what comes before it."""

    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    image_size: int = 224
    patch_size: int | tuple[int, int] = 16
    """The edge length of a square patch, or height and width."""
    tubelet_size: int = 2

    @classmethod
    def reads(cls, kind: object) -> bool:
        """Whether a `model_type` is of this family."""
        return kind == cls.model_type

    @classmethod
    def from_config(cls, values: Mapping[str, Any]) -> Self:
        """Read the sizes from the content of a config.json.

        Args:
            values: The content. `image_size` and `patch_size` may be lists of height and width.

        Raises:
            ValueError: A size is not a positive whole number, or frames are not square. The message names the field.
        """
        return cls.from_sizes(values)

    @classmethod
    def from_sizes(cls, values: Mapping[str, Any]) -> Self:
        """Return the sizes with these values, and the defaults of the family for what is absent or None.

        Raises:
            ValueError: See `from_config`.
        """
        sizes: dict[str, Any] = {}
        for item in fields(cls):
            value = values.get(item.name)
            if value is not None:
                sizes[item.name] = _positive(item.name, value)
        if isinstance(sizes.get("image_size"), tuple):
            raise ValueError(f"image_size {values['image_size']!r} is not square, and only square frames are supported")
        return cls(**sizes)

    def for_clip(self, num_frames: int, image_size: int) -> Self:
        """Return the sizes of the model for clips of another length and size.

        Args:
            num_frames: The number of frames of a clip.
            image_size: Height and width of a frame in pixels.
        """
        lengths = {"num_frames": num_frames} if any(item.name == "num_frames" for item in fields(self)) else {}
        return replace(self, image_size=image_size, **lengths)

    @property
    def parameters(self) -> int:
        """The number of weights, with a head for two classes."""
        blocks = self.num_hidden_layers * self.block_parameters
        return self.embedding_parameters + blocks + self.head_parameters

    @property
    def embedding_parameters(self) -> int:
        """The number of weights before the first block; the positions are computed."""
        return (self._patch_values + 1) * self.hidden_size

    @property
    def block_parameters(self) -> int:
        """The number of weights of a transformer block; query and value have a bias, key has none."""
        hidden, middle = self.hidden_size, self.intermediate_size
        attention = 4 * hidden**2 + 3 * hidden
        feed_forward = 2 * hidden * middle + middle + hidden
        return attention + feed_forward + 2 * 2 * hidden

    @property
    def head_parameters(self) -> int:
        """The number of weights after the last block, with a head for two classes."""
        return 2 * self.hidden_size + CLASSES * (self.hidden_size + 1)

    @property
    def linear_layers(self) -> tuple[Linear, ...]:
        """The linear layers of a block, and those after the last one."""
        attention = (f"attention.attention.{name}" for name in ("query", "key", "value"))
        return (
            *(self._of_blocks(name, self.hidden_size, self.hidden_size) for name in attention),
            self._of_blocks("attention.output.dense", self.hidden_size, self.hidden_size),
            self._of_blocks("intermediate.dense", self.hidden_size, self.intermediate_size),
            self._of_blocks("output.dense", self.intermediate_size, self.hidden_size),
            self._classifier,
        )

    def update_parameters(self, rank: int, modules: str) -> int:
        """Return the number of weights of all low-rank updates.

        Args:
            rank: The rank of the updates.
            modules: The ends of the names of linear layers, separated by blanks.
        """
        ends = tuple(f".{name}" for name in modules.split())
        updated = (layer for layer in self.linear_layers if f".{layer.name}".endswith(ends))
        return sum(layer.count * rank * (layer.inputs + layer.outputs) for layer in updated)

    def tokens(self, num_frames: int) -> int:
        """Return the number of tokens of a clip."""
        return num_frames // self.tubelet_size * self.patches

    def attention_pairs(self, num_frames: int) -> float:
        """Return the number of pairs of tokens whose attention a layer computes, the mean over all layers."""
        return float(self.tokens(num_frames) ** 2)

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
        values = self.values_per_hidden * self.hidden_size + self.values_per_intermediate * self.intermediate_size
        layer = float(tokens * values * size)
        passing = 0.0
        if self.attention_bytes or (attention_dropout and not on_gpu):
            weights = self.num_attention_heads * self.attention_pairs(num_frames)
            layer += weights * ((self.attention_bytes or FLOAT32) + (DROPOUT_BYTES if attention_dropout else 0))
            passing = weights * ATTENTION_PASSING_BYTES
        if checkpointing:
            return depth * tokens * self.hidden_size * size + layer + passing
        return max(depth, 1) * layer + passing

    def _of_blocks(self, name: str, inputs: int, outputs: int) -> Linear:
        """Return a linear layer that each block has."""
        return Linear(name, inputs, outputs, self.num_hidden_layers)

    @property
    def _separate_layers(self) -> tuple[Linear, ...]:
        """The linear layers of blocks with the names that most families share."""
        square = (self._of_blocks(f"attention.{name}_proj", *(2 * (self.hidden_size,))) for name in "qkvo")
        return (
            *square,
            self._of_blocks("mlp.fc1", self.hidden_size, self.intermediate_size),
            self._of_blocks("mlp.fc2", self.intermediate_size, self.hidden_size),
        )

    @property
    def _classifier(self) -> Linear:
        return Linear("classifier", self.hidden_size, CLASSES)

    @property
    def patches(self) -> int:
        """The number of patches of a frame."""
        height, width = self._patch
        return (self.image_size // height) * (self.image_size // width)

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


def _positive(name: str, value: Any) -> int | tuple[int, ...]:
    """Check a size of a config.json, which may be a pair for `image_size` and `patch_size`."""
    pair = name in {"image_size", "patch_size"} and isinstance(value, list) and len(value) == 2
    parts: list[Any] = value if pair else [value]
    if not all(type(part) is int and part > 0 for part in parts):
        raise ValueError(f"{name} {value!r} is not a positive whole number")
    if max(parts) > LARGEST[name]:
        raise ValueError(f"{name} {value!r} is larger than {LARGEST[name]:,}")
    return parts[0] if len(set(parts)) == 1 else tuple(parts)
