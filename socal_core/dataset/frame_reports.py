"""What was found in the pixels of frames, kept in the workspace for each version of a data set.

Looking through the frames takes minutes, so pages and commands do it on request. Results that depend on no run are kept
here, where alarms of all runs find them.
"""

import time
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter
from typing_extensions import TypedDict  # pydantic does not take that of Python 3.11

from socal_core.json_files import read_json
from socal_core.storage import write_json
from socal_core.workspace import workspace

FOOTAGE, TEXT = "same-footage", "text-in-frames"
"""The reports: the same footage in several trials, and text burnt into frames."""
_Box = Annotated[list[int], Field(min_length=4, max_length=4)]


class _Report(TypedDict):
    frames: int
    unreadable: int
    time: Annotated[float, Field(ge=0, lt=2.5e11)]


class _Pair(TypedDict):
    trial_id: str
    other: str
    frames: int
    second: float
    other_second: float
    distance: float


class _Text(TypedDict):
    trial_id: str
    second: float
    text: str
    box: _Box
    confidence: float


class _Footage(_Report):
    pairs: list[_Pair]


class _Texts(_Report):
    trials: int
    texts: list[_Text]


_CHECKS = {FOOTAGE: TypeAdapter[Any](_Footage), TEXT: TypeAdapter[Any](_Texts)}
"""What the reports hold."""
_VERSION = 1
"""Increased when a report would come out differently for the same frames."""


def read_report(fingerprint: str, name: str) -> dict[str, Any] | None:
    """Return a report; None if it was never made for this version of the data, or cannot be read.

    Args:
        fingerprint: The fingerprint of the data set.
        name: FOOTAGE or TEXT.
    """
    try:
        report = read_json(_file(fingerprint, name))
        _CHECKS[name].validate_python(report)
    except (OSError, ValueError):  # as is an error of pydantic
        return None
    return report if report.get("version") == _VERSION else None


def write_report(fingerprint: str, name: str, values: dict[str, Any]) -> dict[str, Any]:
    """Keep a report in place of an earlier one.

    Args:
        fingerprint: The fingerprint of the data set.
        name: FOOTAGE or TEXT.
        values: What was found, as values for JSON.

    Returns:
        The report: the values with `version` and `time`, seconds since 1970.

    Raises:
        OSError: The workspace cannot be written to.
    """
    report = {**values, "version": _VERSION, "time": time.time()}
    path = _file(fingerprint, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, report)
    return report


def any_report() -> bool:
    """Return whether there is a report on any data set."""
    return any((workspace() / "frame-reports").glob("*.json"))


def _file(fingerprint: str, name: str) -> Path:
    return workspace() / "frame-reports" / f"{fingerprint}-{name}.json"
