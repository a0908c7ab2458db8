"""YOLO text files that were written, and read again."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from socal_core.annotations import yolo
from socal_core.annotations.rows import KnownFrames
from socal_core.annotations.validate import validate
from socal_core.dataset import layout
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.folder import DataFolder
from socal_core.dataset.opening import open_dataset
from socal_core.dataset.problems import ProblemLog
from socal_core.errors import DataError
from tests.annotations.yolo_files import SECOND, STEM, read
from tests.dataset.editing import with_boxes
from tests.factories import write_dataset


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Two trials of three frames, 64x48 pixels."""
    root = write_dataset(tmp_path_factory.mktemp("sound") / "data", surgeons=1, frames=3)
    data = open_dataset(root)
    (root / layout.BOXES_FILE).unlink()
    return data


def written(data: Dataset, root: Path) -> Path:
    root.mkdir()
    yolo.write(data, root)
    return root


LABELS = st.text("abcdefg xyzäß-_#:", min_size=1, max_size=8).map(str.strip).filter(bool)


@st.composite
def many_boxes(draw: st.DrawFn) -> list[tuple[object, ...]]:
    """Boxes of six frames of 1919x1079 pixels, with track ids for all of them or for some."""
    boxes: list[tuple[object, ...]] = []
    for at in range(6):
        for number in range(draw(st.integers(0, 3))):
            x1, y1 = draw(st.integers(0, 1918)), draw(st.integers(0, 1078))
            x2, y2 = draw(st.integers(x1 + 1, 1919)), draw(st.integers(y1 + 1, 1079))
            boxes.append((at, x1, y1, x2, y2, draw(LABELS), number))
    if boxes and draw(st.booleans()):
        boxes[0] = (*boxes[0][:6], None)
    return list({box[:6]: box for box in boxes}.values())


@settings(
    max_examples=settings().max_examples // 3,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(drawn=many_boxes())
def test_what_is_written_is_read_again(
    sound: Dataset, drawn: list[tuple[object, ...]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    trials = sound.trials.assign(width=1919, height=1079).astype({"width": "Int64", "height": "Int64"})
    data = with_boxes(replace(sound, trials=trials, frames=unsized(sound)), drawn)
    root = written(data, tmp_path_factory.mktemp("yolo") / "out")
    known, log, folder = KnownFrames(data.frames, data.trials), ProblemLog(), DataFolder(root)
    boxes = validate(yolo.read(folder, yolo.find(folder), known, log), "labels", known, log)
    if data.boxes["track_id"].isna().any():  # all have one, or none is written
        data = replace(data, boxes=data.boxes.assign(track_id=pd.array([pd.NA] * len(boxes), "Int64")))
    pd.testing.assert_frame_equal(boxes, data.boxes)
    assert {problem.code for problem in log.problems()} <= {
        "similar-labels",
        "sixth-field-is-class",
        "sixth-field-is-track-id",
        "unknown-label",
    }
    again = written(replace(data, boxes=boxes), root.parent / "again")
    assert contents(again) == contents(root)


def unsized(data: Dataset) -> pd.DataFrame:
    """Its frames without a size of their own: that of the trial counts."""
    return data.frames.drop(columns=["width", "height"])


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*.txt")}


def test_a_data_folder_opens_with_what_was_written(folder: Path) -> None:
    before = open_dataset(folder)
    (folder / layout.BOXES_FILE).unlink()
    yolo.write(before, folder)
    data = open_dataset(folder)
    assert data.box_format == "yolo"
    assert data.problems == ()
    pd.testing.assert_frame_equal(data.boxes, before.boxes)


def test_socal_labels_always_have_the_same_number(sound: Dataset, tmp_path: Path) -> None:
    root = written(with_boxes(sound, [(0, 0, 0, 64, 48, "scalpel", 5), (1, 8, 6, 24, 18, "bone", 5)]), tmp_path / "out")
    assert (root / "classes.txt").read_text().split() == [*layout.LABELS, "bone"]
    assert (root / "labels" / f"{STEM}.txt").read_text() == "7 0.50000000 0.50000000 1.00000000 1.00000000 5\n"
    assert (root / "labels" / f"{SECOND}.txt").read_text() == "8 0.25000000 0.25000000 0.25000000 0.25000000 5\n"
    assert (root / "labels" / "S100T2_frame_00000003.txt").read_bytes() == b""
    assert len(contents(root)) == 7


def test_an_id_twice_in_a_frame_is_not_written(sound: Dataset, tmp_path: Path) -> None:
    root = written(with_boxes(sound, [(0, 0, 0, 9, 9, "drill", 5), (0, 8, 6, 24, 18, "tool", 5)]), tmp_path / "out")
    assert [len(line.split()) for line in (root / "labels" / f"{STEM}.txt").read_text().splitlines()] == [5, 5]


def test_frames_below_a_folder_are_written_below_one(sound: Dataset, tmp_path: Path) -> None:
    data = replace(
        with_boxes(sound, []), frames=sound.frames.assign(frame=[f"{trial}/{at}.jpg" for at, trial in NESTED])
    )
    root = written(with_boxes(data, [(4, 1, 2, 3, 4, "drill", None)]), tmp_path / "out")
    assert (root / "labels" / "S100T2" / "4.txt").read_text().startswith("5 ")
    rows, _ = read(root, KnownFrames(data.frames, data.trials))
    assert rows.boxes["frame"].tolist() == ["S100T2/4.jpg"]


NESTED = list(enumerate(["S100T1"] * 3 + ["S100T2"] * 3))


def test_without_a_size_nothing_is_written(sound: Dataset, tmp_path: Path) -> None:
    trials = sound.trials.assign(width=pd.array([64, pd.NA], "Int64"))
    data = replace(sound, trials=trials, frames=unsized(sound))
    with pytest.raises(DataError, match="frame size of S100T2 is not known"):
        yolo.write(data, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_frames_that_share_a_stem_are_not_written(sound: Dataset, tmp_path: Path) -> None:
    frames = sound.frames.assign(frame=["a.jpg", "a.png", "b.jpg", "c.jpg", "d.jpg", "e.jpg"])
    with pytest.raises(DataError, match="called a, with other endings"):
        yolo.write(replace(with_boxes(sound, []), frames=frames), tmp_path)
    assert list(tmp_path.iterdir()) == []
