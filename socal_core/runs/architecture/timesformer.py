"""The sizes of a TimeSformer with divided space-time attention (Bertasius et al., ICML 2021)."""

from dataclasses import dataclass
from typing import ClassVar

from socal_core.runs.architecture.sizes import CLASSES, Architecture


@dataclass(frozen=True)
class TimesformerArchitecture(Architecture):
    """The sizes of a TimeSformer. Each layer attends over the frames of a patch, then over the patches of a frame."""

    model_type: ClassVar[str] = "timesformer"
    values_per_hidden: ClassVar[int] = 17
    attention_bytes: ClassVar[int] = 4

    tubelet_size: int = 1
    num_frames: int = 8

    @property
    def parameters(self) -> int:
        """The number of trainable weights, with a head for two classes."""
        hidden, middle = self.hidden_size, self.intermediate_size
        embedding = (self._patch_values + 1) * hidden + hidden  # with the class token
        embedding += (self.tokens(1) + 1 + self.num_frames) * hidden  # positions in space and time
        attention = 4 * (hidden**2 + hidden)
        layer = 2 * attention + hidden**2 + hidden + 2 * hidden * middle + middle + hidden + 6 * hidden
        return embedding + self.num_hidden_layers * layer + 2 * hidden + CLASSES * (hidden + 1)

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
