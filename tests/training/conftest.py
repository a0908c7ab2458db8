"""A run that several modules use."""

from pathlib import Path

import pytest

from socal_core.lifecycle.state import RunState
from socal_core.runs.folder import RunFolder
from socal_core.training.worker import work
from tests.training.small_runs import new_run


@pytest.fixture(scope="session")
def done_run(tmp_path_factory: pytest.TempPathFactory, shared_data_folder: Path) -> RunFolder:
    """A finished run that no test changes."""
    run = new_run(tmp_path_factory.mktemp("runs") / "done", shared_data_folder)
    assert work(run, resume=False) is RunState.DONE
    return run
