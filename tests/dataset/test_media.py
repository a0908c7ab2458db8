import shutil
from pathlib import Path

import pytest

from socal_core.dataset import layout
from socal_core.dataset.opening import open_dataset
from socal_core.errors import DataError
from tests.dataset.editing import found

SOUND = 24  # frames of `folder`


def into_trial_folders(root: Path) -> None:
    """JPEGImages/S100T1/00000001.jpeg in place of JPEGImages/S100T1_frame_00000001.jpeg."""
    images = root / layout.IMAGES_DIR
    for path in sorted(images.iterdir()):
        trial, _, own = path.name.partition("_frame_")
        (images / trial).mkdir(exist_ok=True)
        path.rename(images / trial / own)


def into_the_root(root: Path) -> None:
    for path in sorted((root / layout.IMAGES_DIR).iterdir()):
        path.rename(root / path.name)
    (root / layout.IMAGES_DIR).rmdir()


def trial_folders_in_the_root(root: Path) -> None:
    into_trial_folders(root)
    into_the_root(root)


def into_split_folders(root: Path) -> None:
    (root / layout.IMAGES_DIR).rename(root / "images")
    for number, path in enumerate(sorted((root / "images").iterdir())):
        side = root / "images" / ("train" if number % 3 else "val")
        side.mkdir(exist_ok=True)
        path.rename(side / path.name)


def as_frames(root: Path) -> None:
    (root / layout.IMAGES_DIR).rename(root / "frames")


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("change", "images_dir"),
    [
        (into_trial_folders, layout.IMAGES_DIR),
        (into_the_root, ""),
        (trial_folders_in_the_root, ""),
        (into_split_folders, "images"),
        (as_frames, "frames"),
    ],
)
def test_the_same_trials_from_every_place(folder: Path, change: object, images_dir: str) -> None:
    expected = open_dataset(folder)
    (folder / layout.MAPPING_FILE).unlink()
    (folder / layout.BOXES_FILE).unlink()
    assert callable(change)
    change(folder)
    data = open_dataset(folder)
    assert data.images_dir == images_dir
    assert data.trials.equals(expected.trials)
    assert data.frames[["trial_id", "position", "second"]].equals(expected.frames[["trial_id", "position", "second"]])
    assert {problem.code for problem in data.problems} == {"no-mapping-file", "no-boxes-file"}
    for before, after in zip(expected.frames["frame"], data.frames["frame"], strict=True):
        assert before.endswith(after.split("/")[-1])
        assert data.file_of(after).is_file()
    assert (data.read_frame(data.frames["frame"].iloc[0]).shape) == (48, 64, 3)


def test_a_mapping_and_boxes_name_frames_in_trial_folders(folder: Path) -> None:
    expected = open_dataset(folder)
    into_trial_folders(folder)
    for name in (layout.MAPPING_FILE, layout.BOXES_FILE):
        text = (folder / name).read_text()
        (folder / name).write_text(text.replace("_frame_", "/"))
    data = open_dataset(folder)
    assert data.problems == ()
    columns = ["trial_id", "position", "x1", "y1", "x2", "y2", "label"]
    assert data.boxes[columns].equals(expected.boxes[columns])


def test_a_frame_without_number_in_a_trial_folder_is_named(folder: Path) -> None:
    into_trial_folders(folder)
    images = folder / layout.IMAGES_DIR / "S100T1"
    shutil.copy(images / "00000001.jpeg", images / "title.jpeg")
    data = open_dataset(folder)
    (problem,) = found(data, "frame-without-trial")
    assert problem.path == "JPEGImages/S100T1/title.jpeg"
    assert len(data.frames) == SOUND


def test_a_link_to_frames_outside_is_not_followed(folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    shutil.copytree(folder / layout.IMAGES_DIR, outside)
    name = "S100T1_frame_00000001.jpeg"
    (folder / layout.IMAGES_DIR / name).unlink()
    (folder / layout.IMAGES_DIR / name).symlink_to(outside / name)
    data = open_dataset(folder)
    assert len(data.frames) == SOUND - 1
    assert [problem.path for problem in found(data, "linked-frame")] == [f"{layout.IMAGES_DIR}/{name}"]
    shutil.rmtree(folder / layout.IMAGES_DIR)
    (folder / layout.IMAGES_DIR).symlink_to(outside)
    with pytest.raises(DataError, match=r"JPEGImages cannot be read \(it is a link that leads out"):
        open_dataset(folder)


def test_annotations_beside_their_frames_are_in_their_place(folder: Path) -> None:
    images = folder / layout.IMAGES_DIR
    (images / "S100T1_frame_00000001.txt").touch()
    (images / "notes.txt").touch()
    data = open_dataset(folder)
    assert [problem.path for problem in found(data, "not-a-frame")] == ["JPEGImages/notes.txt"]


def test_an_archive_that_is_not_unpacked_is_named(folder: Path) -> None:
    shutil.rmtree(folder / layout.IMAGES_DIR)
    (folder / "frames.zip").touch()
    with pytest.raises(DataError, match=r"frames\.zip is not unpacked"):
        open_dataset(folder)
