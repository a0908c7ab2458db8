"""socal_core.annotations.alignment"""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from socal_core.annotations.alignment import (
    annotation_files,
    boxes_of,
    frames_to_check,
    read_answers,
    warning_of_shifts,
    write_answer,
)
from socal_core.dataset.opening import open_dataset
from socal_core.workspace import workspace
from tests.annotations.cvat_video_files import box, track
from tests.annotations.matching_files import annotate, frames, numbered
from tests.dataset.editing import put


def made(*rows: tuple[str, int, str, int]) -> pd.DataFrame:
    """Boxes of 10 by 10 pixels: trial, position, label, x1."""
    table = pd.DataFrame(rows, columns=["trial_id", "position", "label", "x1"])
    return table.assign(
        frame=[f"{trial}_frame_{position + 1:08d}.jpeg" for trial, position, *_ in rows],
        y1=0,
        x2=table["x1"] + 10,
        y2=10,
        track_id=pd.array([None] * len(rows), "Int64"),
    )


def test_the_frame_after_the_largest_movement_comes_first() -> None:
    still = [("S1T1", position, "suction", 50) for position in range(9)]
    jump = [("S1T1", position, "drill", 0 if position < 6 else 80) for position in range(9)]
    assert frames_to_check(made(*still, *jump), 1) == ["S1T1_frame_00000007.jpeg"]


def test_a_movement_over_a_gap_or_of_several_boxes_does_not_count() -> None:
    gap = [("S1T1", 0, "drill", 0), ("S1T1", 2, "drill", 90)]
    several = [("S1T1", position, "muscle", x + 70 * (position == 4)) for position in (3, 4) for x in (0, 20)]
    slow = [("S1T1", 5, "suction", 0), ("S1T1", 6, "suction", 4)]
    assert frames_to_check(made(*gap, *several, *slow), 1) == ["S1T1_frame_00000007.jpeg"]


def test_each_trial_has_a_frame_before_any_has_two() -> None:
    fast = [("S1T1", position, "drill", 40 * position) for position in range(5)]
    slow = [("S2T1", position, "drill", position) for position in range(5)]
    chosen = frames_to_check(made(*fast, *slow), 3)
    assert [frame[:4] for frame in chosen] == ["S1T1", "S1T1", "S2T1"]


def test_without_boxes_there_is_nothing_to_check() -> None:
    assert frames_to_check(made()) == []


NAMES = [*numbered("S102T1", 3), *numbered("S102T2", 3)]


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("form", "files"),
    [
        ("csv", ["socal.csv"]),
        ("coco", ["annotations/instances_default.json"]),
        ("cvat-images", ["annotations.xml"]),
        ("yolo", ["obj_train_data/S102T1", "obj_train_data/S102T2"]),
        ("voc", ["Annotations/S102T1", "Annotations/S102T2"]),
    ],
)
def test_a_file_is_one_unit_and_so_is_a_folder_with_a_file_for_each_frame(
    tmp_path: Path, form: str, files: list[str]
) -> None:
    annotate(frames(tmp_path, *NAMES), form, NAMES)
    dataset = open_dataset(tmp_path)
    assert annotation_files(dataset) == files
    found = [boxes_of(dataset, file)["frame"].tolist() for file in files]
    assert found == ([NAMES] if len(files) == 1 else [NAMES[:3], NAMES[3:]])


@pytest.mark.slow
def test_each_file_of_a_format_is_one_unit_if_it_has_boxes(tmp_path: Path) -> None:
    frames(tmp_path, *NAMES, *numbered("S103T1", 3))
    row = "0,1,10,5,20,20,1,1,1\n"
    put(tmp_path, {f"{trial}/gt/gt.txt": row for trial in ("S102T2", "S102T1")})
    annotate(tmp_path, "coco", NAMES, own="S102T1")
    dataset = open_dataset(tmp_path)
    assert annotation_files(dataset) == ["annotations/S102T1.json"]
    (tmp_path / "annotations" / "S102T1.json").unlink()
    dataset = open_dataset(tmp_path)
    assert annotation_files(dataset) == ["S102T1/gt/gt.txt", "S102T2/gt/gt.txt"]
    assert boxes_of(dataset, "S102T2/gt/gt.txt")["trial_id"].tolist() == ["S102T2"]
    assert dataset.frames["annotation_file"].isna().sum() == len(dataset.frames) - 2


