"""The checks of doubtful files, with the names and values of SOSpine instead of SOCAL's."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from socal_core.annotations.offsets import candidates
from socal_core.dataset.opening import open_dataset
from socal_core.dataset.outcome_values import read_success
from socal_core.dataset.problems import ProblemLog
from socal_core.presets import SOCAL, SOSPINE
from tests.dataset.editing import found, put, write_frame
from tests.presets.spine_folder import name, write_spine


@pytest.fixture
def spine(tmp_path: Path) -> Path:
    return write_spine(tmp_path / "spine", surgeons=1)


def success(*values: str) -> tuple[list[int | None], ProblemLog]:
    log = ProblemLog()
    cells = pd.Series(values, index=range(2, 2 + len(values)), dtype="str")
    return [None if pd.isna(value) else int(value) for value in read_success(cells, SOSPINE, log)], log


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (("yes", "No", "NA"), [0, 1, None]),
        (("TRUE", "FALSE"), [0, 1]),
        (("Y", "1", "n", "0.0"), [0, 0, 1, 1]),
        (("yes",), [0]),
    ],
)
def test_yes_means_a_leak_and_not_success(values: tuple[str, ...], expected: list[int | None]) -> None:
    read, log = success(*values)
    assert read == expected
    assert not log.problems()
    assert not log.evidence


@pytest.mark.parametrize("values", [("ja", "nein"), ("success", "failure")])
def test_other_words_may_mean_the_leak_or_the_outcome(values: tuple[str, ...]) -> None:
    read, log = success(*values)
    assert read == [None, None]
    assert {problem.code for problem in log.problems()} == {"bad-success"}


def test_other_codes_are_reported_in_the_words_of_the_file() -> None:
    read, log = success("1", "2", "NA")
    assert read == [None, None, None]
    (problem,) = log.problems()
    assert problem.code == "success-codes"
    assert problem.message.startswith("Leak At 40mmHg must be Y, N or NA, and this column holds 1, 2:")
    assert problem.message.endswith("Write N for success and Y for failure.")


def test_a_mapping_may_name_frames_by_their_numbers_alone(spine: Path) -> None:
    rows = [f"{trial}/{number:08d},{trial},{10 - number}\n" for trial in ("S1A1", "S1A2") for number in (1, 2, 3)]
    for trial in ("S1A1", "S1A2"):
        for number in (1, 2, 3):
            folder = spine / "frames" / trial
            (folder / name(trial, number)).rename(folder / f"{number:08d}.jpg")
    put(spine, {SOSPINE.mapping_file: "frame,trial_id,frame_number\n" + "".join(rows)})
    data = open_dataset(spine)
    assert data.frames_of("S1A1")["frame"].tolist() == [f"S1A1/{number:08d}.jpg" for number in (3, 2, 1)]
    assert not found(data, "no-mapping-file")
    assert len(found(data, "frame-not-in-mapping")) == 6  # those of S1A3 and Clip0


def test_times_are_read_in_names_that_start_with_a_trial(tmp_path: Path) -> None:
    for second in (59, 60, 61):
        write_frame(tmp_path, f"S1A2_00-{second // 60:02d}-{second % 60:02d}.jpg")
    data = open_dataset(tmp_path)
    assert data.preset == SOSPINE
    assert data.frames["trial_id"].unique().tolist() == ["S1A2"]
    assert data.frames["second"].tolist() == [0, 1, 2]


def test_the_letter_of_a_video_is_no_part_of_a_name(tmp_path: Path) -> None:
    write_spine(tmp_path, surgeons=1)
    shutil.copyfile(tmp_path / "frames" / "S1A1" / name("S1A1", 1), tmp_path / "frames" / "S1A1b_00-01-18.jpg")
    assert [problem.parameters["frame"] for problem in found(open_dataset(tmp_path), "frame-without-trial")] == [
        "S1A1b_00-01-18.jpg"
    ]


def test_other_versions_and_other_annotations_are_named_with_its_tables(spine: Path) -> None:
    (spine / SOSPINE.boxes_file).rename(spine / "sospine_bbox (1).csv")
    text = "image,xmin,ymin,xmax,ymax,label\n"
    put(spine, {"export/boxes.csv": text, "sospine_tool_tips.csv": text, f"{SOCAL.boxes_file[:-4]}_old.csv": "a\n"})
    data = open_dataset(spine)
    (version,) = found(data, "other-version")
    assert (version.path, version.parameters["table"]) == ("sospine_bbox (1).csv", SOSPINE.boxes_file)
    (other,) = found(data, "other-annotations")
    assert other.path == "export/boxes.csv"
    assert f"name it {SOSPINE.boxes_file}" in other.message


def test_labels_that_differ_in_blanks_are_reported_beside_those_that_are_unknown(spine: Path) -> None:
    path = spine / SOSPINE.boxes_file
    text = path.read_text().replace("grasper", "needle driver", 1).replace("grasper", "needle_driver", 1)
    path.write_text(text)
    data = open_dataset(spine)
    (similar,) = found(data, "similar-labels")
    assert similar.parameters["labels"] == "needle driver, needle_driver"
    (unknown,) = found(data, "unknown-label")
    assert "SOSpine does not use the label needle_driver" in unknown.message


def test_names_counted_from_another_start_are_not_used(spine: Path) -> None:
    path = spine / SOSPINE.boxes_file
    for number in (1, 2, 3):
        path.write_text(path.read_text().replace(name("S1A1", number), f"S1A1_frame_{number - 1:08d}.jpeg"))
    data = open_dataset(spine)
    assert found(data, "renumbered-frames")
    assert data.boxes.empty


def test_offsets_are_tried_by_the_numbers_in_the_names() -> None:
    trial = [name("S1A2", number) for number in range(10, 40)]
    found_orders = {candidate.order for candidate in candidates(np.arange(9, 30), trial, 0, SOSPINE)}
    assert "by the numbers in the names" in found_orders
