import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from socal_core.dataset import layout
from socal_core.dataset.opening import open_dataset
from socal_core.errors import DataError
from socal_core.fetch.download import ARRIVING, check_arrived, download
from socal_core.fetch.drive import DriveLink, Fetch
from socal_core.presets import SOCAL
from tests.factories import write_dataset
from tests.fetch.playing_drive import FOLDER, tree, write_shared, zip_folder

WEB_PAGE = b"\xef\xbb\xbf \n<!DOCTYPE html><html><title>Google Drive - Quota exceeded</title></html>"


def copying(source: Path, breaks_after: int | None = None, asked: list[str] | None = None) -> Fetch:
    """Make a fetch that copies a folder instead of asking Drive, and may stop in the middle of a file."""

    def fetch(link: DriveLink, folder: Path, wanted: Callable[[str], bool], report: Callable[[str], None]) -> None:
        names = [name for name in sorted(tree(source)) if wanted(name) and not (folder / name).exists()]
        for number, name in enumerate(names):
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if number == breaks_after:
                target.with_name(f"{target.name}abcdefgh.part").write_bytes((source / name).read_bytes()[:10])
                raise DataError("Google Drive cannot be reached.")
            if asked is not None:
                asked.append(name)
            report(name)
            target.with_name(f"{target.name}abcdefgh.part").unlink(missing_ok=True)
            shutil.copy(source / name, target)

    return fetch


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    return write_shared(tmp_path / "shared")


def test_an_address_that_is_not_a_drive_link_is_refused_before_anything_is_fetched(
    shared: Path, tmp_path: Path
) -> None:
    asked: list[str] = []
    with pytest.raises(DataError, match="not a link to a Google Drive folder"):
        download("https://example.org/frames.zip", tmp_path / "out", fetch=copying(shared, asked=asked))
    assert asked == []
    assert not (tmp_path / "out").exists()


def test_a_download_that_is_stopped_anywhere_can_be_continued(shared: Path, tmp_path: Path) -> None:
    class Stopped(BaseException):
        """As a job is stopped."""

    said: list[str] = []
    download(FOLDER, tmp_path / "whole", said.append, copying(shared))
    for stop_at in range(len(said)):
        countdown = iter(range(stop_at))

        def tell(text: str, countdown: Iterator[int] = countdown) -> None:
            if next(countdown, None) is None:
                raise Stopped

        out = tmp_path / f"out-{stop_at}"
        with pytest.raises(Stopped):
            download(FOLDER, out, tell, copying(shared))
        assert (out / ARRIVING).is_dir(), "what arrived is kept"
        assert download(FOLDER, out, fetch=copying(shared)).complete
        assert tree(out) == tree(tmp_path / "whole")


# ---- what is downloaded


