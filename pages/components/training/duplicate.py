"""A run's settings as the starting point of another run: they are put into the form in the sidebar."""

from typing import Any

import streamlit as st

from pages.components.training.settings_form import ALL_BUT_LAST, FIRST_MINUTE, MODELS, OTHER
from socal_core.dataset.windows import WHOLE, Window
from socal_core.settings import TrainConfig

LAST_SECOND = 99_999
"""The largest number that the form takes for a second."""


def take_settings(config: TrainConfig) -> str:
    """Put settings into the form; to be called before it is drawn, such as in a button's callback.

    Returns what the form cannot show, for the user; empty when it shows all.
    """
    values = config.as_dict()
    window = _of_window(config.clip.observation)
    values |= _of_model(values.pop("model")) | window
    del values["window"]
    for name, value in values.items():
        st.session_state[f"setting-{name}"] = value
    return "" if window else f"The form has no window *{config.clip.observation.describe()}*: choose another."


def _of_model(model: str) -> dict[str, Any]:
    if model in MODELS and model != OTHER:
        return {"model_choice": model}
    return {"model_choice": OTHER, "model_other": model}


def _of_window(window: Window) -> dict[str, Any]:
    start, stop = window.start, window.stop
    if (start, stop) == (0, 60):
        return {"window_choice": FIRST_MINUTE}
    if (start, stop) == (0, None):
        return {"window_choice": WHOLE}
    if stop is None or max(start, abs(stop)) > LAST_SECOND or (stop < 0 < start):
        return {}
    if stop < 0:
        return {"window_choice": ALL_BUT_LAST, "Seconds left out": -stop}
    return {"window_choice": OTHER, "From second": start, "To second": stop}
