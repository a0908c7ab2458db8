"""Read JSON that may be damaged or come from others, without NaN, infinity and deep nesting."""

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from socal_core.file_handles import handles_explained

DEEPEST = 100
"""How many lists and objects of a JSON file may contain each other."""
_TOO_DEEP = f"it is nested more than {DEEPEST} deep"


def parse_json(text: str) -> Any:
    """Read a value from JSON.

    Raises:
        ValueError: The text is not JSON, is nested too deep, or contains NaN, infinity or a number as large.
    """
    try:
        value = json.loads(text, parse_int=_whole_number, parse_float=_number, parse_constant=_number)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    level, depth = [value], 0
    while level:
        level = [part for item in level if isinstance(item, (dict, list)) for part in _parts(item)]
        depth += 1
        if depth > DEEPEST:  # whatever walks through it would exceed the limit of Python
            raise ValueError(_TOO_DEEP)
    return value


def _parts(value: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value


@handles_explained()
def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        ValueError: See `parse_json`; or the file is not in UTF-8.
        OSError: The file cannot be read.
        TooManyFilesError: Too many files are open.
    """
    return parse_json(path.read_text(encoding="utf-8"))


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:20]} is not a finite number")
    return value


def _whole_number(text: str) -> int:
    _number(text)  # a larger one could not be converted to a float later
    return int(text)
