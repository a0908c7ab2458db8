"""The Dataset page, its views one by one."""

import shutil
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from socal_core.annotations import yolo
from socal_core.dataset import layout
from socal_core.dataset.opening import open_dataset
from socal_core.presets import SOCAL
from tests.dataset.editing import put
from tests.factories import write_dataset
from tests.pages.conftest import OpenPage, metrics_of, text_of


def show(app: AppTest, view: str) -> AppTest:
    """Open a view of the page."""
    return app.segmented_control(key="view").set_value(view).run()


def choose(app: AppTest, field: str, *values: object) -> AppTest:
    """Set one filter."""
    return app.multiselect(key=f"filter-{field}").set_value(list(values)).run()


def press(app: AppTest, label: str) -> AppTest:
    return next(button for button in app.button if button.label == label).click().run()


def captions(app: AppTest) -> list[str]:
    return [image.caption for element in app.get("image") for image in element.proto.imgs]


def add_yolo(folder: Path) -> None:
    """The folder's boxes once more as YOLO text files."""
    yolo.write(open_dataset(folder), folder)


@pytest.mark.slow
def test_the_numbers_of_the_folder(open_page: OpenPage, shared_data_folder: Path) -> None:
    app = open_page("dataset", shared_data_folder)
    tiles = metrics_of(app)
    assert tiles["Trials"] == tiles["Usable"] == "20"
    assert (tiles["Surgeons"], tiles["Frames"], tiles["Boxes"]) == ("10", "240", "360")
    assert tiles["Problems"] == "0"
    assert len(app.get("plotly_chart")) == 3


@pytest.mark.slow
@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("view", "charts"),
    [
        ("Overview", 3),
        ("Groups", 2),
        ("Boxes", 2),
        ("Tools", 2),
        ("Coaching", 3),
        ("Frames", 0),
        ("Trials", 0),
        ("Missing", 1),
        ("Leaks", 1),
        ("Problems", 0),
        ("About", 0),
    ],
)
def test_only_the_open_view_is_shown(open_page: OpenPage, shared_data_folder: Path, view: str, charts: int) -> None:
    app = show(open_page("dataset", shared_data_folder), view)
    assert not app.exception
    assert len(app.get("plotly_chart")) == charts


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    "view", ["Overview", "Groups", "Boxes", "Tools", "Coaching", "Frames", "Trials", "Missing", "Leaks"]
)
def test_a_choice_that_leaves_little_is_no_error(open_page: OpenPage, shared_data_folder: Path, view: str) -> None:
    app = show(open_page("dataset", shared_data_folder), view)
    choose(app, "surgeons", "100")
    choose(app, "outcomes", 0)
    choose(app, "trial_numbers", 1)
    assert not app.exception
    assert int(metrics_of(app)["Trials"]) <= 1


def test_filters_hold_for_all_numbers_and_can_be_taken_back(open_page: OpenPage, shared_data_folder: Path) -> None:
    app = choose(open_page("dataset", shared_data_folder), "outcomes", 1)
    trials = open_dataset(shared_data_folder).trials
    assert metrics_of(app)["Usable"] == str(int((trials["success"] == 1).sum()))
    assert metrics_of(app)["Successes"] == "100%"
    assert "outcome **Success**" in text_of(app)
    choose(app, "labels", "grasper")
    assert metrics_of(app)["Boxes"] == str(6 * int((trials["success"] == 1).sum()))
    next(button for button in app.button if button.label == "Show all trials").click().run()
    assert metrics_of(app)["Boxes"] == "360"
    assert "Chosen:" not in text_of(app)


@pytest.mark.slow
def test_a_filter_that_another_data_set_does_not_have_is_dropped(
    open_page: OpenPage, data_folder: Path, shared_data_folder: Path
) -> None:
    app = choose(open_page("dataset", data_folder), "surgeons", "104")
    assert metrics_of(app)["Trials"] == "2"
    for path in (data_folder / layout.IMAGES_DIR).glob("S104*"):
        path.unlink()
    outcomes = data_folder / layout.OUTCOMES_FILE
    rows = outcomes.read_text().splitlines(keepends=True)
    outcomes.write_text("".join(row for row in rows if not row.startswith("S104")))
    assert metrics_of(app.run())["Trials"] == "18"


