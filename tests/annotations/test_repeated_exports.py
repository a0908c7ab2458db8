"""Several annotation files for the same frames."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest

from socal_core.annotations.repeated_exports import without_repeated
from socal_core.annotations.rows import BoxRows
from socal_core.dataset.problems import ProblemLog
from tests.annotations.matching_files import annotate, boxes_of, frames
from tests.dataset.editing import found, put

FRAME, OTHER = (f"S102T1_frame_0000000{number}.jpeg" for number in (1, 2))
ROW = "{n},1,{x},5,20,20,1,1,1\n"


@pytest.mark.parametrize("form", ["coco", "cvat-images"])
def test_two_exports_of_the_same_frames_are_not_merged(tmp_path: Path, form: str) -> None:
    frames(tmp_path, FRAME, OTHER)
    annotate(tmp_path, form, [FRAME], "first")
    annotate(tmp_path, form, [FRAME, OTHER], "second", left=4)
    texts, _, data = boxes_of(tmp_path)
    assert texts == []
    (problem,) = found(data, "repeated-exports")
    assert problem.count == 3
    assert "first" in problem.message
    assert "second" in problem.message


@pytest.mark.sampled(2)
@pytest.mark.parametrize("form", ["coco", "cvat-images"])
@pytest.mark.parametrize("again", ["export (1)", "export(1)", "export (2)"])
def test_the_last_download_of_a_name_is_used(tmp_path: Path, form: str, again: str) -> None:
    frames(tmp_path, FRAME)
    annotate(tmp_path, form, [FRAME], "export")
    annotate(tmp_path, form, [FRAME], again, left=4)
    texts, _, data = boxes_of(tmp_path)
    assert texts == [f"{FRAME} 14"]
    (problem,) = found(data, "newer-export")
    assert again in problem.parameters["used"]


@pytest.mark.parametrize("form", ["coco", "cvat-images"])
def test_the_same_boxes_twice_count_once(tmp_path: Path, form: str) -> None:
    frames(tmp_path, FRAME)
    for own in ("a", "b"):
        annotate(tmp_path, form, [FRAME], own)
    texts, codes, _ = boxes_of(tmp_path)
    assert texts == [f"{FRAME} 10"]
    assert "same-exports" in codes
    assert "doubled-box" not in codes


@pytest.mark.parametrize("form", ["coco", "cvat-images"])
def test_files_of_different_frames_are_read_together(tmp_path: Path, form: str) -> None:
    frames(tmp_path, FRAME, OTHER)
    annotate(tmp_path, form, [FRAME], "a")
    annotate(tmp_path, form, [OTHER], "b")
    assert boxes_of(tmp_path)[0] == [f"{FRAME} 10", f"{OTHER} 10"]


def test_two_files_of_cvat_for_video(tmp_path: Path) -> None:
    frames(tmp_path, FRAME, OTHER)
    box = '<track id="0" label="suction"><box frame="1" outside="0" xtl="{}" ytl="1" xbr="30" ybr="20"/></track>'
    for number, path in enumerate(["annotations.xml", "annotations/S102T1.xml"]):
        meta = "<meta><task><name>S102T1</name><size>2</size></task></meta>"
        put(tmp_path, {path: f"<annotations>{meta}{box.format(number)}</annotations>"})
    texts, codes, _ = boxes_of(tmp_path)
    assert texts == []
    assert "repeated-exports" in codes


@pytest.mark.parametrize(("left", "expected", "code"), [(1, [1], "same-exports"), (2, [], "repeated-exports")])
def test_two_files_of_mot(tmp_path: Path, left: int, expected: list[int], code: str) -> None:
    frames(tmp_path, FRAME, OTHER)
    put(tmp_path, {"mot/S102T1/gt/gt.txt": ROW.format(n=1, x=1), "S102T1/gt/gt.txt": ROW.format(n=1, x=left)})
    texts, codes, _ = boxes_of(tmp_path)
    assert texts == [f"{FRAME} {x}" for x in expected]
    assert code in codes


@pytest.mark.slow
@pytest.mark.parametrize(
    ("form", "folder", "copy"), [("yolo", "obj_train_data", "labels"), ("voc", "Annotations", "Annotations/old")]
)
@pytest.mark.parametrize(("same", "expected"), [(True, [f"{FRAME} 10", f"{OTHER} 11"]), (False, [f"{OTHER} 11"])])
def test_two_files_of_one_frame(
    tmp_path: Path, form: str, folder: str, copy: str, same: bool, expected: Sequence[str]
) -> None:
    frames(tmp_path, FRAME, OTHER)
    annotate(tmp_path, form, [FRAME, OTHER])
    (tmp_path / copy).mkdir(exist_ok=True)
    (own,) = (tmp_path / folder).glob("*_00000001.*")
    shutil.copy(own, tmp_path / copy)
    if not same:
        copied = tmp_path / copy / own.name
        copied.write_text(copied.read_text().replace("30", "40").replace("0.31250000", "0.40000000"))
    assert boxes_of(tmp_path)[0] == expected


def test_files_that_have_frames_in_common_through_a_third() -> None:
    log = ProblemLog()
    rows = [("a", "x"), ("b", "x"), ("b", "y"), ("c", "y"), ("d", "z")]
    table = pd.DataFrame([(frame, file, at, 0, at + 5, 5, "tool") for at, (file, frame) in enumerate(rows)])
    table.columns = pd.Index(["frame", "file", "x1", "y1", "x2", "y2", "label"])
    kept = without_repeated(BoxRows(table, table.loc[:-1, ["frame", "file"]]), log)
    assert kept.boxes["file"].tolist() == ["d"]
    (problem,) = log.problems()
    assert problem.parameters["files"] == "a, b, c"
    assert problem.count == 4
