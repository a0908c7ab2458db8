from pathlib import Path

import pandas as pd
import pytest

from socal_core.annotations.convert import convert
from socal_core.dataset.dataset import Dataset, Severity
from socal_core.dataset.inspection import summarise
from socal_core.dataset.open_options import OpenOptions
from socal_core.dataset.opening import open_dataset
from socal_core.dataset.table_cache import open_cached
from socal_core.errors import ConfigError, DataError
from socal_core.presets import SOSPINE
from socal_core.settings import SplitMethod, SplitSettings
from socal_core.settings.split import check_column
from socal_core.splits import make_split
from tests.presets.spine_folder import SIZE, name, write_spine


@pytest.fixture
def spine(tmp_path: Path) -> Path:
    return write_spine(tmp_path / "spine")


@pytest.mark.parametrize(
    ("given", "parsed"),
    [
        ("S1A2_frame_00000001.jpeg", ("S1A2", "", 1)),
        ("S12A3_frame_00000250.JPG", ("S12A3", "", 250)),
        ("Clip0_frame_00000007.jpeg", ("Clip0", "", 7)),
        ("S1A2a_frame_00000001.jpeg", None),
        ("S1T2_frame_00000001.jpeg", None),
        ("S1A2_00000001.jpeg", None),
        ("clip0_frame_00000001.jpeg", None),
    ],
)
def test_frame_names(given: str, parsed: tuple[str, str, int] | None) -> None:
    assert SOSPINE.parse_frame(given) == parsed


def counted(data: Dataset) -> list[str]:
    return [problem.code for problem in data.problems if problem.severity is not Severity.INFO]


def test_a_sound_folder(spine: Path) -> None:
    data = open_dataset(spine)
    assert data.preset == SOSPINE
    assert summarise(data)["preset"] == "sospine"
    assert len(data.trials) == 19
    assert len(data.frames) == 57
    assert data.frames.groupby("trial_id")["second"].apply(list).map(tuple).unique().tolist() == [(0, 1, 2)]
    assert data.trials.loc["S3A2", ["participant_id", "trial_number", "success", "repair_time", "width"]].to_list() == [
        "3",
        2,
        1,
        332.0,
        SIZE[0],
    ]
    assert "tth" not in data.trials
    assert data.outcome_rows == 19
    assert counted(data) == ["unknown-success"]  # that of Clip0


def test_success_is_no_leak(spine: Path) -> None:
    success = open_dataset(spine).trials["success"]
    assert success[["S1A1", "S1A2", "S1A3"]].to_list() == [0, 1, 1]
    assert success[["S2A1", "S2A2", "S2A3"]].to_list() == [0, 0, 1]
    assert pd.isna(success["Clip0"])


def test_boxes_are_read_by_their_own_header(spine: Path) -> None:
    data = open_dataset(spine)
    assert data.box_format == "csv"
    own = data.boxes[data.boxes["trial_id"] == "S1A2"].iloc[0]
    assert own[["frame", "x1", "y1", "x2", "y2", "label"]].to_list() == [
        f"S1A2/{name('S1A2', 1)}",
        4,
        5,
        21,
        25,
        "grasper",
    ]
    assert len(data.boxes) == 2 * 19


def test_a_clip_of_an_unknown_surgeon_is_shown_and_not_used(spine: Path) -> None:
    clip = open_dataset(spine).trials.loc["Clip0"]
    assert clip["participant_id"] == ""
    assert pd.isna(clip["trial_number"])
    assert not clip["usable"]


@pytest.mark.sampled(2)
@pytest.mark.parametrize("title", ["LEAK AT 40MMHG", "leak_at_40mmHg", "Leak  At 40mmHg "])
@pytest.mark.parametrize(("yes", "no"), [("Y", "N"), ("yes", "No"), ("1", "0"), ("1.0", "0.0"), ("TRUE", "false")])
def test_titles_and_values_in_other_spellings(spine: Path, title: str, yes: str, no: str) -> None:
    table = pd.read_csv(spine / SOSPINE.outcomes_file, dtype=str, keep_default_na=False)
    leak = table["Leak At 40mmHg"].map({"Y": yes, "N": no, "": ""})
    table.assign(**{"Leak At 40mmHg": leak}).rename(columns={"Leak At 40mmHg": title}).to_csv(
        spine / SOSPINE.outcomes_file, index=False
    )
    data = open_dataset(spine)
    assert data.trials["success"][["S1A1", "S1A2"]].to_list() == [0, 1]
    assert counted(data) == ["unknown-success"]


