import csv
import io

import pandas as pd
import pytest

from socal_core.dataset import layout
from socal_core.dataset.dataset import Severity
from socal_core.dataset.problems import PROBLEMS_PER_KIND, ProblemLog, printable, problems_csv


def rows(count: int) -> pd.DataFrame:
    return pd.DataFrame({"value": [f"v{line}" for line in range(count)]}, index=range(1, count + 1))


@pytest.mark.parametrize("count", [0, 1, PROBLEMS_PER_KIND, PROBLEMS_PER_KIND + 1, 1234])
def test_rows_are_kept_one_by_one_then_counted(log: ProblemLog, count: int) -> None:
    log.add_rows("bad", Severity.ERROR, "a.csv", rows(count), "got {value}")
    problems = log.problems()
    assert sum(problem.count for problem in problems) == count
    assert [problem.row for problem in problems if problem.row] == list(range(1, min(count, PROBLEMS_PER_KIND) + 1))
    assert len(problems) == min(count, PROBLEMS_PER_KIND + 1)
    assert all(problem.message == f"got v{problem.row - 1}" for problem in problems if problem.row)


def test_the_limit_holds_over_several_calls(log: ProblemLog) -> None:
    for _ in range(3):
        log.add_rows("bad", Severity.ERROR, "a.csv", rows(40), "got {value}")
    log.add("bad", Severity.ERROR, "a.csv", "one more", row=7, count=5)
    problems = log.problems()
    assert len(problems) == PROBLEMS_PER_KIND + 1
    assert problems[-1].count == 125 - PROBLEMS_PER_KIND
    assert problems[-1].row is None


def test_frames_fold_together_though_each_is_a_file(log: ProblemLog) -> None:
    log.add_frames("bad", Severity.INFO, [f"{number}.txt" for number in range(60)], "{frame} is odd")
    *kept, rest = log.problems()
    assert kept[0].path == f"{layout.IMAGES_DIR}/0.txt"
    assert (len(kept), rest.path, rest.count) == (50, layout.IMAGES_DIR, 10)


def test_frames_noted_one_by_one_fold_as_well(log: ProblemLog) -> None:
    for number in range(60):
        log.add("bad", Severity.ERROR, f"{layout.IMAGES_DIR}/{number}.jpeg", "cannot be read")
    assert [problem.count for problem in log.problems()] == [1] * 50 + [10]


def test_kinds_do_not_share_their_limit_and_the_costly_come_first(log: ProblemLog) -> None:
    log.add_rows("known", Severity.INFO, "a.csv", rows(60), "got {value}")
    log.add("late", Severity.WARNING, "b.csv", "late", row=9)
    log.add("late", Severity.WARNING, "b.csv", "early", row=2)
    log.add("worst", Severity.ERROR, "z.csv", "worst")
    assert [problem.code for problem in log.problems()][:3] == ["worst", "late", "late"]
    assert [problem.row for problem in log.problems()][:3] == [None, 2, 9]


def test_braces_in_a_value_are_no_format(log: ProblemLog) -> None:
    table = pd.DataFrame({"value": ["{value.__class__}"]}, index=[3])
    log.add_rows("bad", Severity.ERROR, "a.csv", table, "got {value}")
    assert log.problems()[0].message == "got {value.__class__}"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain ä", "plain ä"),
        (12, "12"),
        ("two\nlines\t\x00", "two\\nlines\\t\\x00"),
        ("\udcff.jpeg", "\\udcff.jpeg"),
        ("x" * 60, "x" * 60),
        ("x" * 5000, "x" * 59 + "…"),
    ],
)
def test_printable(value: object, text: str) -> None:
    assert printable(value) == text
    assert printable(value).encode("utf-8")


def test_problems_as_csv(log: ProblemLog) -> None:
    log.add("a-code", Severity.ERROR, "socal.csv", 'Got "x", y.', row=7)
    log.add("b-code", Severity.INFO, "socal.csv", "As a whole.", count=3)
    rows = list(csv.DictReader(io.StringIO(problems_csv(log.problems()))))
    assert [(row["code"], row["severity"], row["path"], row["row"], row["message"], row["count"]) for row in rows] == [
        ("a-code", "error", "socal.csv", "7", 'Got "x", y.', "1"),
        ("b-code", "info", "socal.csv", "", "As a whole.", "3"),
    ]
    assert problems_csv([]).splitlines() == ["code,severity,path,row,message,count"]
