import json
from pathlib import Path
from typing import Any

import pytest

from socal_core.annotations import yolo
from socal_core.dataset import layout
from socal_core.dataset.opening import open_dataset
from socal_core.runs.folder import RunFolder
from socal_core.workspace import runs_root
from tests.factories import write_csv, write_dataset
from tests.made_runs import write_run
from tests.pages.conftest import OpenPage, as_read, metrics_of, text_of


def press(app):
    return next(button for button in app.button if button.label == "Select 10 random trials").click().run()


def choose_trial(app, trial: str):
    """Have a trial in the drop-down, which chance alone would not promise."""
    app.session_state["drawn_trials"] = [trial]
    app.run()
    return app.selectbox(key="trial").set_value(trial).run()


def played(app) -> dict[str, Any] | None:
    """What the player is given, None if there is no player."""
    players = app.get("bidi_component")
    return json.loads(players[0].proto.json) if players else None


def test_the_page_opens_with_a_trial_in_view_and_all_to_choose_from(
    open_page: OpenPage, shared_data_folder: Path
) -> None:
    app = open_page("trial_viewer", shared_data_folder)
    assert app.selectbox(key="trial").options == open_dataset(shared_data_folder).usable_trials.index.to_list()
    assert played(app)["trial"] == app.selectbox(key="trial").value == "S100T1"
    assert app.query_params["trial"] == "S100T1"


def test_the_button_fills_the_dropdown_with_ten_trials(open_page: OpenPage, shared_data_folder: Path) -> None:
    app = press(open_page("trial_viewer", shared_data_folder))
    options = app.selectbox(key="trial").options
    assert len(options) == len(set(options)) == 10
    assert set(options) <= set(open_dataset(shared_data_folder).usable_trials.index)
    assert app.selectbox(key="trial").value == options[0] == played(app)["trial"]


def test_each_press_draws_anew_and_the_seed_draws_the_same_again(open_page: OpenPage, shared_data_folder: Path) -> None:
    """Five draws of 10 among 20 that are all alike would be one chance in 10^21."""
    app = open_page("trial_viewer", shared_data_folder)
    draws = {}
    for _ in range(5):
        options = tuple(press(app).selectbox(key="trial").options)
        draws[options] = app.number_input(key="seed").value
    assert len(draws) > 1
    for options, seed in draws.items():
        assert tuple(app.number_input(key="seed").set_value(seed).run().selectbox(key="trial").options) == options
    next(button for button in app.button if button.label == "All trials").click().run()
    assert len(app.selectbox(key="trial").options) == 20
    assert app.number_input(key="seed").value is None


def test_with_fewer_trials_all_are_selected(open_page: OpenPage, tmp_path: Path) -> None:
    app = press(open_page("trial_viewer", write_dataset(tmp_path / "few", surgeons=3, frames=2)))
    assert len(app.selectbox(key="trial").options) == 6


def test_buttons_go_to_the_next_and_the_previous_trial_of_the_list(
    open_page: OpenPage, shared_data_folder: Path
) -> None:
    app = open_page("trial_viewer", shared_data_folder)
    assert app.button(key="p-trial").disabled
    app.button(key="n-trial").click().run()
    assert app.selectbox(key="trial").value == "S100T2" == played(app)["trial"]
    app.button(key="p-trial").click().run()
    assert played(app)["trial"] == "S100T1"
    app.selectbox(key="trial").set_value("S109T2").run()
    assert app.button(key="n-trial").disabled


def test_the_address_opens_a_trial_and_follows(open_page: OpenPage, shared_data_folder: Path) -> None:
    app = open_page("trial_viewer", shared_data_folder)
    app.query_params["trial"], app.query_params["t"] = "S103T2", "5"
    assert played(app.run())["trial"] == "S103T2"
    assert app.query_params["t"] == "5", "the player reads it"
    app.button(key="n-trial").click().run()
    assert dict(app.query_params) == {"trial": "S104T1"}


def test_a_nonsense_address_is_a_message(open_page: OpenPage, shared_data_folder: Path) -> None:
    app = open_page("trial_viewer", shared_data_folder)
    for nonsense in ("S999T1", "../../etc/passwd", "<script>alert(1)</script>", ""):
        app.query_params["trial"] = nonsense
        app.run()
        assert not app.exception
        assert "is not among the trials of this data folder" in app.warning[0].value
        assert played(app)["trial"] == "S100T1"


