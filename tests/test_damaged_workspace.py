"""Whatever happens to a file that the app keeps for itself: what reads it works, or names the file."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from pages.components.trial_viewer.live import read_predictions
from socal_core.annotations.alignment import read_answers, warning_of_shifts, write_answer
from socal_core.annotations.track_cache import tracked_boxes
from socal_core.clips.clip_cache import list_stores, make_room
from socal_core.clips.store import FrameStore
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.filters import TrialFilter
from socal_core.dataset.frame_reports import FOOTAGE, TEXT, read_report, write_report
from socal_core.dataset.open_options import OpenOptions
from socal_core.dataset.saved_views import save_view, saved_views
from socal_core.dataset.table_cache import open_cached
from socal_core.dataset.trial_events import add_events, read_events, typed_event
from socal_core.errors import SocalError
from socal_core.evaluation.frame_text import texts_of
from socal_core.evaluation.same_footage import footage_of
from socal_core.jobs.job import Job
from socal_core.lifecycle import run_queue
from socal_core.lifecycle.lock import take_lock
from socal_core.runs.folder import RunFolder
from socal_core.storage import write_json
from socal_core.workspace import (
    remember_data_folder,
    remember_options,
    remembered_data_folder,
    remembered_options,
    runs_root,
    workspace,
)
from tests.damages import DAMAGES, damage
from tests.made_runs import write_run

JOB = Job("example", "tests.jobs.example_job", "The example")
FOOTAGE_PAIR = {"trial_id": "a", "other": "b", "frames": 3, "second": 1.0, "other_second": 2.0, "distance": 0.001}
FOUND_TEXT = {"trial_id": "a", "second": 1.0, "text": "12:30", "box": [0, 0, 9, 9], "confidence": 0.9}


@dataclass(frozen=True)
class Kept:
    """A file of the workspace: what writes it, where it is, and what reads it."""

    write: Callable[[Dataset], object]
    place: str
    look: Callable[[Dataset], object]
    names: str = ""
    """What an error names instead of the file."""


def choose_data(dataset: Dataset) -> None:
    remember_data_folder("/data/a", "")
    remember_options("/data/a", OpenOptions("coco").as_dict())


def write_job(dataset: Dataset) -> None:
    JOB.folder.mkdir(parents=True)
    write_json(JOB.folder / "request.json", {"do": "count"})
    write_json(JOB.folder / "end.json", {"state": "done", "result": {"notes": []}, "error": ""})
    write_json(JOB.folder / "id.json", {"id": "x"})
    write_json(JOB.folder / "progress.json", {"done": 1, "total": 2, "what": "counting"})


def look_at_job(dataset: Dataset) -> None:
    status = JOB.status()
    assert 0 <= status.fraction <= 1
    assert f"{status.done:,}{status.total:,}{status.what.upper()}{status.error.upper()}{status.id}"
    if status.state == "done":
        status.result["notes"]
    JOB.request()
    lock = take_lock(JOB.folder / "lock", "example")
    try:
        running = JOB.status()
        assert f"{running.done:,}{running.what.upper()}"
    finally:
        (JOB.folder / "lock").unlink()
    assert lock


def enter_queue(dataset: Dataset) -> None:
    run = write_run(runs_root() / "run-1", dataset.root)
    take_lock(run.lock_file, run.name)
    run_queue.enter(run)
    assert run_queue.waiting() == [run]


def look_at_queue(dataset: Dataset) -> None:
    run_queue.waiting()
    run = RunFolder(runs_root() / "run-1")
    run_queue.position(run)
    if run_queue.position(run):
        run_queue.move(run, 1)


def store(dataset: Dataset) -> None:
    with FrameStore(dataset.root, {"scaled": False}, (3, 8, 8)).in_use():
        pass


def follow(dataset: Dataset) -> None:
    file = workspace() / "jobs" / "follow" / "predictions.jsonl"
    file.parent.mkdir(parents=True)
    file.write_text('{"predicted": 1, "second": 3, "frames": 4, "complete": false}\n')


def shown_predictions(dataset: Dataset) -> object:
    rows = read_predictions(workspace() / "jobs" / "follow" / "predictions.jsonl")
    return rows and rows[-1]["second"]


def report(name: str) -> Callable[[Dataset], object]:
    values = {"pairs": [FOOTAGE_PAIR]} if name == FOOTAGE else {"texts": [FOUND_TEXT], "trials": 1}
    return lambda dataset: write_report(dataset.fingerprint, name, {**values, "frames": 3, "unreadable": 0})


def shown_report(name: str) -> Callable[[Dataset], object]:
    def look(dataset: Dataset) -> object:
        found = read_report(dataset.fingerprint, name)
        return found and (footage_of(found) if name == FOOTAGE else texts_of(found))

    return look


def opened_again(dataset: Dataset) -> None:
    again = open_cached(dataset.root)
    assert again.fingerprint == dataset.fingerprint
    assert list(again.trials.index) == list(dataset.trials.index)


FILES = {
    "settings": Kept(
        choose_data,
        "settings.json",
        lambda dataset: (remembered_data_folder(""), OpenOptions.from_dict(remembered_options("/data/a"))),
        "data options",
    ),
    "queue": Kept(enter_queue, "queue/order.json", look_at_queue, "run-1"),
    "views": Kept(
        lambda dataset: save_view(dataset.root, "a", TrialFilter(trial_numbers=(1,))),
        "views/*.json",
        lambda dataset: [view.trials_in(dataset) for view in saved_views(dataset.root)],
        "saved views",
    ),
    "events": Kept(
        lambda dataset: add_events(dataset.root, [typed_event("S100T1", 1.0, "First muscle", "a, b", "note")]),
        "events/*.json",
        lambda dataset: read_events(dataset.root),
        "events",
    ),
    "answers": Kept(
        lambda dataset: write_answer(dataset, "a.csv", False),
        "alignment/*.json",
        lambda dataset: (warning_of_shifts(dataset), [answer.time + 1 for answer in read_answers(dataset).values()]),
    ),
    "same footage": Kept(report(FOOTAGE), f"frame-reports/*-{FOOTAGE}.json", shown_report(FOOTAGE)),
    "text": Kept(report(TEXT), f"frame-reports/*-{TEXT}.json", shown_report(TEXT)),
    "tables": Kept(lambda dataset: open_cached(dataset.root), "cache/datasets/*.json", opened_again),
    "frames": Kept(lambda dataset: open_cached(dataset.root), "cache/datasets/*/frames.parquet", opened_again),
    "tracks": Kept(
        lambda dataset: tracked_boxes(dataset), "cache/tracks/*.parquet", lambda dataset: len(tracked_boxes(dataset))
    ),
    "store": Kept(store, "cache/clips/*/store.json", lambda dataset: (list_stores(), make_room(0, Path("none")))),
    "predictions": Kept(follow, "jobs/follow/predictions.jsonl", shown_predictions),
    **{
        f"job {name}": Kept(write_job, f"jobs/example/{name}.json", look_at_job)
        for name in ("request", "end", "id", "progress")
    },
}


@pytest.fixture
def dataset(shared_data_folder: Path) -> Dataset:
    return open_cached(shared_data_folder)


@pytest.mark.sampled(12)
@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("kind", DAMAGES)
def test_readers_work_or_name_the_file(workspace: Path, dataset: Dataset, name: str, kind: str) -> None:
    kept = FILES[name]
    kept.write(dataset)
    (file,) = workspace.glob(kept.place)
    damage(file, kind)
    try:
        kept.look(dataset)
    except SocalError as error:
        assert file.name in str(error) or (kept.names and kept.names in str(error)), str(error)
        assert str(workspace) not in str(error)


@pytest.mark.parametrize("name", FILES)
def test_nothing_is_wrong_with_whole_files(workspace: Path, dataset: Dataset, name: str) -> None:
    FILES[name].write(dataset)
    assert len(list(workspace.glob(FILES[name].place))) == 1
    FILES[name].look(dataset)


@pytest.mark.parametrize("place", ["/etc/shadow\u0000", "\u0000", "/", "relative", "x" * 5000])
def test_a_queue_that_names_impossible_places_is_empty(workspace: Path, place: str) -> None:
    (workspace / "queue").mkdir()
    write_json(workspace / "queue" / "order.json", [place])
    assert run_queue.waiting() == []


def test_a_queue_without_a_folder_is_empty(workspace: Path) -> None:
    (workspace / "queue").touch()
    assert run_queue.waiting() == []
