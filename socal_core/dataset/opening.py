"""The one way in: a folder becomes a validated data set."""

import hashlib
import stat
from pathlib import Path

import pandas as pd

from socal_core.annotations import load_boxes
from socal_core.annotations.rows import KnownFrames
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.folder import DataFolder
from socal_core.dataset.frames import in_trial_order, load_frames
from socal_core.dataset.media import Media, find_media
from socal_core.dataset.missing_frames import EXPECTED, no_frames, no_images, report_case
from socal_core.dataset.open_options import OpenOptions
from socal_core.dataset.outcomes import build_trials, read_demographics, read_outcomes
from socal_core.dataset.problem_kinds import frame_kinds
from socal_core.dataset.problems import ProblemLog
from socal_core.dataset.sizes import with_sizes
from socal_core.errors import DataError

_MOST_FRAMES = 1_200
"""Images of one trial at one a second. A trial lasts five minutes at most; this is four times as much."""


def open_dataset(folder: Path | str, options: OpenOptions | None = None) -> Dataset:
    """Read and check a data folder; nothing is decoded and nothing is written.

    DataError when there is no folder with frames to work on. Anything else that is wrong becomes a problem of the
    data set. `Dataset.root` is the folder as given: a relative one stays relative.
    """
    return read_folder(DataFolder(checked_folder(folder)), options or OpenOptions(), str(folder))


def read_folder(folder: DataFolder, options: OpenOptions, typed: str) -> Dataset:
    """As open_dataset, of a folder that remembers what was looked at; `typed` is how messages call it."""
    root = folder.root
    log = ProblemLog()
    try:
        media = find_media(folder, log)
    except OSError as error:
        raise DataError(no_images(folder, typed, log.images_dir, error)) from error
    placed = load_frames(folder, media, log)
    if placed.empty:
        raise DataError(no_frames(folder, typed, log))
    outcomes, outcome_rows = read_outcomes(folder, dict(options.columns), log)
    trials = build_trials(placed, outcomes, read_demographics(folder, log), log)
    frames = in_trial_order(placed, trials.index)
    del placed
    _report_many(frames, media, log)
    trials, frames = with_sizes(folder, media, trials, frames, log)
    known = KnownFrames(frames, trials, media.videos)
    boxes, box_format, box_formats = load_boxes(folder, known, options.boxes, log)
    report_case(folder, log)
    return Dataset(
        root=root,
        trials=trials,
        frames=frames,
        boxes=boxes,
        outcome_rows=outcome_rows,
        problems=log.problems(),
        evidence=log.evidence,
        images_dir=media.images_dir,
        videos=media.videos,
        box_format=box_format,
        box_formats=box_formats,
        fingerprint=_fingerprint(folder, frames["frame"]),
    )


def _fingerprint(folder: DataFolder, frames: pd.Series) -> str:
    """SHA-256 over the names of the frames and the digests of all files that were read."""
    digest = hashlib.sha256("\n".join(sorted(frames)).encode())
    for name, content in sorted(folder.digests.items()):
        digest.update(f"\n{name}\n{content}".encode())
    return digest.hexdigest()


def checked_folder(folder: Path | str) -> Path:
    """The folder as a path; DataError, in the words of the user, when it is none."""
    typed = str(folder)
    if not typed.strip():
        raise DataError(f"No data folder is given. {EXPECTED}")
    try:
        mode = Path(folder).stat().st_mode
    except FileNotFoundError:
        raise DataError(f"{typed}: there is no such folder. Check the spelling.") from None
    except PermissionError:
        raise DataError(f"{typed}: the folder may not be read. Ask its owner for the permission.") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) else "not a valid name"
        raise DataError(f"{typed}: this cannot be opened as a folder ({reason}).") from None
    if not stat.S_ISDIR(mode):
        raise DataError(f"{typed}: this is a file, not a folder. {EXPECTED}")
    return Path(folder)


def _report_many(frames: pd.DataFrame, media: Media, log: ProblemLog) -> None:
    """Note once the trials with so many images that they must lie closer together than a second."""
    counts = frames.loc[~frames["trial_id"].isin(list(media.videos)), "trial_id"].value_counts()
    many = counts[counts > _MOST_FRAMES]
    if len(many):
        longest = many.max()
        log.add(frame_kinds.MANY_FRAMES, log.images_dir, count=len(many), limit=_MOST_FRAMES, longest=longest)
