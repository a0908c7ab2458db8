"""How pages put things: durations, sizes, texts from files."""

import re

ABOUT_ENCODERS = (
    "tiny was pre-trained on generated clips, EfficientNet-Lite0 on ImageNet photos. Neither has seen an operation: "
    "they know shapes, colours and motion, not surgery. Fine detail is lost at 96 and 224 pixels."
)
"""What the default model was trained on, and what it cannot do."""


_JOINER = "\u2060"
"""No width and no meaning: it keeps apart what Streamlit would join to a link, an icon or an arrow after unescaping."""
_JOINED = re.compile(
    r":(?=\S)"  # http://…, :emoji:, :material/icon:, :red[…]
    r"|www(?=\.)"
    r"|(?<=[\w.+-])(?=@)"
    r"|(?<!\S)[<>~-](?=(?:=|-|->|>)(?!\S))",  # ->, <->, >=
    re.IGNORECASE,
)


def plain_text(text: object) -> str:
    """Return text that Streamlit shows as it is, on one line: no Markdown, link, image, formula, emoji, icon or arrow.

    For everything that a page shows and that comes from a folder, a file, a process or a person. Widgets that take
    no Markdown (the options of a drop-down, the cells of a data frame) are given the text itself.
    """
    line = _JOINED.sub(lambda found: found[0] + _JOINER, " ".join(str(text).split()))
    line = re.sub(r"([\\`*_{}\[\]()#+!|$<>~&])", r"\\\1", line)
    return re.sub(r"^(\d*)([-.])", r"\1\\\2", line)  # would begin a list


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
