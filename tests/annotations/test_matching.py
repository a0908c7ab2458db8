"""Which frame the names in an annotation file are, in every format that names frames: sure, or nothing of the file."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.annotations.matching_files import NAMING, SINGLE, annotate, boxes_of, frames, numbered

FIRST, SECOND = (f"S102T1_frame_0000000{number}.jpeg" for number in (1, 2))


def video(root: Path, trial: str, count: int = 25, rate: int = 10) -> Path:
    """Write a video of grey frames."""
    root.mkdir(exist_ok=True)
    writer = cv2.VideoWriter(str(root / f"{trial}.avi"), cv2.VideoWriter.fourcc(*"MJPG"), rate, (64, 48))
    for _ in range(count):
        writer.write(np.zeros((48, 64, 3), np.uint8))
    writer.release()
    return root


@pytest.mark.sampled(2)
@pytest.mark.parametrize("form", NAMING)
@pytest.mark.parametrize(
    "spelled",
    [
        "{}.jpeg",
        "{}.PNG",
        "images/{}.jpeg",
        "../JPEGImages/{}.jpeg",
        "5f3c91ab-{}.jpeg",
        "images/5f3c91ab-{}.jpeg",
        "c0ffee12__{}.jpeg",
        "{}_jpeg.rf.0123456789abcdef0123456789abcdef.jpg",
        "train/{}_jpg.rf.AbCdEf0123456789.jpg",
    ],
)
def test_a_name_that_a_tool_has_changed(tmp_path: Path, form: str, spelled: str) -> None:
    frames(tmp_path, FIRST, SECOND)
    annotate(tmp_path, form, [spelled.format(name[:-5]) for name in (FIRST, SECOND)])
    texts, codes, data = boxes_of(tmp_path)
    assert texts == [f"{FIRST} 10", f"{SECOND} 11"]
    assert not codes & {"box-without-frame", "other-frame-name"}
    assert data.evidence


@pytest.mark.sampled(2)
@pytest.mark.parametrize("form", SINGLE)
@pytest.mark.parametrize("spelled", ["images\\5f3c91ab-{}", "C:\\data\\{}", "..\\JPEGImages\\{}"])
def test_a_path_of_windows(tmp_path: Path, form: str, spelled: str) -> None:
    frames(tmp_path, FIRST, SECOND)
    annotate(tmp_path, form, [spelled.format(name) for name in (FIRST, SECOND)])
    assert boxes_of(tmp_path)[0] == [f"{FIRST} 10", f"{SECOND} 11"]


@pytest.mark.sampled(2)
@pytest.mark.parametrize("form", NAMING)
def test_a_name_in_another_case(tmp_path: Path, form: str) -> None:
    frames(tmp_path, FIRST, SECOND)
    annotate(tmp_path, form, [FIRST.lower(), SECOND.upper()])
    assert boxes_of(tmp_path)[0] == [f"{FIRST} 10", f"{SECOND} 11"]


@pytest.mark.sampled(2)
@pytest.mark.parametrize("form", NAMING)
@pytest.mark.parametrize(
    ("name", "habit"),
    [("5f3c91ab-S102T1_frame_9.jpeg", "Label Studio"), (f"S102T1_x_jpeg.rf.{'0' * 32}.jpg", "Roboflow")],
)
def test_a_changed_name_that_fits_nothing_is_called_the_habit_of_its_tool(
    tmp_path: Path, form: str, name: str, habit: str
) -> None:
    frames(tmp_path, FIRST)
    annotate(tmp_path, form, [name])
    texts, codes, data = boxes_of(tmp_path)
    assert texts == []
    assert "names-of-tool" in codes
    assert any(habit in problem.message for problem in data.problems)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("form", SINGLE)
@pytest.mark.parametrize(
    "spelled", ["5f3c91ab-{0} c0ffee12-{0}", "{1}_jpeg.rf.0123456789 {1}_jpeg.rf.9876543210", "{0} 5f3c91ab-{0}"]
)
def test_two_uploads_of_a_frame_are_not_merged(tmp_path: Path, form: str, spelled: str) -> None:
    frames(tmp_path, FIRST, SECOND)
    annotate(tmp_path, form, [*spelled.format(FIRST, FIRST[:-5]).split(), SECOND])
    texts, codes, _ = boxes_of(tmp_path)
    assert texts == []
    assert "several-names-of-frame" in codes


@pytest.mark.parametrize("form", ["yolo", "voc"])
def test_two_files_of_a_frame_are_not_merged(tmp_path: Path, form: str) -> None:
    frames(tmp_path, FIRST, SECOND)
    annotate(tmp_path, form, [f"5f3c91ab-{FIRST}", f"c0ffee12-{FIRST}", SECOND])
    texts, codes, _ = boxes_of(tmp_path)
    assert texts == [f"{SECOND} 12"]
    assert "repeated-exports" in codes


@pytest.mark.sampled(2)
@pytest.mark.parametrize("form", NAMING)
def test_names_without_a_trial_of_the_only_one(tmp_path: Path, form: str) -> None:
    frames(tmp_path, *numbered("S102T1", 3))
    annotate(tmp_path, form, [f"frame_{number:06d}.PNG" for number in range(3)])
    texts, _, data = boxes_of(tmp_path)
    assert texts == [f"S102T1/frame_{number:06d}.jpg {10 + number}" for number in range(3)]
    assert any("S102T1" in evidence.interpretation for evidence in data.evidence)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("form", NAMING)
def test_names_without_a_trial_that_fit_only_in_part(tmp_path: Path, form: str) -> None:
    frames(tmp_path, *numbered("S102T1", 2))
    annotate(tmp_path, form, [f"frame_{number:06d}.PNG" for number in range(4)])
    texts, codes, data = boxes_of(tmp_path)
    assert texts == []
    assert "names-left-over" in codes
    (problem,) = [problem for problem in data.problems if problem.code == "names-left-over"]
    assert (problem.parameters["names"], problem.parameters["missing"]) == (4, 2)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("form", NAMING)
@pytest.mark.parametrize("numbers", [range(2), range(2, 4), range(4)])
def test_names_without_a_trial_in_several(tmp_path: Path, form: str, numbers: range) -> None:
    """Frames 2 and 3 of S102T1 may have been deleted: that only S103T1 has them shows nothing."""
    frames(tmp_path, *numbered("S102T1", 2), *numbered("S103T1", 4))
    annotate(tmp_path, form, [f"frame_{number:06d}.PNG" for number in numbers])
    texts, codes, _ = boxes_of(tmp_path)
    assert texts == []
    assert "names-without-trial" in codes


@pytest.mark.parametrize("form", NAMING)
def test_names_without_a_trial_that_no_other_trial_has(tmp_path: Path, form: str) -> None:
    frames(tmp_path, "S102T1/100.jpg", "S102T1/101.jpg", "S103T1/200.jpg")
    annotate(tmp_path, form, ["100.png", "200.png"])
    assert boxes_of(tmp_path)[0] == ["S102T1/100.jpg 10", "S103T1/200.jpg 11"]


@pytest.mark.parametrize("form", NAMING)
def test_a_folder_says_the_trial(tmp_path: Path, form: str) -> None:
    frames(tmp_path, *numbered("S102T1", 2), *numbered("S103T1", 4))
    annotate(tmp_path, form, ["S102T1/frame_000001.PNG", "S103T1/frame_000001.PNG"])
    assert boxes_of(tmp_path)[0] == ["S102T1/frame_000001.jpg 10", "S103T1/frame_000001.jpg 11"]


@pytest.mark.sampled(2)
@pytest.mark.parametrize("form", NAMING)
def test_a_folder_of_another_trial(tmp_path: Path, form: str) -> None:
    frames(tmp_path, *numbered("S102T1", 2))
    annotate(tmp_path, form, ["S103T1/frame_000001.PNG"])
    texts, codes, _ = boxes_of(tmp_path)
    assert texts == []
    assert "box-without-frame" in codes


@pytest.mark.sampled(2)
@pytest.mark.parametrize("form", ["coco", "cvat-images"])
@pytest.mark.parametrize(
    ("own", "expected", "code"),
    [
        ("S103T1", [f"S103T1/frame_00000{number}.jpg {10 + number}" for number in range(4)], None),
        ("day_2_S103T1_final", [f"S103T1/frame_00000{number}.jpg {10 + number}" for number in range(4)], None),
        ("S102T1", [], "names-left-over"),
        ("S104T1", [], "other-trial"),
        ("S103T1a", [], "other-trial"),
        ("S102T1_and_S103T1", [], "names-without-trial"),
    ],
)
def test_the_name_of_the_file_says_the_trial(
    tmp_path: Path, form: str, own: str, expected: list[str], code: str | None
) -> None:
    frames(tmp_path, *numbered("S102T1", 2), *numbered("S103T1", 4))
    annotate(tmp_path, form, [f"frame_{number:06d}.PNG" for number in range(4)], own)
    texts, codes, _ = boxes_of(tmp_path)
    assert texts == expected
    assert (code in codes) if code else not codes & {"names-without-trial", "other-trial"}


@pytest.mark.sampled(2)
@pytest.mark.parametrize("form", NAMING)
def test_names_that_count_the_frames_of_a_video(tmp_path: Path, form: str) -> None:
    video(tmp_path, "S102T1")
    annotate(tmp_path, form, [f"frame_{number:06d}.PNG" for number in range(25)])
    texts, codes, _ = boxes_of(tmp_path)
    assert texts == [f"S102T1_frame_0000000{second + 1}.jpeg {10 + 10 * second}" for second in range(3)]
    assert "box-between-frames" in codes


@pytest.mark.sampled(2)
@pytest.mark.parametrize("form", NAMING)
@pytest.mark.parametrize("spelled", ["frame_{:06d}.PNG", "S102T1_{}.png"])
@pytest.mark.parametrize(
    "numbers",
    [range(1, 26), [3, 11, 12], range(3), range(400)],
    ids=["from 0 or 1", "with gaps", "perhaps seconds", "too many"],
)
def test_names_that_count_frames_in_a_way_that_is_not_certain(
    tmp_path: Path, form: str, spelled: str, numbers: range
) -> None:
    video(tmp_path, "S102T1")
    annotate(tmp_path, form, [spelled.format(number) for number in numbers])
    texts, codes, _ = boxes_of(tmp_path)
    assert texts == []
    assert "video-frame-names" in codes


@pytest.mark.parametrize("form", NAMING)
def test_names_that_count_the_frames_of_a_video_of_several(tmp_path: Path, form: str) -> None:
    video(tmp_path, "S102T1")
    video(tmp_path, "S103T1")
    annotate(tmp_path, form, [f"frame_{number:06d}.PNG" for number in range(25)])
    texts, codes, _ = boxes_of(tmp_path)
    assert texts == []
    assert "video-frame-names" in codes


@pytest.mark.parametrize("form", NAMING)
def test_names_that_count_the_frames_of_a_video_whose_trial_has_images(tmp_path: Path, form: str) -> None:
    frames(tmp_path, FIRST, SECOND)
    annotate(tmp_path, form, [f"frame_{number:06d}.PNG" for number in range(2)])
    texts, codes, _ = boxes_of(tmp_path)
    assert texts == []
    assert "video-frame-names" in codes


@pytest.mark.parametrize("form", NAMING)
def test_a_name_that_fits_frames_with_two_endings(tmp_path: Path, form: str) -> None:
    frames(tmp_path, FIRST, FIRST.replace("jpeg", "png"), SECOND)
    annotate(tmp_path, form, [FIRST.replace("jpeg", "bmp"), SECOND])
    texts, codes, _ = boxes_of(tmp_path)
    assert texts == [f"{SECOND} 11"]
    assert "several-frames-of-name" in codes


@pytest.mark.parametrize("form", NAMING)
def test_a_name_of_no_frame_among_exact_ones(tmp_path: Path, form: str) -> None:
    frames(tmp_path, *numbered("S102T1", 2))
    annotate(tmp_path, form, ["S102T1/frame_000000.jpg", "S102T1/frame_000001.jpg", "S102T1/frame_000009.jpg"])
    texts, codes, _ = boxes_of(tmp_path)
    assert texts == ["S102T1/frame_000000.jpg 10", "S102T1/frame_000001.jpg 11"]
    assert codes >= {"box-without-frame"}
    assert not codes & {"names-left-over", "video-frame-names"}
