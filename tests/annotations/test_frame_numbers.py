"""Frames that files give by number: MOT, and CVAT for video."""

from pathlib import Path

import pytest

from tests.annotations.matching_files import boxes_of, frames
from tests.dataset.editing import found, put

ROW = "{n},1,{n},5,20,20,1,1,1\n"
TASK = "<name>{name}</name><size>{size}</size><mode>{mode}</mode>"


def mot(root: Path, numbers: list[int], more: dict[str, str] | None = None, trial: str = "S102T1") -> None:
    rows = "".join(ROW.format(n=number) for number in numbers)
    put(root, {f"{trial}/gt/gt.txt": rows, f"{trial}/gt/labels.txt": "suction", **(more or {})})


def tracks(root: Path, own: str, numbers: list[int], task: str) -> None:
    boxes = "".join(f'<box frame="{n}" outside="0" xtl="{n}" ytl="1" xbr="30" ybr="20"/>' for n in numbers)
    text = f'<annotations><meta><task>{task}</task></meta><track id="0" label="suction">{boxes}</track></annotations>'
    put(root, {f"annotations/{own}.xml": text})


def named(*numbers: int) -> list[str]:
    return [f"S102T1/{number:08d}.jpeg" for number in numbers]


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("names", "numbers", "expected"),
    [
        ([1, 2, 3, 4], [1, 3], [1, 3]),
        ([1, 2, 3, 4], [0, 1, 3], [1, 2, 4]),
        ([0, 1, 2, 3], [0, 1, 2, 3], [0, 1, 2, 3]),
        ([0, 1, 2, 3], [1, 2, 4], [0, 1, 3]),
        ([1, 2, 5, 6], [2, 5, 6], [2, 5, 6]),
        ([1, 2, 5, 6], [1, 3, 4], [1, 5, 6]),
        ([1, 2, 5, 6], [1, 2], [1, 2]),
        ([20, 21, 22], [20, 22], [20, 22]),
        ([20, 21, 22], [1, 3], [20, 22]),
        ([20, 21, 22], [0, 2], [20, 22]),
    ],
)
def test_the_one_numbering_that_fits(tmp_path: Path, names: list[int], numbers: list[int], expected: list[int]) -> None:
    frames(tmp_path, *named(*names))
    mot(tmp_path, numbers)
    texts, codes, data = boxes_of(tmp_path)
    assert texts == [f"{frame} {number}" for frame, number in zip(named(*expected), numbers, strict=True)]
    assert "ambiguous-frame-numbers" not in codes
    assert [evidence.path for evidence in data.evidence[1:]] == ["JPEGImages", "S102T1/gt/gt.txt"]


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("names", "numbers"),
    [
        ([0, 1, 2, 3], [1, 2, 3]),
        ([1, 2, 4, 5], [1, 2, 4]),
        ([2, 3, 4, 5], [2, 3, 4]),
        ([1, 2, 3, 4], [1, 2, 3, 4, 5]),
        ([1, 2, 3, 4], list(range(1, 41))),
        ([1, 2, 3, 4], [0, 4]),
        ([20, 21, 22], [3, 20]),
        ([1, 2, 3, 4], [999_999_999]),
    ],
)
def test_no_numbering_or_two_fit(tmp_path: Path, names: list[int], numbers: list[int]) -> None:
    frames(tmp_path, *named(*names))
    mot(tmp_path, numbers)
    texts, codes, _ = boxes_of(tmp_path)
    assert texts == []
    assert "ambiguous-frame-numbers" in codes


@pytest.mark.parametrize(("info", "fits"), [("seqLength=4", True), ("seqLength=40", False), ("seqLength=x", True)])
def test_the_length_in_seqinfo(tmp_path: Path, info: str, fits: bool) -> None:
    frames(tmp_path, *named(1, 2, 3, 4))
    mot(tmp_path, [1, 3], {"S102T1/seqinfo.ini": f"[Sequence]\nname=S102T1\n{info}\nframeRate=10\n"})
    texts, codes, _ = boxes_of(tmp_path)
    assert len(texts) == (2 if fits else 0)
    assert ("ambiguous-frame-numbers" in codes) != fits


