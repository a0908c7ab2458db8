"""The boxes of a data set: one module a format, the list of them, and the checks that all share.

A format is a module with a `Format`: how to see that a folder has it, and how to read it into rows. To add one,
write `boxes/<format>.py` and add it to FORMATS.
"""

from pathlib import Path

import pandas as pd

from socal_core.dataset import layout
from socal_core.dataset.boxes import socal_csv
from socal_core.dataset.boxes.rows import BOX_DTYPES, validate
from socal_core.dataset.boxes.tracks import add_track_ids
from socal_core.dataset.problems import ProblemLog
from socal_core.dataset.types import Severity

FORMATS = (socal_csv.FORMAT,)
"""In order of preference: the first that a folder has is read."""


def load_boxes(root: Path, frames: pd.DataFrame, trials: pd.DataFrame, log: ProblemLog) -> pd.DataFrame:
    """The valid boxes of the frames as Dataset documents them; empty, with a problem, when the folder has none."""
    for form in FORMATS:
        if form.is_in(root):
            rows = add_track_ids(root, form.read(root, log), form.path, log)
            return validate(rows, form.path, frames, trials, log)
    text = f"There is no {layout.BOXES_FILE}: the data set is opened without boxes."
    log.add("no-boxes-file", Severity.WARNING, layout.BOXES_FILE, text)
    return pd.DataFrame({name: pd.Series(dtype=dtype) for name, dtype in BOX_DTYPES.items()})
