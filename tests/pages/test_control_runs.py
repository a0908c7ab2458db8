"""Controls that are runs, on the Evaluation page."""

from pathlib import Path

import pytest

from pages.components.evaluation import control_view
from socal_core.lifecycle import launch
from socal_core.lifecycle.control import controls_of
from socal_core.lifecycle.state import RunState, write_status
from socal_core.runs.folder import RunFolder
from socal_core.settings import Control
from socal_core.workspace import runs_root
from tests.made_runs import write_run
from tests.pages.conftest import OpenPage, text_of


@pytest.mark.slow
def test_a_control_is_started_followed_and_shown(
    open_page: OpenPage, shared_data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = write_run(runs_root() / "run-done", shared_data_folder, test_fraction=0.4, skill=0.5)
    started: list[RunFolder] = []
    monkeypatch.setattr(launch, "start", started.append)
    app = open_page("evaluation", shared_data_folder)
    app.selectbox(key="run-evaluation").set_value(run.name).run()
    app.button(key="start-shuffled-frames").click().run()
    assert not app.exception
    assert started == controls_of(run)[Control.SHUFFLED_FRAMES]
    write_status(started[0], RunState.FAILED, "The disk is full.")
    assert "The state of run run-done-shuffled-frames is *failed*" in text_of(app.run())


@pytest.mark.slow
def test_a_finished_control_stands_in_the_table(open_page: OpenPage, shared_data_folder: Path) -> None:
    settings = {"test_fraction": 0.4, "control": Control.SHUFFLED_OUTCOMES}
    other = write_run(runs_root() / "other", shared_data_folder, skill=0.0, **settings)
    run = write_run(runs_root() / "run-done", shared_data_folder, test_fraction=0.4, skill=0.9)
    app = open_page("evaluation", shared_data_folder)
    assert app.selectbox(key="run-evaluation").value == run.name
    table = next(table.value for table in app.table if "**This model**" in table.value.index)
    row = table.loc[control_view.NAMES[Control.SHUFFLED_OUTCOMES]]
    assert row["AUROC"] == f"{other.read_metrics()['auroc']:.2f}"
    assert row["Model minus control"].startswith("+")
    assert [button.key for button in app.button if str(button.key).startswith("start-")] == ["start-shuffled-frames"]
    assert "that it has learnt anything about the outcomes is not shown" in text_of(app)
    app.selectbox(key="run-evaluation").set_value(other.name).run()
    assert "This run is a control, not a result" in text_of(app)
    assert not [button for button in app.button if str(button.key).startswith("start-")]
