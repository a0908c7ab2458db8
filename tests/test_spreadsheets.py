"""CSV for spreadsheet programs."""

import io

import pandas as pd
import pytest

from socal_core.dataset.problem_kinds import file_kinds
from socal_core.dataset.problems import ProblemLog, problems_csv
from socal_core.spreadsheets import as_text, csv_for_people


@pytest.mark.parametrize(
    "text",
    ["=cmd|' /C calc'!A0", "+1+cmd|'x'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "=", "-", "+0.1 to +0.2"],
)
def test_what_may_be_a_formula_begins_with_an_apostrophe(text: str) -> None:
    assert as_text(text) == f"'{text}"


@pytest.mark.parametrize("value", ["-0.3", "+12", "-1,234", "-5e-3", "+.5", "-3%", "S102", "a=b", "", "–", -0.3, None])
def test_numbers_and_other_texts_stay(value: object) -> None:
    assert as_text(value) == value


def test_cells_titles_and_names_of_rows_are_no_formulas() -> None:
    table = pd.DataFrame(
        {"=A1": pd.Series([1, None], dtype="Int64"), "who": ["=1+1", None], "x": [-0.5, 2.0]}
    ).set_axis(pd.Index(["@a", "b"], name="trial"))
    written = csv_for_people(table, index=True)
    read = pd.read_csv(io.StringIO(written), dtype=str, keep_default_na=False)
    assert list(read) == ["trial", "'=A1", "who", "x"]
    assert read.to_numpy().tolist() == [["'@a", "1", "'=1+1", "-0.5"], ["b", "", "", "2.0"]]
    assert list(table) == ["=A1", "who", "x"]


def test_the_names_of_files_in_the_list_of_problems_are_no_formulas() -> None:
    log = ProblemLog()
    log.add(file_kinds.EMPTY_FILE, "=HYPERLINK(1).csv")
    assert "'=HYPERLINK(1).csv" in problems_csv(log.problems())
