from pathlib import Path

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


def pictures(app) -> int:
    return len(app.get("image"))


def test_the_button_fills_the_dropdown_with_ten_trials(open_page: OpenPage, shared_data_folder: Path) -> None:
    app = open_page("trial_viewer", shared_data_folder)
    assert app.selectbox(key="trial").disabled
    press(app)
    options = app.selectbox(key="trial").options
    assert len(options) == len(set(options)) == 10
    assert set(options) <= set(open_dataset(shared_data_folder).usable_trials.index)
    assert app.selectbox(key="trial").value == options[0]
    assert pictures(app) == 1


def test_each_press_draws_anew(open_page: OpenPage, shared_data_folder: Path) -> None:
    """Five draws of 10 among 20 that are all alike would be one chance in 10^21."""
    app = open_page("trial_viewer", shared_data_folder)
    draws = {tuple(press(app).selectbox(key="trial").options) for _ in range(5)}
    assert len(draws) > 1


def test_with_fewer_trials_all_are_selected(open_page: OpenPage, tmp_path: Path) -> None:
    app = press(open_page("trial_viewer", write_dataset(tmp_path / "few", surgeons=3, frames=2)))
    assert len(app.selectbox(key="trial").options) == 6


def test_the_first_frame_is_shown_and_the_slider_goes_to_any(open_page: OpenPage, shared_data_folder: Path) -> None:
    app = choose_trial(open_page("trial_viewer", shared_data_folder), "S100T1")
    assert app.slider[0].value == 1
    assert "Frame 1 of 12 · second 0 · S100T1_frame_00000001.jpeg" in text_of(app)
    app.slider[0].set_value(12).run()
    assert "Frame 12 of 12 · second 11 · S100T1_frame_00000012.jpeg" in text_of(app)


def test_the_table_has_the_boxes_of_the_frame_shown(open_page: OpenPage, shared_data_folder: Path) -> None:
    app = choose_trial(open_page("trial_viewer", shared_data_folder), "S100T1")
    table = app.dataframe[0].value
    assert table["label"].to_list() == ["grasper", "suction"]
    assert table["area_px"].to_list() == [15 * 20, 10 * 15]
    assert table["area_percent"].to_list() == pytest.approx([100 * 300 / 3072, 100 * 150 / 3072])
    assert table["tracking_id"].notna().all()
    app.slider[0].set_value(2).run()
    assert app.dataframe[0].value["label"].to_list() == ["suction"]


def test_the_tracker_is_shown_as_the_source_of_ids(open_page: OpenPage, shared_data_folder: Path) -> None:
    app = choose_trial(open_page("trial_viewer", shared_data_folder), "S100T1")
    first = app.dataframe[0].value.set_index("label")["tracking_id"].to_dict()
    assert first["grasper"] != first["suction"]
    assert "the tracker of the app" in text_of(app)


def test_the_folder_is_shown_as_the_source_of_ids(open_page: OpenPage, data_folder: Path) -> None:
    boxes = (data_folder / layout.BOXES_FILE).read_text().splitlines()
    rows = [[*line.split(","), 7 if line.endswith("suction") else 9] for line in boxes]
    write_csv(data_folder / layout.TRACKS_FILE, rows, layout.TRACK_COLUMNS)
    app = choose_trial(open_page("trial_viewer", data_folder), "S100T1")
    assert app.dataframe[0].value["tracking_id"].to_list() == [9, 7]
    assert "from the files in the data folder" in text_of(app)


def test_a_frame_that_cannot_be_read_is_named_and_the_slider_goes_on(open_page: OpenPage, data_folder: Path) -> None:
    (data_folder / layout.IMAGES_DIR / "S100T1_frame_00000001.jpeg").write_bytes(b"no image")
    app = choose_trial(open_page("trial_viewer", data_folder), "S100T1")
    assert not app.exception
    assert "S100T1_frame_00000001.jpeg" in as_read(app.warning[0].value)
    assert pictures(app) == 0
    assert app.dataframe[0].value["area_percent"].notna().all()
    app.slider[0].set_value(2).run()
    assert not app.warning
    assert pictures(app) == 1


def test_a_trial_of_one_frame_needs_no_slider(open_page: OpenPage, tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "one", surgeons=4, frames=1)
    app = choose_trial(open_page("trial_viewer", data), "S100T1")
    assert not app.exception
    assert not app.slider
    assert pictures(app) == 1


@pytest.fixture
def done(shared_data_folder: Path) -> RunFolder:
    return write_run(runs_root() / "run-done", shared_data_folder)


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


def test_without_a_run_frames_and_boxes_still_work(
    open_page: OpenPage, shared_data_folder: Path, done: RunFolder
) -> None:
    app = open_page("trial_viewer", shared_data_folder)
    app.selectbox(key="run-trial_viewer").set_value("none").run()
    press(app)
    assert pictures(app) == 1
    assert metrics_of(app)["Prediction"] == "–"


def test_a_run_on_other_data_is_not_offered(open_page: OpenPage, data_folder: Path, done: RunFolder) -> None:
    """Its trials may have the same names."""
    app = open_page("trial_viewer", data_folder)
    assert app.selectbox(key="run-trial_viewer").options == ["none"]


def test_trials_of_another_data_set_are_forgotten(open_page: OpenPage, shared_data_folder: Path) -> None:
    app = open_page("trial_viewer", shared_data_folder)
    app.session_state["drawn_trials"] = ["S999T1"]
    app.session_state["trial"] = "S999T1"
    app.run()
    assert not app.exception
    assert not app.selectbox(key="trial").options
    assert pictures(app) == 0


def test_another_pool_keeps_what_is_in_it(open_page: OpenPage, shared_data_folder: Path, done: RunFolder) -> None:
    tested, trained = done.read_split().test[0], done.read_split().train[0]
    app = open_page("trial_viewer", shared_data_folder)
    app.session_state["drawn_trials"] = [trained, tested]
    app.run()
    app.selectbox(key="trial").set_value(trained).run()
    app.segmented_control(key="pool").set_value("Test trials only").run()
    assert app.selectbox(key="trial").options == [tested]
    assert not app.exception


def test_boxes_that_change_below_the_folder_are_seen(open_page: OpenPage, data_folder: Path) -> None:
    yolo.write(open_dataset(data_folder), data_folder)
    (data_folder / layout.BOXES_FILE).unlink()
    app = choose_trial(open_page("trial_viewer", data_folder), "S100T1")
    before = len(app.dataframe[0].value)
    label = data_folder / "labels" / "S100T1_frame_00000001.txt"
    label.write_text(label.read_text() + "6 0.5 0.5 0.25 0.25\n")
    next(button for button in app.sidebar.button if button.label == "Read the folder again").click().run()
    assert len(app.dataframe[0].value) == before + 1
