"""Every place that writes CSV or offers a file: for people, without formulas; for our own code, unchanged."""

import ast
from functools import cache
from pathlib import Path

from socal_core.access.permissions import Action
from socal_core.installation import CODE_FOLDER

READ_BACK = {
    "socal_core/runs/files/predictions.py": "predictions.csv of a run, which runs/files/predictions.py reads",
    "socal_core/annotations/socal_csv.py": "boxes of a converted data set, which the reader of the format reads",
    "socal_core/explanations/write.py": "times.csv, which holds numbers only",
}
"""Files that may write CSV themselves, and why."""
WRITERS = {"socal_core/spreadsheets.py", *READ_BACK}
WORDS = ("to_csv", "download_button", "text/csv", "Action.")
OFFERS = "pages/components/downloads.py"


@cache
def sources() -> list[tuple[str, ast.Module]]:
    paths = [path for part in ("socal_core", "pages") for path in sorted((CODE_FOLDER / part).rglob("*.py"))]
    texts = {path.relative_to(CODE_FOLDER).as_posix(): path.read_text(encoding="utf-8") for path in paths}
    # Parsing takes a while, and most modules do none of this.
    return [(path, ast.parse(text)) for path, text in texts.items() if any(word in text for word in WORDS)]


def calls(tree: ast.Module, name: str) -> list[ast.Call]:
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [node for node in found if isinstance(node.func, ast.Attribute) and node.func.attr == name]


def test_a_table_becomes_csv_only_where_formulas_are_guarded_or_our_code_reads_it() -> None:
    assert {path for path, tree in sources() if calls(tree, "to_csv")} == WRITERS


def test_pages_offer_files_only_by_the_download_that_asks_who_may() -> None:
    assert {path for path, tree in sources() if calls(tree, "download_button")} == {OFFERS}


def test_a_page_that_offers_csv_as_text_guards_it_itself() -> None:
    offers = set()
    for path, tree in sources():
        constants = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
        if path.startswith("pages/") and "text/csv" in constants:
            offers.add(path)
    # The events are written by csv_for_people too, in a form that can be imported again.
    assert offers == {OFFERS, "pages/components/trial_viewer/events_view.py"}


def test_every_action_is_asked_for_somewhere_in_the_app() -> None:
    used = {
        node.attr
        for path, tree in sources()
        if path.startswith("pages/")
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Action"
    }
    assert used == set(Action.__members__)


def test_the_exceptions_exist() -> None:
    assert all(Path(CODE_FOLDER, path).is_file() for path in WRITERS)
