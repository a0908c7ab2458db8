"""Lay a map over a frame."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

RAISES, LOWERS = (213, 94, 0), (0, 114, 178)
"""Colours of places that raise the output and of places that lower it. They are colour-blind safe."""
OPACITY = 0.7
"""Of the most important place."""


def overlay(
    frame: Image.Image,
    squares: Sequence[Sequence[float]],
    opacity: float = OPACITY,
    place: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0),
) -> Image.Image:
    """Lay a map of changes over a frame: orange where a place raises the output, blue where it lowers it.

    Args:
        frame: The frame.
        squares: The change of each square of a grid over the frame, by row and column.
        opacity: Opacity of the largest change, 0 to 1; that of the others is in proportion.
        place: The part of the frame that the grid covers: left, upper, right and lower edge as fractions of its size.

    Returns:
        A new RGB image of the size of the frame.
    """
    changes = np.asarray(squares, dtype="float64")
    largest = float(np.abs(changes).max(initial=0.0))
    weights = np.abs(changes) / largest * opacity if largest else np.zeros_like(changes)
    colours = np.where((changes > 0)[..., None], RAISES, LOWERS).astype(np.uint8)
    layer = np.dstack([colours, np.rint(255 * weights).astype(np.uint8)])
    x1, x2 = (round(edge * frame.width) for edge in (place[0], place[2]))
    y1, y2 = (round(edge * frame.height) for edge in (place[1], place[3]))
    large = Image.new("RGBA", frame.size)
    scaled = Image.fromarray(layer, "RGBA").resize((max(1, x2 - x1), max(1, y2 - y1)), Image.Resampling.NEAREST)
    large.paste(scaled, (x1, y1))
    return Image.alpha_composite(frame.convert("RGBA"), large).convert("RGB")
