"""The live view of a run on the Training page."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pages.components.words import duration_text
from socal_core.lifecycle.lock import take_lock
from socal_core.lifecycle.state import RunState, write_status
from socal_core.runs.events import EventLog
from socal_core.runs.folder import RunFolder
from socal_core.workspace import runs_root
from tests.made_runs import write_events, write_run
from tests.pages.conftest import PROJECT, OpenPage, metrics_of, text_of

NEW_FIELDS = {"clips_per_second", "val_accuracy_low", "val_accuracy_high", "val_auroc_low", "val_auroc_high"}
MACHINE = {"cpu_percent": 62.4, "memory_mb": 1510.0, "memory_total_mb": 25_000.0}
GPU = {"gpu_percent": 87.0, "gpu_memory_mb": 10_000.0, "gpu_memory_total_mb": 16_000.0}


@pytest.fixture
def living_run(workspace: Path, shared_data_folder: Path) -> Iterator[RunFolder]:
    """A run of three epochs whose lock is held: it is at work."""
    run = write_run(runs_root() / "run-1", shared_data_folder, RunState.RUNNING, epochs=3)
    lock = take_lock(run.lock_file, run.name)
    yield run
    os.close(lock)


def charts(app) -> dict[str, list[dict]]:
    """The curves of the run's charts, by the chart's title."""
    specs = [json.loads(item.proto.spec) for item in app.get("plotly_chart")[:3]]
    return {spec["layout"]["title"]["text"]: spec["data"] for spec in specs}


def bar(app) -> str:
    return app.get("progress")[0].proto.text


def test_a_living_run_shows_where_it_is(open_page: OpenPage, living_run: RunFolder, shared_data_folder: Path) -> None:
    log = EventLog(living_run.events_file)
    log.append("machine", **MACHINE, **dict.fromkeys(GPU))
    tiles = metrics_of(open_page("training", shared_data_folder))
    assert tiles["Epoch"] == "3 of 40"
    assert tiles["Time left"] == "2 min"
    assert tiles["Data wait"] == "3%"
    assert tiles["Learning rate"] == "1.0e-03"
    assert (tiles["CPU"], tiles["Memory"]) == ("62%", "1.5 GB")
    assert not {"GPU", "GPU memory"} & tiles.keys()


def test_the_run_stands_above_the_settings_of_the_next(
    open_page: OpenPage, living_run: RunFolder, shared_data_folder: Path
) -> None:
    app = open_page("training", shared_data_folder)
    assert [item.value for item in app.subheader][:2] == ["Run run-1", "Next run"]
    summary = next(text for text in text_of(app).splitlines() if text.startswith("Predicts"))
    assert summary.startswith("Predicts success. Fine-tuning: tiny")
    assert "Window: first 60 s." in summary


def test_a_gpu_has_tiles_where_there_is_one(
    open_page: OpenPage, living_run: RunFolder, shared_data_folder: Path
) -> None:
    log = EventLog(living_run.events_file)
    log.append("machine", **MACHINE, **GPU)
    app = open_page("training", shared_data_folder)
    tiles = metrics_of(app)
    assert (tiles["GPU"], tiles["GPU memory"]) == ("87%", "10.0 GB")
    log.append("machine", **MACHINE, **GPU | {"gpu_percent": None})
    tiles = metrics_of(app.run())
    assert "GPU" not in tiles
    assert tiles["GPU memory"] == "10.0 GB"


def test_runs_of_an_earlier_version_lack_nothing_but_what_was_not_measured(
    open_page: OpenPage, living_run: RunFolder, shared_data_folder: Path
) -> None:
    events = [json.loads(line) for line in living_run.events_file.read_text().splitlines()]
    old = [{name: event[name] for name in event.keys() - NEW_FIELDS - {"data_wait"}} for event in events]
    living_run.events_file.write_text("".join(json.dumps(event) + "\n" for event in old))
    app = open_page("training", shared_data_folder)
    assert not app.exception
    tiles = metrics_of(app)
    assert {tiles[name] for name in ("Clips per second", "Data wait", "CPU", "Memory")} == {"–"}
    assert [len(data) for data in charts(app).values()] == [4, 3, 1]


def test_a_run_before_its_first_event(open_page: OpenPage, living_run: RunFolder, shared_data_folder: Path) -> None:
    living_run.events_file.unlink()
    app = open_page("training", shared_data_folder)
    assert not app.exception
    assert bar(app) == "Starting: loading PyTorch"
    assert metrics_of(app)["Epoch"] == "–"


def test_new_events_reach_the_page(open_page: OpenPage, living_run: RunFolder, shared_data_folder: Path) -> None:
    app = open_page("training", shared_data_folder)
    assert bar(app) == "Epoch 3 of 40 done"
    before = charts(app)
    log = EventLog(living_run.events_file)
    log.append("notice", message="The learning rate falls.")
    log.append("step", epoch=4, epochs=40, step=1, steps=5, loss=0.4, learning_rate=5e-4)
    app.run()
    assert bar(app) == "Epoch 4 of 40, step 1 of 5"
    assert "The learning rate falls." in text_of(app)
    after = charts(app)
    changed = {title for title in before if before[title] != after[title]}
    assert {title.split(" (")[0] for title in changed} == {"Loss", "Learning rate"}
    write_events(living_run, epochs=5, of=40)
    assert charts(app.run()) != after


def test_intervals_are_shown_if_there_are_any(
    open_page: OpenPage, living_run: RunFolder, shared_data_folder: Path
) -> None:
    log, score = EventLog(living_run.events_file), {"val_accuracy": 0.7, "val_auroc": 0.75, "train_loss": 0.4}
    ends = {"val_accuracy_low": 0.5, "val_accuracy_high": 0.9, "val_auroc_low": None, "val_auroc_high": None}
    speed = {"seconds": 2.0, "clips_per_second": 12.34, "data_wait": 0.0, "learning_rate": 1e-3}
    log.append("epoch", epoch=4, epochs=40, val_loss=0.5, best=False, **score, **ends, **speed)
    app = open_page("training", shared_data_folder)
    names = {title: [trace["name"] for trace in data] for title, data in charts(app).items()}
    scores = next(found for title, found in names.items() if title.startswith("On the validation trials"))
    assert [name for name in scores if name.startswith("Interval")] == ["Interval of Accuracy"]
    assert metrics_of(app)["Clips per second"] == "12.3"


def test_the_log_is_there_without_the_servers_paths(
    open_page: OpenPage, living_run: RunFolder, shared_data_folder: Path
) -> None:
    app = open_page("training", shared_data_folder)
    label = "Last lines of the log"
    assert label not in {item.label for item in app.expander}
    living_run.log_file.write_text(f"INFO opened {shared_data_folder}/socal.csv\nINFO wrote {living_run.path}/x.json\n")
    app.run()
    [found] = [item for item in app.expander if item.label == label]
    assert not found.proto.expanded
    shown = found.code[0].value
    assert shown == f"INFO opened {shared_data_folder.name}/socal.csv\nINFO wrote run-1/x.json"


@pytest.mark.slow
@pytest.mark.parametrize("state", [RunState.STOPPED, RunState.FAILED, RunState.DONE])
def test_a_run_that_has_ended_shows_its_curves_and_no_tiles(
    open_page: OpenPage, workspace: Path, shared_data_folder: Path, state: RunState
) -> None:
    write_run(runs_root() / "run-1", shared_data_folder, state)
    app = open_page("training", shared_data_folder)
    assert [len(data) for data in charts(app).values()] == [4, 3, 1]
    assert "Time left" not in metrics_of(app)
    assert not app.get("progress")


def test_the_page_follows_when_the_run_ends(open_page: OpenPage, workspace: Path, shared_data_folder: Path) -> None:
    run = write_run(runs_root() / "run-1", shared_data_folder, RunState.RUNNING, epochs=1)
    lock = take_lock(run.lock_file, run.name)
    app = open_page("training", shared_data_folder)
    assert app.get("progress")
    write_status(run, RunState.FAILED, "The disk is full.")
    os.close(lock)
    assert "The disk is full." in text_of(app.run())
    assert not app.get("progress")


@pytest.mark.slow
def test_the_page_of_a_living_run_loads_no_torch(living_run: RunFolder, shared_data_folder: Path) -> None:
    code = f"""
import sys
sys.argv = ["app.py", {str(shared_data_folder)!r}]
from streamlit.testing.v1 import AppTest
app = AppTest.from_file("app.py", default_timeout=60).run().switch_page("pages/training.py").run()
print([len(app.get("progress")), *(name for name in ("torch", "transformers") if name in sys.modules)])
"""
    found = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert found.stdout.splitlines()[-1] == "[1]"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "1 s"), (89, "89 s"), (90, "2 min"), (89 * 60, "89 min"), (90 * 60, "1.5 h"), (36_000, "10.0 h")],
)
def test_durations_in_words(seconds: float, words: str) -> None:
    assert duration_text(seconds) == words
