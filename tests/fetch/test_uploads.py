"""Uploads: what is accepted, what is refused and why, and that nothing of it is left behind."""

import io
import stat
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from socal_core.errors import DataError
from socal_core.fetch import uploads
from socal_core.fetch.uploads import receive
from tests.test_cli_predict import frames_of, write_video


def picture(colour: str = "red") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (64, 48), colour).save(file, "JPEG")
    return file.getvalue()


def zip_of(*entries: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return file.getvalue()


def link() -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo("001.jpeg")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    return entry


@pytest.fixture
def content(tmp_path: Path) -> Path:
    (tmp_path / "content").mkdir()
    return tmp_path / "content"


def receive_bytes(data: bytes, name: str, content: Path):
    return receive(io.BytesIO(data), name, len(data), content)


def test_a_zip_of_frames_is_a_trial(content: Path) -> None:
    data = zip_of(*((f"case 7/frame{number}.jpg", picture()) for number in (1, 2, 10)))
    dataset = receive_bytes(data, "C:\\Users\\me\\case 7.zip", content)
    assert dataset.trials.index.to_list() == ["case-7"]
    assert dataset.frames["second"].to_list() == [0, 1, 9]
    assert [path.name for path in content.iterdir()] == ["case-7"], "the zip itself is not kept"
    assert dataset.read_frame(dataset.frames["frame"].iloc[0]).shape == (48, 64, 3)


def test_the_content_of_a_video_decides_what_it_is(content: Path, tmp_path: Path, shared_data_folder: Path) -> None:
    video = write_video(tmp_path / "a.mp4", frames_of(shared_data_folder, "S100T1", tmp_path / "frames"))
    dataset = receive_bytes(video.read_bytes(), "trial.avi", content)
    assert (dataset.trials.index.to_list(), len(dataset.frames)) == (["trial"], 12)
    assert [path.name for path in content.iterdir()] == ["trial.mp4"]


BOMB = zip_of(("001.jpeg", bytes(200_000_000)))


@pytest.mark.parametrize(
    ("data", "name", "message"),
    [
        (b"MZ\x90\x00" + bytes(100), "setup.mp4", "setup.mp4 is neither a zip of frames .* nor a video"),
        (b"", "nothing.zip", "nothing.zip is neither a zip"),
        (b"\x00\x00\x00\x18ftypmp42" + bytes(50), "cut.mp4", "cut.mp4 cannot be used as a video"),
        (zip_of(), "empty.zip", "empty.zip contains neither frames"),
        (zip_of(("readme.txt", b"text")), "text.zip", "holds neither frames"),
        (zip_of(("001.jpeg", b"MZ\x90\x00")), "fake.zip", "fake holds no frame that can be read. 001.jpeg"),
        (zip_of(("../../out.jpeg", picture())), "up.zip", "has an unsafe name"),
        (zip_of(("/etc/out.jpeg", picture())), "abs.zip", "has an unsafe name: it is absolute"),
        (zip_of((link(), b"/etc/passwd")), "link.zip", "is a link or a device"),
        (zip_of(("001.jpeg", picture()))[:-30], "half.zip", "half.zip is truncated or damaged"),
        (BOMB, "bomb.zip", "would grow from"),
    ],
    ids=["program", "no-byte", "cut", "empty", "text", "no-picture", "up", "absolute", "link", "half", "bomb"],
)
def test_what_is_refused_leaves_nothing(content: Path, tmp_path: Path, data: bytes, name: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        receive_bytes(data, name, content)
    assert list(content.iterdir()) == []
    assert [path.name for path in tmp_path.iterdir()] == ["content"]


def test_sizes_are_limited(content: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = zip_of(("001.jpeg", picture()), ("002.jpeg", picture()))
    with pytest.raises(DataError, match="600 MB, more than the 500 MB"):
        receive(io.BytesIO(data), "large.zip", 600_000_000, content)
    monkeypatch.setattr(uploads, "LARGEST_UNPACKED", len(picture()) + 10)
    with pytest.raises(DataError, match="unpacked, it has more than"):
        receive_bytes(data, "grows.zip", content)
    assert list(content.iterdir()) == []
