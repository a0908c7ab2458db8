"""The one way in: a folder in the published SOCAL layout becomes a validated data set."""

import os
import stat
from pathlib import Path

import pandas as pd

from socal_core.dataset import layout
from socal_core.dataset.boxes import load_boxes
from socal_core.dataset.frames import in_trial_order, load_frames
from socal_core.dataset.images import quiet_pillow, read_size
from socal_core.dataset.outcomes import build_trials, read_demographics, read_outcomes
from socal_core.dataset.problems import ProblemLog
from socal_core.dataset.types import Dataset, Severity
from socal_core.errors import DataError

_EXPECTED = (
    f"A SOCAL folder holds {layout.IMAGES_DIR}/ with frames such as S102T1_frame_00000078.jpeg and, beside it, "
    f"{layout.OUTCOMES_FILE}, {layout.BOXES_FILE} and {layout.MAPPING_FILE}."
)


def open_dataset(folder: Path | str) -> Dataset:
    """Read and check a data folder; nothing is decoded and nothing is written.

    DataError when there is no folder with frames to work on. Anything else that is wrong becomes a problem of the
    data set. `Dataset.root` is the folder as given: a relative one stays relative.
    """
    root = _checked_folder(folder)
    log = ProblemLog()
    try:
        placed = load_frames(root, log)
    except OSError as error:
        raise DataError(_no_images(folder, error)) from error
    if placed.empty:
        raise DataError(f"{folder}: {layout.IMAGES_DIR} holds no frame of a trial. {_EXPECTED}")
    outcomes, outcome_rows = read_outcomes(root, log)
    trials = build_trials(placed, outcomes, read_demographics(root, log), log)
    frames = in_trial_order(placed, trials.index)
    trials = _with_sizes(root, trials, frames, log)
    boxes = load_boxes(root, frames, trials, log)
    return Dataset(root, trials, frames, boxes, outcome_rows, log.problems())


def _checked_folder(folder: Path | str) -> Path:
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


def _no_images(folder: Path | str, error: OSError) -> str:
    """Why the frames cannot be listed."""
    try:
        with os.scandir(folder) as entries:
            empty = next(entries, None) is None
    except OSError:
        return f"{folder}: the folder may not be read. Ask its owner for the permission."
    if empty:
        return f"{folder}: the folder is empty. {_EXPECTED}"
    if isinstance(error, FileNotFoundError):
        return f"{folder}: the folder has no {layout.IMAGES_DIR}. {_EXPECTED}"
    return f"{folder}: {layout.IMAGES_DIR} cannot be read ({error.strerror}). {_EXPECTED}"


def _with_sizes(root: Path, trials: pd.DataFrame, frames: pd.DataFrame, log: ProblemLog) -> pd.DataFrame:
    """Fill in the frame size of trials whose outcome row does not say it, from the header of their first frame."""
    unsized = trials.index[trials[["width", "height"]].isna().any(axis=1) & (trials["n_frames"] > 0)]
    first = frames.drop_duplicates("trial_id").set_index("trial_id")["frame"]
    trials = trials.copy()
    with quiet_pillow():
        for trial in unsized:
            name = f"{layout.IMAGES_DIR}/{first[trial]}"
            try:
                trials.loc[trial, ["width", "height"]] = read_size(root / name)
            except DataError as error:
                text = f"Frame {first[trial]} gives no size: {error}. Boxes of {trial} are not cut at the edge."
                log.add("unreadable-frame", Severity.ERROR, name, text)
    return trials
