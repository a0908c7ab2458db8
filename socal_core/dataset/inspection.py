"""Summarise a data set in numbers, and check every frame by decoding it."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pandas as pd

from socal_core.dataset.dataset import Dataset, Problem
from socal_core.dataset.images import check_image, quiet_pillow
from socal_core.dataset.layout import path_of_frame
from socal_core.dataset.problem_kinds import frame_kinds
from socal_core.dataset.problems import ProblemLog
from socal_core.errors import DataError


def summarise(dataset: Dataset) -> dict[str, Any]:
    """Summarise a data set.

    Returns:
        JSON-ready values. `trials` counts those with at least one frame. In `outcomes`, `success` and `failure` count
        usable trials, `unknown` counts trials with frames but no known success, and `rows` the outcomes file's rows.
    """
    with_frames = dataset.trials[dataset.trials["n_frames"] > 0]
    usable = dataset.usable_trials["success"]
    return {
        "preset": dataset.preset.name,
        "trials": len(with_frames),
        "usable_trials": len(usable),
        "frames": len(dataset.frames),
        "boxes": len(dataset.boxes),
        "frames_without_boxes": len(dataset.frames) - dataset.boxes["frame"].nunique(),
        "labels": {str(label): int(count) for label, count in dataset.boxes["label"].value_counts().items()},
        "outcomes": {
            "rows": dataset.outcome_rows,
            "success": int((usable == 1).sum()),
            "failure": int((usable == 0).sum()),
            "unknown": int(with_frames["success"].isna().sum()),
        },
        "images_dir": dataset.images_dir,
        "videos": len(dataset.videos),
        "box_format": dataset.box_format,
        "box_formats": list(dataset.box_formats),
        "fingerprint": dataset.fingerprint,
        "evidence": [item.as_dict() for item in dataset.evidence],
        "problems": [problem.as_dict() for problem in dataset.problems],
    }


def frame_table(dataset: Dataset) -> pd.DataFrame:
    """List the frames of a data set.

    Returns:
        One row per frame, in trial order and time order: frame, trial_id, second (seconds since the first frame of the
        trial), file (relative to the data folder), width and height (pixels, NA if unknown), boxes (their number),
        evidence (how the frame, its folder and the file of its boxes were interpreted, and why; "" if there is none).
    """
    table = dataset.frames[["frame", "trial_id", "second"]].copy()
    table["file"] = [dataset.file_of(frame).relative_to(dataset.root).as_posix() for frame in table["frame"]]
    sizes = dataset.trials[["width", "height"]].reindex(table["trial_id"]).set_axis(table.index)
    for name in ("width", "height"):
        table[name] = dataset.frames[name] if name in dataset.frames else sizes[name]
    counts = dataset.boxes["frame"].value_counts()
    table["boxes"] = table["frame"].map(counts).fillna(0).astype("int64")
    own = dataset.frames["annotation_file"] if "annotation_file" in dataset.frames else pd.Series(index=table.index)
    of_boxes = own.astype("str").where(own.notna(), "")
    pairs = zip(table["file"], of_boxes, strict=True)
    table["evidence"] = [_evidence_of(dataset, *pair) for pair in pairs]
    return table


def _evidence_of(dataset: Dataset, *files: str) -> str:
    """Return the evidence recorded for some files or for folders that contain them."""
    return " ".join(
        f"{item.interpretation} {item.basis}"
        for item in dataset.evidence
        if not item.path or any(file == item.path or file.startswith(f"{item.path}/") for file in files)
    )


def check_frames(dataset: Dataset, progress: Callable[[int, int], None] | None = None) -> list[Problem]:
    """Decode every frame, in as many threads as there are cores.

    Args:
        dataset: The data set.
        progress: Called with (done, total) after each frame. It may raise an exception to stop the check; the frames
            that are being decoded are still finished.

    Returns:
        The problems: an error for each frame that cannot be decoded, a warning for each whose size differs from that of
        its trial.
    """
    log = ProblemLog()
    names = dataset.frames["frame"].tolist()
    declared = dataset.trials.loc[dataset.frames["trial_id"], ["width", "height"]].itertuples(index=False, name=None)
    check = partial(_size_or_fault, dataset)
    with quiet_pillow():
        pool = ThreadPoolExecutor(os.cpu_count())
        try:
            checked = zip(names, pool.map(check, names), declared, strict=True)
            for done, (name, result, size) in enumerate(checked, start=1):
                _note(log, dataset, name, result, size)
                if progress is not None:
                    progress(done, len(names))
        finally:
            pool.shutdown(cancel_futures=True)
    return list(log.problems())


def _size_or_fault(dataset: Dataset, name: str) -> tuple[int, int] | str:
    """Return the width and height of a frame, or what is wrong with it."""
    try:
        if not dataset.is_image(name):
            height, width, _ = dataset.read_frame(name).shape
            return width, height
        return check_image(dataset.file_of(name))
    except DataError as error:
        return str(error)


def _note(
    log: ProblemLog, dataset: Dataset, name: str, result: tuple[int, int] | str, declared: tuple[Any, Any]
) -> None:
    path = path_of_frame(dataset.images_dir, name)
    if isinstance(result, str):
        log.add(frame_kinds.UNREADABLE_FRAME, path, frame=name, reason=result)
    elif not any(pd.isna(length) for length in declared) and result != declared:
        (width, height), (trial_width, trial_height) = result, declared
        log.add(
            frame_kinds.FRAME_SIZE_DIFFERS,
            path,
            frame=name,
            width=width,
            height=height,
            trial_width=trial_width,
            trial_height=trial_height,
        )
