"""The sizes of a V-JEPA 2 with its attentive classifier (Assran et al., 2025, arXiv 2506.09985)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from socal_core.runs.architecture.sizes import CLASSES, Architecture, Linear

POOLER_RATIO = 4
"""The width of the feed-forward layers of the pooler, as a multiple of the hidden size."""


@dataclass(frozen=True)
class VJepa2Architecture(Architecture):
    """The sizes of a V-JEPA 2: an encoder, then self-attention layers and one query that pools the tokens.

    The predictor of its pre-training is not part of the classifier and is not counted.
    """

    model_type: ClassVar[str] = "vjepa2"
    values_per_hidden: ClassVar[int] = 10

    hidden_size: int = 1024
    num_hidden_layers: int = 24
    num_attention_heads: int = 16
    intermediate_size: int = 4096
    image_size: int = 256
    num_pooler_layers: int = 3

    @classmethod
    def from_config(cls, values: Mapping[str, Any]) -> Self:
        """Read the sizes from a config.json, which names `crop_size` and `mlp_ratio`."""
        hidden, ratio = values.get("hidden_size") or cls.hidden_size, values.get("mlp_ratio")
        if ratio is None:
            ratio = 4.0
        if type(ratio) not in {int, float} or not 0 < ratio < 100:
            raise ValueError(f"mlp_ratio {ratio!r} is not a number between 0 and 100")
        middle = max(1, int(hidden * ratio)) if type(hidden) is int else None
        return cls.from_sizes({**values, "image_size": values.get("crop_size"), "intermediate_size": middle})

    @property
    def block_parameters(self) -> int:
        """The number of weights of a block of the encoder."""
        return super().block_parameters + self.hidden_size  # with a bias of the key

    @property
    def head_parameters(self) -> int:
        """The number of weights of the norm after the blocks, the pooler and the head for two classes."""
        hidden = self.hidden_size
        wide = 2 * hidden * POOLER_RATIO * hidden + (POOLER_RATIO + 1) * hidden
        pooler = hidden + self.num_pooler_layers * (4 * (hidden**2 + hidden) + wide + 4 * hidden)
        pooler += 3 * (hidden**2 + hidden) + wide + 4 * hidden
        return 2 * hidden + pooler + CLASSES * (hidden + 1)

    @property
    def linear_layers(self) -> tuple[Linear, ...]:
        """The linear layers; see `Architecture.linear_layers`."""
        hidden, middle, wide = self.hidden_size, self.intermediate_size, POOLER_RATIO * self.hidden_size
        layers, crossing = self.num_pooler_layers, "cross_attention_layer"
        return (
            *(self._of_blocks(f"attention.{name}", hidden, hidden) for name in ("query", "key", "value", "proj")),
            self._of_blocks("mlp.fc1", hidden, middle),
            self._of_blocks("mlp.fc2", middle, hidden),
            *(Linear(f"self_attn.{name}_proj", hidden, hidden, layers) for name in ("q", "k", "v", "out")),
            *(Linear(f"{crossing}.cross_attn.{name}_proj", hidden, hidden) for name in "qkv"),
            Linear("mlp.fc1", hidden, wide, layers),
            Linear("mlp.fc2", wide, hidden, layers),
            Linear(f"{crossing}.mlp.fc1", hidden, wide),
            Linear(f"{crossing}.mlp.fc2", wide, hidden),
            self._classifier,
        )

    def forward_flop(self, num_frames: int) -> float:
        """Return the floating-point operations of a forward pass of one clip; see `Architecture.forward_flop`."""
        tokens, hidden = self.tokens(num_frames), self.hidden_size
        attention = tokens * 4 * hidden**2 + 2 * tokens**2 * hidden
        wide = 2 * POOLER_RATIO * hidden**2
        pooler = self.num_pooler_layers * (attention + tokens * wide)
        pooler += (2 * tokens + 1) * hidden**2 + 2 * tokens * hidden + wide
        encoder = self.num_hidden_layers * (attention + tokens * 2 * hidden * self.intermediate_size)
        embedding = tokens * self._patch_values * hidden
        return 2.0 * (embedding + encoder + pooler + CLASSES * hidden)
