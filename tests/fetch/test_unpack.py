import random
import shutil
import stat
import struct
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from socal_core.errors import DataError
from socal_core.fetch import unpack as module
from socal_core.fetch.unpack import DamagedArchive, has_frames, unpack, unsafe_name

FRAME = "JPEGImages/S102T1_frame_00000078.jpeg"
# Like a JPEG, these bytes do not compress.
BYTES = random.Random(0).randbytes(4000)
Entry = str | zipfile.ZipInfo


def make_zip(path: Path, entries: list[tuple[Entry, bytes]], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for entry, data in entries:
            archive.writestr(entry, data)
    return path


def tree(folder: Path) -> dict[str, bytes | None]:
    """Read the bytes of every file of a folder, by relative name; None for a folder."""
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*")}
    return {name: path.read_bytes() if path.is_file() else None for name, path in found.items()}


def patched(path: Path, change: Callable[[bytearray, int, int], None]) -> Path:
    """Change the bytes of a zip with change(data, local header, central header) of the first entry."""
    data = bytearray(path.read_bytes())
    change(data, data.index(b"PK\x03\x04"), data.index(b"PK\x01\x02"))
    path.write_bytes(data)
    return path


def put(offset: int, layout: str, value: int) -> Callable[[bytearray, int, int], None]:
    """Put a number into the central header of an entry."""
    return lambda data, local, central: struct.pack_into(layout, data, central + offset, value)


def rename_everywhere(old: bytes, new: bytes) -> Callable[[bytearray, int, int], None]:
    assert len(old) == len(new)
    return lambda data, local, central: data.__setitem__(slice(None), data.replace(old, new))


def refused(archive: Path, error: type[DataError] = DataError) -> str:
    """Check that unpacking fails and changes nothing, and return the message."""
    before = tree(archive.parent)
    with pytest.raises(error) as caught:
        unpack(archive, archive.parent / "out")
    assert tree(archive.parent) == before
    assert str(archive.parent) not in str(caught.value)
    assert archive.name in str(caught.value)
    return str(caught.value)


def test_only_frames_and_annotations_are_written(tmp_path: Path) -> None:
    kept: list[tuple[Entry, bytes]] = [
        (FRAME, BYTES),
        ("JPEGImages/S102T1_frame_00000079.JPG", b"b"),
        ("socal.csv", b"a,1,2,3,4,muscle"),
        ("Annotations/S102T1_frame_00000078.xml", b"<a/>"),
        ("schnürung.json", b"{}"),
    ]
    left_out: list[tuple[Entry, bytes]] = [
        ("run.sh", b"rm"),
        ("inner.zip", b"PK"),
        ("__MACOSX/JPEGImages/._S102T1_frame_00000078.jpeg", b"x"),
        ("JPEGImages/.hidden.jpeg", b"x"),
        ("folder.jpeg/", b""),
        (".jpeg", b"x"),
    ]
    lines: list[str] = []

    count = unpack(make_zip(tmp_path / "a.zip", kept + left_out), tmp_path / "out", lines.append)

    assert count == len(kept)
    files = {name: data for name, data in tree(tmp_path / "out").items() if data is not None}
    assert files == dict(kept)
    assert {path.name for path in tmp_path.iterdir()} == {"a.zip", "out"}
    assert lines[0] == "Unpacking a.zip: 0 of 5 files"
    assert lines[-1] == "Unpacking a.zip: 5 of 5 files"


def test_an_empty_folder_is_used_and_leftovers_of_a_killed_process_are_replaced(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / ".out.tmp").mkdir()
    (tmp_path / ".out.tmp" / "old.jpeg").write_bytes(b"half")

    unpack(make_zip(tmp_path / "a.zip", [(FRAME, BYTES)]), tmp_path / "out")

    assert tree(tmp_path / "out") == {"JPEGImages": None, FRAME: BYTES}
    assert not (tmp_path / ".out.tmp").exists()


def test_a_folder_with_files_is_not_changed(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    archive = make_zip(tmp_path / "a.zip", [(FRAME, BYTES)])
    with pytest.raises(DataError, match=r"^out exists already\. Move or delete it"):
        unpack(archive, tmp_path / "out")
    assert tree(tmp_path / "out") == {"mine.txt": b"mine"}


@pytest.mark.parametrize("linked", ["out", ".out.tmp"])
def test_nothing_is_written_through_a_link(tmp_path: Path, linked: str) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / linked).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DataError):
        unpack(make_zip(tmp_path / "a.zip", [(FRAME, BYTES)]), tmp_path / "out")
    assert not tree(tmp_path / "elsewhere")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("/etc/x.jpeg", "absolute"),
        ("../x.jpeg", "contains `..`"),
        ("a/../../x.jpeg", "contains `..`"),
        ("a/./x.jpeg", "contains `..`"),
        ("a//x.jpeg", "contains `..`"),
        ("..", "contains `..`"),
        ("", "contains `..`"),
        ("C:/x.jpeg", "colon"),
        ("C:x.jpeg", "colon"),
        ("x.jpeg:stream", "colon"),
        ("..\\x.jpeg", "backslash"),
        ("\\\\host\\x.jpeg", "backslash"),
        ("x.jpeg\x00.txt", "control"),
        ("x\n.jpeg", "control"),
        ("x\udc80.jpeg", "not valid text"),
        ("x" * 256, "too long"),
        ("x/" * 600 + "x", "too long"),
        ("JPEGImages/", None),
        (FRAME, None),
        ("a..b/x...jpeg", None),
        ("é/ü.jpeg", None),
    ],
)
def test_an_unsafe_name_has_a_reason(name: str, reason: str | None) -> None:
    found = unsafe_name(name)
    assert found is None if reason is None else found is not None and reason in found


