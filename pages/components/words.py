"""Texts from files on a page."""

import re


def plain_text(text: str) -> str:
    """A text with every sign of Markdown taken literally."""
    return re.sub(r"([\\`*_{}\[\]()#+!|$:<>~])", r"\\\1", text)
