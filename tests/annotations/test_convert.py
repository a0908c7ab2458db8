import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from socal_core import annotations as formats
from socal_core.annotations import coco
from socal_core.annotations.agreement import compare_formats
from socal_core.annotations.convert import convert, writable_formats
from socal_core.annotations.pairing import pair_boxes
from socal_core.annotations.rows import Format, KnownFrames
from socal_core.annotations.validate import validate
from socal_core.dataset import layout
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.folder import DataFolder
from socal_core.dataset.open_options import OpenOptions
from socal_core.dataset.opening import open_dataset
from socal_core.dataset.problems import ProblemLog
from socal_core.errors import DataError
from tests.factories import write_csv, write_dataset

KEYS = [form.key for form in writable_formats()]
WITHOUT_TRACKS = {"voc"}
"""Formats that have no place for a track id."""
ROOT = Path(__file__).resolve().parents[2]


def ignore(done: int, total: int) -> None:
    """Progress that the test does not look at."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four trials of four frames: two tracks each, a frame without a tool, an uncommon label at the edges."""
    root = write_dataset(tmp_path / "data", surgeons=2, frames=4)
    rows: list[list[object]] = []
    for trial in ("S100T1", "S100T2", "S101T1", "S101T2"):
        names = [f"{trial}_frame_{number:08d}.jpeg" for number in range(1, 5)]
        rows += [[name, 2 + place, 5, 12 + place, 20, "suction", 1] for place, name in enumerate(names[:3])]
        rows += [[names[0], 0, 0, 64, 48, "bipolar", 7], [names[2], 33, 11, 46, 31, "bipolar", 7], [names[3]]]
    write_csv(root / layout.BOXES_FILE, rows, (*layout.BOX_COLUMNS, "tracking_id"))
    return root


def content_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def move_frames(folder: Path, images_dir: str) -> None:
    for path in (folder / layout.IMAGES_DIR).iterdir():
        (folder / images_dir).mkdir(exist_ok=True)
        path.rename(folder / images_dir / path.name)
    (folder / layout.IMAGES_DIR).rmdir() if images_dir != layout.IMAGES_DIR else None


def without_track_ids(boxes: pd.DataFrame) -> pd.DataFrame:
    return boxes.assign(track_id=pd.Series(pd.NA, boxes.index, dtype="Int64"))


def assert_equal(before: Dataset, after: Dataset, tracks: bool = True) -> None:
    pd.testing.assert_frame_equal(before.trials, after.trials)
    frames = [data.frames.drop(columns="annotation_file") for data in (before, after)]
    pd.testing.assert_frame_equal(*frames)
    boxes = before.boxes if tracks else without_track_ids(before.boxes)
    pd.testing.assert_frame_equal(boxes, after.boxes)
    assert before.images_dir == after.images_dir


@pytest.mark.sampled(2)
@pytest.mark.parametrize("images_dir", [layout.IMAGES_DIR, "images", ""])
@pytest.mark.parametrize("key", KEYS)
def test_the_result_is_the_same_data_set(folder: Path, tmp_path: Path, key: str, images_dir: str) -> None:
    move_frames(folder, images_dir)
    before, untouched = open_dataset(folder), content_of(folder)
    out = tmp_path / "deep" / "out"
    convert(before, out, key, True, ignore)
    after = open_dataset(out, OpenOptions(boxes=key))
    assert after.box_formats == (key,)
    assert_equal(before, after, key not in WITHOUT_TRACKS)
    assert content_of(folder) == untouched
    made = content_of(out)
    copied = {name for name in untouched if name != layout.BOXES_FILE}
    assert {name: made[name] for name in copied} == {name: untouched[name] for name in copied}
    assert [path.name for path in out.parent.iterdir()] == ["out"]


@pytest.mark.slow
@pytest.mark.sampled(2)
@pytest.mark.parametrize("key", KEYS)
def test_back_to_csv_it_has_the_same_bytes(folder: Path, tmp_path: Path, key: str) -> None:
    if key in WITHOUT_TRACKS:
        rows = open_dataset(folder)
        write_csv(folder / layout.BOXES_FILE, rows.boxes[list(layout.BOX_COLUMNS)].to_numpy().tolist())
    convert(open_dataset(folder), tmp_path / "first", "csv", True, ignore)
    convert(open_dataset(folder), tmp_path / "there", key, True, ignore)
    convert(open_dataset(tmp_path / "there"), tmp_path / "back", "csv", True, ignore)
    first, back = ((tmp_path / name / layout.BOXES_FILE).read_bytes() for name in ("first", "back"))
    assert first.count(b"\n") >= 24
    assert first == back