def test_a_shared_folder_becomes_a_data_folder(shared: Path, tmp_path: Path) -> None:
    lines: list[str] = []

    arrived = download(FOLDER, tmp_path / "new" / "out", lines.append, copying(shared))

    assert arrived.complete
    assert (set(arrived.files), arrived.missing, arrived.frames) == (set(SOCAL.tables), (), 12)
    dataset = open_dataset(tmp_path / "new" / "out")
    assert (len(dataset.frames), len(dataset.trials), len(dataset.problems)) == (12, 4, 0)
    assert "Unpacking frames.zip: 12 of 12 files" in lines
    assert not [path for path in (tmp_path / "new" / "out").iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("prefix", ["", "JPEGImages/", "frames/", "images/", "SOCAL/", "SOCAL v1/JPEGImages/"])
def test_frames_are_moved_to_jpegimages_however_the_zip_was_packed(shared: Path, tmp_path: Path, prefix: str) -> None:
    frames = tmp_path / "frames"
    with zipfile.ZipFile(shared / "frames.zip") as opened:
        opened.extractall(frames)
    zip_folder(frames, shared / "frames.zip", prefix)

    arrived = download(FOLDER, tmp_path / "out", fetch=copying(shared))

    assert arrived.complete
    assert tree(tmp_path / "out" / layout.IMAGES_DIR) == tree(frames)


def test_a_zip_with_a_whole_data_set_becomes_a_data_folder(tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "data", surgeons=2, frames=2)
    (data / "Annotations").mkdir()
    (data / "Annotations" / "a.xml").write_text("<a/>")
    (tmp_path / "shared").mkdir()
    zip_folder(data, tmp_path / "shared" / "SOCAL.zip", "SOCAL/")

    assert download(FOLDER, tmp_path / "out", fetch=copying(tmp_path / "shared")).complete

    got = tree(tmp_path / "out")
    del got["SOCAL.zip"]
    assert got == tree(data)


def test_folders_of_trials_and_annotations_next_to_frames_are_kept_together(tmp_path: Path) -> None:
    names = ["S1T1/1.jpeg", "S1T2/1.jpeg", "S3T1_frame_1.jpeg", "S3T1_frame_1.txt", "classes.txt", "labels/a.txt"]
    (tmp_path / "shared").mkdir()
    with zipfile.ZipFile(tmp_path / "shared" / "frames.zip", "w") as opened:
        for name in names:
            opened.writestr(name, b"x")

    download(FOLDER, tmp_path / "out", fetch=copying(tmp_path / "shared"))

    expected = {f"JPEGImages/{name}" for name in names[:4]} | set(names[4:]) | {"frames.zip"}
    assert set(tree(tmp_path / "out")) == expected


@pytest.mark.parametrize("already", [0, 3])
def test_frames_that_are_shared_one_by_one_appear_together(tmp_path: Path, already: int) -> None:
    data, out = write_dataset(tmp_path / "data", surgeons=2, frames=2), tmp_path / "out"
    frames = sorted((data / layout.IMAGES_DIR).iterdir())
    for path in frames[:already]:
        (out / layout.IMAGES_DIR).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, out / layout.IMAGES_DIR)
    before = tree(out)
    with pytest.raises(DataError, match="cannot be reached"):
        download(FOLDER, out, fetch=copying(data, 4))
    assert {name: content for name, content in tree(out).items() if not name.startswith(ARRIVING)} == before

    asked: list[str] = []
    assert download(FOLDER, out, fetch=copying(data, asked=asked)).complete
    assert len(asked) == len(tree(data)) - already - 4
    assert tree(out) == tree(data)