def test_label_files_beside_the_frames_belong_to_the_folder(tmp_path: Path) -> None:
    frames(tmp_path, "S102T1_frame_00000001.jpeg")
    put(tmp_path, {"JPEGImages/S102T1_frame_00000001.txt": "0 0.5 0.5 0.2 0.2\n"})
    assert annotation_files(open_dataset(tmp_path)) == ["JPEGImages"]


def test_label_files_beside_the_frames_are_another_unit_than_those_in_a_folder_of_labels(tmp_path: Path) -> None:
    for number in (1, 2):
        Image.new("RGB", (64, 48)).save(tmp_path / f"S102T1_frame_0000000{number}.jpeg")
    paths = ("labels/S102T1_frame_00000001.txt", "S102T1_frame_00000002.txt")
    put(tmp_path, dict.fromkeys(paths, "0 0.5 0.5 0.2 0.2\n"))
    assert annotation_files(open_dataset(tmp_path)) == ["labels", "*.txt"]


def test_a_project_with_a_task_for_each_trial_is_one_file(tmp_path: Path) -> None:
    trials = ("S102T1", "S102T2")
    frames(tmp_path, *(f"{trial}_frame_00000001.jpeg" for trial in trials))
    tasks = "".join(f"<task><id>{trial}</id><name>{trial}</name><size>1</size></task>" for trial in trials)
    tracks = "".join(track(box(0, "5,5,20,20")).replace("<track", f'<track task_id="{trial}"') for trial in trials)
    meta = f"<meta><project><tasks>{tasks}</tasks></project></meta>"
    put(tmp_path, {"annotations/project.xml": f"<annotations>{meta}\n{tracks}</annotations>"})
    dataset = open_dataset(tmp_path)
    assert annotation_files(dataset) == ["annotations/project.xml"]
    assert len(boxes_of(dataset, "annotations/project.xml")) == 2


def test_without_boxes_no_frame_has_a_file(tmp_path: Path) -> None:
    dataset = open_dataset(frames(tmp_path, *NAMES))
    assert annotation_files(dataset) == []
    assert dataset.frames["annotation_file"].isna().all()


def test_an_answer_belongs_to_the_file_the_data_and_the_format(shared_data_folder: Path) -> None:
    dataset = open_dataset(shared_data_folder)
    assert read_answers(dataset) == {}
    write_answer(dataset, "a.xml", fits=False)
    write_answer(dataset, "b.xml", fits=False)
    write_answer(dataset, "b.xml", fits=True)
    assert {file: answer.fits for file, answer in read_answers(dataset).items()} == {"a.xml": False, "b.xml": True}
    assert read_answers(replace(dataset, fingerprint="0" * 64)) == {}
    assert read_answers(replace(dataset, box_format="coco")) == {}


def test_an_answer_about_all_files_of_an_earlier_version_is_asked_again(shared_data_folder: Path) -> None:
    dataset = replace(open_dataset(shared_data_folder), fingerprint="1" * 64)
    file = workspace() / "alignment" / f"{dataset.fingerprint}-csv.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text('{"fits": true, "time": 1764150000.0}')
    assert read_answers(dataset) == {}
    write_answer(dataset, "socal.csv", fits=True)
    assert list(read_answers(dataset)) == ["socal.csv"]


def test_shifted_files_are_named(shared_data_folder: Path) -> None:
    dataset = replace(open_dataset(shared_data_folder), fingerprint="2" * 64)
    assert warning_of_shifts(dataset) == ""
    write_answer(dataset, "right.xml", fits=True)
    for number in range(5):
        write_answer(dataset, f"{number}.xml", fits=False)
    warning = warning_of_shifts(dataset)
    assert ": 0.xml, 1.xml, 2.xml and 2 more." in warning
    assert "right.xml" not in warning
