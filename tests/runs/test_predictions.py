"""socal_core.runs.files.predictions: every wrong value is named by row and field"""

import re
from pathlib import Path

import pandas as pd
import pytest

from socal_core.dataset.targets import SUCCESS_TARGET, Target
from socal_core.errors import RunError
from socal_core.runs.files.predictions import PREDICTIONS, prediction_columns, read_predictions, write_predictions

GRADE = Target("grade", "Grade", classes=("low", "high"))
LOSS = Target("blood_loss", "Blood loss", "mL")
HEADER = "trial_id,participant_id,split,label,prob_success,predicted"
ROWS = ["S1T1,01,train,1,0.9,1", "S1T2,01,validation,0,0.25,0", "S2T1,,test,1,1.0,1"]


def read(folder: Path, *rows: str, header: str = HEADER, target: Target = SUCCESS_TARGET) -> pd.DataFrame:
    (folder / PREDICTIONS).write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    table = read_predictions(folder / PREDICTIONS, target, "Run run-1")
    assert table is not None
    return table


def test_a_table_is_read_with_its_types(tmp_path: Path) -> None:
    table = read(tmp_path, *ROWS)
    assert table["participant_id"].tolist() == ["01", "01", ""]
    assert [str(dtype) for dtype in table.dtypes] == ["str", "str", "str", "int64", "float64", "int64"]
    assert table["prob_success"].tolist() == [0.9, 0.25, 1.0]
    assert read_predictions(tmp_path / "nothing.csv", SUCCESS_TARGET, "Run run-1") is None


@pytest.mark.parametrize("target", [SUCCESS_TARGET, GRADE, LOSS])
def test_what_is_written_is_read_again(tmp_path: Path, target: Target) -> None:
    values = {name: [1 / 3, 2 / 3] for name in prediction_columns(target)}
    values |= {"trial_id": ["a", "b"], "participant_id": ["1", "2"], "split": ["train", "test"]}
    if not target.is_number:
        classes = [0, 1] if target.is_success else ["low", "high"]
        values |= {"label": classes, "predicted": classes}
    table = pd.DataFrame(values)[list(prediction_columns(target))]
    write_predictions(tmp_path / PREDICTIONS, table, target)
    pd.testing.assert_frame_equal(read_predictions(tmp_path / PREDICTIONS, target, "Run run-1"), table)


def test_a_table_without_trials_is_allowed(tmp_path: Path) -> None:
    assert read(tmp_path).empty


@pytest.mark.parametrize("number", range(6))
def test_a_missing_column_is_named(tmp_path: Path, number: int) -> None:
    names = HEADER.split(",")
    left = names.pop(number)
    rows = [",".join(cell for i, cell in enumerate(row.split(",")) if i != number) for row in ROWS]
    with pytest.raises(RunError, match=rf"predictions\.csv, row 1: the column {left} is missing\. Delete it and run"):
        read(tmp_path, *rows, header=",".join(names))


@pytest.mark.parametrize("header", [HEADER + ",more", ",".join(reversed(HEADER.split(",")))])
def test_other_columns_are_refused(tmp_path: Path, header: str) -> None:
    with pytest.raises(RunError, match=r"row 1: the columns must be trial_id, participant_id, split, label, prob_"):
        read(tmp_path, header=header)


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("S9T1,1,test,1,1.3,1", "prob_success is 1.3, must be between 0 and 1"),
        ("S9T1,1,test,1,-0.1,1", "prob_success is -0.1, must be between 0 and 1"),
        ("S9T1,1,test,1,nan,1", "prob_success is nan, must be between 0 and 1"),
        ("S9T1,1,test,1,inf,1", "prob_success is inf, must be between 0 and 1"),
        ("S9T1,1,test,1,,1", "prob_success is empty, must be between 0 and 1"),
        ("S9T1,1,test,1,high,1", "prob_success is high, must be between 0 and 1"),
        ("S9T1,1,test,2,0.3,1", "label is 2, must be 0 or 1"),
        ("S9T1,1,test,0.5,0.3,1", "label is 0.5, must be 0 or 1"),
        ("S9T1,1,test,,0.3,1", "label is empty, must be 0 or 1"),
        ("S9T1,1,test,success,0.3,1", "label is success, must be 0 or 1"),
        ("S9T1,1,test,1,0.3,-1", "predicted is -1, must be 0 or 1"),
        ("S9T1,1,test,1,0.3", "predicted is empty, must be 0 or 1"),
        ("S9T1,1,tset,1,0.3,1", "split is tset, must be one of train, validation, test"),
        ("S9T1,1,,1,0.3,1", "split is empty, must be one of train, validation, test"),
        ("S1T2,1,test,1,0.3,1", "trial_id is S1T2, as in row 3"),
        (",1,test,1,0.3,1", "trial_id is empty"),
        ("", "trial_id is empty"),
        (f"S9T1,1,{'x' * 500},1,0.3,1", f"split is {'x' * 40}…, must be one of train, validation, test"),
    ],
)
def test_a_wrong_value_is_named_by_row_and_field(tmp_path: Path, row: str, problem: str) -> None:
    expected = f"Run run-1: predictions.csv, row 5: {problem}. Delete it and run `evaluate`."
    with pytest.raises(RunError, match=f"^{re.escape(expected)}$"):
        read(tmp_path, *ROWS, row, "S10T1,1,test,1,0.5,1")


@pytest.mark.parametrize(
    ("target", "row", "problem"),
    [
        (GRADE, "a,1,test,medium,0.5,0.5,low", "label is medium, must be one of low, high"),
        (GRADE, "a,1,test,low,0.5,1.5,low", "prob_high is 1.5, must be between 0 and 1"),
        (LOSS, "a,1,test,nan,250", "label is nan, must be a number"),
        (LOSS, "a,1,test,100,much", "predicted is much, must be a number"),
    ],
)
def test_other_targets(tmp_path: Path, target: Target, row: str, problem: str) -> None:
    with pytest.raises(RunError, match=re.escape(f"row 2: {problem}.")):
        read(tmp_path, row, header=",".join(prediction_columns(target)), target=target)


def test_a_row_with_too_many_cells(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="row 2: it has more cells than row 1"):
        read(tmp_path, "S1T1,01,test,1,0.9,1,1")
    with pytest.raises(RunError, match="is damaged"):
        read(tmp_path, *ROWS, "S9T1,01,test,1,0.9,1,1")


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00"])
def test_what_is_no_table_is_damaged(tmp_path: Path, content: bytes) -> None:
    (tmp_path / PREDICTIONS).write_bytes(content)
    with pytest.raises(RunError, match=r"^Run run-1: predictions\.csv is damaged\. Delete it and run `evaluate`\.$"):
        read_predictions(tmp_path / PREDICTIONS, SUCCESS_TARGET, "Run run-1")
