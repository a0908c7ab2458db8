"""Write docs/settings.md from the settings themselves: `python -m scripts.write_settings_doc [FILE]`."""

import sys
from enum import StrEnum
from itertools import groupby
from pathlib import Path
from typing import Any

from socal_core.cli.settings_help import values_of
from socal_core.settings import (
    PRETRAINED,
    SETTINGS,
    TINY,
    Recipe,
    Setting,
    default_config,
)

PAGE = Path(__file__).resolve().parents[1] / "docs" / "settings.md"
INTRODUCTION = f"""# Settings

All settings of a run. This page is generated from `socal_core/settings/`: edit a file there, then run
`python -m scripts.write_settings_doc`.

Set them in the sidebar of the Training page, with `--set NAME=VALUE` on the command line (may be repeated), or in a
JSON file given with `--config`, such as the `config.json` of another run. `--set` overrides the file, and the file
overrides the defaults. A value that is refused is reported with the setting and the rule.

Defaults depend on the model and on the recipe. Where the table gives two, the second is the default for `{TINY}`; both
are those of the model's own recipe, `finetune`, and `frozen` for `{TINY}`. The last section has the defaults of the
other recipes. The model itself
defaults to `{PRETRAINED}` if its weights are on the machine, or if `SOCAL_ALLOW_DOWNLOAD=1` is set and the
hub has them, and to `{TINY}` otherwise.

The names follow the reference notebook; where a setting has another name there, both are accepted. So is its
`force_retrain`: each start is a new run, and with `--set force_retrain=true` the command `train` first moves a run of
the same name to the trash. `config.json` does not record it.
"""


def page() -> str:
    """Return the page as Markdown."""
    headings = groupby(SETTINGS.values(), key=lambda item: item.heading)
    sections = [_section(heading, list(members)) for heading, members in headings]
    return "\n".join([INTRODUCTION, *sections, _recipes()])


def _recipes() -> str:
    """Return the section with the settings whose defaults differ between the recipes that train a network."""
    recipes = [recipe for recipe in Recipe if recipe.trains_network]
    defaults = {recipe: default_config(PRETRAINED, recipe).as_dict() for recipe in recipes}
    rows = [
        f"| `{name}` | {' | '.join(values)} |"
        for name in SETTINGS
        if name != "recipe" and len(set(values := [_text(defaults[recipe][name]) for recipe in recipes])) > 1
    ]
    heading = "| setting | " + " | ".join(f"`{recipe}`" for recipe in recipes) + " |"
    return "\n".join(["## Defaults of the recipes", "", heading, "|---|" + "---|" * len(recipes), *rows, ""])


def _section(heading: str, members: list[Setting]) -> str:
    shared = [text for text in _conditions(members[0]) if all(text in _conditions(item) for item in members)]
    rows = ["| setting | values | default | meaning |", "|---|---|---|---|", *(_row(item, shared) for item in members)]
    return "\n".join([f"## {heading}", "", *(f"{text}\n" for text in shared), *rows, ""])


def _row(item: Setting, shared: list[str]) -> str:
    conditions = [text for text in _conditions(item) if text not in shared]
    alias = [f"The reference notebook calls it `{item.alias}`."] if item.alias else []
    meaning = " ".join([item.help, *alias, *conditions])
    return f"| `{item.name}` | {values_of(item, '`')} | {_default(item)} | {meaning} |"


def _default(item: Setting) -> str:
    if item.name == "model":
        return "see above"
    values = [_text(default_config(model).as_dict()[item.name]) for model in (PRETRAINED, TINY)]
    return "; ".join(dict.fromkeys(values))


def _text(value: Any) -> str:
    if value == "":
        return "empty"
    text = str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)
    return f"`{text}`"


def _conditions(item: Setting) -> list[str]:
    """Say for which values of other settings this one changes anything, where it does not for all of them."""
    return [_condition(name, needed) for name, needed in item.condition.items()]


def _condition(name: str, needed: list[Any]) -> str:
    kind = SETTINGS[name].kind
    others = [value for value in kind if value not in needed] if issubclass(kind, StrEnum) else []
    if len(others) == 1 < len(needed):
        return f"Not with `{name}` {_text(others[0])}."
    return f"Only with `{name}` {' or '.join(_text(value) for value in needed)}."


if __name__ == "__main__":
    Path(sys.argv[1] if len(sys.argv) > 1 else PAGE).write_text(page(), encoding="utf-8")