@pytest.mark.sampled(2)
@pytest.mark.parametrize("key", KEYS)
def test_the_same_data_gives_the_same_bytes(folder: Path, tmp_path: Path, key: str) -> None:
    for name in ("one", "two"):
        convert(open_dataset(folder), tmp_path / name, key, False, ignore)
    assert content_of(tmp_path / "one") == content_of(tmp_path / "two")


@pytest.mark.slow
@pytest.mark.parametrize("key", [key for key in KEYS if key != "csv"])
def test_original_and_converted_boxes_agree(folder: Path, tmp_path: Path, key: str) -> None:
    convert(open_dataset(folder), tmp_path / "out", key, True, ignore)
    shutil.copy(folder / layout.BOXES_FILE, tmp_path / "out")
    agreement = compare_formats(tmp_path / "out")
    assert agreement.formats == ("csv", key)
    assert agreement.boxes == {"csv": 20, key: 20}
    assert agreement.summary[["label", "exact"]].to_numpy().tolist() == [["suction", 12], ["bipolar", 8]]
    assert agreement.details.empty


def test_without_frames_there_are_only_tables_and_boxes(folder: Path, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    convert(open_dataset(folder), tmp_path / "out", "csv", False, lambda *step: told.append(step))
    tables = {layout.OUTCOMES_FILE, layout.DEMOGRAPHICS_FILE, layout.MAPPING_FILE}
    assert set(content_of(tmp_path / "out")) == {layout.BOXES_FILE, *tables}
    assert told == [(1, 1)]


def test_progress_counts_the_files(folder: Path, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    convert(open_dataset(folder), tmp_path / "out", "csv", True, lambda *step: told.append(step))
    assert told == [(done, 17) for done in range(1, 18)]


def test_tables_that_are_not_there_are_not_made(folder: Path, tmp_path: Path) -> None:
    (folder / layout.MAPPING_FILE).unlink()
    (folder / layout.DEMOGRAPHICS_FILE).unlink()
    before = open_dataset(folder)
    convert(before, tmp_path / "out", "csv", True, ignore)
    assert_equal(before, open_dataset(tmp_path / "out"))
    assert not (tmp_path / "out" / layout.MAPPING_FILE).exists()


TITLES = {"success": "Erfolg, ja/nein", "tth": "Zeit", "trial_id": "Trial", "blood_loss": "tth"}
"""SOCAL's title, the file's; `tth` is another column here."""


def retitle(folder: Path, titles: dict[str, str]) -> list[str]:
    """Put other titles in the outcomes file, whose column of cottonoids is now called success; its lines."""
    path = folder / layout.OUTCOMES_FILE
    header = [titles.get(title, title) for title in layout.OUTCOME_COLUMNS]
    header[layout.OUTCOME_COLUMNS.index("cottonoid")] = "success"
    rows = [line.split(",") for line in path.read_text().splitlines()[1:]]
    write_csv(path, rows, tuple(header))
    return path.read_text().splitlines()


@pytest.mark.sampled(2)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "cp1252", "latin-1"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_mapped_columns_get_the_titles_of_socal(folder: Path, tmp_path: Path, encoding: str, end: str) -> None:
    lines = [*retitle(folder, TITLES), "S999T9,999,,,,,,0,,,Größe" + "\x81" * (encoding == "latin-1"), " ,"]
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    (folder / layout.OUTCOMES_FILE).write_bytes(f"{mark}{end}{end.join(lines)}".encode(encoding))
    options = OpenOptions(columns=tuple(TITLES.items()))
    before = open_dataset(folder, options)
    assert before.trials["usable"].sum() == 4
    convert(before, tmp_path / "out", "csv", True, ignore, options)
    after = open_dataset(tmp_path / "out")
    # SOCAL's title hides the file's own column of that name, until it has a title of its own.
    cottonoids = after.trials.pop("success (not used)")
    assert list(cottonoids) == ["20", "20", "20", "20", ""]
    assert_equal(before, after)
    titles = [title if title != "cottonoid" else "success (not used)" for title in layout.OUTCOME_COLUMNS]
    expected = f"{mark}{end}{end.join([','.join(titles), *lines[1:]])}".encode(encoding)
    assert (tmp_path / "out" / layout.OUTCOMES_FILE).read_bytes() == expected


@pytest.mark.sampled(2)
@pytest.mark.parametrize("content", [None, b"", b"\n\n", b"Trial\n", b'"Trial\n'])
def test_outcomes_that_say_nothing_are_copied_too(folder: Path, tmp_path: Path, content: bytes | None) -> None:
    path, options = folder / layout.OUTCOMES_FILE, OpenOptions(columns=(("success", "Erfolg"),))
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    before = open_dataset(folder, options)
    convert(before, tmp_path / "out", "csv", True, ignore, options)
    made = tmp_path / "out" / layout.OUTCOMES_FILE
    assert_equal(before, open_dataset(tmp_path / "out"))
    assert made.exists() == (content is not None)


def test_a_column_that_is_read_twice_has_no_title(folder: Path, tmp_path: Path) -> None:
    options = OpenOptions(columns=(("tth", "blood_loss"),))
    with pytest.raises(DataError, match="tth and blood_loss are both read from the column blood_loss"):
        convert(open_dataset(folder, options), tmp_path / "out", "csv", False, ignore, options)
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_an_empty_folder_is_filled(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    convert(open_dataset(folder), tmp_path / "out", "csv", True, ignore)
    assert len(open_dataset(tmp_path / "out").frames) == 16


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", ["", "data", "data/out", "data/JPEGImages/out", "link/out", "data/../data/out"])
def test_nothing_is_written_into_the_data_folder(folder: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "link").symlink_to(folder)
    before, untouched = open_dataset(folder), content_of(folder)
    with pytest.raises(DataError, match=r"lies in the data folder|something in it"):
        convert(before, tmp_path / name, "csv", True, ignore)
    assert content_of(folder) == untouched
    assert not (tmp_path / ".data.tmp").exists()


@pytest.mark.parametrize("kind", ["full", "file", "link"])
def test_what_is_there_stays(folder: Path, tmp_path: Path, kind: str) -> None:
    out = tmp_path / "out"
    if kind == "file":
        out.write_text("mine")
    elif kind == "link":
        (tmp_path / "other").mkdir()
        out.symlink_to(tmp_path / "other")
    else:
        out.mkdir()
        (out / "mine.txt").write_text("mine")
    with pytest.raises(DataError, match="out is there already"):
        convert(open_dataset(folder), out, "csv", True, ignore)
    assert not list((tmp_path / "other").glob("*"))
    assert kind == "link" or [path.read_text() for path in (out, out / "mine.txt") if path.is_file()] == ["mine"]


@pytest.mark.parametrize("name", ["a\0b", "x" * 300, "..", "."])
def test_a_name_that_is_none(folder: Path, tmp_path: Path, name: str) -> None:
    data = open_dataset(folder)
    with pytest.raises(DataError):
        convert(data, Path(name) if name.startswith(".") else tmp_path / name, "csv", True, ignore)


def test_a_format_without_a_writer_is_refused(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Format("seen", "Seen text", coco.find, coco.read)
    monkeypatch.setattr(formats, "FORMATS", (*formats.FORMATS, reader))
    with pytest.raises(DataError, match=r"Seen text is read but not written. Choose one of csv"):
        convert(open_dataset(folder), tmp_path / "out", "seen", True, ignore)
    with pytest.raises(DataError, match="no box format 'unheard'"):
        convert(open_dataset(folder), tmp_path / "out", "unheard", True, ignore)


@pytest.mark.skipif("yolo" not in KEYS, reason="this build has no YOLO")
def test_shares_of_a_frame_need_its_size(folder: Path, tmp_path: Path) -> None:
    (folder / layout.OUTCOMES_FILE).unlink()
    for frame in (folder / layout.IMAGES_DIR).glob("S100T2*"):
        frame.write_bytes(b"")
    with pytest.raises(DataError, match="S100T2"):
        convert(open_dataset(folder), tmp_path / "out", "yolo", True, ignore)
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_a_full_disk_is_said_before_copying(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socal_core.disk.RESERVE", 10**18)
    told: list[int] = []
    with pytest.raises(DataError, match=r"out needs .* GB, .* GB are free"):
        convert(open_dataset(folder), tmp_path / "new" / "out", "csv", True, lambda done, total: told.append(done))
    assert told == []
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_a_frame_that_is_gone(folder: Path, tmp_path: Path, when: str) -> None:
    data = open_dataset(folder)
    name = "S101T2_frame_00000004.jpeg"

    def remove(done: int, total: int) -> None:
        (folder / layout.IMAGES_DIR / name).unlink(missing_ok=True)

    if when == "before":
        remove(0, 0)
    with pytest.raises(DataError, match=f"JPEGImages/{name} cannot be copied: No such file"):
        convert(data, tmp_path / "out", "csv", True, remove)
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


@pytest.mark.slow
def test_a_kill_leaves_nothing_that_looks_complete(folder: Path, tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path\n"
        "from socal_core.annotations.convert import convert\n"
        "from socal_core.dataset.opening import open_dataset\n"
        "convert(open_dataset(sys.argv[1]), Path(sys.argv[2]), 'csv', True,"
        " lambda done, total: done > 9 and os._exit(9))"
    )
    out = tmp_path / "out"
    result = subprocess.run([sys.executable, "-c", code, folder, out], check=False, cwd=ROOT)
    assert result.returncode == 9
    assert sorted(path.name for path in tmp_path.iterdir()) == [".out.tmp", "data"]
    convert(open_dataset(folder), out, "csv", True, ignore)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "out"]
    assert len(open_dataset(out).frames) == 16


def test_a_link_in_the_place_of_the_temporary_folder_is_not_followed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine.txt").write_text("mine")
    (tmp_path / ".out.tmp").symlink_to(tmp_path / "other")
    with pytest.raises(DataError, match="is a link"):
        convert(open_dataset(folder), tmp_path / "out", "csv", True, ignore)
    assert (tmp_path / "other" / "mine.txt").read_text() == "mine"


def test_a_folder_that_may_not_be_written(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "place").write_text("a file where a folder should be")
    with pytest.raises(DataError, match="out cannot be written"):
        convert(open_dataset(folder), tmp_path / "place" / "out", "csv", True, ignore)


@pytest.mark.slow
def test_folders_of_trials_keep_their_shape(folder: Path, tmp_path: Path) -> None:
    images = folder / layout.IMAGES_DIR
    for path in list(images.iterdir()):
        trial = path.name.partition("_")[0]
        (images / trial).mkdir(exist_ok=True)
        path.rename(images / trial / path.name.rpartition("_")[2])
    for name in (layout.BOXES_FILE, layout.MAPPING_FILE):
        text = (folder / name).read_text().replace("_frame_", "/")
        (folder / name).write_text(text)
    before = open_dataset(folder)
    assert len(before.boxes) == 20
    for key in KEYS:
        convert(before, tmp_path / key, key, True, ignore)
        assert_equal(before, open_dataset(tmp_path / key), key not in WITHOUT_TRACKS)


def test_a_video_goes_along(folder: Path, tmp_path: Path) -> None:
    trial = "S101T2"
    path = folder / f"{trial}.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 1, (64, 48))
    for _ in range(4):
        writer.write(np.zeros((48, 64, 3), np.uint8))
    writer.release()
    for frame in (folder / layout.IMAGES_DIR).glob(f"{trial}_*"):
        frame.unlink()
    before = open_dataset(folder)
    assert list(before.videos) == [trial]
    convert(before, tmp_path / "out", "coco" if "coco" in KEYS else "csv", True, ignore)
    after = open_dataset(tmp_path / "out")
    assert_equal(before, after)
    assert after.videos == before.videos
    assert (tmp_path / "out" / path.name).read_bytes() == path.read_bytes()


def test_the_real_trials(real_trials: Path, tmp_path: Path) -> None:
    before = open_dataset(real_trials)
    known = KnownFrames(before.frames, before.trials)
    for key in KEYS:
        convert(before, tmp_path / key, key, False, ignore)
        # The frames are not copied: the annotations alone are read, against those of the original.
        made, log, form = DataFolder(tmp_path / key), ProblemLog(), formats.format_of(key)
        files = form.find(made)
        after = validate(form.read(made, files, known, log), files[0], known, log)
        assert pair_boxes(before.boxes, after)["kind"].unique().tolist() == ["exact"]
        assert {problem.code for problem in log.problems()} <= {"unknown-label"}
