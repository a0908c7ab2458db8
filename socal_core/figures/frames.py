"""Draw boxes on frames, and describe them in a table."""

import zlib
from collections.abc import Iterable, Sequence

import pandas as pd
from PIL import Image, ImageColor, ImageDraw, ImageFont

LABEL_COLOURS = {
    "suction": "#56B4E9",
    "grasper": "#F0E442",
    "cottonoid": "#FFFFFF",
    "string": "#00C2A0",
    "muscle": "#FF8C1A",
    "drill": "#CC79A7",
    "tool": "#B3B3FF",
    "scalpel": "#7FFF7F",
}
"""Bright colours that differ clearly from tissue and blood."""

TEXT_FRACTION = 1 / 30
"""Height of letters as a fraction of the height of the image."""

Corners = tuple[float, float, float, float]


def label_colour(label: str) -> str:
    """Return the colour of a label. A label that is not in LABEL_COLOURS always gets the same colour."""
    palette = list(LABEL_COLOURS.values())
    return LABEL_COLOURS.get(label.lower(), palette[zlib.crc32(label.encode()) % len(palette)])


def track_colours(labels: Sequence[str]) -> list[str]:
    """Choose the colour of each track of a trial.

    Args:
        labels: The label of each track.

    Returns:
        The colour of the label for its first track, then colours that no track has yet, as long as there are any.
    """
    palette = list(LABEL_COLOURS.values())
    first = {label: label_colour(label) for label in labels}
    free = [colour for colour in palette if colour not in first.values()]
    colours: list[str] = []
    seen: set[str] = set()
    for label in labels:
        colours.append(free.pop(0) if label in seen and free else first[label])
        seen.add(label)
    return colours


def draw_boxes(
    image: Image.Image,
    boxes: pd.DataFrame,
    text_fraction: float = TEXT_FRACTION,
    colours: Sequence[str] | None = None,
) -> Image.Image:
    """Draw boxes with their labels and track ids on a copy of an image.

    Args:
        image: The frame.
        boxes: Its boxes, with columns x1, y1, x2, y2 (pixels), label and track_id.
        text_fraction: Height of letters as a fraction of the height of the image, but at least 12 pixels. Choose a
            larger fraction for an image that is displayed at a small size.
        colours: The colour of each box; None for that of its label.

    Returns:
        A new RGB image.
    """
    drawn = image.convert("RGB").copy()
    canvas = ImageDraw.Draw(drawn)
    corners: list[Corners] = [tuple(row) for row in boxes[["x1", "y1", "x2", "y2"]].to_numpy(float).tolist()]
    labels = boxes["label"].astype(str).to_list()
    colours = [label_colour(label) for label in labels] if colours is None else colours
    line = max(2, round(drawn.height * text_fraction / 7))
    for box, colour in zip(corners, colours, strict=True):
        # A dark outline keeps the bright box visible on any tissue.
        canvas.rectangle((box[0] - 1, box[1] - 1, box[2] + 1, box[3] + 1), outline="#000000", width=line + 2)
        canvas.rectangle(box, outline=colour, width=line)
    # Draw names last, so that no box covers them.
    font = ImageFont.load_default(size=max(12, round(drawn.height * text_fraction)))
    taken: list[Corners] = []
    tracks = boxes["track_id"].astype("Int64")
    for box, label, colour, track in zip(corners, labels, colours, tracks, strict=True):
        text = label if pd.isna(track) else f"{label} #{track}"
        left, top, right, bottom = canvas.textbbox((0, 0), text, font=font)
        area = name_area(box, (right - left + 6, bottom - top + 6), drawn.size, taken)
        taken.append(area)
        canvas.rectangle(area, fill=colour)
        canvas.text((area[0] + 3 - left, area[1] + 3 - top), text, fill=_ink_on(colour), font=font)
    return drawn


def name_area(box: Corners, size: tuple[float, float], frame: tuple[int, int], taken: Iterable[Corners]) -> Corners:
    """Choose the area for the name of a box: above, below or inside the box.

    Args:
        box: Corners of the box in pixels.
        size: Width and height of the name in pixels.
        frame: Width and height of the frame in pixels.
        taken: Areas of other names, which are avoided if possible.

    Returns:
        Corners of the area, inside the frame.
    """
    width, height = size
    left = min(max(0.0, box[0]), max(0.0, frame[0] - width))
    tops = [box[1] - height, box[3], box[1], box[3] - height]
    areas = [(left, top, left + width, top + height) for top in tops if 0 <= top <= frame[1] - height]
    for area in areas:
        if not any(_overlap(area, other) for other in taken):
            return area
    return areas[0] if areas else (left, 0.0, left + width, height)


def _overlap(one: Corners, other: Corners) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _ink_on(colour: str) -> str:
    """Return black or white, whichever is more legible on a colour (ITU-R BT.601 luma)."""
    red, green, blue = ImageColor.getrgb(colour)[:3]
    return "#000000" if 0.299 * red + 0.587 * green + 0.114 * blue > 128 else "#FFFFFF"
