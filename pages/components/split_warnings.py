"""Warnings that must appear with every result of a run."""

from collections.abc import Sequence

import streamlit as st

from pages.components.words import plain_text
from socal_core.errors import SocalError
from socal_core.runs.folder import RunFolder
from socal_core.splits import warning_of


def split_warning_of(run: RunFolder) -> str | None:
    """Return what is wrong with the split of a run, or None if nothing is."""
    try:
        return warning_of(run.read_config().split.split_method)
    except SocalError:
        return None  # a run that cannot be read shows no result


def warn_of_split(run: RunFolder) -> None:
    """Show a warning if the split of a run makes its result too good."""
    text = split_warning_of(run)
    if text:
        st.warning(f"**{plain_text(run.name)}:** {text}", icon=":material/group_off:")


def warn_of_splits(runs: Sequence[RunFolder]) -> None:
    """Show a warning that lists the runs whose split makes their scores too good."""
    texts: dict[str, list[str]] = {}
    for run in runs:
        text = split_warning_of(run)
        if text:
            texts.setdefault(text, []).append(run.name)
    for text, names in texts.items():
        st.warning(f"**{plain_text(', '.join(names))}:** {text}", icon=":material/group_off:")
