"""Predict how an operation ends from its video: the library under the app and the command line."""

import os

# Before anything imports huggingface_hub, which reads this once.
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
