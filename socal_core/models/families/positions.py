"""Interpolate the learned positions of a model for clips of another length or size."""

from dataclasses import dataclass

import torch

Grid = tuple[int, int, int]
"""A number of tokens in time, vertically and horizontally."""


@dataclass(frozen=True)
class Learned:
    """Learned positions, one vector each, (1, positions, dims)."""

    name: str
    """The end of the name of the weight."""
    in_time: bool
    in_space: bool
    class_token: bool = False
    """Whether the first position is that of a class token."""


def fit_positions(
    weights: dict[str, torch.Tensor], positions: tuple[Learned, ...], before: Grid, after: Grid
) -> dict[str, torch.Tensor]:
    """Interpolate positions from one grid of tokens to another.

    Pre-trained positions are interpolated where the tokens have moved (Dosovitskiy et al., ICLR 2021, section 3.2),
    here bilinearly with antialiasing in space and in time, as VideoPrism's own code does.

    Args:
        weights: The weights of a model. Positions that do not have the shape of `before` stay as they are.
        positions: The learned positions of its family.
        before: The grid of the model.
        after: The grid that is needed.

    Returns:
        The weights, with the positions for `after`.
    """
    fitted = dict(weights)
    for learned in positions:
        old, new = (_size(grid, learned) for grid in (before, after))
        for name, tensor in weights.items():
            first = int(learned.class_token)
            count = first + old[0] * old[1] * old[2]
            if name.endswith(learned.name) and old != new and tensor.ndim == 3 and tensor.shape[1] == count:
                moved = _interpolated(tensor[0, first:].reshape(*old, -1), new)
                fitted[name] = torch.cat([tensor[0, :first], moved.flatten(0, 2)])[None]
    return fitted


def _size(grid: Grid, learned: Learned) -> Grid:
    time, rows, columns = grid
    return (time if learned.in_time else 1, rows if learned.in_space else 1, columns if learned.in_space else 1)


def _interpolated(positions: torch.Tensor, size: Grid) -> torch.Tensor:
    """Interpolate (time, rows, columns, dims) to (*size, dims)."""
    frames = _resize(positions.permute(0, 3, 1, 2), size[1:])  # (time, dims, rows, columns)
    times = _resize(frames.permute(2, 1, 0, 3), (size[0], size[2]))  # (rows, dims, time, columns)
    return times.permute(2, 0, 3, 1)


def _resize(maps: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    return torch.nn.functional.interpolate(maps, size=size, mode="bilinear", antialias=True)
