"""Texts for pages: durations, sizes, and texts from files."""

import re

ABOUT_ENCODERS = (
    "The model *tiny* was pre-trained on generated clips, and EfficientNet-Lite0 on ImageNet photos. Neither was "
    "trained on operations, so they recognize shapes, colours and motion, but not surgery. At 96 and 224 pixels, fine "
    "detail is lost."
)
"""What the parts of the default model were trained on, and their limits."""


_JOINER = "\u2060"
"""An invisible character. It prevents Streamlit from making links, icons and arrows out of unescaped text."""
_JOINED = re.compile(
    r":(?=\S)"  # http://…, :emoji:, :material/icon:, :red[…]
    r"|www(?=\.)"
    r"|(?<=[\w.+-])(?=@)"
    r"|(?<!\S)[<>~-](?=(?:=|-|->|>)(?!\S))",  # ->, <->, >=
    re.IGNORECASE,
)


def plain_text(text: object) -> str:
    """Escape text so that Streamlit shows it unchanged, on one line and without links, images, formulas or icons.

    Use this for all text from a folder, a file, a process or a person. Widgets that do not interpret Markdown, such as
    the options of a drop-down or the cells of a data frame, take the text itself.
    """
    line = _JOINED.sub(lambda found: found[0] + _JOINER, " ".join(str(text).split()))
    line = re.sub(r"([\\`*_{}\[\]()#+!|$<>~&])", r"\\\1", line)
    return re.sub(r"^(\d*)([-.])", r"\1\\\2", line)  # would start a list


def duration_text(seconds: float) -> str:
    """Format a duration for the user, such as 12 s, 5 min or 1.5 h."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes / 60:.1f} h"


def size_text(size: float) -> str:
    """Format a number of bytes for the user, such as 4.7 GB."""
    if not size:
        return "0 GB"
    for unit, factor in (("GB", 1e9), ("MB", 1e6)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}".replace(".0 ", " ")
    return f"{size / 1e3:.0f} kB"
