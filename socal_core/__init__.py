"""Predict how an operation ends from its video: the library under the app and the command line."""

__version__ = "0.1.0"
