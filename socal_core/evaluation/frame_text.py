"""Look for text that is burnt into frames, such as a clock or the name of a hospital, which a model could read.

A few frames of each trial are read with RapidOCR (onnxruntime, optional). Its models come with its package, and their
paths are given to it, so it downloads nothing. Text on instruments is found too, but it moves; what is burnt in stays
at its place.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from socal_core.dataset.dataset import Dataset
from socal_core.dataset.frame_reports import TEXT, write_report
from socal_core.errors import DataError, SocalError
from socal_core.file_handles import os_reason

PACKAGES = ("rapidocr", "onnxruntime")
INSTALL = 'pip install "socal-core[ocr]"'
FEWEST_CHARACTERS = 2
LEAST_CONFIDENCE = 0.8
"""Confidence of the engine, 0 to 1, from which a text counts. Reflections in real frames gave up to 0.73."""
LONGEST_EDGE = 960
"""Larger frames are reduced to this before the search; a clock of 8 pixels in frames of 334 lines is still read."""
SAME_PLACE = 0.5
"""Intersection over union of two boxes from which they are at the same place."""

Box = tuple[int, int, int, int]
ReadText = Callable[[NDArray[np.uint8]], list[tuple[str, Box, float]]]
"""Reads the texts of a frame, RGB (height, width, 3): text, box and confidence of each."""


class TextKind(StrEnum):
    """What the texts of a trial are."""

    CLOCK = "clock"
    """At one place there are different numbers in different frames."""
    FIXED = "fixed"
    """At one place there is the same text in different frames."""
    SEEN = "seen"
    """There is text, but nowhere in two frames; on an instrument, for example."""


@dataclass(frozen=True)
class FrameText:
    """A text in a frame."""

    trial_id: str
    second: float
    text: str
    box: Box
    """Left, top, right and bottom in pixels of the frame."""
    confidence: float
    """How certain the engine is, LEAST_CONFIDENCE to 1."""


def missing_packages() -> list[str]:
    """Return what has to be installed before text can be looked for; empty if nothing."""
    return [name for name in PACKAGES if find_spec(name) is None]


def text_reader() -> ReadText:
    """Load the engine with the models that come with it.

    Raises:
        SocalError: It is not installed, or another version of it that has no such models.
    """
    if missing := missing_packages():
        raise SocalError(f"Looking for text needs the missing {' and '.join(missing)}. Run `{INSTALL}`.")
    import rapidocr

    models = Path(rapidocr.__file__).parent / "models"
    detection, recognition = (next(models.glob(f"*_{task}_small.onnx"), None) for task in ("det", "rec"))
    if detection is None or recognition is None:
        raise SocalError(f"This version of rapidocr comes without its models. Run `{INSTALL}` for another one.")
    engine = rapidocr.RapidOCR(
        params={
            "Global.log_level": "critical",
            "Global.use_cls": False,
            "Det.model_path": str(detection),
            "Det.limit_type": "max",
            "Det.limit_side_len": LONGEST_EDGE,
            "Rec.model_path": str(recognition),
        }
    )
    return lambda frame: _texts(engine(np.ascontiguousarray(frame[..., ::-1])))


def look_for_text(dataset: Dataset, read: ReadText, progress: Callable[[int, int], None]) -> dict[str, Any]:
    """Look for text in the first, middle and last frame of each trial, and keep the report in the workspace.

    Args:
        dataset: The data set.
        read: The engine, as from `text_reader`.
        progress: Called with the number of frames that were read and of all frames to read; may raise.

    Returns:
        The report: `texts`, as FrameText; the number of `trials` and `frames`, and of frames that are `unreadable`.

    Raises:
        SocalError: The report cannot be kept.
    """
    sample = sampled_frames(dataset.frames)
    texts, unreadable = [], 0
    for done, row in enumerate(sample.itertuples(index=False)):
        progress(done, len(sample))
        try:
            found = read(dataset.read_frame(str(row.frame)))
        except DataError:
            unreadable += 1
            continue
        second = float(str(row.second))
        texts += [FrameText(str(row.trial_id), second, *one) for one in found if _counts(*one)]
    progress(len(sample), len(sample))
    trials = int(sample["trial_id"].nunique())
    rows = [asdict(text) for text in texts]
    try:
        return write_report(
            dataset.fingerprint,
            TEXT,
            {"texts": rows, "trials": trials, "frames": len(sample), "unreadable": unreadable},
        )
    except OSError as error:
        raise SocalError(f"The report on text in frames cannot be kept: {os_reason(error)}.") from error


def sampled_frames(frames: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the first, middle and last frame of each trial, fewer for shorter trials."""
    position = frames.groupby("trial_id", sort=False).cumcount()
    last = frames.groupby("trial_id", sort=False)["frame"].transform("size") - 1
    return frames[(position == 0) | (position == last // 2) | (position == last)]


def texts_of(report: dict[str, Any]) -> list[FrameText]:
    """Return the texts of a report."""
    return [FrameText(**{**row, "box": tuple(row["box"])}) for row in report["texts"]]


def kinds_of_text(texts: Sequence[FrameText]) -> dict[str, tuple[TextKind, FrameText]]:
    """Return for each trial with text what it is, and an example of it."""
    kinds: dict[str, tuple[TextKind, FrameText]] = {}
    order = list(TextKind)
    for text in texts:
        others = [one for one in texts if one.trial_id == text.trial_id and one.second != text.second]
        kind = _kind(text, [one for one in others if _overlap(one.box, text.box) >= SAME_PLACE])
        known = kinds.get(text.trial_id)
        if known is None or order.index(kind) < order.index(known[0]):
            kinds[text.trial_id] = kind, text
    return kinds


def _kind(text: FrameText, others: Sequence[FrameText]) -> TextKind:
    """Return what a text is, given the texts at the same place in other frames of the trial."""
    numbers = re.sub(r"\D", "", text.text)
    if numbers and any(re.sub(r"\D", "", other.text) not in {"", numbers} for other in others):
        return TextKind.CLOCK
    same = any(other.text.casefold() == text.text.casefold() for other in others)
    return TextKind.FIXED if same else TextKind.SEEN


def _overlap(first: Box, second: Box) -> float:
    """Return the intersection over union of two boxes."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    common = max(0, width) * max(0, height)
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (first, second))
    return common / (areas - common) if areas > common else 0.0


def _counts(text: str, box: Box, confidence: float) -> bool:
    return confidence >= LEAST_CONFIDENCE and len(text.strip()) >= FEWEST_CHARACTERS


def _texts(found: Any) -> list[tuple[str, Box, float]]:
    """Convert a result of the engine, whose boxes are four corners each."""
    return list(_converted(found)) if found.txts else []


def _converted(found: Any) -> Iterator[tuple[str, Box, float]]:
    for text, corners, confidence in zip(found.txts, found.boxes, found.scores, strict=True):
        (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
        yield str(text), (round(left), round(top), round(right), round(bottom)), round(float(confidence), 3)
