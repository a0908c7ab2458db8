"""Open new material to predict: a video, a folder of frames with any names, or a data folder.

The trials of new material need no outcome, no table and no name of a published data set.
"""

import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from socal_core.annotations.rows import BOX_DTYPES
from socal_core.dataset import layout
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.folder import DataFolder, Listing
from socal_core.dataset.frames import load_frames
from socal_core.dataset.images import quiet_pillow, read_size
from socal_core.dataset.media import Media
from socal_core.dataset.opening import open_dataset
from socal_core.dataset.problems import ProblemLog, printable
from socal_core.dataset.sizes import DIMENSIONS
from socal_core.errors import DataError
from socal_core.file_handles import os_reason

if TYPE_CHECKING:
    from socal_core.dataset.video import Video

PICTURES, VIDEOS = "JPEG, PNG, BMP, TIFF or WebP", "MP4, M4V, MOV, AVI, MKV or WebM"
_DEPTH = 3
"""Levels of folders that hold nothing but one folder, as in zips, that are entered."""
_LONGEST_ID = 60
_NOT_IN_AN_ID = re.compile(r"[^A-Za-z0-9.]+")
_IN_FOLDER = "S1T1"
"""A name of a trial, in whose folder names of frames have no form of their own."""


def open_material(path: Path) -> Dataset:
    """Open a video, a folder of frames or videos, or a data folder.

    Args:
        path: The file or folder. A folder that is no data folder is one trial if it holds frames, else one trial per
            video. The seconds of frames come from their names, as in a data folder, or from their order.

    Returns:
        The data set; trials that are read without a data folder have no outcome, surgeon or boxes.

    Raises:
        DataError: There is no such file or folder, or no frame in it can be read.
    """
    if path.is_file():
        return _of_videos(path.parent, [path.name])
    if not path.is_dir():
        raise DataError(f"{printable(path.name)}: there is no such file or folder. Check the spelling.")
    try:
        root, listing = _entered(path)
        dataset = _of_folder(root, listing, path.name)
    except OSError as error:
        raise DataError(f"{printable(path.name)} cannot be read: {os_reason(error)}.") from error
    _check_readable(dataset, path.name)
    return dataset


def frames_dataset(folder: Path, names: Sequence[str], name: str) -> Dataset:
    """Return image files as a data set of one trial.

    Args:
        folder: Their folder.
        names: At least one name of a file in it.
        name: What the trial is called.
    """
    trial_id = material_id(name)
    frames = _timed(folder, sorted(names, key=_by_numbers), trial_id)
    size = None
    with quiet_pillow():
        for frame in frames["frame"]:
            with suppress(DataError):
                size = read_size(folder / frame)
                break
    return _dataset(folder, frames, {trial_id: size}, {})


def picture_names(names: Sequence[str]) -> list[str]:
    """Return those names that are of images."""
    return [name for name in names if Path(name).suffix.lower() in layout.IMAGE_SUFFIXES]


def material_id(name: str) -> str:
    """Return the id of a trial that is called by a file or folder: letters, digits, `.` and `-`."""
    return _NOT_IN_AN_ID.sub("-", name).strip("-.")[:_LONGEST_ID] or "new"


def _entered(path: Path) -> tuple[Path, Listing]:
    """Enter a folder, and folders that are alone in it; return the innermost one and what is in it."""
    listing = DataFolder(path).listing()
    for _ in range(_DEPTH):
        if listing.files or len(listing.folders) != 1 or listing.folders[0] in layout.VIDEOS_DIRS:
            break
        path = path / listing.folders[0]
        listing = DataFolder(path).listing()
    return path, listing


def _of_folder(root: Path, listing: Listing, typed: str) -> Dataset:
    try:
        return open_dataset(root)
    except DataError:
        pictures = picture_names(listing.files)
        if pictures:
            return frames_dataset(root, pictures, root.name)
        videos = [name for name in listing.files if Path(name).suffix.lower() in layout.VIDEO_SUFFIXES]
        if videos:
            return _of_videos(root, videos)
    raise DataError(f"{printable(typed)} holds neither frames ({PICTURES}) nor videos ({VIDEOS}).")


