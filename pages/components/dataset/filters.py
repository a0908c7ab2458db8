"""The choice of trials, which applies to the whole page."""

from dataclasses import fields
from typing import Any

import streamlit as st

from pages.components.words import plain_text
from socal_core.dataset.filter_text import FIELDS, value_in_words
from socal_core.dataset.filters import Choices, TrialFilter

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


def show_filter(chosen: TrialFilter) -> None:
    """Take over a filter. Call this in the callback of a button, before the filters are shown."""
    for item in fields(TrialFilter):
        value = getattr(chosen, item.name)
        values = (() if value is None else (value,)) if item.name == "has_frames" else value
        st.session_state[_key(item.name)] = list(values)


def _in_words(name: str, values: tuple[Any, ...]) -> str:
    return f"{FIELDS[name][0].lower()} **{plain_text(', '.join(value_in_words(name, value) for value in values))}**"


def _pick(column: Any, name: str, values: tuple[Any, ...]) -> tuple[Any, ...]:
    key = _key(name)
    # Another data set may not have the values that were chosen before.
    kept = [value for value in st.session_state.get(key, []) if value in values]
    if kept != st.session_state.get(key, []):
        st.session_state[key] = kept
    chosen = column.multiselect(
        FIELDS[name][0],
        values,
        format_func=lambda value: value_in_words(name, value),
        key=key,
        placeholder="All",
        persist_state="session",
    )
    return tuple(chosen)


def _clear() -> None:
    show_filter(TrialFilter())


def _key(name: str) -> str:
    return f"filter-{name}"
