"""The list of all settings at the end of a command's help."""

from enum import StrEnum
from itertools import groupby

from socal_core.settings import SETTINGS, TINY, Setting, default_config


def settings_help() -> str:
    """Return a list of all settings by heading, each with its values and its default for the model `tiny`."""
    lines = [
        f"settings for --set and --config, with the defaults of the model {TINY} (docs/settings.md explains them):"
    ]
    for heading, members in groupby(SETTINGS.values(), key=lambda item: item.heading):
        lines += ["", f"{heading}:"]
        lines += [f"  {item.name:<26} {values_of(item)} (default: {_default(item)})" for item in members]
    return "\n".join(lines)


def values_of(item: Setting, mark: str = "") -> str:
    """Describe the allowed values of a setting.

    Args:
        item: The setting.
        mark: Text to put before and after each name, such as a backtick.
    """
    kind, low, high = item.kind, item.low, item.high
    if issubclass(kind, StrEnum):
        return ", ".join(f"{mark}{value}{mark}" for value in kind)
    if kind is bool:
        return f"{mark}true{mark}, {mark}false{mark}"
    if kind is str:
        return "text"
    return f"whole number, {low:,} to {high:,}" if kind is int else f"number, {low:g} to {high:g}"


def _default(item: Setting) -> str:
    value = default_config(TINY).as_dict()[item.name]
    if isinstance(value, bool):
        return str(value).lower()
    return "empty" if value == "" else str(value)