def _of_videos(root: Path, names: Sequence[str]) -> Dataset:
    """Return videos as a data set of one trial each; each of them has to be readable."""
    # OpenCV takes a while to load.
    from socal_core.dataset.video import probe, read_seconds

    videos: dict[str, Video] = {}
    for name in names:
        if Path(name).suffix.lower() not in layout.VIDEO_SUFFIXES:
            raise DataError(f"{printable(name)} is neither a folder nor a video ({VIDEOS}).")
        try:
            video = probe(root, name)
            next(read_seconds(root, video, [0]))
        except DataError as error:
            raise DataError(f"{printable(name)} cannot be used as a video: {error}.") from error
        trial_id = material_id(Path(name).stem)
        while trial_id in videos:
            trial_id += "-2"
        videos[trial_id] = video
    rows = [(trial, n) for trial, video in videos.items() for n in range(video.seconds)]
    frames = pd.DataFrame(
        {
            "frame": [layout.name_of_second(trial, n + 1) for trial, n in rows],
            "trial_id": [trial for trial, _ in rows],
            "second": [n for _, n in rows],
        }
    )
    return _dataset(root, frames, {trial: (video.width, video.height) for trial, video in videos.items()}, videos)


def _timed(folder: Path, names: list[str], trial_id: str) -> pd.DataFrame:
    """Return the frames of a trial in temporal order with their seconds: by their names, else in the order given."""
    media = Media("", [f"{_IN_FOLDER}/{name}" for name in names])
    placed = load_frames(DataFolder(folder), media, ProblemLog()).sort_values(["number", "frame"], ignore_index=True)
    if len(placed) == len(names) and placed["number"].is_unique:
        names = placed["frame"].str.removeprefix(f"{_IN_FOLDER}/").to_list()
        seconds = ((placed["number"] - placed["number"].iloc[0]) // layout.FRAMES_PER_SECOND).to_list()
    else:
        seconds = list(range(len(names)))
    return pd.DataFrame({"frame": names, "trial_id": trial_id, "second": seconds})


def _dataset(
    root: Path, frames: pd.DataFrame, sizes: dict[str, tuple[int, int] | None], videos: "dict[str, Video]"
) -> Dataset:
    frames = frames.astype({"frame": "str", "trial_id": "str", "second": "int64"})
    frames.insert(2, "position", frames.groupby("trial_id", sort=False).cumcount().astype("int64"))
    counts = frames["trial_id"].value_counts()
    index = pd.Index(list(sizes), dtype="str", name="trial_id")
    unknown = pd.Series(pd.NA, index, dtype="Int64")
    text = pd.Series(pd.NA, index, dtype="str")
    trials = pd.DataFrame(
        {
            "participant_id": pd.Series("", index, dtype="str"),
            "trial_number": unknown,
            "success": unknown,
            "n_frames": counts.reindex(index).astype("int64"),
            "usable": False,
            "unusable_because": pd.Series("no outcome row", index, dtype="str"),
            **{
                name: pd.array([size[at] if size else pd.NA for size in sizes.values()], "Int64")
                for at, name in enumerate(DIMENSIONS)
            },
            **dict.fromkeys(("cohort", "specialty", "training_status"), text),
        },
        index=index,
    )
    boxes = pd.DataFrame({name: pd.Series(dtype=dtype) for name, dtype in BOX_DTYPES.items()})
    return Dataset(root, trials, frames, boxes, 0, (), images_dir="", videos=videos)


def _check_readable(dataset: Dataset, typed: str) -> None:
    """Raise DataError unless the header of an image can be read, or there is a video, which was read before."""
    if dataset.videos:
        return
    reason = ""
    with quiet_pillow():
        for frame in dataset.frames["frame"]:
            try:
                read_size(dataset.file_of(frame))
            except DataError as error:
                reason = reason or f"{printable(frame)}: {error}"
            else:
                return
    raise DataError(f"{printable(typed)} holds no frame that can be read. {reason}.")


def _by_numbers(name: str) -> list[tuple[int, str]]:
    """Return a key by which names are in the order of the numbers in them: frame_2 before frame_10."""
    parts = re.split(r"([0-9]+)", name.lower())
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]
