"""Saved views on the pages."""

from pathlib import Path

import pytest

from socal_core.dataset.filters import TrialFilter
from socal_core.dataset.saved_views import save_view, saved_views
from socal_core.workspace import runs_root
from tests.made_runs import write_run
from tests.pages.conftest import OpenPage, as_read, metrics_of, text_of
from tests.pages.test_dataset import choose, press

FIRST = TrialFilter(trial_numbers=(1,))


@pytest.mark.slow
def test_a_view_is_saved_shown_renamed_and_deleted(open_page: OpenPage, shared_data_folder: Path) -> None:
    app = choose(open_page("dataset", shared_data_folder), "trial_numbers", 1)
    app.text_input(key="view-name").set_value("first trials")
    press(app, "Save view")
    assert saved_views(shared_data_folder)[0].filter == FIRST
    press(app, "Show all trials")
    assert metrics_of(app)["Trials"] == "20"
    app.button(key="view-show").click().run()
    assert metrics_of(app)["Trials"] == "10"
    app.text_input(key="view-new-name").set_value("before coaching")
    press(app, "Rename")
    assert [view.name for view in saved_views(shared_data_folder)] == ["before coaching"]
    app.button(key="view-delete").click().run()
    assert saved_views(shared_data_folder) == []
    assert not app.exception


def test_a_view_without_trials_is_said_to_match_nothing(open_page: OpenPage, shared_data_folder: Path) -> None:
    save_view(shared_data_folder, "nobody", TrialFilter(surgeons=("999",)))
    app = open_page("dataset", shared_data_folder)
    assert "matches no trial of the data folder any more" in text_of(app)
    assert app.button(key="view-show").disabled


def test_a_damaged_file_of_views_breaks_no_page(open_page: OpenPage, shared_data_folder: Path, workspace: Path) -> None:
    save_view(shared_data_folder, "first", FIRST)
    write_run(runs_root() / "run", shared_data_folder)
    (file,) = (workspace / "views").glob("*.json")
    file.write_text("{")
    for page in ("dataset", "training", "evaluation"):
        app = open_page(page, shared_data_folder)
        assert not app.exception
        assert not app.error
        assert "The saved views cannot be read: it is damaged" in text_of(app)


@pytest.mark.slow
def test_the_form_trains_on_a_view(open_page: OpenPage, shared_data_folder: Path) -> None:
    save_view(shared_data_folder, "first trials", FIRST)
    app = open_page("training", shared_data_folder)
    assert app.selectbox(key="setting-view").options == ["All usable trials", "first trials"]
    app.selectbox(key="setting-view").set_value("first trials").run()
    assert not app.exception
    (command,) = [block.value for block in app.code if block.value.startswith("socal train")]
    assert "--set 'view=first trials' --set 'trials={\"trial_numbers\": [1]}'" in command
    save_view(shared_data_folder, "first trials", TrialFilter(surgeons=("999",)))
    assert "The view first trials matches no usable trial" in text_of(app.run())


@pytest.mark.slow
def test_the_evaluation_page_shows_the_test_trials_of_a_view(open_page: OpenPage, shared_data_folder: Path) -> None:
    run = write_run(runs_root() / "run-done", shared_data_folder, test_fraction=0.4, skill=0.2)
    assert not [box for box in open_page("evaluation", shared_data_folder).selectbox if box.key == "view-evaluation"]
    save_view(shared_data_folder, "first trials", FIRST)
    save_view(shared_data_folder, "nobody", TrialFilter(surgeons=("999",)))
    app = open_page("evaluation", shared_data_folder)
    app.selectbox(key="view-evaluation").set_value("first trials").run()
    assert "**Only 4 of the 8 test trials**, those in the view first trials" in text_of(app)
    trials = app.dataframe[0].value["Trial"]
    assert len(trials) == 4
    assert trials.str.endswith("T1").all()
    app.selectbox(key="view-evaluation").set_value("nobody").run()
    warnings = [as_read(item.value) for item in app.warning]
    assert any("None of the 8 test trials of run run-done is in the view nobody" in text for text in warnings)
    assert metrics_of(app)["Accuracy"] == f"{run.read_metrics()['accuracy']:.2f}"
    assert not app.exception
