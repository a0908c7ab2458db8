"""Every page with damaged runs beside a good one: it opens, names the run and the file, and offers the good run."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from socal_core.dataset.targets import SUCCESS_TARGET
from socal_core.runs.cross_validation import folds_of
from socal_core.runs.folder import RunFolder
from socal_core.runs.notes import RunNotes, write_notes
from socal_core.workspace import runs_root
from tests.damages import DEEP, damage
from tests.made_cross_validations import write_cross_validation
from tests.made_runs import write_run
from tests.pages.conftest import OpenPage, metrics_of, text_of
from tests.pages.test_all_runs import choose

GOOD, BAD = "run-good", "run-damaged"
CONFIG, STATUS, METRICS, PREDICTIONS = "config.json", "status.json", "metrics.json", "predictions.csv"
EVENTS, TARGET, NOTES, SPLIT = "events.jsonl", "target.json", "notes.json", "split.json"
Change = Callable[[Path], object]


def cell(column: str, value: str) -> Change:
    """Write a value into a column of the last row of a CSV file."""

    def change(file: Path) -> None:
        *rows, last = file.read_text().splitlines()
        cells = last.split(",")
        cells[rows[0].split(",").index(column)] = value
        file.write_text("\n".join([*rows, ",".join(cells)]) + "\n")

    return change


def with_nan(file: Path) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text()), "time": float("nan")}))


def nested(file: Path) -> None:
    file.write_text("[" * DEEP + "]" * DEEP)


def of(kind: str) -> Change:
    """A kind of tests/damages.py."""
    return lambda file: damage(file, kind)


CHANGES: dict[str, tuple[str, Change]] = {
    "empty metrics": (METRICS, of("{}")),
    "truncated config": (CONFIG, of("half")),
    "events a folder": (EVENTS, of("folder")),
    "unknown subset": (PREDICTIONS, cell("split", "tset")),
    "NaN in status": (STATUS, with_nan),
    "nested metrics": (METRICS, nested),
    "label 7": (PREDICTIONS, cell("label", "7")),
    "predicted 3.5": (PREDICTIONS, cell("predicted", "3.5")),
    "nested config": (CONFIG, nested),
    "nested status": (STATUS, nested),
    "nested target": (TARGET, nested),
    "nested notes": (NOTES, nested),
    "nested split": (SPLIT, nested),
    "predictions a folder": (PREDICTIONS, of("folder")),
}


@dataclass(frozen=True)
class View:
    """A part of a page that shows runs."""

    page: str
    open: Callable[[AppTest], AppTest]
    """Brings the damaged run into view on the opened page."""
    shows: Callable[[AppTest], bool] = lambda app: True
    """Whether the good run is offered."""
    names: frozenset[str] = frozenset()
    """The files that the view names if they are damaged; the others it does not need."""


def option(key: str, name: str) -> Callable[[AppTest], AppTest]:
    """Choose a run in a drop-down, if it is offered there."""

    def choose_option(app: AppTest) -> AppTest:
        box = app.selectbox(key=key)
        return box.set_value(name).run() if name in box.options else app

    return choose_option


def offered(key: str) -> Callable[[AppTest], bool]:
    return lambda app: GOOD in app.selectbox(key=key).options


def beside(app: AppTest) -> AppTest:
    option("run-trial_viewer", GOOD)(app)
    fields = [field for field in app.multiselect if field.key == "runs-beside" and BAD in field.options]
    return fields[0].set_value([BAD]).run() if fields else app


def listed(app: AppTest) -> bool:
    return any({GOOD, BAD} == set(frame.value["Folder"]) for frame in app.dataframe if "Folder" in frame.value)


def as_it_is(app: AppTest) -> AppTest:
    return app


OF_TABLE = frozenset({CONFIG, STATUS, METRICS, EVENTS, TARGET, NOTES})
OF_RESULTS = frozenset({CONFIG, METRICS, PREDICTIONS, TARGET})
VIEWS = {
    "overview": View("app", as_it_is, listed, OF_TABLE),
    "dataset": View("dataset", as_it_is),
    "guide": View("guide", as_it_is),
    "administration": View("administration", as_it_is),
    "all runs": View("training", as_it_is, listed, OF_TABLE),
    "live view": View("training", option("run-training", BAD), offered("run-training"), OF_TABLE),
    "two runs": View("training", lambda app: choose(app, GOOD, BAD), listed, OF_TABLE | {PREDICTIONS}),
    "results": View("evaluation", option("run-evaluation", BAD), offered("run-evaluation"), OF_RESULTS),
    "trial": View("trial_viewer", option("run-trial_viewer", BAD), offered("run-trial_viewer"), OF_RESULTS),
    "beside": View("trial_viewer", beside, offered("run-trial_viewer"), OF_RESULTS),
}


def write_damaged(name: str, data: Path, kind: str) -> RunFolder:
    """Write a run with a file that is damaged in a way of CHANGES."""
    run = write_run(runs_root() / name, data)
    file, change = CHANGES[kind]
    if file == TARGET:
        run.write_target(SUCCESS_TARGET)
    if file == NOTES:
        write_notes(run, RunNotes("A name"))
    change(run.path / file)
    return run


@pytest.mark.sampled(30)
@pytest.mark.parametrize("kind", CHANGES)
@pytest.mark.parametrize("name", VIEWS)
def test_a_view_names_the_damaged_file(open_page: OpenPage, shared_data_folder: Path, name: str, kind: str) -> None:
    write_run(runs_root() / GOOD, shared_data_folder)
    write_damaged(BAD, shared_data_folder, kind)
    view, file = VIEWS[name], CHANGES[kind][0]
    app = view.open(open_page(view.page, shared_data_folder))
    assert not app.exception
    assert view.shows(app), "the good run is offered"
    if file in view.names:
        assert any(BAD in line and file in line for line in text_of(app).splitlines()), text_of(app)
    assert str(runs_root()) not in text_of(app)


@pytest.mark.parametrize("page", ["training", "evaluation", "trial_viewer"])
def test_the_good_run_is_chosen_among_all_the_damaged_ones(
    open_page: OpenPage, shared_data_folder: Path, page: str
) -> None:
    good = write_run(runs_root() / GOOD, shared_data_folder)
    for number, kind in enumerate(CHANGES):
        write_damaged(f"{BAD}-{number}", shared_data_folder, kind)
    app = option(f"run-{page}", GOOD)(open_page(page, shared_data_folder))
    assert not app.exception
    assert app.selectbox(key=f"run-{page}").value == GOOD
    metrics = good.read_metrics()
    assert metrics is not None
    shown = {
        "training": "See the test results" in {link.proto.label for link in app.main.get("page_link")},
        "evaluation": metrics_of(app).get("Accuracy") == f"{metrics['accuracy']:.2f}",
        "trial_viewer": metrics_of(app).get("Prediction") in {"Success", "Failure"},
    }
    assert shown[page]


@pytest.mark.parametrize("kind", ["empty metrics", "unknown subset", "truncated config", "nested split"])
def test_a_damaged_control_hides_nothing_of_the_result(
    open_page: OpenPage, shared_data_folder: Path, kind: str
) -> None:
    write_run(runs_root() / GOOD, shared_data_folder)
    control = write_run(runs_root() / BAD, shared_data_folder, control="shuffled-frames")
    file, change = CHANGES[kind]
    change(control.path / file)
    app = option("run-evaluation", GOOD)(open_page("evaluation", shared_data_folder))
    assert not app.exception
    assert not [error.value for error in app.error]
    assert any("Trial" in frame.value for frame in app.dataframe), "the end of the page is there"


@pytest.mark.parametrize("kind", ["empty metrics", "NaN in status", "events a folder"])
def test_a_damaged_fold_is_named(open_page: OpenPage, shared_data_folder: Path, kind: str) -> None:
    write_run(runs_root() / GOOD, shared_data_folder)
    run = write_cross_validation(runs_root() / BAD, shared_data_folder)
    file, change = CHANGES[kind]
    change(folds_of(run)[-1].run.path / file)
    app = option("run-training", BAD)(open_page("training", shared_data_folder))
    assert not app.exception
    assert listed(app)
    if kind != "NaN in status":
        assert any("fold-3" in line and file in line for line in text_of(app).splitlines()), text_of(app)
