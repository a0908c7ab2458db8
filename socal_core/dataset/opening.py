"""The one way in: a folder becomes a validated data set."""

import hashlib
import os
import stat
from pathlib import Path

import pandas as pd

from socal_core.annotations import load_boxes
from socal_core.annotations.rows import KnownFrames
from socal_core.dataset import layout
from socal_core.dataset.dataset import Dataset, Severity
from socal_core.dataset.folder import DataFolder
from socal_core.dataset.frames import in_trial_order, load_frames
from socal_core.dataset.media import Media, find_media
from socal_core.dataset.open_options import OpenOptions
from socal_core.dataset.outcomes import build_trials, read_demographics, read_outcomes
from socal_core.dataset.problem_kinds import frame_kinds
from socal_core.dataset.problems import ProblemLog
from socal_core.dataset.sizes import with_sizes
from socal_core.errors import DataError

_EXPECTED = (
    f"A SOCAL folder holds {layout.IMAGES_DIR}/ with frames such as S102T1_frame_00000078.jpeg (or a folder S102T1/ of "
    f"frames, or a video S102T1.mp4, for each trial) and, beside it, {layout.OUTCOMES_FILE}, {layout.BOXES_FILE} and "
    f"{layout.MAPPING_FILE}."
)

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
        raise DataError(_no_images(root, typed, log.images_dir, error)) from error
    placed = load_frames(folder, media, log)
    if placed.empty:
        raise DataError(_no_frames(typed, log))
    outcomes, outcome_rows = read_outcomes(folder, dict(options.columns), log)
    trials = build_trials(placed, outcomes, read_demographics(folder, log), log)
    frames = in_trial_order(placed, trials.index)
    del placed
    _report_many(frames, media, log)
    trials, frames = with_sizes(folder, media, trials, frames, log)
    known = KnownFrames(frames, trials, media.videos)
    boxes, box_format, box_formats = load_boxes(folder, known, options.boxes, log)
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
        raise DataError(f"No data folder is given. {_EXPECTED}")
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
        raise DataError(f"{typed}: this is a file, not a folder. {_EXPECTED}")
    return Path(folder)


def _no_frames(typed: str, log: ProblemLog) -> str:
    """That nothing of a trial was found, and the first error that may say why."""
    why = next((f"{problem.message} " for problem in log.problems() if problem.severity is Severity.ERROR), "")
    return f"{typed}: {log.images_dir or 'the folder'} holds no frame of a trial. {why}{_EXPECTED}"


def _no_images(folder: Path, typed: str, images_dir: str, error: OSError) -> str:
    """Why the frames cannot be listed."""
    try:
        with os.scandir(folder) as entries:
            names = {entry.name for entry in entries}
    except OSError:
        return f"{typed}: the folder may not be read. Ask its owner for the permission."
    if not names:
        return f"{typed}: the folder is empty. {_EXPECTED}"
    archives = sorted(name for name in names if name.lower().endswith(".zip"))
    if isinstance(error, FileNotFoundError) and archives:
        return f"{typed}: {archives[0]} is not unpacked. Unpack it here, so that {layout.IMAGES_DIR} lies beside it."
    if isinstance(error, FileNotFoundError):
        return f"{typed}: the folder has no {layout.IMAGES_DIR}. {_EXPECTED}"
    return f"{typed}: {images_dir} cannot be read ({error.strerror}). {_EXPECTED}"


def _report_many(frames: pd.DataFrame, media: Media, log: ProblemLog) -> None:
    """Note once the trials with so many images that they must lie closer together than a second."""
    counts = frames.loc[~frames["trial_id"].isin(list(media.videos)), "trial_id"].value_counts()
    many = counts[counts > _MOST_FRAMES]
    if len(many):
        longest = many.max()
        log.add(frame_kinds.MANY_FRAMES, log.images_dir, count=len(many), limit=_MOST_FRAMES, longest=longest)
