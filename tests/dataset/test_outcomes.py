from pathlib import Path

import pandas as pd
import pytest

from socal_core.dataset import layout
from socal_core.dataset.dataset import Severity
from socal_core.dataset.opening import open_dataset
from tests.dataset.editing import append_line, drop_lines, edit_column, found, replace_line, write_frame

GOOD = "S100T2,100,20,1,30,1,100,1,250,64,48"


def outcomes(folder: Path) -> Path:
    return folder / layout.OUTCOMES_FILE


def test_a_sound_folder(folder: Path) -> None:
    data = open_dataset(folder)
    assert data.trials.index.tolist() == [f"S{surgeon}T{number}" for surgeon in range(100, 104) for number in (1, 2)]
    assert data.trials["success"].tolist() == [1, 1, 0, 0, 0, 1, 0, 0]
    assert data.trials["usable"].all()
    assert (data.trials["unusable_because"] == "").all()
    assert data.trials["trial_number"].tolist() == [1, 2] * 4
    assert data.trials["training_status"].tolist() == ["Trainee", "Trainee", "Attending", "Attending"] * 2
    assert data.trials.loc["S100T1", ["cottonoid", "tth", "blood_loss", "width", "height"]].tolist() == [
        20,
        100,
        250,
        64,
        48,
    ]
    assert data.outcome_rows == 8
    assert {
        column: str(data.trials[column].dtype)
        for column in ("participant_id", "trial_number", "success", "n_frames", "usable", "tth", "width", "cohort")
    } == {
        "participant_id": "str",
        "trial_number": "Int64",
        "success": "Int64",
        "n_frames": "int64",
        "usable": "bool",
        "tth": "Float64",
        "width": "Int64",
        "cohort": "str",
    }


NUMBER = "a number"
PIXELS = "a whole number of pixels"


def bad_success(value: str) -> dict[str, object]:
    return {"column": "success", "expected": "0, 1", "value": value}


def bad_value(column: str, expected: str, value: str) -> dict[str, object]:
    return {"column": column, "expected": expected, "value": value}


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("line", "code", "severity", "parameters"),
    [
        (GOOD.replace(",1,250", ",2,250"), "bad-success", Severity.ERROR, bad_success("2")),
        (GOOD.replace(",1,250", ",yes,250"), "bad-success", Severity.ERROR, bad_success("yes")),
        (GOOD.replace(",1,250", ",0.5,250"), "bad-success", Severity.ERROR, bad_success("0.5")),
        (GOOD.replace(",1,250", ",inf,250"), "bad-success", Severity.ERROR, bad_success("inf")),
        (GOOD.replace(",1,250", ",NA,250"), "unknown-success", Severity.WARNING, {"trial_id": "S100T2"}),
        (GOOD.replace(",1,250", ",,250"), "unknown-success", Severity.WARNING, {"trial_id": "S100T2"}),
        (GOOD.replace(",100,1,", ",soon,1,"), "bad-value", Severity.WARNING, bad_value("tth", NUMBER, "soon")),
        (GOOD.replace("250", "inf"), "bad-value", Severity.WARNING, bad_value("blood_loss", NUMBER, "inf")),
        (GOOD.replace("64,48", "0,48"), "bad-value", Severity.WARNING, bad_value("trial_video_width", PIXELS, "0")),
        (
            GOOD.replace("64,48", "64,48.5"),
            "bad-value",
            Severity.WARNING,
            bad_value("trial_video_height", PIXELS, "48.5"),
        ),
        (
            GOOD.replace("T2,100", "T2,999"),
            "participant-contradicts-trial",
            Severity.WARNING,
            {"participant_id": "999", "trial_id": "S100T2"},
        ),
        (GOOD.replace("S100T2", "100-2"), "bad-trial-id", Severity.ERROR, {"trial_id": "100-2", "form": "S102T1"}),
        (GOOD.replace("S100T2", "NA"), "bad-trial-id", Severity.ERROR, {"trial_id": "NA", "form": "S102T1"}),
        (
            GOOD.replace("S100T2,100,20", "S100T1,100,21"),
            "doubled-trial",
            Severity.ERROR,
            {"trial_id": "S100T1", "first": 2},
        ),
        (GOOD + ",7", "wrong-number-of-fields", Severity.ERROR, {"fields": 12, "expected": 11}),
        ("S100T2,100,20", "missing-fields", Severity.WARNING, {"fields": 3, "expected": 11}),
        ('"' + GOOD, "broken-quotes", Severity.ERROR, {}),
    ],
)
def test_a_bad_row_is_named_and_the_other_trials_stay(
    folder: Path, line: str, code: str, severity: Severity, parameters: dict[str, object]
) -> None:
    row = 3
    original = outcomes(folder).read_text().splitlines()[row - 1]
    assert original == GOOD
    replace_line(outcomes(folder), row, line)
    data = open_dataset(folder)
    (problem,) = found(data, code)
    assert (problem.severity, problem.path, problem.row) == (severity, layout.OUTCOMES_FILE, row)
    assert problem.parameters == parameters
    assert data.trials["usable"].drop("S100T2").all()


