import os
import time
from pathlib import Path

import pandas as pd
import pytest

from socal_core.annotations import track_cache as tracked
from socal_core.annotations.tracker import track_all
from socal_core.dataset import layout
from socal_core.dataset import table_cache as cache
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.open_options import OpenOptions
from socal_core.dataset.opening import open_dataset
from socal_core.dataset.table_cache import open_cached
from socal_core.errors import DataError
from tests.dataset.editing import append_line, write_frame
from tests.dataset.test_video import write_video


def settle(root: Path) -> None:
    """As if the folder had been left alone for an hour."""
    an_hour_ago = time.time() - 3600
    for path in (root, *root.rglob("*")):
        os.utime(path, (an_hour_ago, an_hour_ago))


@pytest.fixture
def settled(folder: Path) -> Path:
    settle(folder)
    return folder


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """One entry for each time that a folder is really read."""
    calls: list[str] = []
    read = cache.read_folder

    def counted(*arguments: object) -> Dataset:
        calls.append("read")
        return read(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(cache, "read_folder", counted)
    return calls


def assert_same(one: Dataset, other: Dataset) -> None:
    for name in ("trials", "frames", "boxes"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(other, name))
    for name in ("problems", "outcome_rows", "images_dir", "videos", "box_format", "box_formats", "fingerprint"):
        assert getattr(one, name) == getattr(other, name), name


def test_the_second_opening_gives_the_same_and_reads_nothing(settled: Path, readings: list[str]) -> None:
    append_line(settled / layout.BOXES_FILE, "S100T1_frame_00000001.jpeg,9,9,1,1,suction")
    write_video(settled / "S900T1.mp4", 2)
    settle(settled)
    first, second = open_cached(settled), open_cached(settled)
    assert readings == ["read"]
    assert_same(first, second)
    assert_same(second, open_dataset(settled))
    assert first.problems


def test_what_has_only_just_changed_is_not_kept(folder: Path, readings: list[str]) -> None:
    assert_same(open_cached(folder), open_cached(folder))
    assert len(readings) == 2


def edit_in_place(root: Path) -> None:
    with (root / layout.OUTCOMES_FILE).open("r+") as file:
        text = file.read()
        file.seek(0)
        file.write(text.replace(",250,", ",251,"))


def edit_same_size_and_folder_time(root: Path) -> None:
    edit_in_place(root)
    os.utime(root, ns=(root.stat().st_atime_ns, 10**18))
    os.utime(root, (time.time() - 3600,) * 2)


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    "change",
    [
        edit_in_place,
        edit_same_size_and_folder_time,
        lambda root: write_frame(root, "S100T1_frame_00000009.jpeg"),
        lambda root: next((root / layout.IMAGES_DIR).iterdir()).unlink(),
        lambda root: append_line(root / layout.BOXES_FILE, "S100T1_frame_00000001.jpeg,1,1,9,9,muscle"),
        lambda root: (root / layout.DEMOGRAPHICS_FILE).unlink(),
        lambda root: (root / layout.TRACKS_FILE).write_text(""),
        lambda root: (root / "classes.txt").write_text("suction"),
    ],
)
def test_a_change_on_disk_is_seen(settled: Path, readings: list[str], change: object) -> None:
    open_cached(settled)
    assert callable(change)
    change(settled)
    assert_same(open_cached(settled), open_dataset(settled))
    assert len(readings) == 2


def test_other_options_are_another_entry(settled: Path, readings: list[str]) -> None:
    renamed = OpenOptions(columns=(("success", "muscle_success"),))
    assert not open_cached(settled).trials.equals(open_cached(settled, renamed).trials.assign(usable=False))
    open_cached(settled), open_cached(settled, renamed)
    assert len(readings) == 2


@pytest.mark.slow
@pytest.mark.parametrize("pattern", ["*.json", "*/trials.parquet", "*/frames.parquet", "*/boxes.parquet"])
def test_a_damaged_entry_is_read_anew(settled: Path, workspace: Path, readings: list[str], pattern: str) -> None:
    first = open_cached(settled)
    (path,) = (workspace / "cache" / "datasets").glob(pattern)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    assert_same(open_cached(settled), first)
    assert len(readings) == 2
    assert_same(open_cached(settled), first)
    assert len(readings) == 2


def test_a_kept_table_without_a_column_is_read_anew(settled: Path, workspace: Path, readings: list[str]) -> None:
    first = open_cached(settled)
    (path,) = (workspace / "cache" / "datasets").glob("*/frames.parquet")
    pd.read_parquet(path).drop(columns="second").to_parquet(path)
    assert_same(open_cached(settled), first)
    assert len(readings) == 2


def test_nothing_is_written_into_the_data_folder(settled: Path) -> None:
    before = sorted(settled.rglob("*"))
    tracked.tracked_boxes(open_cached(settled))
    assert sorted(settled.rglob("*")) == before


def test_a_workspace_that_cannot_be_written_to_costs_only_time(
    settled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, readings: list[str]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("SOCAL_WORKSPACE", str(tmp_path / "file" / "workspace"))
    data = open_cached(settled)
    assert len(tracked.tracked_boxes(data)) == len(data.boxes)
    open_cached(settled)
    assert len(readings) == 2


@pytest.mark.slow
def test_the_oldest_entries_go(
    settled: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch, readings: list[str]
) -> None:
    monkeypatch.setattr(cache, "KEPT", 2)
    columns = ("tth", "muscle", "cottonoid")
    for column in columns:
        open_cached(settled, OpenOptions(columns=((column, "blood_loss"),)))
    assert len(list((workspace / "cache" / "datasets").glob("*.json"))) == 2
    open_cached(settled, OpenOptions(columns=((columns[2], "blood_loss"),)))
    assert len(readings) == 3
    open_cached(settled, OpenOptions(columns=((columns[0], "blood_loss"),)))
    assert len(readings) == 4


def test_a_folder_that_has_gone_is_an_error_as_ever(settled: Path, tmp_path: Path) -> None:
    open_cached(settled)
    settled.rename(tmp_path / "elsewhere")
    with pytest.raises(DataError, match="there is no such folder"):
        open_cached(settled)


def test_tracks_are_made_once_for_a_version_of_the_boxes(settled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = open_cached(settled)
    expected = track_all(data.boxes)
    pd.testing.assert_frame_equal(tracked.tracked_boxes(data), expected)

    def never(boxes: pd.DataFrame) -> pd.DataFrame:
        raise AssertionError("the tracks are kept already")

    monkeypatch.setattr(tracked, "track_all", never)
    pd.testing.assert_frame_equal(tracked.tracked_boxes(open_cached(settled)), expected)
    append_line(settled / layout.BOXES_FILE, "S100T1_frame_00000001.jpeg,1,1,9,9,muscle")
    with pytest.raises(AssertionError, match="kept already"):
        tracked.tracked_boxes(open_cached(settled))


def test_the_fingerprint_is_that_of_the_data(settled: Path, tmp_path: Path) -> None:
    first = open_dataset(settled).fingerprint
    copy = tmp_path / "copy"
    settled.rename(copy)
    assert open_dataset(copy).fingerprint == first
    edit_in_place(copy)
    assert open_dataset(copy).fingerprint != first
