"""Frames with their boxes, and the table of those boxes."""

import zlib
from collections.abc import Iterable

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
"""Bright colours, all far from the reds of tissue and blood."""

TEXT_SHARE = 1 / 30

Corners = tuple[float, float, float, float]


def label_colour(label: str) -> str:
    """The colour of a label; one that is not in LABEL_COLOURS always gets the same one of them."""
    palette = list(LABEL_COLOURS.values())
    return LABEL_COLOURS.get(label.lower(), palette[zlib.crc32(label.encode()) % len(palette)])


def draw_boxes(image: Image.Image, boxes: pd.DataFrame, text_share: float = TEXT_SHARE) -> Image.Image:
    """Return a new RGB image with each box, its label and its track id (columns x1, y1, x2, y2, label, track_id).

    Letters are as high as `text_share` of the image, and at least 12 pixels: more for a picture that is shown small.
    """
    drawn = image.convert("RGB").copy()
    canvas = ImageDraw.Draw(drawn)
    corners: list[Corners] = [tuple(row) for row in boxes[["x1", "y1", "x2", "y2"]].to_numpy(float).tolist()]
    labels = boxes["label"].astype(str).to_list()
    line = max(2, round(drawn.height * text_share / 7))
    for box, label in zip(corners, labels, strict=True):
        # A dark line around the bright one keeps the box visible on any tissue.
        canvas.rectangle((box[0] - 1, box[1] - 1, box[2] + 1, box[3] + 1), outline="#000000", width=line + 2)
        canvas.rectangle(box, outline=label_colour(label), width=line)
    # Names go on top of all boxes.
    font = ImageFont.load_default(size=max(12, round(drawn.height * text_share)))
    taken: list[Corners] = []
    for box, label, track in zip(corners, labels, boxes["track_id"].astype("Int64"), strict=True):
        text = label if pd.isna(track) else f"{label} #{track}"
        left, top, right, bottom = canvas.textbbox((0, 0), text, font=font)
        place = name_place(box, (right - left + 6, bottom - top + 6), drawn.size, taken)
        taken.append(place)
        canvas.rectangle(place, fill=label_colour(label))
        canvas.text((place[0] + 3 - left, place[1] + 3 - top), text, fill=_ink_on(label_colour(label)), font=font)
    return drawn


def box_table(boxes: pd.DataFrame, frame_size: tuple[int, int] | None) -> pd.DataFrame:
    """One row per box: tracking_id (Int64), label, area_px (px²), area_share (% of the frame, NA if unknown)."""
    area = (boxes["x2"] - boxes["x1"]) * (boxes["y2"] - boxes["y1"])
    table = pd.DataFrame(
        {
            "tracking_id": boxes["track_id"].astype("Int64"),
            "label": boxes["label"],
            "area_px": area,
            "area_share": pd.NA if frame_size is None else 100 * area / (frame_size[0] * frame_size[1]),
        }
    )
    return table.sort_values(["label", "tracking_id"], ignore_index=True)


def name_place(box: Corners, size: tuple[float, float], frame: tuple[int, int], taken: Iterable[Corners]) -> Corners:
    """Choose where a name goes: above its box, below or inside; within the frame, over no other name if possible."""
    width, height = size
    left = min(max(0.0, box[0]), max(0.0, frame[0] - width))
    tops = [box[1] - height, box[3], box[1], box[3] - height]
    places = [(left, top, left + width, top + height) for top in tops if 0 <= top <= frame[1] - height]
    for place in places:
        if not any(_overlap(place, other) for other in taken):
            return place
    return places[0] if places else (left, 0.0, left + width, height)


def _overlap(one: Corners, other: Corners) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _ink_on(colour: str) -> str:
    """Black or white, whichever reads better on a colour (ITU-R BT.601 luma)."""
    red, green, blue = ImageColor.getrgb(colour)[:3]
    return "#000000" if 0.299 * red + 0.587 * green + 0.114 * blue > 128 else "#FFFFFF"