@pytest.mark.parametrize(
    ("folder", "info", "code"),
    [
        ("S103T1", "", "other-trial"),
        ("S102T1a", "", "other-trial"),
        ("S102T1", "name=S103T1", "several-trials-named"),
        ("day1", "", "file-without-trial"),
    ],
)
def test_mot_of_another_trial(tmp_path: Path, folder: str, info: str, code: str) -> None:
    frames(tmp_path, *named(1, 2))
    mot(tmp_path, [1, 2], {f"{folder}/seqinfo.ini": f"[Sequence]\n{info}\n"}, folder)
    texts, codes, _ = boxes_of(tmp_path)
    assert texts == []
    assert code in codes


def test_names_that_are_not_padded_leave_the_order_open(tmp_path: Path) -> None:
    frames(tmp_path, *(f"S102T1_frame_{number}.jpeg" for number in range(1, 13)))
    mot(tmp_path, [1, 2, 3])
    texts, codes, _ = boxes_of(tmp_path)
    assert texts == []
    assert "ambiguous-frame-numbers" in codes


@pytest.mark.parametrize(("mode", "shown"), [("annotation", 0), ("interpolation", 3)])
def test_cvat_counts_images_in_the_order_of_their_names(tmp_path: Path, mode: str, shown: int) -> None:
    frames(tmp_path, *(f"S102T1_frame_{number}.jpeg" for number in range(1, 13)))
    tracks(tmp_path, "S102T1", [1, 2, 3], TASK.format(name="S102T1", size=12, mode=mode))
    texts, codes, _ = boxes_of(tmp_path)
    assert len(texts) == shown
    assert ("ambiguous-frame-numbers" in codes) == (shown == 0)


@pytest.mark.parametrize("mode", ["annotation", "interpolation"])
def test_padded_names_are_in_the_order_of_time(tmp_path: Path, mode: str) -> None:
    frames(tmp_path, *named(*range(12)))
    tracks(tmp_path, "S102T1", [1, 2], TASK.format(name="S102T1", size=12, mode=mode))
    texts, _, data = boxes_of(tmp_path)
    assert texts == [f"{name} {number}" for name, number in zip(named(1, 2), (1, 2), strict=True)]
    assert [evidence.path for evidence in data.evidence[1:]] == ["JPEGImages", "annotations/S102T1.xml"]


PARTS = [f"S102T1{part}_frame_0000000{number}.jpeg" for part in "ab" for number in (1, 2, 3)]


def test_each_part_of_a_recording_counts_its_own_frames(tmp_path: Path) -> None:
    frames(tmp_path, *PARTS)
    for part in "ab":
        tracks(tmp_path, f"S102T1{part}", [1, 2], TASK.format(name=f"S102T1{part}", size=3, mode="interpolation"))
    texts, codes, _ = boxes_of(tmp_path)
    assert texts == [f"{PARTS[at]} {number}" for at, number in ((1, 1), (2, 2), (4, 1), (5, 2))]
    assert "repeated-exports" not in codes


@pytest.mark.parametrize(
    ("own", "size", "code"),
    [("S102T1a", 4, "other-recording"), ("S102T1", 3, "partly-annotated"), ("S102T1c", 3, "other-trial")],
)
def test_a_part_that_does_not_fit(tmp_path: Path, own: str, size: int, code: str) -> None:
    frames(tmp_path, *PARTS)
    tracks(tmp_path, own, [1, 2], TASK.format(name=own, size=size, mode="interpolation"))
    texts, codes, _ = boxes_of(tmp_path)
    assert texts == []
    assert code in codes


def test_mot_of_a_part(tmp_path: Path) -> None:
    frames(tmp_path, *PARTS)
    mot(tmp_path, [1, 3], trial="S102T1b")
    assert boxes_of(tmp_path)[0] == [f"{PARTS[3]} 1", f"{PARTS[5]} 3"]


def test_of_a_refused_file_nothing_is_said_about_its_frames(tmp_path: Path) -> None:
    frames(tmp_path, *named(1, 2, 5, 6), *(f"S103T1/{number:08d}.jpeg" for number in (1, 2)))
    mot(tmp_path, [1, 9])
    mot(tmp_path, [1], trial="S103T1")
    texts, codes, data = boxes_of(tmp_path)
    assert texts == ["S103T1/00000001.jpeg 1"]
    assert "ambiguous-frame-numbers" in codes
    assert found(data, "frame-without-row") == []
    mot(tmp_path, [1, 2])
    assert [problem.count for problem in found(boxes_of(tmp_path)[2], "frame-without-row")] == [3]
