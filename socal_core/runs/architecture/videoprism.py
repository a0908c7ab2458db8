"""The sizes of a VideoPrism, a ViViT with factorized attention (Zhao et al., ICML 2024, arXiv 2402.13217)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from socal_core.runs.architecture.sizes import CLASSES, Architecture, Linear
from socal_core.runs.architecture.vivit import tubelet_sizes


@dataclass(frozen=True)
class VideoPrismArchitecture(Architecture):
    """The sizes of a VideoPrism: spatial layers, then temporal layers, then one query that pools the tokens."""

    model_type: ClassVar[str] = "videoprism_vision_model"
    values_per_hidden: ClassVar[int] = 9
    values_per_intermediate: ClassVar[int] = 4  # of its activation, computed in several steps
    attention_bytes: ClassVar[int] = 8  # with the limit of the scores

    image_size: int = 288
    patch_size: int | tuple[int, int] = 18
    tubelet_size: int = 1
    num_frames: int = 16
    num_hidden_layers: int = 16
    num_temporal_layers: int = 4

    @classmethod
    def from_config(cls, values: Mapping[str, Any]) -> Self:
        """Read the sizes from a config.json, which counts spatial and temporal layers separately."""
        layers = {}
        for name, default in (("num_spatial_layers", 12), ("num_temporal_layers", 4)):
            layers[name] = default if values.get(name) is None else values[name]
            if type(layers[name]) is not int or layers[name] < 1:
                raise ValueError(f"{name} {layers[name]!r} is not a positive whole number")
        return cls.from_sizes({**values, **layers, **tubelet_sizes(values), "num_hidden_layers": sum(layers.values())})

    @property
    def embedding_parameters(self) -> int:
        """The number of weights before the first block, with positions in space and time."""
        return (self._patch_values + 1 + self.tokens(1) + self.num_frames) * self.hidden_size

    @property
    def block_parameters(self) -> int:
        """The number of weights of a transformer block, which is the same over space and over time."""
        return super().block_parameters + self.hidden_size  # with a bias of the key

    @property
    def head_parameters(self) -> int:
        """The number of weights of the norms after the blocks, the pooler and the head for two classes."""
        hidden, middle = self.hidden_size, self.intermediate_size
        pooler = 4 * hidden * middle + 3 * middle + hidden + middle // self.num_attention_heads + hidden + 2 * hidden
        return 4 * hidden + pooler + CLASSES * (hidden + 1)

    @property
    def linear_layers(self) -> tuple[Linear, ...]:
        """The linear layers; see `Architecture.linear_layers`."""
        hidden, middle = self.hidden_size, self.intermediate_size
        pooler = (Linear(f"head.{name}_proj", hidden, middle) for name in "qkvo")
        return (*self._separate_layers, *pooler, self._classifier)

    def attention_pairs(self, num_frames: int) -> float:
        """Return the number of pairs of tokens whose attention a layer computes, the mean over all layers."""
        patches, over_time = self.tokens(1), self.num_temporal_layers
        over_space = self.num_hidden_layers - over_time
        return (over_space * num_frames * patches**2 + over_time * patches * num_frames**2) / self.num_hidden_layers

    def forward_flop(self, num_frames: int) -> float:
        """Return the floating-point operations of a forward pass of one clip; see `Architecture.forward_flop`."""
        tokens, hidden, middle = self.tokens(num_frames), self.hidden_size, self.intermediate_size
        linear = tokens * (4 * hidden**2 + 2 * hidden * middle)
        attention = 2 * self.attention_pairs(num_frames) * hidden
        pooler = 2 * tokens * hidden * middle + 2 * hidden * middle + 2 * tokens * middle
        embedding = tokens * self._patch_values * hidden
        return 2.0 * (embedding + self.num_hidden_layers * (linear + attention) + pooler + CLASSES * hidden)