def test_a_trial_without_an_outcome_can_be_asked_for(open_page: OpenPage, data_folder: Path) -> None:
    outcomes = (data_folder / layout.OUTCOMES_FILE).read_text().splitlines()
    (data_folder / layout.OUTCOMES_FILE).write_text(
        "\n".join(line for line in outcomes if not line.startswith("S100T1"))
    )
    app = open_page("trial_viewer", data_folder)
    assert "S100T1" not in app.selectbox(key="trial").options
    app.query_params["trial"] = "S100T1"
    for _ in range(2):
        app.run()
        assert not app.exception
        assert played(app)["trial"] == "S100T1"
        assert metrics_of(app)["True outcome"] == "–"
    app.selectbox(key="of-outcome").set_value("Not usable").run()
    assert app.selectbox(key="trial").options == ["S100T1"]


def test_filters_narrow_the_list(open_page: OpenPage, shared_data_folder: Path) -> None:
    app = open_page("trial_viewer", shared_data_folder)
    app.selectbox(key="of-surgeon").set_value("103").run()
    assert app.selectbox(key="trial").options == ["S103T1", "S103T2"]
    app.selectbox(key="of-outcome").set_value("Success").run()
    success = open_dataset(shared_data_folder).trials["success"]
    expected = [trial for trial in ("S103T1", "S103T2") if success[trial] == 1]
    assert app.selectbox(key="trial").options == expected
    app.selectbox(key="of-outcome").set_value("Not usable").run()
    assert played(app) is None
    assert "No trial matches" in text_of(app)


@pytest.mark.parametrize("in_folder", [True, False])
def test_the_source_of_ids_is_shown(open_page: OpenPage, data_folder: Path, in_folder: bool) -> None:
    if in_folder:
        boxes = (data_folder / layout.BOXES_FILE).read_text().splitlines()
        rows = [[*line.split(","), 7 if line.endswith("suction") else 9] for line in boxes]
        write_csv(data_folder / layout.TRACKS_FILE, rows, layout.TRACK_COLUMNS)
    app = open_page("trial_viewer", data_folder)
    tracks = {(track["label"], track["id"]) for track in played(app)["tracks"]}
    assert len(tracks) == 2
    assert (tracks == {("grasper", 9), ("suction", 7)}) == in_folder
    text = "from the files in the data folder" if in_folder else "the tracker of the app"
    assert text in text_of(app)


def test_a_trial_of_one_frame(open_page: OpenPage, tmp_path: Path) -> None:
    app = open_page("trial_viewer", write_dataset(tmp_path / "one", surgeons=4, frames=1))
    assert not app.exception
    assert len(played(app)["names"]) == 1


@pytest.mark.slow
def test_a_data_folder_that_goes_while_the_page_is_open(open_page: OpenPage, data_folder: Path) -> None:
    write_run(runs_root() / "run-1", data_folder)
    app = open_page("trial_viewer", data_folder)
    data_folder.rename(data_folder.parent / "elsewhere")
    app.run()
    assert not app.exception
    assert app.error


@pytest.fixture
def done(shared_data_folder: Path) -> RunFolder:
    return write_run(runs_root() / "run-done", shared_data_folder)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("subset", "text"), [("train", "does not show"), ("validation", "weak"), ("test", "never seen")]
)
def test_the_prediction_is_shown_with_the_true_outcome_and_the_subset(
    open_page: OpenPage, shared_data_folder: Path, done: RunFolder, subset: str, text: str
) -> None:
    predictions = done.read_predictions()
    row = predictions[predictions["split"] == subset].iloc[0]
    app = choose_trial(open_page("trial_viewer", shared_data_folder), row["trial_id"])
    names = {0: "Failure", 1: "Success"}
    assert metrics_of(app) == {"True outcome": names[row["label"]], "Prediction": names[row["predicted"]]}
    success = row["prob_success"]
    assert [bar.proto.text for bar in app.get("progress")] == [
        f"Probability of success: {success:.0%}",
        f"Probability of failure: {1 - success:.0%}",
    ]
    assert text in text_of(app)