def test_several_zips_are_combined(shared: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(shared / "more.ZIP", "w") as opened:
        opened.writestr("S900T1_frame_00000001.jpeg", b"x")
    with zipfile.ZipFile(shared / "tables.zip", "w") as opened:
        opened.writestr("other.csv", b"x")
    assert download(FOLDER, tmp_path / "out", fetch=copying(shared)).frames == 13
    # A zip without frames is not unpacked.
    assert not (tmp_path / "out" / "other.csv").exists()


def test_two_zips_with_the_same_frame_are_refused(shared: Path, tmp_path: Path) -> None:
    shutil.copy(shared / "frames.zip", shared / "frames (1).zip")
    with pytest.raises(
        DataError, match=r"frames\.zip contains S100T1_frame_00000001\.jpeg, which is also in another zip"
    ):
        download(FOLDER, tmp_path / "out", fetch=copying(shared))
    assert not (tmp_path / "out" / layout.IMAGES_DIR).exists()


def test_missing_files_are_named(shared: Path, tmp_path: Path) -> None:
    (shared / layout.MAPPING_FILE).unlink()
    (shared / "frames.zip").unlink()

    arrived = download(FOLDER, tmp_path / "out", fetch=copying(shared))

    assert arrived.missing == (layout.IMAGES_DIR, layout.MAPPING_FILE)
    assert not arrived.complete
    assert any(text.startswith(f"{layout.MAPPING_FILE} is missing. Ask the person") for text in arrived.problems)
    assert any("JPEGImages or frames.zip" in text for text in arrived.problems)


@pytest.mark.parametrize(
    ("content", "reason"), [(WEB_PAGE, "it is a web page, not data"), (b"", "it is empty")], ids=["web page", "empty"]
)
def test_a_web_page_or_an_empty_file_is_deleted_and_fetched_again(
    shared: Path, tmp_path: Path, content: bytes, reason: str
) -> None:
    good = (shared / layout.BOXES_FILE).read_bytes()
    (shared / layout.BOXES_FILE).write_bytes(content)

    arrived = download(FOLDER, tmp_path / "out", fetch=copying(shared))

    assert arrived.missing == (layout.BOXES_FILE,)
    assert any(text.startswith(f"{layout.BOXES_FILE}: {reason}") for text in arrived.problems)
    assert not (tmp_path / "out" / layout.BOXES_FILE).exists()

    (shared / layout.BOXES_FILE).write_bytes(good)
    asked: list[str] = []
    assert download(FOLDER, tmp_path / "out", fetch=copying(shared, asked=asked)).complete
    assert asked == [layout.BOXES_FILE]


def test_a_web_page_in_the_data_folder_is_replaced(shared: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / layout.OUTCOMES_FILE).write_bytes(WEB_PAGE)
    (out / layout.BOXES_FILE).write_bytes(b"mine")
    assert download(FOLDER, out, fetch=copying(shared)).complete
    assert (out / layout.OUTCOMES_FILE).read_bytes() == (shared / layout.OUTCOMES_FILE).read_bytes()
    assert (out / layout.BOXES_FILE).read_bytes() == b"mine"


def test_check_arrived_reports_leftovers_and_changes_nothing(tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "data", surgeons=2, frames=2)
    images = data / layout.IMAGES_DIR
    (data / f"{layout.BOXES_FILE}abcdefgh.part").write_bytes(b"x")
    (data / "report.html").write_bytes(WEB_PAGE)
    for path in sorted(images.iterdir())[:7]:
        path.write_bytes(b"")
    (data / ARRIVING).mkdir()
    before = tree(data)

    arrived = check_arrived(data)

    assert tree(data) == before
    assert arrived.frames == 1
    empty, part, incomplete = arrived.problems
    assert part.startswith("socal.csvabcdefgh.part: it is the beginning of a file")
    assert "and 2 more: it is empty" in empty
    assert "Start it again to continue" in incomplete


def test_images_in_unexpected_folders_are_reported_and_not_counted(tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "data", surgeons=2, frames=2)
    (data / layout.IMAGES_DIR).rename(data / "SOCAL")
    (data / "S100T1").mkdir()
    shutil.copy(data / "SOCAL" / "S100T1_frame_00000001.jpeg", data / "S100T1" / "00000001.jpeg")

    arrived = check_arrived(data)

    assert arrived.frames == 1
    assert not arrived.complete
    assert [
        text for text in arrived.problems if text.startswith("There are images in SOCAL, where the app does not look")
    ]


# ---- interruptions


@pytest.mark.parametrize("done", range(5))
def test_an_interrupted_download_continues_and_never_looks_complete(shared: Path, tmp_path: Path, done: int) -> None:
    out, asked = tmp_path / "out", []
    with pytest.raises(DataError, match="cannot be reached"):
        download(FOLDER, out, fetch=copying(shared, done, asked))
    assert [path.name for path in out.iterdir()] == [ARRIVING]
    with pytest.raises(DataError):
        open_dataset(out)

    assert download(FOLDER, out, fetch=copying(shared, asked=asked)).complete

    assert sorted(asked) == sorted(tree(shared))
    assert [path.name for path in out.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("line", ["Unpacking frames.zip: 0", "Unpacking frames.zip: 12", "Checking"])
def test_a_download_killed_while_unpacking_leaves_no_frames(shared: Path, tmp_path: Path, line: str) -> None:
    out = tmp_path / "out"

    def killed(text: str) -> None:
        if text.startswith(line):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download(FOLDER, out, killed, copying(shared))
    assert not (out / layout.IMAGES_DIR).exists()

    asked: list[str] = []
    assert download(FOLDER, out, fetch=copying(shared, asked=asked)).complete
    assert asked == []


@pytest.mark.parametrize("packed", ["frames", "all", "nothing"])
def test_a_download_killed_before_the_frames_are_moved_has_all_other_files_and_continues(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packed: str
) -> None:
    out, source = tmp_path / "out", shared
    if packed != "frames":
        source = write_dataset(tmp_path / "data", surgeons=2, frames=3)
    if packed == "all":
        (tmp_path / "zipped").mkdir()
        zip_folder(source, tmp_path / "zipped" / "SOCAL.zip")
        source = tmp_path / "zipped"
    replace = Path.replace

    def killed(path: Path, target: Path) -> Path:
        if target == out / layout.IMAGES_DIR:
            raise KeyboardInterrupt
        return replace(path, target)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Path, "replace", killed)
        download(FOLDER, out, fetch=copying(source))
    assert {ARRIVING, *SOCAL.tables} == {path.name for path in out.iterdir() if path.suffix != ".zip"}

    arrived = download(FOLDER, out, fetch=copying(source))
    assert (arrived.complete, arrived.frames) == (True, 12)


def test_a_second_download_fetches_and_unpacks_nothing(shared: Path, tmp_path: Path) -> None:
    out, asked = tmp_path / "out", []
    download(FOLDER, out, fetch=copying(shared))
    before = tree(out)
    assert download(FOLDER, out, fetch=copying(shared, asked=asked)).complete
    assert (asked, tree(out)) == ([], before)


def test_a_zip_that_is_added_later_is_reported_and_not_unpacked(shared: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    download(FOLDER, out, fetch=copying(shared))
    shutil.copy(shared / "frames.zip", shared / "more.zip")
    assert any("more.zip was not unpacked" in text for text in download(FOLDER, out, fetch=copying(shared)).problems)


def test_a_damaged_zip_is_fetched_again(shared: Path, tmp_path: Path) -> None:
    good = (shared / "frames.zip").read_bytes()
    (shared / "frames.zip").write_bytes(good[: len(good) // 2])
    out = tmp_path / "out"
    with pytest.raises(DataError, match=r"^frames\.zip is not a zip file, or is truncated.*It was deleted: start the"):
        download(FOLDER, out, fetch=copying(shared))
    assert not (out / layout.IMAGES_DIR).exists()

    (shared / "frames.zip").write_bytes(good)
    asked: list[str] = []
    assert download(FOLDER, out, fetch=copying(shared, asked=asked)).complete
    assert asked == ["frames.zip"]


def test_a_damaged_zip_of_the_user_is_not_deleted(shared: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.zip").write_bytes(b"PK not a zip")
    with pytest.raises(DataError, match=r"^mine\.zip is not a zip file"):
        download(FOLDER, tmp_path / "out", fetch=copying(shared))
    assert (tmp_path / "out" / "mine.zip").read_bytes() == b"PK not a zip"


def test_a_zip_with_a_path_out_of_the_folder_is_refused(shared: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(shared / "frames.zip", "w") as opened:
        opened.writestr(zipfile.ZipInfo("../../../evil.jpeg"), b"x")
    with pytest.raises(
        DataError, match=r"frames\.zip is refused: its entry \.\./\.\./\.\./evil\.jpeg has an unsafe name"
    ):
        download(FOLDER, tmp_path / "out", fetch=copying(shared))
    assert not list(tmp_path.rglob("evil.jpeg"))


# ---- the folder


def test_a_file_in_place_of_the_folder_is_refused(shared: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(DataError, match=r"^out is a file"):
        download(FOLDER, tmp_path / "out", fetch=copying(shared))


def test_a_link_in_place_of_the_hidden_folder_is_refused(shared: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out" / ARRIVING).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DataError, match="is a link"):
        download(FOLDER, tmp_path / "out", fetch=copying(shared))
    assert tree(tmp_path / "elsewhere") == {}


def test_a_second_download_into_the_same_folder_is_refused(shared: Path, tmp_path: Path) -> None:
    def second(text: str) -> None:
        with pytest.raises(DataError, match="Another download into this folder is running"):
            download(FOLDER, tmp_path / "out", fetch=copying(shared))

    assert download(FOLDER, tmp_path / "out", second, copying(shared)).complete


def test_a_folder_that_cannot_be_created_is_an_error(shared: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataError, match=r"^The download cannot be written: Not a directory"):
        download(FOLDER, tmp_path / "file" / "out", fetch=copying(shared))


def test_importing_download_loads_no_network_libraries() -> None:
    code = "import sys, socal_core.fetch.download; print({'gdown', 'requests', 'bs4'} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "set()"
