"""Frames over HTTP for the player of the Trial viewer. Nothing here knows Streamlit; `app.py` adds the route."""
