"""Plotly figures and drawn frames: pure functions of tables and arrays."""
