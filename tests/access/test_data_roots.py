"""Which folders can be opened on a server with data roots."""

import shutil
from pathlib import Path

import pytest

from socal_core.access.data_roots import allowed, entries_of
from socal_core.access.server_config import read_server_config
from socal_core.errors import DataError, SocalError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root with a data folder, a video, and links that lead out and stay inside; beside it a secret."""
    root = tmp_path / "roots" / "data"
    for folder in ("socal/JPEGImages", ".hidden", "b"):
        (root / folder).mkdir(parents=True)
    (tmp_path / "roots" / "data-2" / "secret").mkdir(parents=True)
    (root / "clip.MP4").touch()
    (root / "notes.txt").touch()
    (root / "out").symlink_to(tmp_path / "roots" / "data-2")
    (root / "inside").symlink_to(root / "socal")
    (root / "circle").symlink_to(root / "circle")
    return root


def test_without_roots_every_path_is_as_it_is(root: Path) -> None:
    assert allowed(root / "out" / ".." / "x", ()) == root / "out" / ".." / "x"


@pytest.mark.parametrize("name", ["", "socal", "socal/../b", "not-there", "inside/JPEGImages"])
def test_what_is_below_a_root_is_opened_without_links(root: Path, name: str) -> None:
    assert allowed(root / name, [root]) == (root / name).resolve()


@pytest.mark.parametrize(
    "name", ["..", "../data-2", "../data-2/secret", "out", "out/secret", "socal/../../data-2", "a\0b", "/etc", "/"]
)
def test_what_is_outside_is_refused_whether_it_exists_or_not(root: Path, name: str) -> None:
    with pytest.raises(DataError, match="outside of the folders"):
        allowed(root / name, [root])


def test_a_circle_of_links_leads_nowhere(root: Path) -> None:
    try:
        found = allowed(root / "circle", [root])
    except DataError:
        return
    assert not found.exists()


def test_a_link_that_changes_later_leads_nowhere_else(root: Path) -> None:
    found = allowed(root / "inside", [root])
    (root / "inside").unlink()
    (root / "inside").symlink_to(root.parent / "data-2")
    assert found == root / "socal"


def test_a_root_that_is_a_link_counts_by_where_it_leads(root: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(root)
    assert allowed(tmp_path / "link" / "socal", [tmp_path / "link"]) == root / "socal"
    assert allowed(root / "socal", [tmp_path / "link"]) == root / "socal"


def test_entries_are_folders_below_the_roots_and_wanted_files(root: Path) -> None:
    assert entries_of(root, [root]) == ["b", "inside", "socal"]
    assert entries_of(root, [root], {".mp4"}) == ["b", "clip.MP4", "inside", "socal"]
    assert entries_of(root.parent, [root]) == []
    shutil.rmtree(root)
    assert entries_of(root, [root]) == []


def test_the_folders_of_the_app_can_be_allowed_too(root: Path, tmp_path: Path) -> None:
    assert allowed(tmp_path / "runs" / "x", [root], also=[tmp_path / "runs"]) == tmp_path / "runs" / "x"


def test_a_relative_root_is_refused(workspace: Path) -> None:
    (workspace / "server.toml").write_text('data_roots = ["data"]\n')
    with pytest.raises(SocalError, match=r"data_roots: .*data is no absolute path"):
        read_server_config()
