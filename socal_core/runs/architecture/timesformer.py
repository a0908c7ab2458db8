"""The sizes of a TimeSformer with divided space-time attention (Bertasius et al., ICML 2021)."""

from dataclasses import dataclass
from typing import ClassVar

from socal_core.runs.architecture.sizes import CLASSES, Architecture, Linear


@dataclass(frozen=True)
class TimesformerArchitecture(Architecture):
    """The sizes of a TimeSformer. Each layer attends over the frames of a patch, then over the patches of a frame."""

    model_type: ClassVar[str] = "timesformer"
    values_per_hidden: ClassVar[int] = 17
    attention_bytes: ClassVar[int] = 4

    tubelet_size: int = 1
    num_frames: int = 8

    @property
    def embedding_parameters(self) -> int:
        """The number of weights before the first block, with the class token and positions in space and time."""
        return (self._patch_values + 1 + 1 + self.tokens(1) + 1 + self.num_frames) * self.hidden_size

    @property
    def block_parameters(self) -> int:
        """The number of weights of a transformer block."""
        hidden, middle = self.hidden_size, self.intermediate_size
        attention = 4 * (hidden**2 + hidden)
        return 2 * attention + hidden**2 + hidden + 2 * hidden * middle + middle + hidden + 6 * hidden

    @property
    def linear_layers(self) -> tuple[Linear, ...]:
        """The linear layers; see `Architecture.linear_layers`."""
        hidden, middle = self.hidden_size, self.intermediate_size
        attention = ("attention", "temporal_attention")
        return (
            *(self._of_blocks(f"{name}.attention.qkv", hidden, 3 * hidden) for name in attention),
            *(self._of_blocks(f"{name}.output.dense", hidden, hidden) for name in attention),
            self._of_blocks("temporal_dense", hidden, hidden),
            self._of_blocks("intermediate.dense", hidden, middle),
            self._of_blocks("output.dense", middle, hidden),
            self._classifier,
        )

    def tokens(self, num_frames: int) -> int:
        """Return the number of tokens of a clip, without the class token."""
        height, width = self._patch
        return num_frames * (self.image_size // height) * (self.image_size // width)

    def attention_pairs(self, num_frames: int) -> float:
        """Return the number of pairs of tokens whose attention a layer computes."""
        patches = self.tokens(1)
        return float(patches * num_frames**2 + num_frames * (patches + 1) ** 2)

    def forward_flop(self, num_frames: int) -> float:
        """Return the floating-point operations of a forward pass of one clip; see `Architecture.forward_flop`."""
        tokens, hidden = self.tokens(num_frames), self.hidden_size
        over_time = tokens * 5 * hidden**2  # with the layer after the attention
        over_space = (tokens + num_frames) * 4 * hidden**2
        feed_forward = (tokens + 1) * 2 * hidden * self.intermediate_size
        attention = 2 * self.attention_pairs(num_frames) * hidden
        layer = over_time + over_space + feed_forward + attention
        embedding = tokens * self._patch_values * hidden
        return 2.0 * (embedding + self.num_hidden_layers * layer + CLASSES * hidden)