@pytest.mark.parametrize("name", ["/x.jpeg", "../x.jpeg", "C:/x.jpeg", "..\\x.jpeg", "a/../../x.jpeg", "../x.exe"])
def test_a_zip_with_one_bad_name_is_refused_as_a_whole(tmp_path: Path, name: str) -> None:
    # zipfile writes any name that is given as a ZipInfo.
    archive = make_zip(tmp_path / "a.zip", [(FRAME, BYTES), (zipfile.ZipInfo(name), b"x")])
    assert "Nothing was unpacked" in refused(archive)


@pytest.mark.parametrize("new", [b"ab\x00defgh.jpeg", b"ab\xff\xfeefgh.jpeg"])
def test_names_that_zipfile_would_change_or_cannot_read(tmp_path: Path, new: bytes) -> None:
    archive = make_zip(tmp_path / "a.zip", [("abcdefgh.jpeg", BYTES)])
    patched(archive, rename_everywhere(b"abcdefgh.jpeg", new))
    patched(archive, put(8, "<H", 0x800))
    refused(archive)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK])
def test_links_and_devices_are_refused(tmp_path: Path, kind: int) -> None:
    entry = zipfile.ZipInfo("x.jpeg")
    entry.external_attr = (kind | 0o777) << 16
    archive = make_zip(tmp_path / "a.zip", [(FRAME, BYTES), (entry, b"/etc/passwd")])
    assert "x.jpeg is a link or a device" in refused(archive)


@pytest.mark.parametrize("flag", [0x1, 0x40, 0x2000])
def test_encrypted_entries_are_refused(tmp_path: Path, flag: int) -> None:
    archive = patched(make_zip(tmp_path / "a.zip", [(FRAME, BYTES)]), put(8, "<H", flag))
    assert "encrypted" in refused(archive)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_unsupported_compression_is_refused(tmp_path: Path, method: int) -> None:
    assert "unsupported compression" in refused(make_zip(tmp_path / "a.zip", [(FRAME, BYTES)], method))


def test_two_entries_with_the_same_name_are_refused(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "a.zip", [("aaa.jpeg", BYTES), ("bbb.jpeg", b"x")])
    patched(archive, rename_everywhere(b"bbb.jpeg", b"aaa.jpeg"))
    assert "same name" in refused(archive)


def test_a_file_and_a_folder_with_the_same_name_are_refused(tmp_path: Path) -> None:
    refused(make_zip(tmp_path / "a.zip", [("a.jpeg", BYTES), ("a.jpeg/b.jpeg", b"x")]))


def test_too_many_entries_are_refused_before_they_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ENTRIES", 3)
    unpack(make_zip(tmp_path / "three.zip", [(f"{i}.jpeg", b"x") for i in range(3)]), tmp_path / "three")
    assert "more than 3 entries" in refused(make_zip(tmp_path / "a.zip", [(f"{i}.jpeg", b"x") for i in range(4)]))


