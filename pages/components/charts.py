"""Plotly figures on a page."""

import html

import plotly.graph_objects as go
import streamlit as st

CONFIG = {"displaylogo": False, "modeBarButtonsToRemove": ["lasso2d", "select2d", "autoScale2d"]}
IMAGE = "svg"
"""The format in which the toolbar of a figure saves it: lines and text stay sharp in a paper."""


def chart(figure: go.Figure, key: str) -> None:
    """Show a figure at full width. A later call with the same key updates it in place."""
    config = {**CONFIG, "toImageButtonOptions": {"format": IMAGE, "filename": key}}
    st.plotly_chart(figure, width="stretch", key=key, config=config, alt=html.unescape(figure.layout.title.text))
