"""Rows and frames for the tests of YOLO's text files, and what the reader makes of a folder."""

from pathlib import Path

import numpy as np
import pandas as pd

from socal_core.annotations import yolo
from socal_core.annotations.rows import BoxRows, KnownFrames
from socal_core.annotations.validate import validate
from socal_core.dataset.dataset import Problem
from socal_core.dataset.folder import DataFolder
from socal_core.dataset.problems import ProblemLog

STEM = "S100T1_frame_00000001"
SECOND = "S100T1_frame_00000002"


def known_frames(*names: str, size: tuple[int, int] | None = (100, 50)) -> KnownFrames:
    """Frames of one trial; None for a size that nobody knows."""
    frames = pd.DataFrame({"frame": pd.Series(names, dtype="str"), "trial_id": "S100T1"})
    frames["position"] = np.arange(len(names))
    width, height = size or (pd.NA, pd.NA)
    trials = pd.DataFrame({"width": [width], "height": [height]}, ["S100T1"], dtype="Int64")
    return KnownFrames(frames, trials)


KNOWN = known_frames(f"{STEM}.jpeg", f"{SECOND}.jpeg")


def read(root: Path, known: KnownFrames = KNOWN) -> tuple[BoxRows, tuple[Problem, ...]]:
    log = ProblemLog()
    folder = DataFolder(root)
    files = yolo.find(folder)
    assert files
    return yolo.read(folder, files, known, log), log.problems()


def boxes_in(root: Path, known: KnownFrames = KNOWN) -> tuple[list[str], list[str]]:
    """Boxes as text once they are checked, and the codes of the problems."""
    log = ProblemLog()
    folder = DataFolder(root)
    files = yolo.find(folder)
    boxes = validate(yolo.read(folder, files, known, log), files[0], known, log)
    texts = [" ".join(map(str, row)) for row in boxes[["x1", "y1", "x2", "y2", "label"]].itertuples(index=False)]
    return texts, [problem.code for problem in log.problems()]


ROW = "0 0.5 0.5 0.2 0.4\n"
BOX = "40 15 60 35 class 0"