def test_an_unknown_value_is_reported_in_the_words_of_the_file(spine: Path) -> None:
    path = spine / SOSPINE.outcomes_file
    path.write_text(path.read_text().replace("312,N", "312,maybe").replace("S1A3,", "S1B3,"))
    problems = {problem.code: problem for problem in open_dataset(spine).problems}
    assert problems["bad-success"].message.startswith("Leak At 40mmHg must be Y, N or NA, got maybe")
    assert problems["bad-success"].path == SOSPINE.outcomes_file
    assert "S1B3 is not of the form S1A2" in problems["bad-trial-id"].message


def test_a_split_by_surgeon_keeps_all_attempts_together(spine: Path) -> None:
    usable = open_dataset(spine).usable_trials
    split = make_split(usable, SplitSettings(split_method=SplitMethod.SURGEON))
    subsets = [
        {usable.loc[trial, "participant_id"] for trial in own} for own in (split.train, split.validation, split.test)
    ]
    assert all(subsets)
    assert sum(map(len, subsets)) == 6
    assert len(split.train) + len(split.validation) + len(split.test) == 18


def test_the_time_of_the_repair_is_refused_as_an_input() -> None:
    with pytest.raises(ConfigError, match="only when the repair is over"):
        check_column("repair_time")


def test_the_kept_tables_are_those_of_the_preset(spine: Path) -> None:
    first, again = open_dataset(spine), None
    for _ in range(2):
        again = open_cached(spine)
        assert again.preset == SOSPINE
        pd.testing.assert_frame_equal(again.trials, first.trials)


@pytest.mark.slow
@pytest.mark.parametrize("key", ["csv", "yolo", "coco", "voc"])
def test_a_converted_folder_is_read_as_the_same(spine: Path, tmp_path: Path, key: str) -> None:
    data = open_dataset(spine)
    convert(data, tmp_path / "out", key, True, lambda done, total: None)
    again = open_dataset(tmp_path / "out")
    assert again.preset == SOSPINE
    columns = ["frame", "x1", "y1", "x2", "y2", "label"]
    pd.testing.assert_frame_equal(again.boxes[columns], data.boxes[columns])
    pd.testing.assert_frame_equal(again.trials, data.trials)
    if key == "csv":
        assert (tmp_path / "out" / SOSPINE.boxes_file).read_text().startswith("trial_frame,x1,y1,x2,y2,label\n")


def test_a_column_with_a_title_of_ones_own(spine: Path, tmp_path: Path) -> None:
    path = spine / SOSPINE.outcomes_file
    path.write_text(path.read_text().replace("Leak At 40mmHg", "tight?"))
    options = OpenOptions(columns=(("success", "tight?"), ("tth", "Length")))
    data = open_dataset(spine, options)
    assert data.trials["success"][["S1A1", "S1A2"]].to_list() == [0, 1]
    (problem,) = [problem for problem in data.problems if problem.code == "column-of-other-data"]
    assert problem.parameters["column"] == "tth"
    convert(
        data, tmp_path / "out", "csv", True, lambda done, total: None, OpenOptions(columns=(("success", "tight?"),))
    )
    pd.testing.assert_frame_equal(open_dataset(tmp_path / "out").trials, data.trials)


def test_zips_of_frames_that_are_not_unpacked_are_named(tmp_path: Path) -> None:
    (tmp_path / "frames").mkdir()
    (tmp_path / "frames" / "S1A2.zip").touch()
    (tmp_path / SOSPINE.outcomes_file).write_text("Trial ID,Leak At 40mmHg\n")
    with pytest.raises(DataError, match=r"frames holds S1A2\.zip instead of frames\. Unpack each zip there"):
        open_dataset(tmp_path)
    (tmp_path / "frames" / "S1A2.zip").unlink()
    with pytest.raises(DataError, match=r"A SOSpine folder holds .* sospine_outcomes\.csv and sospine_bbox\.csv\."):
        open_dataset(tmp_path)
