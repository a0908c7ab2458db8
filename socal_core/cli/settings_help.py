"""The list of all settings at the end of a command's help."""

from dataclasses import Field, fields
from enum import StrEnum
from itertools import groupby
from typing import Any

from socal_core.settings import TINY, TrainConfig, default_config


def settings_help() -> str:
    """Return all settings by group, each with its values and the default of `tiny`."""
    lines = [
        f"settings for --set and --config, with the defaults of the model {TINY} (docs/settings.md explains them):"
    ]
    for group, members in groupby(fields(TrainConfig), key=lambda item: item.metadata["group"]):
        lines += ["", f"{group}:"]
        lines += [f"  {item.name:<26} {values_of(item)} (default: {_default(item)})" for item in members]
    return "\n".join(lines)


def values_of(item: Field[Any], mark: str = "") -> str:
    """Describe the values that a setting takes, names between two `mark`s."""
    kind: Any = item.type
    low, high = item.metadata["low"], item.metadata["high"]
    if issubclass(kind, StrEnum):
        return ", ".join(f"{mark}{value}{mark}" for value in kind)
    if kind is bool:
        return f"{mark}true{mark}, {mark}false{mark}"
    if kind is str:
        return "text"
    return f"whole number, {low:,} to {high:,}" if kind is int else f"number, {low:g} to {high:g}"


def _default(item: Field[Any]) -> str:
    value = getattr(default_config(TINY), item.name)
    if isinstance(value, bool):
        return str(value).lower()
    return "empty" if value == "" else str(value)
