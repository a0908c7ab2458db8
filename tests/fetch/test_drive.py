import multiprocessing
import random
import re
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from socal_core.dataset import layout
from socal_core.errors import DataError
from socal_core.fetch.download import ARRIVING, download
from socal_core.fetch.drive import DriveLink, drive_link
from socal_core.presets import SOCAL
from tests.factories import write_dataset
from tests.fetch.playing_drive import FOLDER, FOLDER_ID, Drive, file_id, tree, write_shared


@pytest.mark.parametrize(
    ("address", "link"),
    [
        (FOLDER, DriveLink("folder", FOLDER_ID)),
        (f"  {FOLDER}/?usp=sharing\n", DriveLink("folder", FOLDER_ID)),
        (f"https://drive.google.com/drive/u/0/folders/{FOLDER_ID}?resourcekey=0-x", DriveLink("folder", FOLDER_ID)),
        (f"https://drive.google.com/folderview?id={FOLDER_ID}", DriveLink("folder", FOLDER_ID)),
        (f"https://drive.google.com/file/d/{FOLDER_ID}/view?usp=drive_link", DriveLink("file", FOLDER_ID)),
        (f"https://drive.google.com/file/d/{FOLDER_ID}", DriveLink("file", FOLDER_ID)),
        (f"https://drive.google.com/uc?export=download&id={FOLDER_ID}", DriveLink("file", FOLDER_ID)),
        (f"https://drive.google.com/open?id={FOLDER_ID}", DriveLink("file", FOLDER_ID)),
    ],
)
def test_a_drive_link_is_parsed(address: str, link: DriveLink) -> None:
    assert drive_link(address) == link


@pytest.mark.parametrize(
    "address",
    [
        "",
        FOLDER_ID,
        "https://drive.google.com/",
        "https://drive.google.com/drive/my-drive",
        "https://drive.google.com/drive/folders/",
        "https://drive.google.com/drive/folders/short",
        f"http://drive.google.com/drive/folders/{FOLDER_ID}",
        f"ftp://drive.google.com/drive/folders/{FOLDER_ID}",
        f"file:///drive/folders/{FOLDER_ID}",
        f"https://example.org/drive/folders/{FOLDER_ID}",
        f"https://drive.google.com.example.org/drive/folders/{FOLDER_ID}",
        f"https://drive.google.com@example.org/drive/folders/{FOLDER_ID}",
        f"https://me:secret@drive.google.com/drive/folders/{FOLDER_ID}",
        f"https://drive.google.com:8443/drive/folders/{FOLDER_ID}",
        f"https://drive.google.com/../x/drive/folders/{FOLDER_ID}",
        f"https://drive.google.com/drive/folders/{FOLDER_ID}/../../x",
        f"https://drive.google.com/drive/folders/{FOLDER_ID}%2F..",
        f"https://drive.google.com/uc?id={FOLDER_ID}&id=other",
        f"https://drive.google.com/uc?id={FOLDER_ID}%0d%0aHost:x",
        "https://drive.google.com/uc?id=",
        f"https://docs.google.com/document/d/{FOLDER_ID}/edit",
        f"https://[drive.google.com/drive/folders/{FOLDER_ID}",
    ],
)
def test_any_other_address_is_refused(address: str) -> None:
    with pytest.raises(DataError, match="not a link to a Google Drive folder"):
        drive_link(address)


# ---- gdown itself, with a local server that simulates Drive


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    return write_shared(tmp_path / "shared")


