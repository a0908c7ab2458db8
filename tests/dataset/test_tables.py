from pathlib import Path

import pandas as pd
import pytest

from socal_core.dataset.dataset import Severity
from socal_core.dataset.folder import DataFolder
from socal_core.dataset.problems import ProblemLog
from socal_core.dataset.tables import is_missing, read_lines, read_table, to_cells, to_integers, to_numbers
from tests.dataset.editing import found

NAME = "table.csv"


def read(root: Path, data: bytes, log: ProblemLog) -> pd.DataFrame | None:
    (root / NAME).write_bytes(data)
    return read_table(DataFolder(root), NAME, ("a", "b"), ("a",), log)


@pytest.mark.parametrize(
    ("data", "rows"),
    [
        (b"a,b\n1,2\n3,4\n", {2: ["1", "2"], 3: ["3", "4"]}),
        (b"a,b\n1,2\n3,4", {2: ["1", "2"], 3: ["3", "4"]}),
        (b"a,b\r\n1,2\r\n3,4\r\n", {2: ["1", "2"], 3: ["3", "4"]}),
        (b"a,b\r1,2\r3,4\r", {2: ["1", "2"], 3: ["3", "4"]}),
        (b"\n\na,b\n\n1,2\n , \n,,\n3,4\n\n", {5: ["1", "2"], 8: ["3", "4"]}),
        (b"\xef\xbb\xbfa,b\n1,2\n", {2: ["1", "2"]}),
        (b'"a","b"\n"1, one","2"\n3,"say ""x"""\n', {2: ["1, one", "2"], 3: ["3", 'say "x"']}),
        (b" a , b\n 1 ,\t2 \n", {2: ["1", "2"]}),
        (b"b,other,a\n2,x,01\n", {2: ["01", "2"]}),
        (b"a,b\n1,2,,\n", {2: ["1", "2"]}),
        (b"a,b\n", {}),
    ],
    ids=["plain", "no end", "crlf", "cr", "blank", "bom", "quotes", "spaces", "order", "surplus blank", "header alone"],
)
def test_rows_keep_their_line_number(tmp_path: Path, log: ProblemLog, data: bytes, rows: dict[int, list[str]]) -> None:
    table = read(tmp_path, data, log)
    assert table is not None
    assert {row: list(values) for row, *values in table.itertuples(name=None)} == rows
    assert log.problems() == ()


@pytest.mark.parametrize(
    ("data", "code", "severity", "row", "rows"),
    [
        (b"a,b\n1,2\n3\n", "missing-fields", Severity.WARNING, 3, {2: ["1", "2"], 3: ["3", ""]}),
        (b"a,b\n1,2,3\n4,5\n", "wrong-number-of-fields", Severity.ERROR, 2, {3: ["4", "5"]}),
        (b'a,b\n"1,2\n4,5\n', "broken-quotes", Severity.ERROR, 2, {3: ["4", "5"]}),
        (b"a,b\n1\x00,2\n", "nul-bytes", Severity.WARNING, 2, {2: ["1", "2"]}),
        (b"a,b\n1,2\n3,M\xfcller\n", "not-utf-8", Severity.WARNING, 3, {2: ["1", "2"], 3: ["3", "Müller"]}),
        (b"a,b\r\n1,2\r\n3,\x81\xfc\r\n", "not-utf-8", Severity.WARNING, 3, {2: ["1", "2"], 3: ["3", "\x81ü"]}),
        ("a,b\n1,ü\n".encode("utf-16"), "not-utf-8", Severity.WARNING, 1, {2: ["1", "ü"]}),
    ],
    ids=["short", "long", "open quote", "nul", "cp1252", "latin-1", "utf-16"],
)
def test_a_bad_row_is_named_and_the_others_are_read(
    tmp_path: Path, log: ProblemLog, data: bytes, code: str, severity: Severity, row: int, rows: dict[int, list[str]]
) -> None:
    table = read(tmp_path, data, log)
    assert table is not None
    assert {line: list(values) for line, *values in table.itertuples(name=None)} == rows
    (problem,) = log.problems()
    assert (problem.code, problem.severity, problem.path, problem.row) == (code, severity, NAME, row)
    assert not problem.message.startswith(str(tmp_path))


