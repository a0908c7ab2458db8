"""socal_core.file_handles: a process without free handles says so, takes nothing for damaged, and goes on later."""

import errno
import os
import resource
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from socal_core.clips.fill import all_frames, fill
from socal_core.clips.preprocess import Preprocessor
from socal_core.clips.store import FrameStore
from socal_core.dataset.opening import open_dataset
from socal_core.dataset.table_cache import open_cached
from socal_core.errors import RunError, SocalError, TooManyFilesError
from socal_core.file_handles import ENOUGH, check_handles, handles_explained, os_reason, raise_limit
from socal_core.lifecycle import launch, run_queue
from socal_core.lifecycle.state import RunState, read_status
from socal_core.runs.checkpoint_folders import newest_checkpoint, write_manifest
from socal_core.runs.events import read_events
from socal_core.runs.folder import RunFolder
from socal_core.runs.follow import EventFollower
from socal_core.runs.notes import RunNotes, read_notes, write_notes
from socal_core.runs.overview import summary_of
from socal_core.runs.run_list import list_runs
from socal_core.storage import is_locked, locked
from socal_core.workspace import remember_data_folder, remembered_data_folder
from tests.dataset.test_video import write_video
from tests.few_handles import MOST_NEEDED, few_handles, with_few
from tests.made_runs import write_run


@pytest.fixture
def run(tmp_path: Path, shared_data_folder: Path) -> RunFolder:
    run = write_run(tmp_path / "runs" / "run-1", shared_data_folder)
    checkpoint = run.checkpoints / "epoch-0001"
    checkpoint.mkdir(parents=True)
    (checkpoint / "model.safetensors").write_bytes(b"weights")
    write_manifest(checkpoint)
    return run


def test_the_message_names_the_limit() -> None:
    with few_handles(0), pytest.raises(TooManyFilesError) as raised:
        check_handles()
    assert "this process may open" in str(raised.value)
    check_handles()
    with pytest.raises(FileNotFoundError), handles_explained():
        Path("/missing").read_bytes()
    with pytest.raises(TooManyFilesError), handles_explained():
        raise OSError(errno.ENFILE, os.strerror(errno.ENFILE))


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/srv/runs/run-1"), "No space left on device"),
        (OSError(errno.EIO, os.strerror(errno.EIO)), "Input/output error"),
        (OSError("image file is truncated"), "image file is truncated"),
        (shutil.SameFileError("'/srv/a' and '/srv/b' are the same file"), "SameFileError"),
        (OSError("HTTP Error 500: "), "HTTP Error 500"),
        (OSError(), "OSError"),
    ],
)
def test_a_reason_names_no_path(error: OSError, reason: str) -> None:
    assert os_reason(error) == reason


def test_a_reason_says_what_to_do_if_too_many_files_are_open() -> None:
    with few_handles(0), pytest.raises(OSError, match="Too many open files") as raised:
        Path("/dev/null").open()  # noqa: SIM115
    reason = os_reason(raised.value)
    assert reason.startswith("Too many open files (this process may open ")
    assert "ulimit -n" in reason
    assert str(raised.value.filename) not in reason


def test_an_error_that_gives_the_reason_already_stays_as_it_is() -> None:
    with pytest.raises(RunError, match=r"^Run a cannot start: Too many open files\.$"), handles_explained():
        raise RunError("Run a cannot start: Too many open files.")


def test_the_limit_is_raised_as_far_as_the_system_allows() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, before[1]), before[1]))
        raise_limit()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (min(before[1], ENOUGH), before[1])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def opened(folder: Path) -> object:
    """What a data folder holds, with all problems."""
    dataset = open_dataset(folder)
    return dataset.fingerprint, len(dataset.frames), len(dataset.boxes), [str(problem) for problem in dataset.problems]


def test_a_data_folder_is_opened_as_it_is_or_not_at_all(data_folder: Path, tmp_path: Path) -> None:
    assert with_few(lambda: opened(data_folder)) > 0
    video = tmp_path / "videos" / "S100T1.mp4"
    shutil.copytree(data_folder, video.parent, ignore=shutil.ignore_patterns("JPEGImages"))
    write_video(video, 5)
    assert with_few(lambda: opened(video.parent)) > 0


