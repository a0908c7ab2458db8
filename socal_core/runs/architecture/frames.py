"""The sizes of an image encoder that embeds each frame, with a temporal head."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from socal_core.runs.architecture.sizes import CLASSES, Architecture, Linear

OWN_TYPE = "socal_frame_classifier"
"""The `model_type` of a saved classifier, whose config.json holds that of its encoder as `backbone`."""
FRAME_ENCODERS = (
    "vit",
    "dinov2",
    "dinov2_with_registers",
    "dinov3_vit",
    "siglip_vision_model",
    "clip_vision_model",
)
"""Image encoders of transformers with square patches and one width for all layers."""
TOWERS = {"siglip": "siglip_vision_model", "clip": "clip_vision_model"}
"""Models of images and text, by the encoder in their `vision_config`. SigLIP 2 with a fixed size is of type siglip."""
DINOV2_SIZE = 224
"""The input of DINOv2 in pixels: that of its preprocessing. Its config.json has the 518 of the end of its training."""
TEMPORAL_RATIO = 2
"""The width of the feed-forward layer of the temporal head, as a multiple of the hidden size."""


@dataclass(frozen=True)
class FrameArchitecture(Architecture):
    """The sizes of an image encoder with a temporal head: one transformer layer over the frames, and their mean."""

    model_type: ClassVar[str] = OWN_TYPE

    tubelet_size: int = 1
    attention_pooling: int = 0
    """Layers with which the encoder pools a frame: 1 for SigLIP."""

    @classmethod
    def reads(cls, kind: object) -> bool:
        """Whether a `model_type` is of this family."""
        return kind in {OWN_TYPE, *FRAME_ENCODERS, *TOWERS}

    @classmethod
    def from_config(cls, values: Mapping[str, Any]) -> Self:
        """Read the sizes from the config.json of an image encoder, of a model with one, or of a saved classifier."""
        encoder = encoder_values(values)
        kind, hidden = encoder.get("model_type"), encoder.get("hidden_size") or cls.hidden_size
        found: dict[str, Any] = {"attention_pooling": 1 if kind == "siglip_vision_model" else None}
        if str(kind).startswith("dinov2"):
            ratio = encoder.get("mlp_ratio") or 4
            if type(ratio) not in {int, float} or not 0 < ratio < 100:
                raise ValueError(f"mlp_ratio {ratio!r} is not a number between 0 and 100")
            found["image_size"] = DINOV2_SIZE
            found["intermediate_size"] = max(1, int(hidden * ratio)) if type(hidden) is int else None
        if values.get("model_type") == OWN_TYPE:
            found["image_size"] = values.get("image_size")
        return cls.from_sizes({**encoder, **found})

    @property
    def embedding_parameters(self) -> int:
        """The number of weights before the first block, with the class token and the positions of a ViT."""
        return (self._patch_values + 1 + self.tokens(1) + 1) * self.hidden_size

    @property
    def block_parameters(self) -> int:
        """The number of weights of a transformer block of a ViT; those of other encoders differ by less than 1 %."""
        return self._layer(self.intermediate_size) + 4 * self.hidden_size

    @property
    def head_parameters(self) -> int:
        """The number of weights after the last block, with the temporal layer and a head for two classes."""
        hidden = self.hidden_size
        pooling = self.attention_pooling * self._layer(self.intermediate_size)
        temporal = self._layer(TEMPORAL_RATIO * hidden) + 6 * hidden
        return 2 * hidden + pooling + temporal + CLASSES * (hidden + 1)

    @property
    def linear_layers(self) -> tuple[Linear, ...]:
        """The linear layers that LoRA can update, by all names that they have in one encoder or another."""
        hidden, middle = self.hidden_size, self.intermediate_size
        pooling, wide = self.attention_pooling, TEMPORAL_RATIO * hidden
        return (
            *(self._of_blocks(f"{name}_proj", hidden, hidden) for name in ("q", "k", "v", "o", "out")),
            *(self._of_blocks(name, hidden, middle) for name in ("mlp.fc1", "mlp.up_proj", "mlp.gate_proj")),
            *(self._of_blocks(name, middle, hidden) for name in ("mlp.fc2", "mlp.down_proj")),
            Linear("out_proj", hidden, hidden, pooling + 1),
            Linear("mlp.fc1", hidden, middle, pooling),
            Linear("mlp.fc2", middle, hidden, pooling),
            Linear("temporal.layer.linear1", hidden, wide),
            Linear("temporal.layer.linear2", wide, hidden),
            self._classifier,
        )

    def tokens(self, num_frames: int) -> int:
        """Return the number of tokens of a clip, with a class token for each frame."""
        height, width = self._patch
        return num_frames * ((self.image_size // height) * (self.image_size // width) + 1)

    def attention_pairs(self, num_frames: int) -> float:
        """Return the number of pairs of tokens whose attention a layer computes."""
        return float(num_frames * self.tokens(1) ** 2)

    def forward_flop(self, num_frames: int) -> float:
        """Return the floating-point operations of a forward pass of one clip; see `Architecture.forward_flop`."""
        tokens, hidden, middle = self.tokens(num_frames), self.hidden_size, self.intermediate_size
        layer = tokens * (4 * hidden**2 + 2 * hidden * middle) + 2 * self.attention_pairs(num_frames) * hidden
        pooling = self.attention_pooling * 2 * tokens * hidden**2
        temporal = num_frames * (4 + 2 * TEMPORAL_RATIO) * hidden**2 + 2 * num_frames**2 * hidden
        embedding = (tokens - num_frames) * self._patch_values * hidden
        return 2.0 * (embedding + self.num_hidden_layers * layer + pooling + temporal + CLASSES * hidden)

    def _layer(self, middle: int) -> int:
        """Return the number of weights of a layer without its norms."""
        hidden = self.hidden_size
        return 4 * (hidden**2 + hidden) + 2 * hidden * middle + middle + hidden


def encoder_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of the config.json of an image encoder.

    Args:
        values: The content of its own config.json, of that of a model of images and text, or of a saved classifier's.

    Raises:
        ValueError: The part that describes the encoder is missing or of another kind.
    """
    kind = values.get("model_type")
    name = "backbone" if kind == OWN_TYPE else "vision_config" if kind in TOWERS else None
    if name is None:
        return dict(values)
    inner = values.get(name)
    if not isinstance(inner, Mapping):
        raise ValueError(f"{name} is missing")
    found = {**inner, "model_type": TOWERS[kind]} if kind in TOWERS else dict(inner)
    if found.get("model_type") not in FRAME_ENCODERS:
        raise ValueError(f"its {name} is a {found.get('model_type')} model, which is not supported")
    return found
