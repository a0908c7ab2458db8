"""The published format: one CSV without a header, one row a box, or a frame name alone for a frame without a tool."""

from pathlib import Path

import pandas as pd

from socal_core.dataset import layout
from socal_core.dataset.boxes.rows import CORNERS, BoxRows, Format, empty_rows
from socal_core.dataset.problems import ProblemLog
from socal_core.dataset.tables import is_missing, read_lines, to_cells, to_integers
from socal_core.dataset.types import Severity

LARGEST_COORDINATE = 100_000
"""Pixels; no camera has frames so large, so a number beyond it is garbage and not a box past the edge."""


def read(root: Path, log: ProblemLog) -> BoxRows:
    """The rows of the boxes file; rows that cannot be read as a box become problems."""
    lines = read_lines(root, layout.BOXES_FILE, log)
    if lines is None:
        return empty_rows()
    if tuple(name.strip(' "').lower() for name in lines.texts[0].split(",")) == layout.BOX_COLUMNS:
        lines = lines.after_first()
    cells = to_cells(lines, len(layout.BOX_COLUMNS), log).set_axis(list(layout.BOX_COLUMNS), axis="columns")
    corners = pd.DataFrame({name: to_integers(cells[name]) for name in CORNERS})
    bad = ~(corners.abs() <= LARGEST_COORDINATE).fillna(False).all(axis=1)
    odd = cells[bad]
    empty = pd.concat([is_missing(odd[name]) for name in layout.BOX_COLUMNS[1:]], axis=1).all(axis=1)
    text = "Corners must be whole numbers of pixels, got {x1}, {y1}, {x2}, {y2}; the box is left out."
    log.add_rows("bad-coordinates", Severity.ERROR, layout.BOXES_FILE, odd[~empty], text)
    boxes = cells[~bad].assign(**corners[~bad].astype("int64"))
    boxes["label"] = boxes["label"].mask(is_missing(boxes["label"]), "")
    boxes["track_id"] = pd.array([pd.NA] * len(boxes), dtype="Int64")
    return BoxRows(boxes, odd.loc[empty, ["frame"]])


FORMAT = Format("SOCAL CSV", layout.BOXES_FILE, lambda root: (root / layout.BOXES_FILE).exists(), read)