def test_tables_that_are_kept_are_those_of_the_whole_folder(shared_data_folder: Path) -> None:
    with_few(lambda: len(open_cached(shared_data_folder).frames))
    assert open_cached(shared_data_folder).fingerprint == open_dataset(shared_data_folder).fingerprint


def test_no_frame_is_kept_as_unreadable(shared_data_folder: Path) -> None:
    preprocessor = Preprocessor.for_size(32)
    dataset = open_dataset(shared_data_folder)
    wanted = all_frames(dataset)[:2]
    store = FrameStore(dataset.root, preprocessor.recipe, preprocessor.frame_shape)

    def filled() -> object:
        with store.in_use():
            result = fill(dataset, preprocessor, store, wanted, lambda done, total: None)
        return result.unreadable, result.note

    for free in range(MOST_NEEDED):
        with few_handles(free), suppress(TooManyFilesError):
            assert filled()[0] == {}
    assert filled() == ({}, "")
    assert [store.count(trial) for trial, _ in wanted] == [len(trial.frames) for trial, _ in wanted]


READS = {
    "runs": lambda run: [found.name for found in list_runs(run.path.parent)],
    "summary": lambda run: summary_of(run).problem,
    "state": lambda run: read_status(run).state,
    "notes": lambda run: read_notes(run).note,
    "predictions": lambda run: len(run.read_predictions()),
    "followed events": lambda run: len(EventFollower(run.events_file).events()),
    "events": lambda run: len(read_events(run.events_file)),
    "checkpoint": lambda run: newest_checkpoint(run),
}


@pytest.mark.parametrize("name", READS)
def test_what_is_read_of_a_run_is_right_or_refused(run: RunFolder, name: str) -> None:
    write_notes(run, RunNotes(note="kept"))
    assert with_few(lambda: READS[name](run)) > 0


def test_what_is_changed_loses_nothing(tmp_path: Path, shared_data_folder: Path) -> None:
    runs = [write_run(tmp_path / f"run-{number}", shared_data_folder, RunState.STOPPED) for number in range(2)]
    with locked(runs[0].lock_file), locked(runs[1].lock_file):  # as by workers that wait
        for run in runs:
            run_queue.enter(run)
        with_few(lambda: run_queue.move(runs[1], 1))
        assert [found.name for found in run_queue.waiting()] == ["run-1", "run-0"]
    remember_data_folder("/first", "", "anna")
    with_few(lambda: remember_data_folder("/second", "", "ben"))
    assert [remembered_data_folder("", name) for name in ("anna", "ben")] == ["/first", "/second"]
    write_notes(runs[0], RunNotes(note="before"))
    with_few(lambda: write_notes(runs[0], RunNotes(note="after")))
    assert read_notes(runs[0]).note == "after"
    assert [path for path in tmp_path.rglob("*.tmp")] == []


def test_a_run_that_cannot_be_started_says_why(run: RunFolder, tmp_path: Path, shared_data_folder: Path) -> None:
    stopped = write_run(tmp_path / "runs" / "run-2", shared_data_folder, RunState.STOPPED)
    for free in range(5):  # a process needs more: its log, and pipes to hear whether it has started
        with few_handles(free), pytest.raises(TooManyFilesError):
            launch.start(stopped, resume=True)
        assert not is_locked(stopped.lock_file)
        assert read_status(stopped).state in {RunState.STOPPED, RunState.FAILED, RunState.INTERRUPTED}
    with few_handles(2), pytest.raises(SocalError):
        launch.start(run, resume=True)
    assert read_status(run).state is RunState.DONE, "it is not taken for one that is not done"


LIMITED = """
import resource, sys
from socal_core.cli import main
most = int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
sys.exit(main())
"""


@pytest.mark.slow
@pytest.mark.parametrize("most", [3, 5])
def test_a_command_says_what_is_wrong(shared_data_folder: Path, most: int) -> None:
    command = [sys.executable, "-c", LIMITED, str(most), "inspect", str(shared_data_folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("error: Too many files are open")
    assert done.stderr.count("\n") == 1