@pytest.mark.sampled(2)
@pytest.mark.parametrize(("text", "success"), [("1", 1), ("0", 0), ("1.0", 1), ("0.0", 0), ('"1"', 1), (" 1 ", 1)])
def test_spellings_of_success(folder: Path, text: str, success: int) -> None:
    edit_column(outcomes(folder), "success", text)
    data = open_dataset(folder)
    assert set(data.trials["success"]) == {success}
    assert data.problems == ()


@pytest.mark.parametrize(("file", "code"), [(None, "no-outcomes-file"), (b"", "empty-file")])
def test_without_outcomes_the_data_set_opens_and_no_trial_is_usable(
    folder: Path, file: bytes | None, code: str
) -> None:
    outcomes(folder).unlink()
    if file is not None:
        outcomes(folder).write_bytes(file)
    data = open_dataset(folder)
    (problem,) = found(data, code)
    assert (problem.severity, problem.path) == (Severity.ERROR, layout.OUTCOMES_FILE)
    assert not data.trials["usable"].any()
    assert set(data.trials["unusable_because"]) == {"no outcome row"}
    assert (len(data.trials), len(data.frames), len(data.boxes), data.outcome_rows) == (8, 24, 40, 0)
    assert data.trials["participant_id"].tolist()[:2] == ["100", "100"]
    assert data.trials.loc["S100T1", ["width", "height"]].tolist() == [64, 48]
    assert not found(data, "trial-without-outcome")


@pytest.mark.parametrize(
    ("old", "new", "code", "column"),
    [
        ("success,blood", "outcome,blood", "missing-column", "success"),
        ("blood_loss", "success", "doubled-column", "success"),
        ("trial_id", "trial", "missing-column", "trial_id"),
        (",participant_id", ",trial_id", "doubled-column", "trial_id"),
    ],
)
def test_without_a_required_column_no_trial_is_usable(folder: Path, old: str, new: str, code: str, column: str) -> None:
    text = outcomes(folder).read_text()
    outcomes(folder).write_text(text.replace(old, new, 1))
    data = open_dataset(folder)
    problem = data.problems[0]
    assert (problem.code, problem.severity, problem.row) == (code, Severity.ERROR, 1)
    assert problem.parameters["column"] == column
    assert not data.trials["usable"].any()
    assert (len(data.frames), data.outcome_rows) == (24, 8)
    assert not found(data, "unknown-success")
    assert not found(data, "bad-trial-id")


def test_without_an_optional_column_its_values_are_unknown(folder: Path) -> None:
    text = outcomes(folder).read_text()
    outcomes(folder).write_text(text.replace(",tth,", ",other,", 1).replace("trial_video_width", "other"))
    data = open_dataset(folder)
    missing = found(data, "missing-optional-column")
    assert [(problem.severity, problem.row) for problem in missing] == [(Severity.WARNING, 1)] * 2
    assert [problem.parameters["column"] for problem in missing] == ["tth", "trial_video_width"]
    assert data.trials["tth"].isna().all()
    assert data.trials["usable"].all()
    assert set(data.trials["width"]) == {64}, "read from the frames"


def test_a_doubled_trial_with_the_same_values_costs_nothing(folder: Path) -> None:
    row = append_line(outcomes(folder), GOOD)
    data = open_dataset(folder)
    (problem,) = found(data, "repeated-trial")
    assert (problem.severity, problem.row) == (Severity.WARNING, row)
    assert problem.parameters == {"trial_id": "S100T2", "first": 3}
    assert (len(data.trials), data.outcome_rows) == (8, 9)


