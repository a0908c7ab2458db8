"""A zip of zips, as SOSpine's frames are published."""

import io
import random
import zipfile
from pathlib import Path

import pytest

from socal_core.dataset.opening import open_dataset
from socal_core.errors import DataError
from socal_core.fetch import unpack as module
from socal_core.fetch.download import download
from socal_core.fetch.unpack import DamagedArchive, has_frames, unpack
from socal_core.presets import SOSPINE
from tests.fetch.playing_drive import FOLDER
from tests.fetch.test_download import copying
from tests.fetch.test_unpack import make_zip, refused, tree
from tests.presets.spine_folder import write_spine

BYTES = random.Random(1).randbytes(3000)


def zipped(entries: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def outer(folder: Path, inner: dict[str, bytes]) -> Path:
    return make_zip(folder / "frames.zip", list(inner.items()))


def test_each_inner_zip_gets_a_folder_of_its_name(tmp_path: Path) -> None:
    archive = outer(
        tmp_path,
        {
            "frames/S1A1.zip": zipped({"S1A1_frame_00000001.jpeg": BYTES}),
            "frames/S1A2.zip": zipped({"S1A2/S1A2_frame_00000001.jpeg": BYTES, "__MACOSX/S1A2/._x.jpeg": b"x"}),
            "frames/S2A1.ZIP": zipped({"0001.png": BYTES, "notes.docx": b"x"}),
            "frames/S2A2.zip": zipped({"notes.docx": b"x"}),
            "readme.txt": b"text",
        },
    )
    assert has_frames(archive)
    assert unpack(archive, tmp_path / "out") == 4
    assert {name for name, data in tree(tmp_path / "out").items() if data is not None} == {
        "frames/S1A1/S1A1_frame_00000001.jpeg",
        "frames/S1A2/S1A2_frame_00000001.jpeg",
        "frames/S2A1/0001.png",
        "readme.txt",
    }


def test_a_zip_beside_frames_is_left_alone(tmp_path: Path) -> None:
    archive = outer(tmp_path, {"S1A1_frame_00000001.jpeg": BYTES, "old.zip": b"no zip"})
    assert unpack(archive, tmp_path / "out") == 1


@pytest.mark.parametrize(
    ("inner", "message"),
    [
        (zipped({"deeper.zip": zipped({"a.jpeg": BYTES})}), "only one level is unpacked"),
        (zipped({"../../a.jpeg": BYTES}), "unsafe name"),
        (zipped({"/a.jpeg": BYTES}), "unsafe name"),
    ],
)
def test_what_is_unsafe_inside_is_refused_with_both_names(tmp_path: Path, inner: bytes, message: str) -> None:
    text = refused(outer(tmp_path, {"S1A1.zip": zipped({"a.jpeg": BYTES}), "S1A2.zip": inner}))
    assert message in text
    assert "frames.zip/S1A2.zip" in text


def test_a_damaged_inner_zip_is_damage(tmp_path: Path) -> None:
    inner = zipped({"a.jpeg": BYTES})
    assert "frames.zip/S1A1.zip" in refused(outer(tmp_path, {"S1A1.zip": inner[:-30]}), DamagedArchive)


def test_entries_of_all_levels_are_counted_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ENTRIES", 7)
    inner = {f"{number}.jpeg": BYTES for number in range(3)}
    archive = outer(tmp_path, {"S1A1.zip": zipped(inner), "S1A2.zip": zipped(inner)})
    assert "more than 7 entries, with those of its zips" in refused(archive)
    monkeypatch.setattr(module, "MAX_ENTRIES", 8)
    assert unpack(archive, tmp_path / "out") == 6


def test_sizes_of_all_levels_are_counted_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each level alone grows less than what is allowed, both together do not."""
    monkeypatch.setattr(module, "RATIO_MATTERS_FROM", 100_000)
    inner = zipped({f"{number}.txt": bytes(8_000) for number in range(100)}, zipfile.ZIP_DEFLATED)
    archive = outer(tmp_path, {"S1A1.zip": inner})
    assert module.MAX_RATIO * len(inner) > 800_000
    assert module.MAX_RATIO * archive.stat().st_size < 800_000
    assert "frames.zip, with its zips, is refused: it would grow" in refused(archive)


def test_a_published_folder_is_downloaded_and_read(tmp_path: Path) -> None:
    shared, frames = tmp_path / "shared", {}
    write_spine(shared, surgeons=2)
    for trial in sorted((shared / "frames").iterdir()):
        frames[f"frames/{trial.name}.zip"] = zipped({path.name: path.read_bytes() for path in sorted(trial.iterdir())})
        for path in trial.iterdir():
            path.unlink()
        trial.rmdir()
    (shared / "frames").rmdir()
    outer(shared, frames)
    arrived = download(FOLDER, tmp_path / "out", fetch=copying(shared))
    assert arrived.complete
    assert (arrived.frames, arrived.files) == (21, SOSPINE.tables)
    data = open_dataset(tmp_path / "out")
    assert (data.preset.name, len(data.trials), len(data.frames)) == ("sospine", 7, 21)


def test_a_published_folder_without_its_tables(tmp_path: Path) -> None:
    shared = write_spine(tmp_path / "shared", surgeons=1)
    (shared / SOSPINE.outcomes_file).unlink()
    arrived = download(FOLDER, tmp_path / "out", fetch=copying(shared))
    assert arrived.missing == (SOSPINE.outcomes_file,)
    assert not arrived.complete


def test_several_data_sets_in_one_folder_are_reported(tmp_path: Path) -> None:
    shared = write_spine(tmp_path / "shared", surgeons=1)
    (shared / "socal.csv").write_text("a,1,2,3,4,drill\n")
    (shared / "frames" / "S1T1_frame_00000001.jpeg").write_bytes(BYTES)
    arrived = download(FOLDER, tmp_path / "out", fetch=copying(shared))
    assert any("Move each data set to a separate folder" in problem for problem in arrived.problems)
    with pytest.raises(DataError, match="Move each data set"):
        open_dataset(tmp_path / "out")
