"""The choice of trials, which applies to the whole page."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import streamlit as st

from pages.components.words import plain_text
from socal_core.dataset.filters import UNKNOWN, Choices, TrialFilter
from socal_core.figures.style import OUTCOMES

TRIAL_NUMBERS = {1: "1, before coaching", 2: "2, after coaching"}
FIELDS: dict[str, tuple[str, Callable[[Any], str]]] = {
    "outcomes": ("Outcome", lambda value: OUTCOMES[value]),
    "surgeons": ("Surgeon", str),
    "trial_numbers": ("Trial number", lambda value: TRIAL_NUMBERS.get(value, str(value))),
    "cohorts": ("Cohort", str),
    "training_statuses": ("Training status", str),
    "labels": ("Boxes of", str),
    "sizes": ("Frame size", lambda value: f"{value[0]} x {value[1]}"),
    "has_frames": ("Video", lambda value: "With frames" if value else "Without frames"),
}
COLUMNS = 4


def pick_trials(choices: Choices) -> TrialFilter:
    """Show a filter for each field that has more than one value. Choices are kept for the session."""
    open_fields = {name: getattr(choices, name) for name in FIELDS if len(getattr(choices, name)) > 1}
    with st.expander("Choose trials", icon=":material/filter_alt:"):
        columns = st.columns(COLUMNS)
        picked = {
            name: _pick(columns[index % COLUMNS], name, values)
            for index, (name, values) in enumerate(open_fields.items())
        }
    if any(picked.values()):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption("Chosen: " + " · ".join(_in_words(name, values) for name, values in picked.items() if values))
            st.button("Show all trials", on_click=_clear, icon=":material/filter_alt_off:")
    has_frames = picked.pop("has_frames", ())
    return TrialFilter(**picked, has_frames=has_frames[0] if len(has_frames) == 1 else None)


def _in_words(name: str, values: tuple[Any, ...]) -> str:
    return f"{FIELDS[name][0].lower()} **{plain_text(', '.join(_text(name, value) for value in values))}**"


def _text(name: str, value: Any) -> str:
    return UNKNOWN if value is None else FIELDS[name][1](value)


def _pick(column: Any, name: str, values: tuple[Any, ...]) -> tuple[Any, ...]:
    key = _key(name)
    # Another data set may not have the values that were chosen before.
    kept = [value for value in st.session_state.get(key, []) if value in values]
    if kept != st.session_state.get(key, []):
        st.session_state[key] = kept
    chosen = column.multiselect(
        FIELDS[name][0],
        values,
        format_func=lambda value: _text(name, value),
        key=key,
        placeholder="All",
        persist_state="session",
    )
    return tuple(chosen)


def _clear() -> None:
    for item in fields(TrialFilter):
        st.session_state[_key(item.name)] = []


def _key(name: str) -> str:
    return f"filter-{name}"
