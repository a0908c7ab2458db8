"""The sizes of a ViViT with joint space-time attention (Arnab et al., ICCV 2021)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from socal_core.runs.architecture.sizes import Architecture, Linear


@dataclass(frozen=True)
class VivitArchitecture(Architecture):
    """The sizes of a ViViT, a VideoMAE with learned positions and a class token."""

    model_type: ClassVar[str] = "vivit"
    values_per_hidden: ClassVar[int] = 9
    values_per_intermediate: ClassVar[int] = 8  # of its activation, computed in many steps

    num_frames: int = 32

    @classmethod
    def from_config(cls, values: Mapping[str, Any]) -> Self:
        """Read the sizes from a config.json, whose `tubelet_size` lists frames, height and width."""
        return cls.from_sizes({**values, **tubelet_sizes(values)})

    @property
    def embedding_parameters(self) -> int:
        """The number of weights before the first block, with the class token and the positions."""
        return (self._patch_values + 1 + 1 + self.tokens(self.num_frames)) * self.hidden_size

    @property
    def block_parameters(self) -> int:
        """The number of weights of a transformer block."""
        return super().block_parameters + self.hidden_size  # with a bias of the key

    @property
    def linear_layers(self) -> tuple[Linear, ...]:
        """The linear layers; see `Architecture.linear_layers`."""
        return (*self._separate_layers, self._classifier)

    def tokens(self, num_frames: int) -> int:
        """Return the number of tokens of a clip, with the class token."""
        return super().tokens(num_frames) + 1

    def forward_flop(self, num_frames: int) -> float:
        """Return the floating-point operations of a forward pass of one clip; see `Architecture.forward_flop`."""
        return super().forward_flop(num_frames) - 2.0 * self._patch_values * self.hidden_size


def tubelet_sizes(values: Mapping[str, Any]) -> dict[str, Any]:
    """Split the `tubelet_size` of a config.json.

    Args:
        values: The content of the file.

    Returns:
        `tubelet_size` as a number of frames, and `patch_size` as height and width; empty if there is none.

    Raises:
        ValueError: It is not a list of three positive whole numbers.
    """
    tubelet = values.get("tubelet_size")
    if tubelet is None:
        return {}
    three = isinstance(tubelet, list) and len(tubelet) == 3
    if not three or not all(type(part) is int and part > 0 for part in tubelet):
        raise ValueError(f"tubelet_size {tubelet!r} is not a list of three positive whole numbers")
    return {"tubelet_size": tubelet[0], "patch_size": tubelet[1:]}