@pytest.mark.parametrize(
    ("data", "code", "named", "severity", "columns"),
    [
        (b"a,c\n1,2\n", "missing-optional-column", "b", Severity.WARNING, ["a"]),
        (b"b,c\n1,2\n", "missing-column", "a", Severity.ERROR, ["b"]),
        (b"a,b,b\n1,2,2\n", "repeated-column", "b", Severity.WARNING, ["a", "b"]),
        (b"a,b,b\n1,2,3\n", "doubled-optional-column", "b", Severity.WARNING, ["a"]),
        (b"a,b,a\n1,2,1\n", "repeated-column", "a", Severity.WARNING, ["a", "b"]),
        (b"a,b,a\n1,2,3\n", "doubled-column", "a", Severity.ERROR, ["b"]),
    ],
)
def test_a_bad_header_names_the_column(
    tmp_path: Path, log: ProblemLog, data: bytes, code: str, named: str, severity: Severity, columns: list[str]
) -> None:
    table = read(tmp_path, data, log)
    assert table is not None
    assert list(table.columns) == columns
    (problem,) = log.problems()
    assert (problem.code, problem.severity, problem.row) == (code, severity, 1)
    assert problem.parameters["column"] == named


def test_a_column_that_nobody_asks_for_may_be_doubled(tmp_path: Path, log: ProblemLog) -> None:
    table = read(tmp_path, b"a,b,,\n1,2,3,4\n", log)
    assert table is not None
    assert log.problems() == ()


@pytest.mark.parametrize("data", [b"", b"\n\r\n \n", b",,,\n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_an_error(tmp_path: Path, log: ProblemLog, data: bytes) -> None:
    assert read(tmp_path, data, log) is None
    assert [problem.code for problem in log.problems()] == ["empty-file"]


def test_a_folder_in_place_of_the_file_is_an_error_without_its_path(tmp_path: Path, log: ProblemLog) -> None:
    (tmp_path / NAME).mkdir()
    assert read_lines(DataFolder(tmp_path), NAME, log) is None
    (problem,) = found(log.problems(), "unreadable-file")
    assert "it is no file" in problem.parameters["reason"]
    assert str(tmp_path) not in problem.message


def test_random_bytes_never_crash(tmp_path: Path, log: ProblemLog) -> None:
    data = bytes(range(256)) * 40 + b"\n" + bytes(reversed(range(256)))
    assert read(tmp_path, data, log) is not None
    assert found(log.problems(), "not-utf-8")


def test_cells_without_header_keep_text_as_it_is(tmp_path: Path, log: ProblemLog) -> None:
    (tmp_path / NAME).write_text("01,NA\n1e3,nan\n")
    lines = read_lines(DataFolder(tmp_path), NAME, log)
    assert lines is not None
    cells = to_cells(lines, 2, log)
    assert cells.to_numpy().tolist() == [["01", "NA"], ["1e3", "nan"]]
    assert cells.index.tolist() == [1, 2]


def test_short_rows_are_left_out_unless_filled(tmp_path: Path, log: ProblemLog) -> None:
    (tmp_path / NAME).write_text("1,2\n3\n4,5\n")
    lines = read_lines(DataFolder(tmp_path), NAME, log)
    assert lines is not None
    assert to_cells(lines, 2, log).index.tolist() == [1, 3]
    assert [problem.row for problem in log.problems()] == [2]


def test_missing_values_are_known_in_any_case() -> None:
    cells = pd.Series(["", "NA", "n/a", "NaN", "None", "null", "0", "no", "name"], dtype="str")
    assert is_missing(cells).tolist() == [True] * 6 + [False] * 3


@pytest.mark.parametrize(
    ("text", "integer"),
    [
        ("12", 12),
        ("12.0", 12),
        ("-3", -3),
        ("1e3", 1000),
        ("12.5", None),
        ("nan", None),
        ("inf", None),
        ("1e400", None),
        ("99999999999999999999999", None),
        ("1_000", None),
        ("0x1F", None),
        ("", None),
        ("twelve", None),
    ],
)
def test_integers(text: str, integer: int | None) -> None:
    values = to_integers(pd.Series([text, "7", text], index=[5, 6, 7], dtype="str"))
    assert values.index.tolist() == [5, 6, 7]
    assert [None if pd.isna(value) else value for value in values] == [integer, 7, integer]


def test_numbers_are_finite_or_missing() -> None:
    values = to_numbers(pd.Series(["1.5", "inf", "x", "1.5"], dtype="str"))
    assert values.fillna(-1).tolist() == [1.5, -1, -1, 1.5]
    assert to_numbers(pd.Series([], dtype="str")).empty
