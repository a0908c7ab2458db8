"""Write CVAT's XML "for video": annotations/<trial>.xml, with a key frame per box and an `outside` box after gaps.

CVAT has no boxes without a track. Boxes without a track id become tracks of one box with the attribute `tracked="0"`,
which CVAT ignores; the reader gives them no id.
"""

import re
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from socal_core.annotations.cvat_images import FOLDERS
from socal_core.annotations.rows import KnownFrames
from socal_core.annotations.xml_files import xml_attribute, xml_text
from socal_core.dataset.dataset import Dataset

UNTRACKED = {"tracked": "0"}
"""The attribute of a track that stands for a box without a track id."""

_PLAIN_NAME = re.compile(r"[A-Za-z0-9_-]+")


def write(dataset: Dataset, out: Path) -> None:
    """Write annotations/<trial>.xml for each trial with frames; frames are numbered as in its recording."""
    known = KnownFrames(dataset.frames, dataset.trials, dataset.videos, dataset.preset)
    parent = out / FOLDERS[-1]
    parent.mkdir()
    boxes = dict(list(dataset.boxes.groupby("trial_id", sort=False)))
    for number, trial in enumerate(known.trial_ids, start=1):
        stem = trial if _PLAIN_NAME.fullmatch(trial) else f"trial-{number}"
        text = _document(trial, known.recording_indices(trial), boxes.get(trial, dataset.boxes[:0]))
        (parent / f"{stem}.xml").write_text(text, encoding="utf-8", newline="\n")


def document_of_trial(dataset: Dataset, trial_id: str, boxes: pd.DataFrame, name: str | None = None) -> str:
    """Return the XML of one trial.

    Args:
        dataset: The data set.
        trial_id: A trial with frames.
        boxes: Its boxes, which may have other track ids than those of the data set.
        name: What the file calls the trial, such as a pseudonym; None for its id. Nothing else in the file names it.

    Raises:
        DataError: The trial has no frame.
    """
    dataset.frames_of(trial_id)
    known = KnownFrames(dataset.frames, dataset.trials, dataset.videos, dataset.preset)
    return _document(name or trial_id, known.recording_indices(trial_id), boxes)


def _document(trial: str, indices: NDArray[np.int64], boxes: pd.DataFrame) -> str:
    labels = "".join(f"<label><name>{xml_text(label)}</name></label>" for label in sorted(boxes["label"].unique()))
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        "<annotations>",
        "  <version>1.1</version>",
        f"  <meta><task><name>{xml_text(trial)}</name><size>{len(indices)}</size><mode>interpolation</mode>"
        f"<start_frame>0</start_frame><stop_frame>{indices[-1]}</stop_frame><labels>{labels}</labels></task></meta>",
    ]
    for (opening, _), given in _tracks(boxes).items():
        lines.append(f"  <track {opening}>")
        following = [*(position for position, _ in given[1:]), -1]
        for (position, corners), after in zip(given, following, strict=True):
            lines.append(_box(indices[position], 0, corners))
            if after != position + 1 < len(indices):
                lines.append(_box(indices[position + 1], 1, corners))
        lines.append("  </track>")
    return "\n".join([*lines, "</annotations>", ""])


def _tracks(boxes: pd.DataFrame) -> dict[tuple[str, int], list[tuple[int, str]]]:
    """Return the positions and corners of each track by its attributes and a number; at most one box per frame."""
    ids = boxes["track_id"]
    first_free = int(ids.max()) + 1 if ids.notna().any() else 0
    alone = ids.isna().to_numpy()
    # An id that occurs twice in a frame, or with two labels, becomes several tracks, as a track has one label and at
    # most one box per frame.
    numbers = ids.fillna(0).to_numpy(np.int64) + np.where(alone, np.cumsum(alone) - 1 + max(0, first_free), 0)
    again = boxes.assign(number=numbers).groupby(["number", "label", "position"]).cumcount()
    note = "".join(f' {name}="{value}"' for name, value in UNTRACKED.items())
    tracks: dict[tuple[str, int], list[tuple[int, str]]] = {}
    columns = (boxes[name].tolist() for name in ("position", "label", "x1", "y1", "x2", "y2"))
    for position, label, x1, y1, x2, y2, number, single, copy in zip(*columns, numbers, alone, again, strict=True):
        opening = f'id="{number}" label={xml_attribute(label)} source="manual"{note if single else ""}'
        corners = f'xtl="{x1}" ytl="{y1}" xbr="{x2}" ybr="{y2}"'
        tracks.setdefault((opening, copy), []).append((position, corners))
    return tracks


def _box(frame: int, outside: int, corners: str) -> str:
    return f'    <box frame="{frame}" keyframe="1" outside="{outside}" occluded="0" {corners} z_order="0"></box>'
