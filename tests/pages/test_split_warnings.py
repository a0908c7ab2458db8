"""The warnings that appear with every result of a run."""

from pathlib import Path

import pytest

from socal_core.lifecycle.state import RunState
from socal_core.workspace import runs_root
from tests.made_runs import write_run
from tests.pages.conftest import OpenPage, text_of

WARNING = "Split at random by trial"


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", ["app", "training", "evaluation", "trial_viewer"])
@pytest.mark.parametrize("method", ["surgeon", "random"])
def test_a_random_split_is_warned_of_on_every_page_that_shows_its_result(
    open_page: OpenPage, shared_data_folder: Path, name: str, method: str
) -> None:
    write_run(runs_root() / "run-1", shared_data_folder, split_method=method)
    app = open_page(name, shared_data_folder)
    if name == "trial_viewer":
        app.selectbox(key="run-trial_viewer").set_value("run-1").run()
        next(button for button in app.button if button.label == "Select 10 random trials").click().run()
    warned = [warning.value for warning in app.warning if WARNING in warning.value]
    assert bool(warned) == (method == "random")
    assert all(text.startswith("**run-1:**") for text in warned)


def test_a_test_trial_of_a_random_split_is_not_called_unseen(open_page: OpenPage, shared_data_folder: Path) -> None:
    write_run(runs_root() / "run-1", shared_data_folder, split_method="random")
    app = open_page("trial_viewer", shared_data_folder)
    app.selectbox(key="run-trial_viewer").set_value("run-1").run()
    app.segmented_control(key="pool").set_value("Test trials only").run()
    next(button for button in app.button if button.label == "Select 10 random trials").click().run()
    assert "may have trained on another trial of its surgeon" in text_of(app)
    assert "never seen this surgeon" not in text_of(app)


def test_a_run_without_a_result_is_listed_with_its_split(open_page: OpenPage, shared_data_folder: Path) -> None:
    write_run(runs_root() / "run-1", shared_data_folder, state=RunState.STOPPED, split_method="k-fold", folds=4, fold=2)
    table = open_page("app", shared_data_folder).dataframe[0].value
    assert table["Split"].to_list() == ["k-fold"]


def test_leaks_are_looked_for_on_the_split_of_the_form(open_page: OpenPage, shared_data_folder: Path) -> None:
    app = open_page("training", shared_data_folder)
    app.sidebar.number_input(key="setting-test_fraction").set_value(0.3).run()
    assert "Mean colour" not in text_of(app)
    next(toggle for toggle in app.toggle if toggle.label.startswith("Look for leaks")).set_value(True).run()
    assert not app.exception
    assert "learns from the 12 training trials and is tested on the 8 validation and test trials" in text_of(app)
