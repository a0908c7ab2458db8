"""Plotly figures and annotated frames: pure functions of tables and arrays."""
