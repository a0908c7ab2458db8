from pathlib import Path

import pandas as pd
from streamlit.testing.v1 import AppTest

from socal_core.dataset import layout
from tests.pages.conftest import OpenPage, metrics_of, text_of


def test_the_numbers_of_the_folder(open_page: OpenPage, shared_data_folder: Path) -> None:
    app = open_page("dataset", shared_data_folder)
    tiles = metrics_of(app)
    assert tiles["Trials"] == tiles["Usable"] == "20"
    assert (tiles["Surgeons"], tiles["Frames"], tiles["Boxes"]) == ("10", "240", "360")
    assert tiles["Problems"] == "0"
    assert "Nothing is wrong with the tables and names of this folder." in text_of(app)
    assert len(app.get("plotly_chart")) == 3


def test_licence_and_citation_are_shown_even_without_data(open_page: OpenPage, tmp_path: Path) -> None:
    text = text_of(open_page("dataset", tmp_path / "nowhere"))
    assert layout.LICENCE in text
    assert layout.CITATION in text


def test_problems_are_listed_with_file_line_and_count(open_page: OpenPage, data_folder: Path) -> None:
    with (data_folder / layout.BOXES_FILE).open("a") as file:
        file.write("S100T1_frame_00000001.jpeg,20,5,6,6,drill\n")
    app = open_page("dataset", data_folder)
    table: pd.DataFrame = app.table[0].value
    assert table.columns.to_list() == ["File", "Line", "What is wrong, and what was done", "Count"]
    assert (table["File"].iloc[0].replace("\\", ""), table["Line"].iloc[0]) == (layout.BOXES_FILE, "361")
    assert metrics_of(app)["Problems"] == "1"


def press_check(app: AppTest) -> None:
    next(button for button in app.button if button.label == "Check every frame").click().run()


def test_a_broken_frame_is_found_by_checking_every_frame(open_page: OpenPage, data_folder: Path) -> None:
    broken = data_folder / layout.IMAGES_DIR / "S103T1_frame_00000005.jpeg"
    broken.write_bytes(broken.read_bytes()[:400])
    app = open_page("dataset", data_folder)
    press_check(app)
    table: pd.DataFrame = app.table[0].value
    assert [path.replace("\\", "") for path in table["File"]] == [f"{layout.IMAGES_DIR}/{broken.name}"]
    assert table.index.to_list() == ["error"]


def test_sound_frames_are_said_to_be_sound(open_page: OpenPage, shared_data_folder: Path) -> None:
    app = open_page("dataset", shared_data_folder)
    press_check(app)
    assert "every frame can be read" in text_of(app)


def test_trials_are_listed_with_their_outcome(open_page: OpenPage, shared_data_folder: Path) -> None:
    table: pd.DataFrame = open_page("dataset", shared_data_folder).dataframe[0].value
    assert table["trial_id"].to_list()[:3] == ["S100T1", "S100T2", "S101T1"]
    assert set(table["success"]) == {"Success", "Failure"}


def test_other_sample_frames_on_request(open_page: OpenPage, shared_data_folder: Path) -> None:
    app = open_page("dataset", shared_data_folder)

    def captions() -> list[str]:
        return [image.caption for element in app.get("image") for image in element.proto.imgs]

    first = captions()
    assert len(first) == 3
    next(button for button in app.button if button.label == "Show others").click().run()
    assert len(captions()) == 3
    assert captions() != first


def test_length_is_said_to_tell_the_outcome_only_where_it_does(open_page: OpenPage, data_folder: Path) -> None:
    assert "says little about its outcome here" in text_of(open_page("dataset", data_folder))
    outcomes = pd.read_csv(data_folder / layout.OUTCOMES_FILE).set_index("trial_id")["success"]
    for image in (data_folder / layout.IMAGES_DIR).iterdir():
        if outcomes[image.name.split("_")[0]] == 1 and int(image.stem[-2:]) > 6:
            image.unlink()
    assert "gives the outcome away" in text_of(open_page("dataset", data_folder))


def test_one_outcome_alone_has_no_length_sentence(open_page: OpenPage, data_folder: Path) -> None:
    outcomes = pd.read_csv(data_folder / layout.OUTCOMES_FILE)
    outcomes["success"] = 1
    outcomes.to_csv(data_folder / layout.OUTCOMES_FILE, index=False)
    app = open_page("dataset", data_folder)
    assert not app.exception
    assert "gives the outcome away" not in text_of(app)


def test_nothing_but_the_page_itself_is_on_the_page(open_page: OpenPage, shared_data_folder: Path) -> None:
    """Streamlit would show any text that stands alone in a page's code, the doc of a constant for one."""
    assert open_page("dataset", shared_data_folder).main.children[0].type == "title"
