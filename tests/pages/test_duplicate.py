"""pages.components.training.duplicate: the form gives back the settings that were put into it."""

import pytest
from streamlit.testing.v1 import AppTest

from socal_core.settings import PRETRAINED, TINY, applicable_settings, config_from


def form_with(values: dict[str, object]) -> None:
    """The script of a page: it copies settings into the form, and keeps the message."""
    import streamlit as st

    from pages.components.training.duplicate import take_settings
    from pages.components.training.settings_form import settings_form
    from socal_core.settings import TINY, config_from

    if "missing" not in st.session_state:
        st.session_state["missing"] = take_settings(config_from(values, TINY))
    st.session_state["typed"] = settings_form(None)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"model": PRETRAINED},
        {"model": TINY, "learning_rate": 3e-4, "mixup": 0.5, "seed": 9, "batch_size": 3},
        {"model": "owner/name", "window": "whole"},
        {"model": "other", "window": "0:60"},
        {"window": "00:060"},
        {"window": "0:-25"},
        {"window": "10:90"},
        {"window": "0:99999"},
        {"split_method": "k-fold", "folds": 4, "fold": 3},
        {"split_method": "column", "split_column": "training_status", "split_value": "Trainee"},
        {"split_method": "socal20", "validation_fraction": 0.3},
        {"sampling": "dense", "stride": 7, "scaled_decoding": True, "num_workers": 0},
        {"optimizer": "SGD", "test_clips": 5, "allow_download": True},
        {"recipe": "finetune", "use_lr_scheduler": False, "use_early_stopping": False},
        {"target": "blood_loss"},
    ],
)
def test_the_form_gives_back_what_it_was_given(values: dict[str, object]) -> None:
    app = AppTest.from_function(form_with, kwargs={"values": values}).run()
    assert not app.exception
    given, typed = config_from(values, TINY), app.session_state["typed"]
    assert app.session_state["missing"] == ""
    assert applicable_settings(typed) | {"window": None} == applicable_settings(given) | {"window": None}
    assert typed.clip.observation == given.clip.observation


@pytest.mark.parametrize("window", ["5:-10", "0:100000", "0:-100000"])
def test_a_window_that_the_form_cannot_show_is_reported(window: str) -> None:
    app = AppTest.from_function(form_with, kwargs={"values": {"window": window, "seed": 9}}).run()
    assert not app.exception
    assert "The form cannot show the window" in app.session_state["missing"]
    assert app.session_state["typed"].split.seed == 9
