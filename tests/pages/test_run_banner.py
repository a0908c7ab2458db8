"""The banner of runs on every page."""

import os
from pathlib import Path

import pytest

from socal_core.lifecycle.lock import take_lock
from socal_core.lifecycle.state import RunState, write_status
from socal_core.workspace import runs_root
from tests.made_runs import write_run
from tests.pages.conftest import OpenPage, text_of


@pytest.mark.parametrize(("end", "link"), [(RunState.DONE, "See its results"), (RunState.FAILED, "See why")])
def test_a_run_is_followed_to_its_end(
    open_page: OpenPage, workspace: Path, shared_data_folder: Path, end: RunState, link: str
) -> None:
    run = write_run(runs_root() / "run-1", shared_data_folder, RunState.RUNNING, epochs=1)
    lock = take_lock(run.lock_file, run.name)
    app = open_page("app", shared_data_folder)
    assert "In progress: **run-1** (running)" in text_of(app)
    write_status(run, end)
    os.close(lock)
    app.run()
    assert f"Run **run-1** is {end}." in text_of(app)
    assert link in {item.proto.label for item in app.main.get("page_link")}
    app.button(key="dismiss-run-1").click().run()
    assert "run-1** is" not in text_of(app)


def test_runs_that_ended_before_are_not_announced(
    open_page: OpenPage, workspace: Path, shared_data_folder: Path
) -> None:
    write_run(runs_root() / "run-1", shared_data_folder, RunState.DONE)
    app = open_page("app", shared_data_folder)
    assert "**run-1**" not in text_of(app)
