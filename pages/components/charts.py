"""Plotly figures on a page."""

import html
from collections.abc import Callable
from typing import Any

import plotly.graph_objects as go
import streamlit as st

CONFIG = {"displaylogo": False, "modeBarButtonsToRemove": ["lasso2d", "select2d", "autoScale2d"]}
IMAGE = "svg"
"""The format in which the toolbar of a figure saves it: lines and text stay sharp in a paper."""


def chart(figure: go.Figure, key: str) -> None:
    """Show a figure at full width. A later call with the same key updates it in place."""
    st.plotly_chart(figure, width="stretch", key=key, config=_config(key), alt=_alt(figure))


def selectable_chart(figure: go.Figure, key: str, selected: Callable[[], None]) -> None:
    """Show a figure as `chart` does, and call a function when the user clicks a point.

    Args:
        figure: The figure.
        key: The key, under which the session state holds the selection.
        selected: Called before the next run of the page.
    """
    st.plotly_chart(
        figure,
        width="stretch",
        key=key,
        config=_config(key),
        alt=_alt(figure),
        on_select=selected,
        selection_mode="points",
    )


def _config(name: str) -> dict[str, Any]:
    """Return the configuration of a figure, which its toolbar saves under a name."""
    return {**CONFIG, "toImageButtonOptions": {"format": IMAGE, "filename": name}}


def _alt(figure: go.Figure) -> str:
    return html.unescape(figure.layout.title.text)
