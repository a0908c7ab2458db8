"""The size of every frame, from its own header."""

from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from socal_core.annotations.convert import convert
from socal_core.annotations.rows import KnownFrames
from socal_core.dataset import layout, sizes
from socal_core.dataset.opening import open_dataset
from socal_core.dataset.table_cache import open_cached
from tests.dataset.editing import edit_column, found, put, write_frame
from tests.dataset.test_table_cache import settle

HEAD = "trial_id,participant_id,success,trial_video_width,trial_video_height\n"


def trial(root: Path, frame_sizes: list[tuple[int, int]], declared: str = ",") -> Path:
    """One trial of plain frames, its outcomes row and, in each frame, one box over its middle half, as YOLO."""
    for number, size in enumerate(frame_sizes, start=1):
        write_frame(root, f"S1T1_frame_{number:08d}.jpeg", size)
        put(root, {f"labels/S1T1_frame_{number:08d}.txt": "0 0.5 0.5 0.5 0.5\n"})
    return put(root, {"classes.txt": "suction\n", layout.OUTCOMES_FILE: f"{HEAD}S1T1,1,1,{declared}\n"})


def test_the_header_counts_and_the_outcomes_are_contradicted(tmp_path: Path) -> None:
    data = open_dataset(trial(tmp_path, [(64, 48)] * 3, "1280,960"))
    assert data.trials.loc["S1T1", ["width", "height"]].tolist() == [64, 48]
    assert data.boxes[["x1", "y1", "x2", "y2"]].to_numpy().tolist() == [[16, 12, 48, 36]] * 3
    (problem,) = found(data, "other-size-in-outcomes")
    assert "have 64x48 pixels, and socal_trial_outcomes.csv states 1280x960" in problem.message
    assert "The headers of 3 of 3 frames were read." in [item.basis for item in data.evidence]


def test_each_frame_has_its_own_size(tmp_path: Path) -> None:
    data = open_dataset(trial(tmp_path, [(64, 48), (64, 48), (128, 96), (48, 64)], "64,48"))
    assert data.frames[["width", "height"]].to_numpy().tolist() == [[64, 48], [64, 48], [128, 96], [48, 64]]
    corners = [[16, 12, 48, 36], [16, 12, 48, 36], [32, 24, 96, 72], [12, 16, 36, 48]]
    assert data.boxes[["x1", "y1", "x2", "y2"]].to_numpy().tolist() == corners
    assert data.trials.loc["S1T1", ["width", "height"]].tolist() == [64, 48]
    (problem,) = found(data, "several-frame-sizes")
    assert problem.parameters["sizes"] == "64x48 (2), 128x96 (1), 48x64 (1)"


def test_a_turned_frame_has_the_size_that_viewers_show(tmp_path: Path) -> None:
    trial(tmp_path, [(64, 48)] * 2, "64,48")
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 8
    path = tmp_path / layout.IMAGES_DIR / "S1T1_frame_00000002.jpeg"
    Image.new("RGB", (64, 48)).save(path, exif=exif)
    data = open_dataset(tmp_path)
    assert data.frames[["width", "height"]].to_numpy().tolist() == [[64, 48], [48, 64]]
    assert data.boxes.iloc[1][["x1", "y1", "x2", "y2"]].tolist() == [12, 16, 36, 48]
    assert data.read_frame(path.name).shape == (64, 48, 3)


@pytest.mark.slow
@pytest.mark.parametrize("to", ["yolo", "coco", "voc", "csv"])
def test_every_format_is_written_with_the_size_of_each_frame(tmp_path: Path, to: str) -> None:
    data = open_dataset(trial(tmp_path / "data", [(64, 48), (128, 96), (64, 48)]))
    convert(data, tmp_path / "out", to, True, lambda done, total: None)
    again = open_dataset(tmp_path / "out")
    assert again.boxes.equals(data.boxes)
    assert not found(again, "other-frame-size")


def test_few_headers_tell_of_many_frames_and_all_where_they_differ(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sizes, "_HEADERS", 4)
    read: list[str] = []
    read_size = sizes.read_size
    monkeypatch.setattr(sizes, "read_size", lambda path: read.append(path.name) or read_size(path))
    trial(tmp_path, [(64, 48)] * 9)
    open_dataset(tmp_path)
    assert sorted(int(name[-8:-5]) for name in read) == [1, 4, 6, 9]
    write_frame(tmp_path, "S1T1_frame_00000009.jpeg", (32, 24))
    read.clear()
    data = open_dataset(tmp_path)
    assert len(read) == len(set(read)) == 9
    assert data.frames["width"].tolist() == [64] * 8 + [32]


def test_where_no_header_can_be_read_the_outcomes_count(folder: Path) -> None:
    for path in (folder / layout.IMAGES_DIR).glob("S100T1_*"):
        path.write_bytes(b"no image")
    data = open_dataset(folder)
    assert data.problems == ()
    assert data.frames_of("S100T1")["width"].tolist() == [64] * 3
    edit_column(folder / layout.OUTCOMES_FILE, "trial_video_width", "")
    data = open_dataset(folder)
    assert data.frames_of("S100T1")["width"].isna().all()
    assert np.isnan(KnownFrames(data.frames, data.trials).sizes(np.array([0]))[0, 0])
    assert len(found(data, "unreadable-frame")) == 1


def test_a_frame_that_changes_its_size_is_seen_at_the_next_opening(folder: Path) -> None:
    settle(folder)
    first = open_cached(folder)
    assert open_cached(folder).frames.equals(first.frames)
    write_frame(folder, "S100T1_frame_00000002.jpeg", (32, 24))
    assert open_cached(folder).frames_of("S100T1")["width"].tolist() == [64, 32, 64]
