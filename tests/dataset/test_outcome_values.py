"""The outcome of a trial in words, in other codes, and in several rows."""

from pathlib import Path

import pandas as pd
import pytest

from socal_core.dataset import layout
from socal_core.dataset.opening import open_dataset
from socal_core.dataset.outcome_values import read_success
from socal_core.dataset.problems import ProblemLog
from socal_core.presets import SOCAL, Preset
from tests.annotations.matching_files import frames
from tests.dataset.editing import found, put


def read(values: list[str], preset: Preset = SOCAL) -> tuple[list[int | None], ProblemLog]:
    log = ProblemLog()
    cells = pd.Series(values, index=range(2, 2 + len(values)), dtype="str")
    return [None if pd.isna(value) else int(value) for value in read_success(cells, preset, log)], log


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["yes", "No", "NA", "YES"], [1, 0, None, 1]),
        (["TRUE", "FALSE"], [1, 0]),
        (["Success", "Failure", ""], [1, 0, None]),
        (["nein", "ja"], [0, 1]),
        (["WAHR", "FALSCH"], [1, 0]),
        (["n", "n"], [0, 0]),
    ],
    ids=str,
)
def test_words_are_read_with_evidence(values: list[str], expected: list[int | None]) -> None:
    read_values, log = read(values)
    assert read_values == expected
    assert not log.problems()
    (entry,) = log.evidence
    assert "means 1" in entry.interpretation


@pytest.mark.parametrize("values", [["1", "2"], ["2", "1", "NA"], ["1", "-1"], ["2", "3"], ["0", "2"]], ids=str)
def test_other_codes_leave_all_outcomes_unknown(values: list[str]) -> None:
    read_values, log = read(values)
    assert set(read_values) == {None}
    assert [problem.code for problem in log.problems()] == ["success-codes"]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["1", "0", "2"], [1, 0, None]),
        (["1", "yes", "0"], [1, None, 0]),
        (["yes", "nein"], [None, None]),
        (["1", "1", "?"], [1, 1, None]),
    ],
    ids=str,
)
def test_a_value_that_is_no_code_is_unknown(values: list[str], expected: list[int | None]) -> None:
    read_values, log = read(values)
    assert read_values == expected
    assert {problem.code for problem in log.problems()} == {"bad-success"}


def test_rows_that_agree_in_success_keep_it(tmp_path: Path) -> None:
    frames(tmp_path, "S1T1_frame_00000001.jpeg")
    put(tmp_path, {layout.OUTCOMES_FILE: "trial_id,success,tth\nS1T1,1,100\nS1T1,1,120\n"})
    data = open_dataset(tmp_path)
    assert data.trials.loc["S1T1", "success"] == 1
    assert pd.isna(data.trials.loc["S1T1", "tth"])
    assert found(data, "doubled-trial")


def test_a_surgeon_in_scientific_notation_is_the_one_in_the_trial_id(tmp_path: Path) -> None:
    frames(tmp_path, "S102T1_frame_00000001.jpeg", "S102T2_frame_00000001.jpeg")
    put(tmp_path, {layout.OUTCOMES_FILE: "trial_id,participant_id,success\nS102T1,1.02E+02,1\nS102T2,102,0\n"})
    data = open_dataset(tmp_path)
    assert data.trials["participant_id"].tolist() == ["102", "102"]
    assert found(data, "lost-zeros")
