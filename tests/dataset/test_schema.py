"""socal_core.dataset.schema: what a data set refuses to be made of."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from socal_core.dataset.dataset import Dataset
from socal_core.dataset.opening import open_dataset
from socal_core.dataset.schema import TABLES
from socal_core.dataset.table_cache import open_cached
from socal_core.errors import DataError


@pytest.fixture(scope="module")
def data(shared_data_folder: Path) -> Dataset:
    return open_dataset(shared_data_folder)


def test_the_tables_of_a_folder_have_the_columns_and_no_others(data: Dataset, shared_data_folder: Path) -> None:
    for found in (data, open_cached(shared_data_folder)):
        for table in TABLES:
            rows = getattr(found, table.name)
            assert {name: str(dtype) for name, dtype in rows.dtypes.items()} == {
                column.name: column.dtype for column in table.columns if column.name in rows or not column.optional
            }
            assert rows.index.name == (table.index.name if table.index else None)


def swapped(rows: pd.DataFrame, one: int, other: int) -> pd.DataFrame:
    order = list(range(len(rows)))
    order[one], order[other] = other, one
    return rows.iloc[order].reset_index(drop=True)


def with_value(table: str, column: str, row: int, value: object) -> Callable[[Dataset], dict[str, pd.DataFrame]]:
    def change(data: Dataset) -> dict[str, pd.DataFrame]:
        rows = getattr(data, table).copy()
        rows.iloc[row, rows.columns.get_loc(column)] = value
        return {table: rows}

    change.__name__ = f"{table}.{column}={value}"
    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda data: {"frames": data.frames.drop(columns="second")}, "frames has no column second"),
        (lambda data: {"boxes": data.boxes.astype({"x1": float})}, "boxes has x1 as float64, must be int64"),
        (lambda data: {"trials": data.trials.reset_index(drop=True)}, "trials has trial_id as int64, must be str"),
        (lambda data: {"trials": data.trials.iloc[[0, 0]]}, "trials has two rows for trial_id S100T1"),
        (with_value("trials", "success", 3, 2), "trials has success 2, must be at most 1"),
        (with_value("trials", "width", 3, 0), "trials has width 0, must be at least 1"),
        (with_value("trials", "participant_id", 3, None), "trials has a row without participant_id"),
        (with_value("frames", "second", 3, -1), "frames has second -1, must be at least 0"),
        (with_value("frames", "position", 3, 4), "frames does not count position from 0 in each trial"),
        (
            with_value("frames", "frame", 0, "S100T1_frame_00000002.jpeg"),
            "frames has two rows for frame S100T1_frame_00000002.jpeg",
        ),
        (with_value("frames", "trial_id", 0, "S9T1"), "frames has a frame of S9T1, which is not in trials"),
        (with_value("frames", "trial_id", 0, "S101T1"), "frames is not in the order of the trials"),
        (lambda data: {"trials": data.trials.iloc[::-1]}, "frames is not in the order of the trials"),
        (lambda data: {"trials": data.trials.iloc[1:]}, "frames has a frame of S100T1, which is not in trials"),
        (lambda data: {"boxes": swapped(data.boxes, 0, 5)}, "boxes is not in the order of the frames"),
        (with_value("boxes", "frame", 5, "none.jpeg"), "boxes has a box in none.jpeg, no frame"),
        (with_value("boxes", "position", 0, 7), "boxes has a box whose position is not that of its frame"),
        (with_value("boxes", "trial_id", 0, "S109T2"), "boxes has a box whose trial_id is not that of its frame"),
        (with_value("boxes", "x2", 4, 0), "boxes has a box whose x2 is not greater than its x1"),
        (with_value("boxes", "y1", 4, 999), "boxes has a box whose y2 is not greater than its y1"),
        (with_value("boxes", "label", 4, None), "boxes has a row without label"),
    ],
)  # fmt: skip
def test_tables_that_are_refused(
    data: Dataset, change: Callable[[Dataset], dict[str, pd.DataFrame]], words: str
) -> None:
    with pytest.raises(DataError) as caught:
        dataclasses.replace(data, **change(data))
    assert str(caught.value).startswith(f"The table {words}")


@pytest.mark.parametrize(
    "change",
    [
        lambda data: {"boxes": data.boxes.iloc[:0]},
        lambda data: {"boxes": data.boxes.iloc[::3]},
        lambda data: {"boxes": data.boxes.iloc[:0], "frames": data.frames.iloc[:0]},
        lambda data: {"boxes": data.boxes.iloc[:0], "frames": data.frames.iloc[:0], "trials": data.trials.iloc[:0]},
        lambda data: {"trials": data.trials.assign(further=1.5)},
        lambda data: {"trials": data.trials.assign(success=pd.array([None] * len(data.trials), "Int64"))},
        lambda data: {"frames": data.frames.assign(second=0)},
    ],
)
def test_tables_that_are_accepted(data: Dataset, change: Callable[[Dataset], dict[str, pd.DataFrame]]) -> None:
    dataclasses.replace(data, **change(data))
