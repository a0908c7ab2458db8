"""socal_core.workspace"""

from pathlib import Path

import pytest

from socal_core import workspace
from socal_core.errors import SocalError


@pytest.mark.parametrize(
    ("chosen", "chosen_when_given", "given_now", "expected"),
    [
        (None, None, "", ""),
        (None, None, "/data/a", "/data/a"),
        ("/data/b", "", "", "/data/b"),
        ("/data/b", "/data/a", "/data/a", "/data/b"),
        ("/data/b", "", "/data/a", "/data/a"),
        ("", "/data/a", "/data/a", ""),
    ],
    ids=["demo", "given", "chosen", "chosen over given", "newly given over chosen", "demo over given"],
)
def test_which_folder_is_opened(
    chosen: str | None, chosen_when_given: str | None, given_now: str, expected: str
) -> None:
    if chosen is not None and chosen_when_given is not None:
        workspace.remember_data_folder(chosen, chosen_when_given)
    assert workspace.remembered_data_folder(given_now) == expected


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"data": 1}'])
def test_damaged_settings_are_as_none(workspace: Path, content: str) -> None:
    from socal_core.workspace import remembered_data_folder

    (workspace / "settings.json").write_text(content)
    assert remembered_data_folder("/data/a") == "/data/a"


def test_the_argument_goes_before_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOCAL_DATA", "/data/variable")
    assert workspace.given_data_folder([]) == "/data/variable"
    assert workspace.given_data_folder(["/data/argument"]) == "/data/argument"


def test_a_folder_that_cannot_be_written_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SOCAL_WORKSPACE", str(tmp_path / "file" / "workspace"))
    with pytest.raises(SocalError, match="SOCAL_WORKSPACE=FOLDER") as caught:
        workspace.runs_root()
    assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize("checkout", [True, False])
def test_the_workspace_is_in_the_checkout_or_else_with_the_users_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, checkout: bool
) -> None:
    monkeypatch.delenv("SOCAL_WORKSPACE")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr(workspace, "CODE_FOLDER", tmp_path / "code")
    monkeypatch.setattr(workspace, "is_checkout", lambda: checkout)
    expected = tmp_path / "code/workspace" if checkout else tmp_path / "data/socal"
    assert workspace.workspace() == expected
    assert expected.is_dir()
