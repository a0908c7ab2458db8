"""docs/access.md says what the table of actions says."""

from pathlib import Path

from scripts.write_access_doc import page
from socal_core.access.permissions import RULES

PROJECT = Path(__file__).resolve().parents[2]
REMEDY = "docs/access.md is out of date. Run `python -m scripts.write_access_doc`."


def test_the_page_in_docs_is_up_to_date() -> None:
    written = page()
    assert (PROJECT / "docs" / "access.md").read_text(encoding="utf-8") == written, REMEDY
    rows = [line for line in written.splitlines() if line.startswith("| ")]
    assert len(rows) == 1 + len(RULES)
    assert "| stop runs | – | own | yes |" in rows
    assert "| remove frames and features from the clip cache | – | – | yes |" in rows
