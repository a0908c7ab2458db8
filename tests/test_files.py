"""socal_core.files"""

import json
from pathlib import Path

import pytest

from socal_core.files import write_json, write_text


def test_a_file_is_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    write_json(target, {"value": 1})
    write_json(target, {"value": "ä"})
    assert json.loads(target.read_text(encoding="utf-8")) == {"value": "ä"}
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_a_value_that_is_no_json_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    write_json(target, {"value": 1})
    with pytest.raises(ValueError, match="Out of range"):
        write_json(target, {"value": float("nan")})
    assert json.loads(target.read_text()) == {"value": 1}


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_text(tmp_path / "missing" / "a.txt", "text")
