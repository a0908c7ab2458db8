"""Lay a map over a frame."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

RAISES, LOWERS = (213, 94, 0), (0, 114, 178)
"""Colours of places that raise the output and of places that lower it. They are colour-blind safe."""
OPACITY = 0.7
"""Of the most important place."""


def overlay(frame: Image.Image, squares: Sequence[Sequence[float]], opacity: float = OPACITY) -> Image.Image:
    """Lay a map of changes over a frame: orange where a place raises the output, blue where it lowers it.

    Args:
        frame: The frame.
        squares: The change of each square of a grid over the frame, by row and column.
        opacity: Opacity of the largest change, 0 to 1; that of the others is in proportion.

    Returns:
        A new RGB image of the size of the frame.
    """
    changes = np.asarray(squares, dtype="float64")
    largest = float(np.abs(changes).max(initial=0.0))
    weights = np.abs(changes) / largest * opacity if largest else np.zeros_like(changes)
    colours = np.where((changes > 0)[..., None], RAISES, LOWERS).astype(np.uint8)
    layer = np.dstack([colours, np.rint(255 * weights).astype(np.uint8)])
    large = Image.fromarray(layer, "RGBA").resize(frame.size, Image.Resampling.NEAREST)
    return Image.alpha_composite(frame.convert("RGBA"), large).convert("RGB")
