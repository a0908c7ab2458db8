import csv
import io
import json

import numpy as np
import pandas as pd
import pytest

from socal_core.dataset import layout
from socal_core.dataset.dataset import Severity
from socal_core.dataset.problem_kinds.kind import ProblemKind
from socal_core.dataset.problems import FOLDED, PROBLEMS_PER_KIND, ProblemLog, printable, problems_csv

BAD = ProblemKind("bad", Severity.ERROR, "Bad value", "got {value}", "")
BAD_FILE = ProblemKind("bad-file", Severity.ERROR, "Bad file", "It is bad.", "Delete it.")
ODD = ProblemKind("odd", Severity.INFO, "Odd frame", "{frame} is odd", "")


def rows(count: int) -> pd.DataFrame:
    return pd.DataFrame({"value": [f"v{line}" for line in range(count)]}, index=range(1, count + 1))


@pytest.mark.parametrize("count", [0, 1, PROBLEMS_PER_KIND, PROBLEMS_PER_KIND + 1, 1234])
def test_rows_are_kept_one_by_one_then_counted(log: ProblemLog, count: int) -> None:
    log.add_rows(BAD, "a.csv", rows(count))
    problems = log.problems()
    assert sum(problem.count for problem in problems) == count
    assert [problem.row for problem in problems if problem.row] == list(range(1, min(count, PROBLEMS_PER_KIND) + 1))
    assert len(problems) == min(count, PROBLEMS_PER_KIND + 1)
    assert all(problem.parameters == {"value": f"v{problem.row - 1}"} for problem in problems if problem.row)
    assert [problem.parameters for problem in problems[PROBLEMS_PER_KIND:]] == [{FOLDED: count - PROBLEMS_PER_KIND}] * (
        count > PROBLEMS_PER_KIND
    )


def test_the_limit_holds_over_several_calls(log: ProblemLog) -> None:
    for _ in range(3):
        log.add_rows(BAD, "a.csv", rows(40))
    log.add(BAD, "a.csv", row=7, count=5, value=1)
    problems = log.problems()
    assert len(problems) == PROBLEMS_PER_KIND + 1
    assert problems[-1].count == 125 - PROBLEMS_PER_KIND
    assert problems[-1].row is None


def test_frames_fold_together_though_each_is_a_file(log: ProblemLog) -> None:
    log.add_frames(ODD, [f"{number}.txt" for number in range(60)])
    *kept, rest = log.problems()
    assert kept[0].path == f"{layout.IMAGES_DIR}/0.txt"
    assert kept[0].parameters == {"frame": "0.txt"}
    assert (len(kept), rest.path, rest.count) == (50, layout.IMAGES_DIR, 10)


def test_frames_noted_one_by_one_fold_as_well(log: ProblemLog) -> None:
    for number in range(60):
        log.add(BAD_FILE, f"{layout.IMAGES_DIR}/{number}.jpeg")
    assert [problem.count for problem in log.problems()] == [1] * 50 + [10]


def test_kinds_do_not_share_their_limit_and_the_costly_come_first(log: ProblemLog) -> None:
    late = ProblemKind("late", Severity.WARNING, "", "late", "")
    log.add_rows(ProblemKind("known", Severity.INFO, "", "got {value}", ""), "a.csv", rows(60))
    log.add(late, "b.csv", row=9)
    log.add(late, "b.csv", row=2)
    log.add(ProblemKind("worst", Severity.ERROR, "", "worst", ""), "z.csv")
    assert [problem.code for problem in log.problems()][:3] == ["worst", "late", "late"]
    assert [problem.row for problem in log.problems()][:3] == [None, 2, 9]


def test_braces_in_a_value_are_no_format(log: ProblemLog) -> None:
    table = pd.DataFrame({"value": ["{value.__class__}"]}, index=[3])
    log.add_rows(BAD, "a.csv", table)
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
    log.add(ProblemKind("a-code", Severity.ERROR, "", 'Got "{value}", y.', ""), "socal.csv", row=7, value="x")
    log.add(ProblemKind("b-code", Severity.INFO, "", "As a whole.", ""), "socal.csv", count=3)
    rows = list(csv.DictReader(io.StringIO(problems_csv(log.problems()))))
    assert [(row["code"], row["severity"], row["path"], row["row"], row["message"], row["count"]) for row in rows] == [
        ("a-code", "error", "socal.csv", "7", 'Got "x", y.', "1"),
        ("b-code", "info", "socal.csv", "", "As a whole.", "3"),
    ]
    assert problems_csv([]).splitlines() == ["code,severity,path,row,message,count"]


def test_a_message_is_followed_by_the_advice(log: ProblemLog) -> None:
    log.add(BAD_FILE, "a.csv")
    assert log.problems()[0].message == "It is bad. Delete it."


def test_columns_that_no_text_names_are_no_parameters_and_constants_are(log: ProblemLog) -> None:
    table = pd.DataFrame({"value": [1.5], "other": ["x"], "file": ["b.csv"]}, index=[4])
    log.add_rows(BAD, "a.csv", table, trial_id="S1T1")
    (problem,) = log.problems()
    assert (problem.path, problem.row) == ("b.csv", 4)
    assert problem.parameters == {"value": 1.5, "trial_id": "S1T1"}


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (True, 1),
        (np.int64(7), 7),
        (12.0, 12),
        (np.float64(0.5), 0.5),
        (1e300, 1e300),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        (pd.NA, "<NA>"),
        ("a\nb", "a\\nb"),
        (ValueError("no file"), "no file"),
    ],
)
def test_parameters_are_what_json_can_hold(log: ProblemLog, value: object, kept: object) -> None:
    log.add(BAD, "a.csv", value=value)
    (problem,) = log.problems()
    assert problem.parameters == {"value": kept}
    assert json.loads(json.dumps(problem.as_dict(), allow_nan=False))["parameters"] == problem.parameters


def test_a_text_where_a_number_is_expected_is_used_as_it_is(log: ProblemLog) -> None:
    log.add(ProblemKind("many", Severity.INFO, "", "{frames:,} frames", ""), "a.csv", frames=float("inf"))
    assert log.problems()[0].message == "inf frames"


def test_a_missing_parameter_is_an_error(log: ProblemLog) -> None:
    with pytest.raises(KeyError, match="value"):
        log.add(BAD, "a.csv")
