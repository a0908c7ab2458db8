"""The pages of the app, one file each."""

from socal_core.startup import prepare_process

# Streamlit runs app.py, or the page whose address was asked for: each imports this package before anything heavy.
prepare_process()