def test_values_in_which_rows_of_a_trial_differ_are_unknown(folder: Path) -> None:
    other = GOOD.replace(",1,250", ",0,250")
    rows = [append_line(outcomes(folder), other), append_line(outcomes(folder), other)]
    data = open_dataset(folder)
    problems = found(data, "doubled-trial")
    assert [(problem.severity, problem.row) for problem in problems] == [(Severity.ERROR, row) for row in rows]
    assert [problem.parameters for problem in problems] == [{"trial_id": "S100T2", "first": 3}] * 2
    assert pd.isna(data.trials.loc["S100T2", "success"])
    assert data.trials.loc["S100T2", "blood_loss"] == 250


def test_frames_without_a_row_and_rows_without_frames(folder: Path) -> None:
    replace_line(outcomes(folder), 3, GOOD.replace("S100T2", "S100T3"))
    data = open_dataset(folder)
    (frames_alone,) = found(data, "trial-without-outcome")
    assert frames_alone.severity is Severity.WARNING
    assert frames_alone.parameters == {"trial_id": "S100T2"}
    (row_alone,) = found(data, "outcome-without-frames")
    assert (row_alone.severity, row_alone.row, row_alone.parameters) == (Severity.INFO, 3, {"trial_id": "S100T3"})
    trials = data.trials.loc[["S100T1", "S100T2", "S100T3"]]
    assert trials["unusable_because"].tolist() == ["", "no outcome row", "no frame"]
    assert trials["n_frames"].tolist() == [3, 3, 0]
    assert trials["usable"].tolist() == [True, False, False]
    assert len(data.usable_trials) == 7


def test_participants_stay_text_and_fall_back_to_the_trial_id(folder: Path) -> None:
    lines = ["S01T1,01,,,,,,1,,,", "S1T1,1,,,,,,1,,,", "SA21T2,NA,,,,,,0,,,", "S7T1,7.0,,,,,,0,,,"]
    for line in lines:
        append_line(outcomes(folder), line)
        write_frame(folder, line.split(",")[0] + "_frame_00000001.jpeg")
    data = open_dataset(folder)
    assert data.trials["participant_id"][["S01T1", "S1T1", "SA21T2", "S7T1"]].tolist() == ["01", "01", "A21", "7"]
    assert not found(data, "participant-contradicts-trial")


def test_the_column_says_who_operated_where_the_trial_id_says_otherwise(folder: Path) -> None:
    replace_line(outcomes(folder), 3, GOOD.replace("T2,100", "T2,999"))
    trials = open_dataset(folder).trials
    assert trials["participant_id"][["S100T1", "S100T2"]].tolist() == ["100", "999"]


def test_trials_are_in_the_order_of_surgeon_and_number(folder: Path) -> None:
    for trial in ("S9T2", "S100T10", "SA1T1", "S9T10"):
        append_line(outcomes(folder), f"{trial},,,,,,,1,,,")
    trials = open_dataset(folder).trials.index.tolist()
    assert trials[:2] == ["S9T2", "S9T10"]
    assert trials[2:5] == ["S100T1", "S100T2", "S100T10"]
    assert trials[-1] == "SA1T1"


def test_demographics_join_by_surgeon(folder: Path) -> None:
    path = folder / layout.DEMOGRAPHICS_FILE
    replace_line(path, 2, "100.0,USC,NA,Attending")
    rows = [append_line(path, "101,USC,ENT,Trainee"), append_line(path, ",USC,ENT,Trainee")]
    drop_lines(path, "103,")
    data = open_dataset(folder)
    assert data.trials.loc["S100T1", ["cohort", "training_status"]].tolist() == ["USC", "Attending"]
    assert pd.isna(data.trials.loc["S100T1", "specialty"])
    assert pd.isna(data.trials.loc["S101T1", "specialty"]), "the two rows differ"
    assert pd.isna(data.trials.loc["S103T1", "cohort"])
    assert [problem.row for problem in found(data, "doubled-surgeon")] == [rows[0] - 1]
    assert [problem.row for problem in found(data, "no-participant")] == [rows[1] - 1]


def test_without_demographics_nothing_is_lost(folder: Path) -> None:
    (folder / layout.DEMOGRAPHICS_FILE).unlink()
    data = open_dataset(folder)
    assert [problem.severity for problem in found(data, "no-demographics-file")] == [Severity.INFO]
    assert data.trials["usable"].all()
    assert data.trials["cohort"].isna().all()
    assert data.trials["cohort"].dtype == "str"