def test_licence_and_citation_are_shown_even_without_data(
    open_page: OpenPage, tmp_path: Path, shared_data_folder: Path
) -> None:
    for app in (open_page("dataset", tmp_path / "nowhere"), show(open_page("dataset", shared_data_folder), "About")):
        assert SOCAL.licences[0].name in text_of(app)
        assert SOCAL.citation in text_of(app)


def test_the_fingerprint_is_shown(open_page: OpenPage, shared_data_folder: Path) -> None:
    app = show(open_page("dataset", shared_data_folder), "About")
    assert app.code[0].value == open_dataset(shared_data_folder).fingerprint


def test_problems_are_listed_with_file_line_and_count(open_page: OpenPage, data_folder: Path) -> None:
    with (data_folder / layout.BOXES_FILE).open("a") as file:
        file.write("S100T1_frame_00000001.jpeg,20,5,6,6,drill\n")
    app = show(open_page("dataset", data_folder), "Problems")
    table: pd.DataFrame = app.table[0].value
    assert table.columns.to_list() == ["File", "Line", "What is wrong, and what to do", "Count"]
    assert (table["File"].iloc[0].replace("\\", ""), table["Line"].iloc[0]) == (layout.BOXES_FILE, "361")
    assert metrics_of(app)["Problems"] == "1"
    assert "Download as CSV" in [button.label for button in app.get("download_button")]


def test_trials_are_listed_with_their_outcome(open_page: OpenPage, shared_data_folder: Path) -> None:
    table: pd.DataFrame = show(open_page("dataset", shared_data_folder), "Trials").dataframe[0].value
    assert table["trial_id"].to_list()[:3] == ["S100T1", "S100T2", "S101T1"]
    assert set(table["success"]) == {"Success", "Failure"}


def test_other_sample_frames_on_request(open_page: OpenPage, shared_data_folder: Path) -> None:
    app = show(open_page("dataset", shared_data_folder), "Frames")
    first = captions(app)
    assert len(first) == 8
    press(app, "Show other frames")
    assert len(captions(app)) == 8
    assert captions(app) != first


@pytest.mark.slow
def test_the_boxes_are_checked_by_eye_and_the_answer_is_kept(open_page: OpenPage, data_folder: Path) -> None:
    app = show(open_page("dataset", data_folder), "Frames")
    app = app.toggle(key="check-by-eye").set_value(True).run()
    assert sum(len(element.proto.imgs) for element in app.get("image")) == 16
    assert not [box for box in app.selectbox if box.label == "Annotation file"]
    press(app, "Is shifted")
    assert "Is shifted, as you answered: **socal.csv**." in text_of(app)
    assert "marked as shifted against their frames: socal.csv." in text_of(show(app, "About"))
    training = open_page("training", data_folder)
    assert "marked as shifted against their frames: socal.csv." in text_of(training)
    app = press(show(app, "Frames").toggle(key="check-by-eye").set_value(True).run(), "Looks right")
    assert ": **socal.csv**." in app.success[0].value.replace("\\", "")
    assert "marked as shifted" not in text_of(show(app, "About"))
    app = show(open_page("dataset", data_folder), "Frames")
    assert app.success
    with (data_folder / layout.BOXES_FILE).open("a") as file:
        file.write("S100T1_frame_00000001.jpeg,1,1,9,9,suction\n")
    app = show(open_page("dataset", data_folder), "Frames")
    assert not app.success
    assert "Not checked yet: **socal.csv**." in text_of(app)


