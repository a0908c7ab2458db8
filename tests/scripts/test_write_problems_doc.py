from pathlib import Path

from scripts.write_problems_doc import page
from socal_core.dataset.problem_kinds import all_kinds

PROJECT = Path(__file__).resolve().parents[2]
REMEDY = "docs/problems.md is out of date. Run `python -m scripts.write_problems_doc`."


def test_the_page_in_docs_holds_the_texts_of_all_problems() -> None:
    assert (PROJECT / "docs" / "problems.md").read_text(encoding="utf-8") == page(), REMEDY


def test_every_code_has_one_entry() -> None:
    text = page()
    for kind in all_kinds():
        assert text.count(f"\n### `{kind.code}`\n") == 1