@pytest.fixture
def drive(shared: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Drive]:
    """A local server that receives all requests to Google's hosts."""
    server = Drive(shared)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    send = requests.adapters.HTTPAdapter.send

    def redirected(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        host = urlsplit(request.url).netloc
        assert host in {"drive.google.com", "drive.usercontent.google.com"}
        assert "Cookie" not in request.headers
        request.url = request.url.replace(f"https://{host}", f"http://127.0.0.1:{server.server_port}")
        return send(self, request, *args, **kwargs)

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", redirected)
    monkeypatch.setattr("socal_core.fetch.drive._RETRIES", 0)
    monkeypatch.setenv("HOME", str(shared.parent / "home"))
    yield server
    server.end.set()
    server.shutdown()
    server.server_close()


def enlarge(drive: Drive, archive: Path) -> None:
    """Add a frame of four megabytes to the shared zip, more than gdown reads at once."""
    with zipfile.ZipFile(archive, "a") as opened:
        opened.writestr("S900T1_frame_00000001.jpeg", random.Random(0).randbytes(4_000_000))
    drive.files[file_id("frames.zip")] = ("frames.zip", archive.read_bytes())


def test_gdown_downloads_a_shared_folder(drive: Drive, shared: Path, tmp_path: Path, capfd: Any) -> None:
    lines: list[str] = []
    arrived = download(FOLDER, tmp_path / "out", lines.append)
    assert arrived.complete
    got = tree(tmp_path / "out")
    assert {name: got[name] for name in tree(shared)} == tree(shared)
    assert [line for line in lines if re.fullmatch(r"frames\.zip \(\d of 5\): requesting the file", line)]
    assert capfd.readouterr() == ("", "")
    # gdown stores no cookies and no other files.
    assert not (tmp_path / "home").exists()

    drive.asked.clear()
    assert download(FOLDER, tmp_path / "out").complete
    assert drive.asked == []


def test_gdown_downloads_the_folders_in_a_shared_folder(drive: Drive, tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "data", surgeons=1, frames=2)
    drive.files = {file_id(name): (name, content) for name, content in tree(data).items()}
    assert download(FOLDER, tmp_path / "out").complete
    assert tree(tmp_path / "out") == tree(data)


def test_gdown_downloads_a_single_file(drive: Drive, tmp_path: Path) -> None:
    address = f"https://drive.google.com/file/d/{file_id('frames.zip')}/view"
    arrived = download(address, tmp_path / "out")
    assert (arrived.frames, arrived.missing) == (12, SOCAL.tables)


def test_a_lost_connection_is_continued_where_it_stopped(drive: Drive, shared: Path, tmp_path: Path) -> None:
    enlarge(drive, shared / "frames.zip")
    drive.cut["frames.zip"] = 1_500_000
    with pytest.raises(DataError) as caught:
        download(FOLDER, tmp_path / "out")
    assert str(tmp_path) not in str(caught.value)
    assert [path.name for path in (tmp_path / "out").iterdir()] == [ARRIVING]

    drive.asked.clear()
    assert download(FOLDER, tmp_path / "out").complete
    # gdown writes blocks of 512 KB.
    assert ("frames.zip", "bytes=1048576-") in drive.asked


def test_the_download_of_a_killed_process_is_continued(drive: Drive, shared: Path, tmp_path: Path) -> None:
    enlarge(drive, shared / "frames.zip")
    drive.stalls.add("frames.zip")
    forked = multiprocessing.get_context("fork")
    started = forked.Event()

    def report(line: str) -> None:
        if line.startswith("frames.zip") and "MB of" in line:
            started.set()

    worker = forked.Process(target=download, args=(FOLDER, tmp_path / "out", report))
    worker.start()
    assert started.wait(20)
    worker.kill()
    worker.join()
    drive.stalls.clear()
    assert [path.name for path in (tmp_path / "out").iterdir()] == [ARRIVING]

    drive.asked.clear()
    assert download(FOLDER, tmp_path / "out").complete
    assert [span for name, span in drive.asked if name == "frames.zip" and span is not None]


@pytest.mark.parametrize("part", ["complete", "of another file"])
def test_a_part_that_cannot_be_continued_is_fetched_from_the_start(
    drive: Drive, shared: Path, tmp_path: Path, part: str
) -> None:
    data = (shared / "frames.zip").read_bytes()
    arriving = tmp_path / "out" / ARRIVING
    arriving.mkdir(parents=True)
    (arriving / "frames.zipabcdefgh.part").write_bytes(data if part == "complete" else data + b"longer")
    assert download(FOLDER, tmp_path / "out").complete
    assert (tmp_path / "out" / "frames.zip").read_bytes() == data


QUOTA = b'<p class="uc-error-subcaption">Too many users have viewed or downloaded this file recently.</p>'


@pytest.mark.parametrize(
    ("name", "status", "page", "words"),
    [
        ("frames.zip", 200, QUOTA, r"^4 of 5 files were downloaded, but not frames\.zip\. Drive's download limit"),
        (
            "frames.zip",
            404,
            b"<html>not found</html>",
            r"but not frames\.zip\. Drive refused access: the folder or file is not shared with everyone",
        ),
        ("", 404, b"<html>not found</html>", r"^Drive refused access"),
        (
            "",
            200,
            b"<html><title>Sign in</title></html>",
            r"^There are no visible files in the shared folder\. Share it in Drive as",
        ),
        ("", 200, b"", r"^Drive"),
        ("", 503, b"", r"^Drive"),
    ],
)
def test_the_error_says_what_drive_refused(
    drive: Drive, tmp_path: Path, name: str, status: int, page: bytes, words: str
) -> None:
    drive.pages[name] = (status, page)
    with pytest.raises(DataError, match=words) as caught:
        download(FOLDER, tmp_path / "out")
    assert str(tmp_path) not in str(caught.value)
    assert "127.0.0.1" not in str(caught.value)
    assert not (tmp_path / "out" / layout.IMAGES_DIR).exists()

    drive.pages.clear()
    drive.asked.clear()
    assert download(FOLDER, tmp_path / "out").complete
    assert len(drive.asked) == (1 if name else 5)


def test_the_error_says_that_the_network_is_missing(drive: Drive, tmp_path: Path) -> None:
    drive.shutdown()
    drive.server_close()
    with pytest.raises(DataError, match=r"^Google Drive cannot be reached"):
        download(FOLDER, tmp_path / "out")


def test_invalid_names_are_skipped_and_doubled_names_are_refused(drive: Drive, tmp_path: Path) -> None:
    lines: list[str] = []
    drive.files[file_id("x")] = ("C:evil.csv", b"x")
    drive.files[file_id("y")] = (".arriving", b"x")
    assert download(FOLDER, tmp_path / "out", lines.append).complete
    assert len([line for line in lines if "is skipped" in line]) == 2

    drive.files[file_id("z")] = ("socal.csv", b"x")
    with pytest.raises(DataError, match=r"has two files named socal\.csv"):
        download(FOLDER, tmp_path / "out")
