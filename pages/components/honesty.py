"""What must be said wherever a result of a run is shown."""

from collections.abc import Sequence

import streamlit as st

from pages.components.words import plain_text
from socal_core.errors import SocalError
from socal_core.runs.folder import RunFolder
from socal_core.splits import warning_of


def split_warning_of(run: RunFolder) -> str | None:
    """What is wrong with the split of a run, None when nothing is."""
    try:
        return warning_of(run.read_config().split.split_method)
    except SocalError:
        return None  # a run that cannot be read has no result to warn of


def warn_of_split(run: RunFolder) -> None:
    """Say above a run's result when its split makes it too good."""
    text = split_warning_of(run)
    if text:
        st.warning(f"**{plain_text(run.name)}:** {text}", icon=":material/group_off:")


def warn_of_splits(runs: Sequence[RunFolder]) -> None:
    """Say below a table which of its runs have a score that is too good."""
    texts: dict[str, list[str]] = {}
    for run in runs:
        text = split_warning_of(run)
        if text:
            texts.setdefault(text, []).append(run.name)
    for text, names in texts.items():
        st.warning(f"**{plain_text(', '.join(names))}:** {text}", icon=":material/group_off:")