@pytest.mark.slow
def test_each_annotation_file_is_checked_on_its_own(open_page: OpenPage, data_folder: Path) -> None:
    (data_folder / layout.BOXES_FILE).unlink()
    files = [f"{trial}/gt/gt.txt" for trial in ("S100T1", "S100T2", "S101T1")]
    put(data_folder, {file: "1,1,10,5,20,20,1,1,1\n2,1,12,5,20,20,1,1,1\n" for file in files})
    app = choose(show(open_page("dataset", data_folder), "Frames"), "surgeons", "109")
    assert "Not checked yet (3 of 3 annotation files): **S100T1/gt/gt.txt**" in text_of(app)
    app.toggle(key="check-by-eye").set_value(True).run()
    (pick,) = [box for box in app.selectbox if box.label == "Annotation file"]
    assert pick.options == [f"{file} (not checked)" for file in files]
    assert captions(app)[-2:] == ["S100T1, frame 1", "S100T1, frame 2"]
    pick.set_value(files[1]).run()
    assert captions(app)[-2:] == ["S100T2, frame 1", "S100T2, frame 2"]
    press(app, "Is shifted")
    assert "Not checked yet (2 of 3 annotation files): **S100T1/gt/gt.txt**, **S101T1/gt/gt.txt**." in text_of(app)
    assert captions(app)[-1] == "S100T1, frame 2", "the first unchecked file is next"
    press(app, "Looks right")
    assert captions(app)[-1] == "S101T1, frame 2"
    press(app, "Looks right")
    assert not app.info
    assert "Is shifted, as you answered: **S100T2/gt/gt.txt**." in text_of(app)


def test_length_is_shown_to_reveal_the_outcome_only_if_it_does(open_page: OpenPage, data_folder: Path) -> None:
    assert "reveals little about its outcome" in text_of(open_page("dataset", data_folder))
    outcomes = pd.read_csv(data_folder / layout.OUTCOMES_FILE).set_index("trial_id")["success"]
    for image in (data_folder / layout.IMAGES_DIR).iterdir():
        if outcomes[image.name.split("_")[0]] == 1 and int(image.stem[-2:]) > 6:
            image.unlink()
    assert "reveals its outcome" in text_of(open_page("dataset", data_folder))


def test_one_outcome_alone_has_no_length_sentence(open_page: OpenPage, data_folder: Path) -> None:
    outcomes = pd.read_csv(data_folder / layout.OUTCOMES_FILE)
    outcomes["success"] = 1
    outcomes.to_csv(data_folder / layout.OUTCOMES_FILE, index=False)
    app = open_page("dataset", data_folder)
    assert not app.exception
    assert "reveals its outcome" not in text_of(app)
    assert "cannot be split" in text_of(show(app, "Leaks"))


def test_leaks_are_shown_and_outcomes_refused(open_page: OpenPage, shared_data_folder: Path) -> None:
    text = text_of(show(open_page("dataset", shared_data_folder), "Leaks"))
    assert "**Mean colour.**" in text
    for column in ("tth", "muscle_success", "cottonoid_success", "blood_loss"):
        assert f"**{column}**" in text


@pytest.mark.slow
def test_boxes_from_another_format_and_their_agreement(open_page: OpenPage, data_folder: Path) -> None:
    add_yolo(data_folder)
    label = data_folder / "labels" / "S100T1_frame_00000001.txt"
    label.write_text("0 0.5 0.5 0.25 0.25\n")
    app = open_page("dataset", data_folder)
    picker = next(box for box in app.sidebar.selectbox if box.label == "Boxes read from")
    assert (picker.value, picker.options) == ("csv", ["SOCAL CSV", "YOLO text files"])
    assert metrics_of(app)["Boxes"] == "360"
    show(app, "Agreement")
    assert "The 2 formats do not agree" in text_of(app)
    next(box for box in app.sidebar.selectbox if box.label == "Boxes read from").set_value("yolo").run()
    assert metrics_of(app)["Boxes"] == "359"
    assert "YOLO text files" in text_of(show(app, "About"))
    # Another visitor finds it as it was left.
    assert metrics_of(open_page("dataset", data_folder))["Boxes"] == "359"


