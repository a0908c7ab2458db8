"""The pages of the app, one file per page."""

from socal_core.startup import prepare_process

# Streamlit first runs app.py or the requested page. Each of them imports this package before any heavy library.
prepare_process()
