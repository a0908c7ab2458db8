"""Events and notes on the Trial viewer page."""

import re
from pathlib import Path

import pytest
import streamlit as st

from pages.components.trial_viewer.events_view import RECEIVED, events_data, import_events, store_marks
from socal_core.access.pseudonyms import pseudonym_of_trial
from socal_core.annotations.cvat_writer import document_of_trial
from socal_core.annotations.xml_files import xml_attribute
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.opening import open_dataset
from socal_core.dataset.trial_events import FIRST_MUSCLE, OUT_OF_VIEW, TrialEvent, add_events, read_events
from socal_core.workspace import workspace
from tests.dataset.test_trial_events import hostile
from tests.pages.conftest import OpenPage, text_of
from tests.pages.test_trial_viewer import played


@pytest.fixture
def dataset(shared_data_folder: Path) -> Dataset:
    return open_dataset(shared_data_folder)


def test_events_are_in_the_player_the_table_and_the_filter(
    open_page: OpenPage, shared_data_folder: Path, dataset: Dataset
) -> None:
    add_events(dataset.root, [*hostile(), TrialEvent("S101T1", 4, FIRST_MUSCLE)])
    app = open_page("trial_viewer", shared_data_folder)
    assert not app.exception
    shown = played(app)["events"]
    assert [event["text"] for event in shown] == [event.event for event in hostile()]
    assert played(app)["marking"]
    assert app.dataframe[0].value["Event"].tolist() == [event.event for event in hostile()]
    app.selectbox(key="of-event").set_value(FIRST_MUSCLE).run()
    assert app.selectbox(key="trial").options == ["S101T1"]
    assert {"events-csv", "trial-cvat"} <= {button.key for button in app.get("download_button")}


def test_damaged_events_are_said_and_cannot_be_marked(
    open_page: OpenPage, shared_data_folder: Path, dataset: Dataset
) -> None:
    add_events(dataset.root, [TrialEvent("S100T1", 4, FIRST_MUSCLE)])
    (file,) = (workspace() / "events").glob("*.json")
    file.write_text("{")
    app = open_page("trial_viewer", shared_data_folder)
    assert not app.exception
    assert "The events cannot be read: it is damaged" in text_of(app)
    assert not played(app)["marking"]


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    state: dict[str, object] = {}
    monkeypatch.setattr(st, "session_state", state)
    return state


def test_marks_that_are_sent_twice_are_stored_once(dataset: Dataset, session: dict[str, object]) -> None:
    first = {"id": "a" * 32, "trial": "S100T1", "second": 3, "text": OUT_OF_VIEW, "tags": ""}
    second = {**first, "id": "b" * 32, "second": 5}
    store_marks(dataset, {"marks": [first]})
    store_marks(dataset, {"marks": [first, second]})
    store_marks(dataset, {"marks": [second]})
    (event,) = read_events(dataset.root)
    assert (event.second, event.end_second) == (3, 5)
    assert session[RECEIVED] == [first["id"], second["id"]]
    assert events_data([event], "S100T1")["received"] == session[RECEIVED]
    store_marks(dataset, {"marks": [{**first, "id": "c" * 32, "trial": "S999T1"}]})
    assert "S999T1 is not in this data set" in str(session["mark-problem"])
    assert len(read_events(dataset.root)) == 1


def test_an_import_says_what_it_left_out(
    open_page: OpenPage, shared_data_folder: Path, dataset: Dataset, session: dict[str, object]
) -> None:
    import_events(dataset, b"trial_id,second,event\nS100T1,2,<b>x</b>\nS100T1,99,late\nS100T1,2,<b>x</b>\n")
    found, added = session["imported-events"]
    assert (added, len(found.problems)) == (1, 1)
    assert "Row 3: second 99 lies after the trial, which ends at second 12." in found.problems


def test_a_trial_for_cvat_has_its_boxes(dataset: Dataset) -> None:
    boxes = dataset.boxes[dataset.boxes["trial_id"] == "S100T1"].assign(track_id=7)
    text = document_of_trial(dataset, "S100T1", boxes)
    assert text.count('outside="0"') == len(boxes)
    assert f"label={xml_attribute('suction')}" in text
    assert text.count("<task>") == 1
    assert "<box" not in document_of_trial(dataset, "S100T1", boxes[:0])


def test_a_trial_for_cvat_with_a_pseudonym_holds_no_id(dataset: Dataset) -> None:
    boxes = dataset.boxes[dataset.boxes["trial_id"] == "S100T1"].assign(track_id=7)
    name = pseudonym_of_trial("S100T1")
    text = document_of_trial(dataset, "S100T1", boxes, name)
    assert text == document_of_trial(dataset, "S100T1", boxes).replace("S100T1", name)
    ids = {*dataset.trials.index, *dataset.trials["participant_id"], *dataset.frames["frame"]} - {""}
    assert not [found for found in ids if re.search(rf"(?<![A-Za-z0-9]){re.escape(found)}(?![A-Za-z0-9])", text)]
