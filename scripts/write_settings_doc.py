"""Write docs/settings.md from the settings themselves: `python -m scripts.write_settings_doc [FILE]`."""

import sys
from dataclasses import Field, fields
from enum import StrEnum
from itertools import groupby, product
from pathlib import Path
from typing import Any

from socal_core.cli.settings_help import values_of
from socal_core.settings import PRETRAINED, TINY, Recipe, SamplingMethod, SplitMethod, TrainConfig, acts, default_config

PAGE = Path(__file__).resolve().parents[1] / "docs" / "settings.md"
INTRODUCTION = f"""# Settings

All settings of a run. This page is generated from `socal_core/settings/train_config.py`: edit that file, then run
`python -m scripts.write_settings_doc`.

Set them in the sidebar of the Training page, with `--set NAME=VALUE` on the command line (may be repeated), or in a
JSON file given with `--config`, such as the `config.json` of another run. `--set` overrides the file, and the file
overrides the defaults. A value that is refused is reported with the setting and the rule.

Defaults depend on the model. Where the table gives two, the second is the default for `{TINY}`. The model itself
defaults to `{PRETRAINED}` if its weights are on the machine, or if `SOCAL_ALLOW_DOWNLOAD=1` is set and the
hub has them, and to `{TINY}` otherwise.

The names follow the reference notebook. Its `force_retrain` has no counterpart: each start is a new run, and `--resume`
continues an old one.
"""
DECIDING: dict[str, type[StrEnum]] = {"recipe": Recipe, "sampling": SamplingMethod, "split_method": SplitMethod}
"""The settings on whose values it depends whether another one changes anything."""


def page() -> str:
    """Return the page as Markdown."""
    groups = groupby(fields(TrainConfig), key=lambda item: item.metadata["group"])
    return "\n".join([INTRODUCTION, *(_section(group, list(members)) for group, members in groups)])


def _section(group: str, members: list[Field[Any]]) -> str:
    shared = [text for text in _conditions(members[0]) if all(text in _conditions(item) for item in members)]
    rows = ["| setting | values | default | meaning |", "|---|---|---|---|", *(_row(item, shared) for item in members)]
    return "\n".join([f"## {group}", "", *(f"{text}\n" for text in shared), *rows, ""])


def _row(item: Field[Any], shared: list[str]) -> str:
    meaning = " ".join([item.metadata["help"], *(text for text in _conditions(item) if text not in shared)])
    return f"| `{item.name}` | {values_of(item, '`')} | {_default(item)} | {meaning} |"


def _default(item: Field[Any]) -> str:
    if item.name == "model":
        return "see above"
    values = [_text(getattr(default_config(model), item.name)) for model in (PRETRAINED, TINY)]
    return "; ".join(dict.fromkeys(values))


def _text(value: Any) -> str:
    if value == "":
        return "empty"
    text = str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)
    return f"`{text}`"


def _conditions(item: Field[Any]) -> list[str]:
    """Say for which values of other settings this one changes anything, where it does not for all of them."""
    combinations = [dict(zip(DECIDING, values, strict=True)) for values in product(*DECIDING.values())]
    acting = [values for values in combinations if acts(item, values)]
    sentences = []
    for name, kind in DECIDING.items():
        needed = [value for value in kind if any(values[name] is value for values in acting)]
        if len(needed) < len(kind):
            sentences.append(f"Only with `{name}` {' or '.join(f'`{value}`' for value in needed)}.")
    return sentences


if __name__ == "__main__":
    Path(sys.argv[1] if len(sys.argv) > 1 else PAGE).write_text(page(), encoding="utf-8")
