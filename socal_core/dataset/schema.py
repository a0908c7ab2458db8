"""The tables of a data set: their columns and constraints, which are checked whenever a `Dataset` is created.

This module does not use pandera, since opening a data set must stay fast. The most important constraint, that boxes
are in the order of the frames, takes one pass over both tables.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from socal_core.errors import DataError
from socal_core.presets import PRESETS
from socal_core.presets.preset import OutcomeColumn, Preset


@dataclass(frozen=True)
class Column:
    """A column of a table."""

    name: str
    dtype: str
    """The pandas dtype."""
    meaning: str
    nullable: bool = False
    unique: bool = False
    least: float | None = None
    most: float | None = None
    optional: bool = False
    """Whether a table may lack the column."""


@dataclass(frozen=True)
class Table:
    """A table of a data set."""

    name: str
    meaning: str
    columns: tuple[Column, ...]
    index: Column | None = None
    """The names of the rows, if they have any."""


def _measured(preset: Preset, measure: OutcomeColumn) -> Column:
    meaning = f"{measure.meaning}, in {measure.unit}" if measure.unit else measure.meaning
    return Column(measure.name, "Float64", f"{preset.title}: {meaning}", nullable=True, optional=True)


_SUCCESS = "; ".join(f"{preset.title}: 1 if {preset.success}, else 0" for preset in PRESETS)

TRIALS = Table(
    name="trials",
    meaning="Every trial that has a frame or a row of outcomes, ordered by surgeon and trial number.",
    index=Column("trial_id", "str", "such as `S102T1`", unique=True),
    columns=(
        Column("participant_id", "str", "the surgeon; empty if unknown"),
        Column("trial_number", "Int64", "1 for the first trial of the surgeon", nullable=True),
        Column("success", "Int64", _SUCCESS, nullable=True, least=0, most=1),
        Column("n_frames", "int64", "number of frames", least=0),
        Column("usable", "bool", "whether the trial has a frame and a known outcome"),
        Column("unusable_because", "str", "why it is not usable; empty if it is"),
        *(_measured(preset, measure) for preset in PRESETS for measure in preset.measures),
        Column("width", "Int64", "of the frames, in pixels", nullable=True, least=1),
        Column("height", "Int64", "of the frames, in pixels", nullable=True, least=1),
        Column("cohort", "str", "of the surgeon, as are the next two", nullable=True),
        Column("specialty", "str", "", nullable=True),
        Column("training_status", "str", "", nullable=True),
    ),
)
FRAMES = Table(
    name="frames",
    meaning="One row per frame, in the order of the trials and of time.",
    columns=(
        Column("frame", "str", "file name in the folder of images, or the name of a second of a video", unique=True),
        Column("trial_id", "str", "its trial, one of `trials`"),
        Column("position", "int64", "0 for the first frame of the trial, 1 for the next, without gaps", least=0),
        Column("second", "int64", "seconds since the first frame of the trial", least=0),
        Column("width", "Int64", "of this frame, in pixels", nullable=True, least=1, optional=True),
        Column("height", "Int64", "of this frame, in pixels", nullable=True, least=1, optional=True),
        Column(
            "annotation_file",
            "category",
            "the file of its boxes; the folder if each frame has a file",
            nullable=True,
            optional=True,
        ),
    ),
)
BOXES = Table(
    name="boxes",
    meaning="One row per valid box, in the order of the frames.",
    columns=(
        Column("frame", "str", "one of `frames`"),
        Column("trial_id", "str", "trial of the frame"),
        Column("position", "int64", "position of the frame"),
        Column("x1", "int64", "left edge in pixels; inside the frame if its size is known, as are the others"),
        Column("y1", "int64", "upper edge"),
        Column("x2", "int64", "right edge, greater than `x1`"),
        Column("y2", "int64", "lower edge, greater than `y1`"),
        Column("label", "str", "instrument or tissue, in lower case"),
        Column("track_id", "Int64", "given only if the files of the folder have track ids", nullable=True),
    ),
)
TABLES = (TRIALS, FRAMES, BOXES)


def check_columns(trials: pd.DataFrame, frames: pd.DataFrame, boxes: pd.DataFrame) -> None:
    """Refuse tables whose columns are not as declared here; rows are not checked.

    Args:
        trials: As declared by TRIALS; further columns are allowed, also in the other two.
        frames: As declared by FRAMES.
        boxes: As declared by BOXES.

    Raises:
        DataError: A column is missing or has another dtype.
    """
    for table, rows in zip(TABLES, (trials, frames, boxes), strict=True):
        for column in table.columns:
            if column.name not in rows and not column.optional:
                raise _wrong(table, f"has no column {column.name}")
        for column, values in _columns(table, rows):
            if values.dtype != column.dtype:
                raise _wrong(table, f"has {column.name} as {values.dtype}, must be {column.dtype}")


def check_rows(trials: pd.DataFrame, frames: pd.DataFrame, boxes: pd.DataFrame) -> None:
    """Refuse tables with rows that are not as declared here.

    Args:
        trials: A table that `check_columns` accepts, as are the other two.
        frames: The frames of these trials.
        boxes: The boxes in these frames.

    Raises:
        DataError: A column has a value that it must not have, or the tables do not fit together.
    """
    for table, rows in zip(TABLES, (trials, frames, boxes), strict=True):
        for column, values in _columns(table, rows):
            _check_values(table, column, values)
    _check_frames(frames, trials.index)
    _check_boxes(boxes, frames)


def _columns(table: Table, rows: pd.DataFrame) -> Iterator[tuple[Column, pd.Series | pd.Index]]:
    if table.index is not None:
        yield table.index, rows.index
    for column in table.columns:
        if column.name in rows:
            yield column, rows[column.name]


def _check_values(table: Table, column: Column, values: pd.Series | pd.Index) -> None:
    if not column.nullable and values.hasnans:
        raise _wrong(table, f"has a row without {column.name}")
    if column.unique and not values.is_unique:
        raise _wrong(table, f"has two rows for {column.name} {values[values.duplicated()].tolist()[0]}")
    if column.least is not None and (values < column.least).any():
        raise _wrong(table, f"has {column.name} {values.min()}, must be at least {column.least:g}")
    if column.most is not None and (values > column.most).any():
        raise _wrong(table, f"has {column.name} {values.max()}, must be at most {column.most:g}")


def _check_frames(frames: pd.DataFrame, trial_ids: pd.Index) -> None:
    """Check that the frames are in the order of the trials, with positions that count from 0 in each trial."""
    starts = _starts(frames["trial_id"])
    order = trial_ids.get_indexer(pd.Index(frames["trial_id"].take(starts)))
    if (order < 0).any():
        raise _wrong(
            FRAMES, f"has a frame of {frames['trial_id'].iloc[starts[order.argmin()]]}, which is not in trials"
        )
    if (np.diff(order) <= 0).any():
        raise _wrong(FRAMES, "is not in the order of the trials")
    counts = np.diff(np.append(starts, len(frames)))
    if not np.array_equal(frames["position"], np.arange(len(frames)) - np.repeat(starts, counts)):
        raise _wrong(FRAMES, "does not count position from 0 in each trial")


def _check_boxes(boxes: pd.DataFrame, frames: pd.DataFrame) -> None:
    """Check that each box belongs to a frame and has an area, and that boxes are in the order of the frames."""
    for low, high in (("x1", "x2"), ("y1", "y2")):
        if not (boxes[low].to_numpy() < boxes[high].to_numpy()).all():
            raise _wrong(BOXES, f"has a box whose {high} is not greater than its {low}")
    starts = _starts(boxes["frame"])  # boxes of one frame are adjacent, so few rows are compared as text
    first = boxes[["frame", "trial_id", "position"]].take(starts)
    order = pc.index_in(pa.array(first["frame"]), value_set=pa.array(frames["frame"]))
    if order.null_count:
        raise _wrong(BOXES, f"has a box in {first['frame'].iloc[pc.is_null(order).index(True).as_py()]}, no frame")
    order = order.to_numpy()
    if (np.diff(order) <= 0).any():
        raise _wrong(BOXES, "is not in the order of the frames")
    for name in ("trial_id", "position"):
        if (first[name].array != frames[name].take(order).array).any():
            raise _wrong(BOXES, f"has a box whose {name} is not that of its frame")


def _starts(texts: pd.Series) -> NDArray[np.intp]:
    """Return the indices of the rows whose text differs from that of the previous row, including the first."""
    values = pa.array(texts)
    if not len(values):
        return np.empty(0, np.intp)
    changes = pc.not_equal(values[1:], values[:-1]).to_numpy(zero_copy_only=False)
    return np.flatnonzero(np.append(True, changes))


def _wrong(table: Table, problem: str) -> DataError:
    return DataError(f"The table {table.name} {problem}. docs/tables.md describes the tables.")
