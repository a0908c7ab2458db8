"""Copy the settings of a run into the form in the sidebar, as a start for another run."""

from typing import Any

import streamlit as st

from pages.components.training.settings_form import ALL_BUT_LAST, FIRST_MINUTE, MODELS, OTHER
from socal_core.dataset.windows import WHOLE, Window
from socal_core.settings import TrainConfig

LAST_SECOND = 99_999
"""The largest number of seconds that the form accepts."""


def take_settings(config: TrainConfig) -> str:
    """Copy settings into the form. Call this before the form is shown, such as in the callback of a button.

    Args:
        config: The settings to copy.

    Returns:
        A message about a setting that the form cannot show, or "" if it shows all.
    """
    values = config.as_dict()
    window = _of_window(config.clip.observation)
    values |= _of_model(values.pop("model")) | window
    del values["window"]
    for name, value in values.items():
        st.session_state[f"setting-{name}"] = value
    return "" if window else f"The form cannot show the window *{config.clip.observation.describe()}*. Choose another."


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
