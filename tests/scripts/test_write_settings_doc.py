import os
import subprocess
import sys
from pathlib import Path

import pytest

from socal_core.settings import SETTINGS

PROJECT = Path(__file__).resolve().parents[2]
REMEDY = "docs/settings.md is out of date. Run `python -m scripts.write_settings_doc`."


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("docs") / "settings.md"
    # This variable changes a default.
    environment = {name: value for name, value in os.environ.items() if name != "SOCAL_ALLOW_DOWNLOAD"}
    command = [sys.executable, "-m", "scripts.write_settings_doc", str(file)]
    subprocess.run(command, cwd=PROJECT, env=environment, check=True)
    return file.read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_page_in_docs_is_up_to_date(written: str) -> None:
    assert (PROJECT / "docs" / "settings.md").read_text(encoding="utf-8") == written, REMEDY


def test_every_setting_has_one_row(written: str) -> None:
    described = written.partition("## Defaults of the recipes")[0]
    for item in SETTINGS.values():
        assert described.count(f"\n| `{item.name}` |") == 1


@pytest.mark.parametrize(
    ("setting", "condition"),
    [
        ("encoder", "Only with `recipe` `frozen`."),
        ("stride", "Only with `sampling` `dense`."),
        ("test_fraction", "Only with `split_method` `surgeon` or `random`."),
    ],
)
def test_a_row_says_when_its_setting_acts(written: str, setting: str, condition: str) -> None:
    row = next(line for line in written.splitlines() if line.startswith(f"| `{setting}` |"))
    assert row.endswith(f"{condition} |")


def test_recipes_are_compared_where_they_differ(written: str) -> None:
    compared = written.partition("## Defaults of the recipes")[2]
    assert "| `hue_jitter` | `0.02` | `0.02` | `0.1` |" in compared
    assert "`seed`" not in compared


def test_a_condition_that_a_whole_group_shares_stands_above_its_table(written: str) -> None:
    assert "## Augmentation\n\nNot with `recipe` `frozen`.\n\n| setting" in written
