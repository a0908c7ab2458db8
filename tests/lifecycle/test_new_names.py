"""socal_core.lifecycle.new_names: people who start runs at the same moment all get one."""

import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from itertools import islice
from multiprocessing import get_context
from pathlib import Path

import pytest

from socal_core.errors import RunError
from socal_core.lifecycle.control import make_control
from socal_core.lifecycle.further import make_run
from socal_core.lifecycle.new_names import create_first_free, first_free, numbered
from socal_core.lifecycle.trash import restore, trash
from socal_core.runs.folder import LONGEST_NAME, RunExistsError, RunFolder
from socal_core.runs.run_list import list_ruins, list_runs
from socal_core.settings import TINY, Control, config_from
from tests.disks import files_up_to
from tests.made_runs import write_run

STARTS = 30


def create(data: Path, path: Path) -> RunFolder:
    return make_run(path, config_from({}, TINY), data)


def start(root: Path, data: Path) -> str:
    return create_first_free(numbered(root, "run-1"), partial(create, data)).name


def expected(count: int) -> set[str]:
    return {"run-1", *(f"run-1-{number}" for number in range(2, count + 1))}


def test_names_are_numbered_and_not_too_long() -> None:
    assert [path.name for path in islice(numbered(Path(), "a", "-b"), 3)] == ["a-b", "a-b-2", "a-b-3"]
    assert [len(path.name) for path in islice(numbered(Path(), "a" * 99, "-b"), 12)] == [LONGEST_NAME] * 12


def test_a_dangling_link_is_no_free_name(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("nowhere")
    assert first_free(numbered(tmp_path, "a")).name == "a-2"


def test_threads_that_start_runs_at_once_all_get_one(tmp_path: Path, shared_data_folder: Path) -> None:
    together = threading.Barrier(STARTS)

    def begin(_: int) -> str:
        together.wait()
        return start(tmp_path, shared_data_folder)

    with ThreadPoolExecutor(STARTS) as pool:
        assert set(pool.map(begin, range(STARTS))) == expected(STARTS)
    assert {run.name for run in list_runs(tmp_path)} == {path.name for path in tmp_path.iterdir()} == expected(STARTS)
    assert all(run.read_config() for run in list_runs(tmp_path))


def test_processes_that_start_runs_at_once_all_get_one(tmp_path: Path, shared_data_folder: Path) -> None:
    with ProcessPoolExecutor(4, get_context("fork")) as pool:
        found = list(pool.map(partial(start, tmp_path), [shared_data_folder] * STARTS))
    assert set(found) == expected(STARTS)


def test_one_of_several_that_want_the_same_name_gets_it(tmp_path: Path, shared_data_folder: Path) -> None:
    together = threading.Barrier(8)

    def begin(_: int) -> str:
        together.wait()
        try:
            return create(shared_data_folder, tmp_path / "mine").name
        except RunExistsError as error:
            return str(error)

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(begin, range(8)))
    assert found.count("mine") == 1
    assert all("Run mine already exists" in text for text in found if text != "mine")
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_controls_that_are_made_at_once_get_names_of_their_own(tmp_path: Path, shared_data_folder: Path) -> None:
    run = write_run(tmp_path / "run-1", shared_data_folder)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: make_control(run, Control.SHUFFLED_FRAMES).name, range(8)))
    assert len(set(found)) == 8


def test_runs_of_one_name_are_restored_at_once(tmp_path: Path, shared_data_folder: Path) -> None:
    entries = [trash(create(shared_data_folder, tmp_path / "run-1")) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        assert {run.name for run in pool.map(restore, entries)} == expected(8)


def test_a_run_that_cannot_be_written_leaves_nothing(tmp_path: Path, shared_data_folder: Path) -> None:
    with files_up_to(100), pytest.raises(RunError, match="Run run-1 cannot be written: File too large"):
        start(tmp_path, shared_data_folder)
    assert list(tmp_path.iterdir()) == []
    assert list_ruins(tmp_path) == []
