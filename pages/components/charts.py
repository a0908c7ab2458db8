"""Plotly figures on a page."""

import html

import plotly.graph_objects as go
import streamlit as st

CONFIG = {"displaylogo": False, "modeBarButtonsToRemove": ["lasso2d", "select2d", "autoScale2d"]}


def chart(figure: go.Figure, key: str) -> None:
    """Show a figure at full width. A later call with the same key updates it in place."""
    st.plotly_chart(figure, width="stretch", key=key, config=CONFIG, alt=html.unescape(figure.layout.title.text))
