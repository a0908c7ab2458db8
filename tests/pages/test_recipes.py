"""The Training page: recipes, the trained weights, and the learning rates before the start."""

from pathlib import Path
from typing import Any

from streamlit.testing.v1 import AppTest

from tests.pages.conftest import OpenPage, metrics_of, text_of


def setting(app: AppTest, name: str) -> Any:
    """The widget of a setting."""
    (found,) = (
        widget
        for kind in ("selectbox", "number_input", "radio", "toggle", "text_input")
        for widget in getattr(app.sidebar, kind)
        if widget.key == f"setting-{name}"
    )
    return found


def test_a_recipe_sets_the_defaults_of_the_other_settings(open_page: OpenPage, shared_data_folder: Path) -> None:
    app = open_page("training", shared_data_folder)
    setting(app, "window_choice").set_value("whole").run()
    setting(app, "recipe").set_value("videomae-small-data").run()
    assert setting(app, "drop_path").value == 0.2
    assert setting(app, "schedule").value == "cosine"
    assert setting(app, "window_choice").value == "whole"
    assert "Dropout is off" not in text_of(app)  # drop path and the dropout of the head are on
    setting(app, "drop_path").set_value(0.4).run()
    setting(app, "recipe").set_value("notebook").run()
    assert (setting(app, "drop_path").value, setting(app, "hue_jitter").value) == (0.0, 0.1)
    assert not app.exception


def test_trained_weights_are_counted_before_the_start(open_page: OpenPage, shared_data_folder: Path) -> None:
    app = open_page("training", shared_data_folder)
    setting(app, "recipe").set_value("finetune").run()
    tiles = metrics_of(app)
    assert tiles["Trained weights"] == "3.0 M"
    setting(app, "tune").set_value("frozen").run()
    assert metrics_of(app)["Trained weights"] == "770"
    setting(app, "tune").set_value("last:2").run()
    assert not app.exception
    assert metrics_of(app)["Trained weights"] == "0.9 M"
