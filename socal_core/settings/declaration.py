"""What a setting is: a field with its group in the form, its help text and its limits; and the check of its value."""

import math
from collections.abc import Collection, Mapping
from dataclasses import field
from enum import StrEnum
from typing import Any

from socal_core.errors import ConfigError
from socal_core.settings.split import SplitMethod


def setting(
    default: Any,
    group: str,
    text: str,
    low: float | None = None,
    high: float | None = None,
    step: int = 1,
    methods: Collection[SplitMethod] = tuple(SplitMethod),
) -> Any:
    """A field with its group in the form, its help text, its inclusive limits and the step of a whole number.

    `methods`: the ways to split that use the setting; the form shows it for those alone.
    """
    metadata = {"group": group, "help": text, "low": low, "high": high, "step": step, "methods": frozenset(methods)}
    return field(default=default, metadata=metadata)


def checked(name: str, value: Any, kind: Any, limits: Mapping[str, Any]) -> Any:
    """The value in its field's type, or ConfigError. JSON does not tell 1 from 1.0, so 1 passes as a float."""
    if issubclass(kind, StrEnum):
        if value not in list(kind):
            raise ConfigError(name, f"must be one of {', '.join(kind)}", value)
        return kind(value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not kind:
        words = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}
        raise ConfigError(name, f"must be {words[kind]}", value)
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(name, "must be a finite number", value)
    low, high = limits["low"], limits["high"]
    if low is not None and not low <= value <= high:
        raise ConfigError(name, f"must be between {low:g} and {high:g}", value)
    return value
