"""Draw one picture of the video of a trial: a frame with its boxes above a bar of text."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from PIL import Image, ImageDraw, ImageFont

from socal_core.figures.frames import draw_boxes

BAR, INK, DONE = "#1f2933", "#FFFFFF", "#56B4E9"
_LINE_FRACTION = 1 / 24
"""Height of a line of the bar as a fraction of the height of the frame."""
_SMALLEST_LINE = 14


@dataclass(frozen=True)
class Bar:
    """What the bar below a frame shows."""

    texts: Sequence[str]
    """Texts, each of which stays on one line."""
    fraction: float
    """The part of the trial that is over, 0 to 1."""


def fitted(frame: Image.Image, size: tuple[int, int]) -> tuple[Image.Image, float]:
    """Fit a frame into a size, with black borders if its shape is another one.

    Args:
        frame: The frame.
        size: Width and height in pixels.

    Returns:
        The picture, and the factor by which the frame was scaled. The frame begins at the top left corner.
    """
    scale = min(size[0] / frame.width, size[1] / frame.height)
    if frame.size == size:
        return frame.convert("RGB"), 1.0
    picture = Image.new("RGB", size)
    inside = (max(1, round(frame.width * scale)), max(1, round(frame.height * scale)))
    picture.paste(frame.convert("RGB").resize(inside, Image.Resampling.BILINEAR))
    return picture, scale


def bar_height(size: tuple[int, int], texts: Sequence[str]) -> int:
    """Return the height in pixels of a bar with these texts below frames of a size."""
    line = _line(size)
    return line * len(_lines(texts, size[0], _font(line))) + line // 2


def video_picture(
    frame: Image.Image | None,
    boxes: pd.DataFrame,
    colours: Sequence[str],
    bar: Bar,
    size: tuple[int, int],
    height: int,
) -> Image.Image:
    """Draw a frame with its boxes, and the bar below it.

    Args:
        frame: The frame; None if it cannot be read, which the picture then says.
        boxes: Its boxes, with columns x1, y1, x2, y2 (pixels of the frame), label and track_id.
        colours: The colour of each box.
        bar: What the bar shows.
        size: Width and height of the place of the frame, in pixels.
        height: Height of the bar, in pixels.

    Returns:
        An RGB image of the width of `size`, and of its height plus `height`.
    """
    if frame is None:
        picture = Image.new("RGB", size)
        ImageDraw.Draw(picture).text((10, 10), "This frame cannot be read.", fill=INK, font=_font(_line(size)))
    else:
        picture, scale = fitted(frame, size)
        corners = boxes[["x1", "y1", "x2", "y2"]] * scale
        picture = draw_boxes(picture, boxes.assign(**corners), colours=colours)
    whole = Image.new("RGB", (size[0], size[1] + height), BAR)
    whole.paste(picture)
    _draw_bar(whole, bar, size)
    return whole


def _draw_bar(whole: Image.Image, bar: Bar, size: tuple[int, int]) -> None:
    canvas, line = ImageDraw.Draw(whole), _line(size)
    font = _font(line)
    canvas.rectangle((0, size[1], round(size[0] * bar.fraction), size[1] + max(2, line // 6)), fill=DONE)
    for number, text in enumerate(_lines(bar.texts, size[0], font)):
        canvas.text((line // 2, size[1] + line // 4 + number * line), text, fill=INK, font=font)


def _lines(texts: Sequence[str], width: int, font: ImageFont.FreeTypeFont) -> list[str]:
    """Put as many texts on each line as there is room for."""
    lines = [""]
    for text in texts:
        longer = f"{lines[-1]}  ·  {text}" if lines[-1] else text
        if lines[-1] and font.getlength(longer) > width - font.size:
            lines.append(text)
        else:
            lines[-1] = longer
    return lines


def _line(size: tuple[int, int]) -> int:
    return max(_SMALLEST_LINE, round(size[1] * _LINE_FRACTION))


def _font(line: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size=round(line * 0.75))
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise TypeError("Pillow is built without FreeType")
    return font
