"""socal backup while a run trains in another process: restored elsewhere, it resumes to the same weights."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from socal_core.lifecycle.state import RunState, read_status
from socal_core.maintenance.backup import back_up
from socal_core.maintenance.restore import restore
from socal_core.runs.checkpoint_folders import newest_checkpoint
from socal_core.runs.events import read_events
from socal_core.runs.folder import RunFolder
from socal_core.training.worker import work
from tests.lifecycle.workers import until
from tests.preloaded import run_preloaded
from tests.training.killer import timeless, weights_hash
from tests.training.small_runs import EVERYTHING, new_run

TRAIN = (
    "import sys; from pathlib import Path; from socal_core.runs.folder import RunFolder;"
    "from socal_core.training.worker import work; work(RunFolder(Path(sys.argv[1])), resume=False)"
)
EPOCHS = 6


@pytest.mark.slow
def test_a_backup_of_a_run_at_work_resumes_to_the_same_weights(
    workspace: Path, tmp_path: Path, shared_data_folder: Path
) -> None:
    settings = {**EVERYTHING, "num_epochs": EPOCHS, "use_early_stopping": False}
    through = new_run(workspace / "runs" / "run-1", shared_data_folder, **settings)
    backups: list[Path] = []
    with ThreadPoolExecutor(1) as pool:
        training = pool.submit(run_preloaded, "-c", TRAIN, through.path)
        until(lambda: newest_checkpoint(through) is not None or training.done())
        while not training.done():
            backups.append(tmp_path / f"{len(backups)}.tar")
            back_up(workspace, backups[-1])
        assert training.result().returncode == 0, training.result().stderr
    newest = {}
    for number, archive in enumerate(backups):
        restore(archive, tmp_path / f"w{number}")
        run = RunFolder(tmp_path / f"w{number}" / "runs" / "run-1")
        assert read_status(run).state in {RunState.INTERRUPTED, RunState.DONE}
        checkpoint = newest_checkpoint(run)
        assert checkpoint is not None
        newest[checkpoint.name] = run
    in_the_middle = [run for name, run in newest.items() if name != f"epoch-{EPOCHS:04d}"]
    assert in_the_middle, "a backup was made while it trained"
    for run in in_the_middle[:2]:
        assert work(run, resume=True) is RunState.DONE
        assert weights_hash(newest_checkpoint(run)) == weights_hash(newest_checkpoint(through))
        assert timeless(read_events(run.events_file)) == timeless(read_events(through.events_file))
        assert run.predictions_file.read_bytes() == through.predictions_file.read_bytes()
