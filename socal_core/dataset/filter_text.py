"""Filters as text: as JSON for files and settings, and in words for the user."""

import json
from collections.abc import Callable
from dataclasses import asdict, fields
from typing import Any

from pydantic import TypeAdapter, ValidationError

from socal_core.dataset.filters import UNKNOWN, TrialFilter
from socal_core.json_files import parse_json

TRIAL_NUMBERS = {1: "1, before coaching", 2: "2, after coaching"}
FIELDS: dict[str, tuple[str, Callable[[Any], str]]] = {
    "outcomes": ("Outcome", lambda value: "Success" if value else "Failure"),
    "surgeons": ("Surgeon", str),
    "trial_numbers": ("Trial number", lambda value: TRIAL_NUMBERS.get(value, str(value))),
    "cohorts": ("Cohort", str),
    "training_statuses": ("Training status", str),
    "labels": ("Boxes of", str),
    "sizes": ("Frame size", lambda value: f"{value[0]} x {value[1]}"),
    "has_frames": ("Video", lambda value: "With frames" if value else "Without frames"),
}
"""The title of each field of TrialFilter, and how a value is displayed, in the order of the page."""

_ADAPTER = TypeAdapter(TrialFilter)


def value_in_words(name: str, value: Any) -> str:
    """Return a value of a field of TrialFilter for the user; None is unknown."""
    return UNKNOWN if value is None else FIELDS[name][1](value)


def filter_in_words(chosen: TrialFilter) -> str:
    """Describe a filter, such as *outcome Success; surgeon 101, 102*; *all trials* if it is empty."""
    parts = []
    for name, (title, _) in FIELDS.items():
        value = getattr(chosen, name)
        values = (() if value is None else (value,)) if name == "has_frames" else value
        if values:
            parts.append(f"{title.lower()} {', '.join(value_in_words(name, each) for each in values)}")
    return "; ".join(parts) or "all trials"


def filter_values(chosen: TrialFilter) -> dict[str, Any]:
    """Return the fields of a filter that leave trials out, as values for JSON."""
    return {name: value for name, value in asdict(chosen).items() if value not in ((), None)}


def filter_to_json(chosen: TrialFilter) -> str:
    """Return a filter as one line of JSON; "" if it passes all trials."""
    values = filter_values(chosen)
    return json.dumps(values, ensure_ascii=False, sort_keys=True) if values else ""


def filter_from_json(text: str) -> TrialFilter:
    """Return the filter that `filter_to_json` wrote.

    Raises:
        ValueError: The text is no filter. The message completes *it is not a filter: …*.
    """
    if not text.strip():
        return TrialFilter()
    try:
        values = parse_json(text)
    except ValueError:
        raise ValueError("it is not JSON") from None
    known = [item.name for item in fields(TrialFilter)]
    if not isinstance(values, dict):
        raise ValueError("it is not a JSON object")
    # A field that this version does not know would leave out trials that it cannot leave out.
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise ValueError(f"it has the field {unknown[0]}, and the fields are {', '.join(known)}")
    try:
        return _ADAPTER.validate_json(text, strict=True)
    except ValidationError as error:
        found = error.errors(include_url=False)[0]
        place = found["loc"][0] if found["loc"] else "content"
        raise ValueError(f"its field {place} {found['msg'].removeprefix('Input ')}") from None