def test_a_list_of_entries_that_claims_gigabytes_is_not_read(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "a.zip", [(FRAME, BYTES)])
    with archive.open("r+b") as file:
        end = archive.read_bytes().index(b"PK\x05\x06")
        tail = bytearray(archive.read_bytes()[end:])
        size = module.MAX_LIST_BYTES + 1
        struct.pack_into("<II", tail, 12, size, 0)
        # A sparse file is large but takes no space on the disk.
        file.truncate(size)
        file.seek(0, 2)
        file.write(tail)
    with pytest.raises(DataError, match=r"a.zip is refused: its list of entries claims 160,000,001 bytes"):
        unpack(archive, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("entries", [1, 3], ids=["one entry", "many entries"])
def test_a_zip_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entries: int) -> None:
    monkeypatch.setattr(module, "RATIO_MATTERS_FROM", 1_000_000)
    zeros = bytes(2_000_000 // entries)
    archive = make_zip(tmp_path / "a.zip", [(f"{i}.jpeg", zeros) for i in range(entries)])
    assert "unlike any" in refused(archive)


def test_entries_that_use_the_same_bytes_are_a_zip_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # 300 names for the same packed bytes: each entry is harmless, the sum is 300 times the file.
    monkeypatch.setattr(module, "RATIO_MATTERS_FROM", 1_000_000)
    archive = make_zip(tmp_path / "a.zip", [("000.jpeg", BYTES * 100)], zipfile.ZIP_STORED)
    data = archive.read_bytes()
    central, end = data.index(b"PK\x01\x02"), data.index(b"PK\x05\x06")
    names = [data[central:end].replace(b"000.jpeg", b"%03d.jpeg" % i) for i in range(300)]
    tail = bytearray(data[end:])
    struct.pack_into("<HHI", tail, 8, 300, 300, len(b"".join(names)))
    archive.write_bytes(data[:central] + b"".join(names) + tail)
    assert "unlike any zip of frames" in refused(archive)


def test_a_small_file_that_compresses_well_is_unpacked(tmp_path: Path) -> None:
    assert unpack(make_zip(tmp_path / "a.zip", [("socal.csv", b"0" * 3_000_000)]), tmp_path / "out") == 1


def test_a_zip_that_does_not_fit_on_the_disk_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = make_zip(tmp_path / "a.zip", [(FRAME, BYTES)])
    free = shutil.disk_usage(tmp_path).free
    monkeypatch.setattr("socal_core.disk.RESERVE", free + 1_000_000_000)
    message = refused(archive)
    assert "GB are free" in message
    assert "Free some space" in message


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_changed_byte_is_detected_and_its_entry_named(tmp_path: Path, method: int) -> None:
    archive = make_zip(tmp_path / "a.zip", [("good.jpeg", b"fine"), (FRAME, BYTES)], method)
    data = bytearray(archive.read_bytes())
    data[data.rindex(b"PK\x03\x04") + 2000] ^= 0xFF
    archive.write_bytes(data)
    assert FRAME in refused(archive, DamagedArchive)


@pytest.mark.parametrize("size", [10, len(BYTES) - 1, len(BYTES) + 1])
def test_a_wrong_size_in_a_header_is_detected_while_writing(tmp_path: Path, size: int) -> None:
    archive = make_zip(tmp_path / "a.zip", [(FRAME, BYTES)])
    assert FRAME in refused(patched(archive, put(24, "<I", size)), DamagedArchive)


@pytest.mark.parametrize("tenth", range(10))
def test_a_truncated_zip_is_damaged(tmp_path: Path, tenth: int) -> None:
    archive = make_zip(tmp_path / "a.zip", [(f"{i}.jpeg", BYTES) for i in range(5)])
    archive.write_bytes(archive.read_bytes()[: archive.stat().st_size * tenth // 10])
    refused(archive, DamagedArchive)
    with pytest.raises(DamagedArchive):
        has_frames(archive)


def test_a_zip_without_frames_or_annotations_is_refused(tmp_path: Path) -> None:
    assert "Check that it is the right file" in refused(make_zip(tmp_path / "a.zip", [("setup.exe", b"MZ")]))


def test_has_frames_distinguishes_frames_from_annotations(tmp_path: Path) -> None:
    assert has_frames(make_zip(tmp_path / "a.zip", [("a.csv", b""), (FRAME, b"")]))
    assert not has_frames(make_zip(tmp_path / "b.zip", [("a.csv", b""), ("__MACOSX/a.jpeg", b"")]))


def test_a_missing_zip_is_named_without_its_path(tmp_path: Path) -> None:
    (tmp_path / "a.zip").symlink_to(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"^a\.zip cannot be unpacked: No such file"):
        unpack(tmp_path / "a.zip", tmp_path / "out")


def small_zip() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        entries: list[tuple[Entry, bytes]] = [(FRAME, BYTES[:300]), ("a/b.csv", b"1,2,3" * 30), ("c.txt", b"x")]
        return make_zip(Path(folder) / "a.zip", entries).read_bytes()


GOOD = small_zip()
EDITS = st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), min_size=1, max_size=6)


@pytest.mark.slow
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(edits=EDITS, cut=st.integers(0, len(GOOD)), insert=st.binary(max_size=4))
@example(edits=[(GOOD.index(b"PK\x01\x02") + 42 + i, 255) for i in range(4)], cut=len(GOOD), insert=b"")
def test_a_mutated_zip_raises_only_data_errors_and_writes_only_to_out(
    edits: list[tuple[int, int]], cut: int, insert: bytes
) -> None:
    data = bytearray(GOOD)
    for index, value in edits:
        data[index] = value
    data[cut:cut] = insert
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        archive = folder / "a.zip"
        archive.write_bytes(data if cut % 3 else data[:cut])
        try:
            count = unpack(archive, folder / "out")
        except DataError as error:
            assert name not in str(error)
            assert {path.name for path in folder.iterdir()} == {"a.zip"}
        else:
            assert count == sum(path.is_file() for path in (folder / "out").rglob("*")) >= 1
            assert {path.name for path in folder.iterdir()} == {"a.zip", "out"}
