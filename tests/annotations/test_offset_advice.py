"""socal_core.annotations.offset_advice: refused files of a trial with a tool that moves."""

from pathlib import Path

import pytest
from PIL import Image

from socal_core.annotations.offset_advice import OffsetAdvice, advise, refused_files
from socal_core.dataset import layout
from socal_core.dataset.opening import open_dataset
from tests.annotations.matching_files import frames
from tests.annotations.test_offsets import LENGTH, made_trial
from tests.dataset.editing import put

SIZED = "[Sequence]\nseqLength=90\n"


def write_trial(root: Path, seed: int = 0) -> list[tuple[int, int, int, int]]:
    """Write the frames of S102T1; returns the box of each."""
    pictures, boxes = made_trial(seed)
    (root / layout.IMAGES_DIR).mkdir(parents=True)
    for number, picture in enumerate(pictures, start=1):
        Image.fromarray(picture).save(root / layout.IMAGES_DIR / name_of(number), quality=90)
    return [tuple(box[0].astype(int).tolist()) for box in boxes]


def name_of(number: int) -> str:
    return f"S102T1_frame_{number:08d}.jpeg"


def write_mot(root: Path, boxes: list[tuple[int, int, int, int]], shift: int) -> None:
    """Write boxes whose frame numbers are too high by `shift`, and a length that does not fit."""
    rows = [
        f"{number + shift},1,{x1},{y1},{x2 - x1},{y2 - y1},1,1,1\n"
        for number, (x1, y1, x2, y2) in enumerate(boxes, start=1)
        if number + shift >= 0
    ]
    put(root, {"S102T1/gt/gt.txt": "".join(rows), "S102T1/seqinfo.ini": SIZED})


def advice_on(root: Path) -> list[OffsetAdvice | None]:
    dataset = open_dataset(root)
    assert dataset.boxes.empty
    return [advise(dataset, problem) for problem in refused_files(dataset)]


@pytest.mark.slow
@pytest.mark.parametrize("shift", [-1, 0, 2])
def test_the_numbering_of_mot_is_found(tmp_path: Path, shift: int) -> None:
    write_mot(tmp_path, write_trial(tmp_path), shift)
    (advice,) = advice_on(tmp_path)
    assert advice is not None
    assert (advice.path, advice.line, advice.frame) == ("S102T1/gt/gt.txt", 1, name_of(1))
    assert advice.order == "in time"
    assert f"the box in line 1 seems to be of frame {name_of(1)}" in advice.text()


@pytest.mark.parametrize("start", [0, 7])
def test_the_start_of_a_shorter_cvat_task_is_found(tmp_path: Path, start: int) -> None:
    boxes = write_trial(tmp_path)[start : start + LENGTH - 10]
    shown = "\n".join(
        f'<box frame="{at}" outside="0" xtl="{x1}" ytl="{y1}" xbr="{x2}" ybr="{y2}"/>'
        for at, (x1, y1, x2, y2) in enumerate(boxes)
    )
    meta = f"<meta><task><name>S102T1</name><size>{len(boxes)}</size></task></meta>"
    text = f'<annotations>{meta}<track id="0" label="suction">\n{shown}\n</track></annotations>'
    put(tmp_path, {"S102T1.xml": text})
    (advice,) = advice_on(tmp_path)
    assert advice is not None
    assert (advice.line, advice.frame) == (2, name_of(start + 1))


def test_boxes_of_other_frames_get_no_advice(tmp_path: Path) -> None:
    write_trial(tmp_path)
    write_mot(tmp_path, write_trial(tmp_path / "other", seed=1), 0)
    assert advice_on(tmp_path) == [None]


def test_numbers_that_fit_in_no_way_get_no_advice(tmp_path: Path) -> None:
    write_mot(tmp_path, write_trial(tmp_path), 55)
    assert advice_on(tmp_path) == [None]


def test_broken_frames_are_passed_over(tmp_path: Path) -> None:
    write_mot(tmp_path, write_trial(tmp_path), 1)
    for number in (5, 20):
        (tmp_path / layout.IMAGES_DIR / name_of(number)).write_bytes(b"no image")
    (advice,) = advice_on(tmp_path)
    assert advice is not None
    assert advice.frame == name_of(1)


@pytest.mark.slow
def test_problems_that_are_only_counted_are_no_files(tmp_path: Path) -> None:
    trials = [f"S{number}T1" for number in range(100, 152)]
    frames(tmp_path, *(f"{trial}_frame_00000001.jpeg" for trial in trials))
    put(tmp_path, {f"mot/{trial}/gt/gt.txt": "7,1,10,5,20,20,1,1,1\n" for trial in trials})
    assert len(refused_files(open_dataset(tmp_path))) == 50


def test_a_file_that_was_read_is_not_looked_at(tmp_path: Path) -> None:
    write_mot(tmp_path, write_trial(tmp_path), 0)
    (tmp_path / "S102T1" / "seqinfo.ini").unlink()
    assert refused_files(open_dataset(tmp_path)) == []