def test_only_test_trials_on_request(open_page: OpenPage, shared_data_folder: Path, done: RunFolder) -> None:
    app = open_page("trial_viewer", shared_data_folder)
    app.segmented_control(key="pool").set_value("Test trials only").run()
    press(app)
    assert set(app.selectbox(key="trial").options) == set(done.read_split().test)


def test_wrong_and_uncertain_predictions(open_page: OpenPage, shared_data_folder: Path, done: RunFolder) -> None:
    predictions = done.read_predictions()
    app = open_page("trial_viewer", shared_data_folder)
    app.segmented_control(key="pool").set_value("Wrong").run()
    wrong = predictions.loc[predictions["label"] != predictions["predicted"], "trial_id"]
    assert set(app.selectbox(key="trial").options) == set(wrong)
    app.segmented_control(key="pool").set_value("Least certain").run()
    order = (predictions["prob_success"] - 0.5).abs().sort_values(kind="stable").index
    assert app.selectbox(key="trial").options == predictions.loc[order, "trial_id"].to_list()
    assert app.selectbox(key="trial").value in app.selectbox(key="trial").options


def test_without_a_run_frames_and_boxes_still_work(
    open_page: OpenPage, shared_data_folder: Path, done: RunFolder
) -> None:
    app = open_page("trial_viewer", shared_data_folder)
    app.selectbox(key="run-trial_viewer").set_value("none").run()
    assert played(press(app))["seen"] == []
    assert metrics_of(app)["Prediction"] == "–"


def test_the_address_names_the_run_even_if_it_is_the_newest(
    open_page: OpenPage, shared_data_folder: Path, done: RunFolder
) -> None:
    app = open_page("trial_viewer", shared_data_folder)
    assert app.query_params["run"] == "run-done"
    app.selectbox(key="run-trial_viewer").set_value("none").run()
    assert app.query_params["run"] == "none"


def test_a_run_that_is_not_there_is_a_message(open_page: OpenPage, shared_data_folder: Path, done: RunFolder) -> None:
    app = open_page("app", shared_data_folder)
    app.query_params["run"] = "<b>gone</b>"
    app.switch_page("pages/trial_viewer.py").run()
    assert not app.exception
    assert as_read(app.warning[0].value).startswith("The address asks for run <b>gone</b>")
    assert app.selectbox(key="run-trial_viewer").value == "run-done"


def test_a_run_on_other_data_is_not_offered(open_page: OpenPage, data_folder: Path, done: RunFolder) -> None:
    """Its trials may have the same names."""
    app = open_page("trial_viewer", data_folder)
    assert app.selectbox(key="run-trial_viewer").options == ["none"]


def test_trials_of_another_data_set_are_forgotten(open_page: OpenPage, shared_data_folder: Path) -> None:
    app = open_page("trial_viewer", shared_data_folder)
    app.session_state["drawn_trials"] = ["S999T1"]
    app.session_state["trial_asked_for"] = "S999T1"
    app.run()
    assert not app.exception
    assert "S999T1" not in app.selectbox(key="trial").options
    assert played(app)["trial"] == "S100T1"


def test_another_pool_keeps_what_is_in_it(open_page: OpenPage, shared_data_folder: Path, done: RunFolder) -> None:
    tested, trained = done.read_split().test[0], done.read_split().train[0]
    app = open_page("trial_viewer", shared_data_folder)
    app.session_state["drawn_trials"] = [trained, tested]
    app.run()
    app.selectbox(key="trial").set_value(trained).run()
    app.segmented_control(key="pool").set_value("Test trials only").run()
    assert app.selectbox(key="trial").options == [tested]
    assert not app.exception


@pytest.mark.slow
def test_boxes_that_change_below_the_folder_are_seen(open_page: OpenPage, data_folder: Path) -> None:
    yolo.write(open_dataset(data_folder), data_folder)
    (data_folder / layout.BOXES_FILE).unlink()
    app = choose_trial(open_page("trial_viewer", data_folder), "S100T1")
    before = len(played(app)["boxes"]["x1"])
    label = data_folder / "labels" / "S100T1_frame_00000001.txt"
    label.write_text(label.read_text() + "6 0.5 0.5 0.25 0.25\n")
    next(button for button in app.sidebar.button if button.label == "Read the folder again").click().run()
    assert len(played(app)["boxes"]["x1"]) == before + 1
