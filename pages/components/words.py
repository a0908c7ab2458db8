"""How pages put things: durations, sizes, texts from files."""

import re

ABOUT_ENCODERS = (
    "tiny was pre-trained on generated clips, EfficientNet-Lite0 on ImageNet photos. Neither has seen an operation: "
    "they know shapes, colours and motion, not surgery. Fine detail is lost at 96 and 224 pixels."
)
"""What the default model was trained on, and what it cannot do."""


def plain_text(text: str) -> str:
    """A text with every sign of Markdown taken literally."""
    return re.sub(r"([\\`*_{}\[\]()#+!|$:<>~])", r"\\\1", text)


def in_words(seconds: float) -> str:
    """A duration as a person says it."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes / 60:.1f} h"


def size_in_words(size: float) -> str:
    """A number of bytes as a person says it, such as 4.7 GB."""
    if not size:
        return "0 GB"
    for unit, factor in (("GB", 1e9), ("MB", 1e6)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}".replace(".0 ", " ")
    return f"{size / 1e3:.0f} kB"
