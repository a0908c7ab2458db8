"""Open a data folder as a validated data set."""

import hashlib
import stat
from pathlib import Path

import pandas as pd

from socal_core.annotations import load_boxes
from socal_core.annotations.rows import KnownFrames
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.detection import detect_preset
from socal_core.dataset.folder import DataFolder
from socal_core.dataset.frames import in_trial_order, load_frames
from socal_core.dataset.media import Media, find_media
from socal_core.dataset.missing_frames import expected, no_frames, no_images, report_case
from socal_core.dataset.open_options import OpenOptions
from socal_core.dataset.outcomes import build_trials, read_demographics, read_outcomes
from socal_core.dataset.problem_kinds import file_kinds, frame_kinds
from socal_core.dataset.problems import ProblemLog
from socal_core.dataset.sizes import with_sizes
from socal_core.dataset.unread_files import report_other_annotations, report_other_versions
from socal_core.errors import DataError
from socal_core.file_handles import os_reason
from socal_core.presets import Preset

_TIMES_TOO_MANY = 4
"""A trial with more images than seconds in this many of the longest published trials has more than one per second."""


def open_dataset(folder: Path | str, options: OpenOptions | None = None) -> Dataset:
    """Read and check a data folder; nothing is decoded and nothing is written.

    Args:
        folder: The folder; a relative path stays relative in `Dataset.root`.
        options: Choices for ambiguous folders.

    Returns:
        The data set; other faults of the folder are among its problems.

    Raises:
        DataError: There is no such folder, or it has no frames.
    """
    return read_folder(DataFolder(checked_folder(folder)), options or OpenOptions(), str(folder))


def read_folder(folder: DataFolder, options: OpenOptions, typed: str) -> Dataset:
    """Read and check a data folder as `open_dataset` does, and remember in `folder` which files were read.

    Args:
        folder: The data folder.
        options: Choices for ambiguous folders.
        typed: The folder as the user wrote it, for messages.

    Raises:
        DataError: The folder has no frames or holds several data sets.
    """
    root = folder.root
    log = ProblemLog()
    folder.preset = detect_preset(folder, typed, log)
    _report_columns(options, folder.preset, log)
    try:
        media = find_media(folder, log)
    except OSError as error:
        raise DataError(no_images(folder, typed, log.images_dir, error)) from error
    placed = load_frames(folder, media, log)
    if placed.empty:
        raise DataError(no_frames(folder, typed, log))
    outcomes, outcome_rows = read_outcomes(folder, dict(options.columns), log)
    trials = build_trials(placed, outcomes, read_demographics(folder, log), folder.preset, log)
    frames = in_trial_order(placed, trials.index)
    del placed
    _report_many(frames, media, folder.preset, log)
    trials, frames = with_sizes(folder, media, trials, frames, log)
    known = KnownFrames(frames, trials, media.videos, folder.preset, outcomes)
    found = load_boxes(folder, known, options.boxes, log)
    report_case(folder, log)
    report_other_versions(folder, log)
    if not found.keys:
        report_other_annotations(folder, log)
    return Dataset(
        root=root,
        trials=trials,
        frames=frames.assign(annotation_file=found.file_of_frame),
        boxes=found.boxes,
        outcome_rows=outcome_rows,
        problems=log.problems(),
        preset=folder.preset,
        evidence=log.evidence,
        images_dir=media.images_dir,
        videos=media.videos,
        box_format=found.key,
        box_formats=found.keys,
        fingerprint=_fingerprint(folder, frames["frame"]),
    )


def _report_columns(options: OpenOptions, preset: Preset, log: ProblemLog) -> None:
    """Report the columns that the user has given a title and that the preset does not have."""
    for name, _ in options.columns:
        if name not in preset.outcome_columns:
            known = ", ".join(preset.outcome_columns)
            log.add(
                file_kinds.COLUMN_OF_OTHER_DATA, preset.outcomes_file, column=name, preset=preset.title, known=known
            )


def _fingerprint(folder: DataFolder, frames: pd.Series) -> str:
    """Compute the SHA-256 hash over the names of the frames and the digests of all files that were read."""
    digest = hashlib.sha256("\n".join(sorted(frames)).encode())
    for name, content in sorted(folder.digests.items()):
        digest.update(f"\n{name}\n{content}".encode())
    return digest.hexdigest()


def checked_folder(folder: Path | str) -> Path:
    """Check that a folder exists and return its path.

    Raises:
        DataError: It is not a folder; the message names it as the user wrote it.
    """
    typed = str(folder)
    if not typed.strip():
        raise DataError(f"No data folder is given. {expected()}")
    try:
        mode = Path(folder).stat().st_mode
    except FileNotFoundError:
        raise DataError(f"{typed}: there is no such folder. Check the spelling.") from None
    except PermissionError:
        raise DataError(f"{typed}: the folder may not be read. Ask its owner for permission.") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = os_reason(error) if isinstance(error, OSError) else "not a valid name"
        raise DataError(f"{typed}: this cannot be opened as a folder ({reason}).") from None
    if not stat.S_ISDIR(mode):
        raise DataError(f"{typed}: this is a file, not a folder. {expected()}")
    return Path(folder)


def _report_many(frames: pd.DataFrame, media: Media, preset: Preset, log: ProblemLog) -> None:
    """Report the trials with so many images that these must be less than a second apart."""
    counts = frames.loc[~frames["trial_id"].isin(list(media.videos)), "trial_id"].value_counts()
    limit = _TIMES_TOO_MANY * preset.longest_trial
    many = counts[counts > limit]
    if len(many):
        longest = many.max()
        log.add(frame_kinds.MANY_FRAMES, log.images_dir, count=len(many), limit=limit, longest=longest)