@pytest.mark.slow
def test_names_of_classes_are_proposed_to_download(open_page: OpenPage, data_folder: Path) -> None:
    add_yolo(data_folder)
    (data_folder / "classes.txt").unlink()
    app = show(open_page("dataset", data_folder), "Agreement")
    assert "class 0 is suction in 240 of 240 boxes; class 1 is grasper in 120 of 120 boxes" in text_of(app)
    assert app.code[0].value == "suction\ngrasper"
    assert "Download classes.txt" in [button.label for button in app.get("download_button")]
    (data_folder / "classes.txt").write_text(app.code[0].value)
    app = show(open_page("dataset", data_folder), "Agreement")
    assert "class 0" not in text_of(app)
    assert not app.code


def test_without_a_second_format_there_is_no_agreement(open_page: OpenPage, shared_data_folder: Path) -> None:
    app = open_page("dataset", shared_data_folder)
    assert "Agreement" not in app.segmented_control(key="view").options
    assert not [box for box in app.sidebar.selectbox if box.label == "Boxes read from"]


@pytest.mark.slow
def test_a_column_under_another_name_is_asked_for_once(open_page: OpenPage, data_folder: Path) -> None:
    outcomes = data_folder / layout.OUTCOMES_FILE
    outcomes.write_text(outcomes.read_text().replace(",success,", ",stopped in time,", 1))
    app = open_page("dataset", data_folder)
    assert metrics_of(app)["Usable"] == "0"
    column = app.selectbox(key="column-success")
    assert "stopped in time" in column.options
    column.set_value("stopped in time")
    next(button for button in app.button if button.label == "Use these columns").click().run()
    assert metrics_of(app)["Usable"] == "20"
    assert metrics_of(open_page("dataset", data_folder))["Usable"] == "20"


@pytest.mark.slow
def test_another_folder_is_not_read_as_the_last_one_was(open_page: OpenPage, data_folder: Path, tmp_path: Path) -> None:
    add_yolo(data_folder)
    app = open_page("dataset", data_folder)
    next(box for box in app.sidebar.selectbox if box.label == "Boxes read from").set_value("yolo").run()
    other = write_dataset(tmp_path / "other", surgeons=4)
    next(box for box in app.sidebar.text_input if box.label == "Data folder").set_value(str(other))
    next(button for button in app.sidebar.button if button.label == "Open folder").click().run()
    assert metrics_of(app)["Trials"] == "8"
    assert not app.error


@pytest.mark.slow
def test_a_chosen_format_that_has_gone_is_no_dead_end(open_page: OpenPage, data_folder: Path) -> None:
    add_yolo(data_folder)
    app = open_page("dataset", data_folder)
    next(box for box in app.sidebar.selectbox if box.label == "Boxes read from").set_value("yolo").run()
    shutil.rmtree(data_folder / "labels")
    app = open_page("dataset", data_folder)
    assert not app.error
    assert metrics_of(app)["Boxes"] == "360"


@pytest.mark.slow
def test_leaks_are_of_the_chosen_boxes(open_page: OpenPage, data_folder: Path) -> None:
    outcomes = pd.read_csv(data_folder / layout.OUTCOMES_FILE).set_index("trial_id")["success"]
    boxes = data_folder / layout.BOXES_FILE
    rows = boxes.read_text().splitlines(keepends=True)
    # Graspers are in view in successes alone.
    boxes.write_text("".join(row for row in rows if "grasper" not in row or outcomes[row.split("_")[0]] == 1))
    app = show(open_page("dataset", data_folder), "Leaks")
    told = next(text.value for text in app.markdown if "Tools over time." in text.value)
    choose(app, "labels", "suction")
    other = next(text.value for text in app.markdown if "Tools over time." in text.value)
    assert "1.00" in told
    assert other != told


def test_views_of_the_whole_folder_are_marked(open_page: OpenPage, shared_data_folder: Path) -> None:
    app = choose(show(open_page("dataset", shared_data_folder), "Problems"), "outcomes", 1)
    assert "shows the whole folder" in text_of(app)
    assert "shows the whole folder" not in text_of(show(app, "Trials"))


def test_nothing_but_the_page_itself_is_on_the_page(open_page: OpenPage, shared_data_folder: Path) -> None:
    """Streamlit would show any text that stands alone in a page's code, the doc of a constant for one."""
    assert open_page("dataset", shared_data_folder).main.children[0].type == "title"
