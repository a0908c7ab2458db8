import os
from pathlib import Path

import pytest

from socal_core.dataset.folder import DataFolder
from socal_core.errors import DataError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A data folder with files, a folder and links of every kind, beside a file that is nobody's business."""
    (tmp_path / "secret.csv").write_text("secret")
    root = tmp_path / "data"
    (root / "inner").mkdir(parents=True)
    (root / "a.csv").write_text("1,2")
    (root / "inner" / "b.csv").write_text("3")
    (root / ".hidden").write_text("")
    (root / "inside.csv").symlink_to(root / "a.csv")
    (root / "outside.csv").symlink_to(tmp_path / "secret.csv")
    (root / "climbing.csv").symlink_to("../secret.csv")
    (root / "nowhere.csv").symlink_to(tmp_path / "nowhere")
    (root / "out").symlink_to(tmp_path)
    os.mkfifo(root / "pipe.csv")
    return root


def test_a_listing_tells_files_from_what_is_not_followed(root: Path) -> None:
    listing = DataFolder(root).listing()
    assert listing.files == ["a.csv", "inside.csv"]
    assert listing.folders == ["inner"]
    assert listing.others == ["climbing.csv", "nowhere.csv", "out", "outside.csv", "pipe.csv"]


@pytest.mark.parametrize("name", ["a.csv", "inside.csv", "inner/b.csv"])
def test_files_of_the_folder_are_read_and_remembered(root: Path, name: str) -> None:
    folder = DataFolder(root)
    assert folder.has(name)
    assert folder.read(name) == (root / name).read_bytes()
    assert folder.stamps[name].size == (root / name).stat().st_size
    assert folder.stamps[name].mtime_ns == (root / name).stat().st_mtime_ns
    assert len(folder.digests[name]) == 64


@pytest.mark.parametrize(
    "name",
    [
        "outside.csv",
        "climbing.csv",
        "nowhere.csv",
        "pipe.csv",
        "inner",
        "missing.csv",
        "out/secret.csv",
        "../secret.csv",
        "inner/../a.csv",
        "/etc/passwd",
        "a.csv/b",
    ],
)
def test_nothing_else_is_read(root: Path, name: str) -> None:
    with pytest.raises(DataError, match="no file of this folder"):
        DataFolder(root).read(name)


def test_a_folder_outside_is_not_listed(root: Path) -> None:
    with pytest.raises(OSError, match="leads out of the data folder"):
        DataFolder(root).listing("out")


def test_a_folder_that_is_itself_a_link_is_the_users_choice(root: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(root)
    assert DataFolder(tmp_path / "link").read("inside.csv") == b"1,2"


def test_a_file_beyond_the_limit_is_refused_before_it_is_read(root: Path) -> None:
    folder = DataFolder(root)
    with pytest.raises(DataError, match="3 bytes, more than the 2 that are read"):
        folder.read("a.csv", limit=2)
    assert folder.digests == {}


def test_a_folder_is_listed_once(root: Path) -> None:
    folder = DataFolder(root)
    before = folder.listing("inner")
    (root / "inner" / "later.csv").touch()
    assert folder.listing("inner") is before
