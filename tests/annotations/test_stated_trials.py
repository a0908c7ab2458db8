"""The trial and the video that files state beside the names of frames."""

from pathlib import Path

import pytest

from tests.annotations.matching_files import annotate, boxes_of, frames, numbered
from tests.dataset.editing import put


def voc(root: Path, where: str) -> None:
    """Pascal VOC of two frames without a trial in their names; `where` states the folder of the frame."""
    annotate(root, "voc", ["frame_000000.jpg", "frame_000001.jpg"])
    for path in (root / "Annotations").iterdir():
        path.write_text(path.read_text().replace("<filename>", f"{where}<filename>"))


@pytest.mark.parametrize(
    "where",
    [
        "<folder>S102T1</folder>",
        "<folder>frames</folder><path>C:\\videos\\S102T1\\frames\\frame_000000.jpg</path>",
        "<folder>task_S102T1</folder><path>/srv/x.jpg</path>",
    ],
)
def test_the_folder_in_a_voc_file_names_the_trial(tmp_path: Path, where: str) -> None:
    frames(tmp_path, *numbered("S102T1", 2), *numbered("S103T1", 2))
    voc(tmp_path, where)
    assert boxes_of(tmp_path)[0] == ["S102T1/frame_000000.jpg 10", "S102T1/frame_000001.jpg 11"]


def test_the_folder_in_a_voc_file_names_another_trial(tmp_path: Path) -> None:
    frames(tmp_path, *numbered("S102T1", 2))
    voc(tmp_path, "<folder>S103T1</folder>")
    texts, codes, _ = boxes_of(tmp_path)
    assert texts == []
    assert "box-without-frame" in codes


def test_the_place_of_a_voc_file_counts_more_than_the_folder_in_it(tmp_path: Path) -> None:
    frames(tmp_path, *numbered("S102T1", 2), *numbered("S103T1", 2))
    annotate(tmp_path, "voc", ["S103T1/frame_000000.jpg"])
    (path,) = (tmp_path / "Annotations").rglob("*.xml")
    path.write_text(path.read_text().replace("<filename>", "<folder>S102T1</folder><filename>"))
    assert boxes_of(tmp_path)[0] == ["S103T1/frame_000000.jpg 10"]


@pytest.mark.parametrize(("count", "expected"), [(2, ["S102T1/frame_000000.jpg 3"]), (100, [])])
def test_names_of_a_video_are_images_if_there_are_as_many(tmp_path: Path, count: int, expected: list[str]) -> None:
    frames(tmp_path, *numbered("S102T1", 2))
    task = f"<name>S102T1</name><mode>interpolation</mode><size>{count}</size><source>S102T1.mp4</source>"
    meta, drawn = f"<meta><task>{task}</task></meta>", '<box label="suction" xtl="3" ytl="1" xbr="9" ybr="9"/>'
    image = f'<image name="frame_000000" width="64" height="48">{drawn}</image>'
    put(tmp_path, {"annotations.xml": f"<annotations>{meta}\n{image}</annotations>"})
    texts, codes, _ = boxes_of(tmp_path)
    assert texts == expected
    assert ("video-frame-names" in codes) == (not expected)
