"""A run whose process has no file handles left ends with a message, and resumes to the same weights."""

from pathlib import Path

import pytest

from socal_core.lifecycle.state import RunState, written_status
from socal_core.runs.checkpoint_folders import list_checkpoints, newest_checkpoint
from socal_core.runs.events import Event, read_events
from socal_core.training.worker import work
from tests.few_handles import few_handles
from tests.training.killer import timeless, weights_hash
from tests.training.small_runs import new_run

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("free", [0, 1, 2])
@pytest.mark.sampled(1)
def test_it_resumes_to_the_same_weights(tmp_path: Path, shared_data_folder: Path, free: int) -> None:
    through = new_run(tmp_path / "through", shared_data_folder)
    assert work(through, resume=False) is RunState.DONE
    run = new_run(tmp_path / "run", shared_data_folder)
    few = few_handles(free)
    taken = False

    def take(event: Event) -> None:
        nonlocal taken
        if event["type"] == "epoch" and not taken:
            taken = True
            few.__enter__()

    try:
        assert work(run, resume=False, echo=take) is RunState.FAILED
    finally:
        assert taken
        few.__exit__(None, None, None)
    assert "Too many files are open" in written_status(run).reason
    assert "ulimit -n" in written_status(run).reason
    assert work(run, resume=bool(list_checkpoints(run))) is RunState.DONE
    assert [path for path in run.path.rglob("*.tmp")] == []
    assert weights_hash(newest_checkpoint(run)) == weights_hash(newest_checkpoint(through))
    assert timeless(read_events(run.events_file)) == timeless(read_events(through.events_file))
    assert run.predictions_file.read_bytes() == through.predictions_file.read_bytes()
