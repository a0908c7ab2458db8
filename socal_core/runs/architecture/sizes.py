"""Parameters, operations and memory of a video transformer, computed from its configuration without PyTorch.

The formulas are for VideoMAE as transformers builds it; tests compare them with the model itself.
"""

from dataclasses import dataclass

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
        """The number of trainable weights, with a head for two classes; query and value have a bias, key has none."""
        hidden, middle = self.hidden_size, self.intermediate_size
        embedding = self._patch_values * hidden + hidden
        attention = 4 * hidden**2 + 3 * hidden
        feed_forward = 2 * hidden * middle + middle + hidden
        norm = 2 * hidden
        head = norm + CLASSES * (hidden + 1)
        return embedding + self.num_hidden_layers * (attention + feed_forward + 2 * norm) + head

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

    def kept_bytes(self, num_frames: int, attention_dropout: bool, on_gpu: bool, checkpointing: bool) -> float:
        """Return the memory that one clip takes from its forward to its backward pass, without its pixels.

        On a GPU, activations are stored in 16 bits and attention weights are not stored. On the CPU, attention weights
        are stored if they have dropout. With gradient checkpointing, each layer stores its input, and one layer at a
        time stores everything else.

        Args:
            num_frames: The number of frames of the clip.
            attention_dropout: Whether attention weights have dropout.
            on_gpu: Whether the model is on a GPU.
            checkpointing: Whether gradient checkpointing is on.

        Returns:
            The memory in bytes.
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
    def _patch(self) -> tuple[int, int]:
        """The height and width of a patch."""
        return (self.patch_size, self.patch_size) if isinstance(self.patch_size, int) else self.patch_size

    @property
    def _patch_values(self) -> int:
        height, width = self._patch
        return COLOURS * self.tubelet_size * height * width
