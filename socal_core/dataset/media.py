"""Find the images of a data folder: one folder of frames, a folder of frames per trial, or videos."""

import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from socal_core import presets
from socal_core.dataset import layout
from socal_core.dataset.folder import DataFolder, Listing
from socal_core.dataset.frame_names import trial_of_name
from socal_core.dataset.problem_kinds import frame_kinds
from socal_core.dataset.problems import ProblemLog
from socal_core.errors import DataError
from socal_core.file_handles import os_reason
from socal_core.presets import Preset, is_frame, is_trial

if TYPE_CHECKING:
    from socal_core.dataset.video import Video

_SUFFIXES = tuple(sorted(layout.IMAGE_SUFFIXES))
_VIDEO_SUFFIXES = tuple(sorted(layout.VIDEO_SUFFIXES))
_OTHER_SUFFIXES = tuple(sorted(layout.OTHER_IMAGE_SUFFIXES))
_OTHER_VIDEO_SUFFIXES = tuple(sorted(layout.OTHER_VIDEO_SUFFIXES))
_DEPTH = 3
"""Levels of nested folders, as in `images/train/S102T1/img1`."""
_IN_TRIAL = frozenset({"img1", "images", "frames", "rgb"})
"""Subfolders of a trial that hold its frames; MOT uses img1."""


@dataclass(frozen=True)
class Media:
    """The frames and videos of a data folder, by name."""

    images_dir: str
    """The folder of frames, relative to the data folder; "" for the data folder itself or if there are only videos;
    layout.IN_SPLITS if each subset of a split has its own."""
    frames: list[str]
    """Image files, relative to `images_dir`: `S102T1_frame_00000078.jpeg`, or `S102T1/00000078.jpeg`."""
    videos: dict[str, "Video"] = field(default_factory=dict)
    """The video of each trial (by trial id) that has no frames as images."""


@dataclass
class _Files:
    """The entries of the folders of frames, by name."""

    frames: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    """Files that are not images, links that are not followed, and folders that are not searched."""
    links: set[str] = field(default_factory=set)
    """Those of `others` that are such links or not files at all."""


def find_media(folder: DataFolder, log: ProblemLog) -> Media:
    """Find frames and videos.

    Frames are searched for in JPEGImages; if there is no such folder, in `images`, `frames`, `train/images` and
    similar, and the data folder itself.

    Args:
        folder: The data folder.
        log: Receives the problems, such as a subfolder that cannot be listed; the others are used.

    Raises:
        OSError: The data folder, or its folder of frames, does not exist or cannot be listed.
    """
    images_dir = next((folder.actual(name) for name in layout.IMAGES_DIRS if folder.has(name)), None)
    if images_dir is None and any(folder.has(f"{split}/images") for split in _splits(folder)):
        images_dir = layout.IN_SPLITS
    elif images_dir is None and has_pictures(folder):
        images_dir = ""
    videos, unread = _video_files(folder, log)
    if images_dir is None and not videos and not unread:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    log.images_dir = images_dir or ""
    frames = [] if images_dir is None else _find_frames(folder, images_dir, log)
    return Media(log.images_dir, frames, _probe_videos(folder, videos, frames, log) if videos else {})


def has_pictures(folder: DataFolder, path: str = "") -> bool:
    """Return whether a folder holds frames of any data set, folders named like trials, or a split with images."""
    listing = folder.listing(path)
    return (
        any(map(is_frame, (*listing.files, *listing.others)))
        or any(_names_trial(name) for name in listing.files if name.lower().endswith(_SUFFIXES))
        or any(map(is_trial, (*listing.folders, *listing.others)))
        or any(_has_images(folder, f"{path}/{split}".lstrip("/")) for split in _splits(folder, path))
    )


def _splits(folder: DataFolder, path: str = "") -> list[str]:
    return [name for name in folder.listing(path).folders if name.lower() in layout.SPLIT_FOLDERS]


def _has_images(folder: DataFolder, path: str) -> bool:
    try:
        listing = folder.listing(path)
    except OSError:
        return False
    return any(map(_names_trial, listing.files)) or any(map(is_trial, listing.folders))


def _names_trial(name: str) -> bool:
    return any(trial_of_name(name, preset) for preset in presets.PRESETS)


def _find_frames(folder: DataFolder, images_dir: str, log: ProblemLog) -> list[str]:
    """Find the image files in the folder of frames, in the folders of its trials and in those of a train/test split."""
    found = _Files()
    if images_dir == layout.IN_SPLITS:
        for split in _splits(folder):
            if folder.has(f"{split}/images"):
                _look_into(folder, _listing(folder, f"{split}/images", log), f"{split}/images", f"{split}/", found, log)
    else:
        _look_into(folder, folder.listing(images_dir), images_dir, "", found, log)
    _report_others(found, images_dir, folder.preset, log)
    return sorted(found.frames)


def _look_into(folder: DataFolder, listing: Listing, path: str, prefix: str, found: _Files, log: ProblemLog) -> None:
    """Add the entries of a folder of frames, and of the folders of trials and splits in it, to `found`."""
    found.frames += [f"{prefix}{name}" for name in listing.files if name.lower().endswith(_SUFFIXES)]
    others = [name for name in listing.files if not name.lower().endswith(_SUFFIXES)]
    of_trial = folder.preset.is_trial
    in_trial = of_trial(prefix.rstrip("/").rpartition("/")[2])
    for own in listing.folders:
        known = own.lower() in (_IN_TRIAL if in_trial else layout.SPLIT_FOLDERS) or of_trial(own)
        if known and prefix.count("/") < _DEPTH:
            below = f"{path}/{own}".lstrip("/")
            _look_into(folder, _listing(folder, below, log), below, f"{prefix}{own}/", found, log)
        elif images := _count_images(folder, f"{path}/{own}".lstrip("/")):
            log.add(frame_kinds.UNREAD_FOLDER, f"{path}/{own}".lstrip("/"), count=images)
        elif not prefix:
            others.append(own)
    links = {f"{prefix}{name}" for name in listing.others}
    found.links |= links
    found.others += [*(f"{prefix}{name}" for name in others), *links]


def _count_images(folder: DataFolder, path: str) -> int:
    try:
        return sum(name.lower().endswith(_SUFFIXES) for name in folder.listing(path).files)
    except OSError:
        return 0


def _report_others(found: _Files, images_dir: str, preset: Preset, log: ProblemLog) -> None:
    """Report links and images of other kinds instead of frames; in a folder for frames, also files of other kinds."""
    stems = {name.rpartition(".")[0] for name in found.frames} if found.others else set()
    linked, unread, strays = [], [], []
    for name in sorted(found.others):
        own = name.rpartition("/")[2]
        of_trial = bool(trial_of_name(name, preset)) or preset.is_trial(own)
        if name in found.links and of_trial:
            linked.append(name)
        elif own.lower().endswith(_OTHER_SUFFIXES) and (of_trial or images_dir):
            unread.append(name)
        # An annotation next to its frame belongs there, and so do files among the frames of a trial.
        elif images_dir not in {"", layout.IN_SPLITS} and "/" not in name and name.rpartition(".")[0] not in stems:
            strays.append(name)
    log.add_frames(frame_kinds.LINKED_FRAME, linked)
    log.add_frames(frame_kinds.OTHER_IMAGE_KIND, unread)
    log.add_frames(frame_kinds.NOT_A_FRAME, strays)


def _listing(folder: DataFolder, path: str, log: ProblemLog) -> Listing:
    """List a folder; if that fails, report a problem and return an empty listing."""
    try:
        return folder.listing(path)
    except OSError as error:
        log.add(frame_kinds.UNREADABLE_FOLDER, path, reason=os_reason(error))
        return Listing([], [], [])


def _video_files(folder: DataFolder, log: ProblemLog) -> tuple[list[str], list[str]]:
    """Return the relative paths of the videos, and those of videos of trials that are of other kinds."""
    found, unread = [], []
    for name in _files_for_videos(folder, log):
        own = name.rpartition("/")[2]
        if own.lower().endswith(_VIDEO_SUFFIXES):
            found.append(name)
        elif own.lower().endswith(_OTHER_VIDEO_SUFFIXES) and folder.preset.is_trial(own.rpartition(".")[0]):
            unread.append(name)
            log.add(frame_kinds.OTHER_VIDEO_KIND, name)
    return found, unread


def _files_for_videos(folder: DataFolder, log: ProblemLog) -> Iterator[str]:
    for path in ("", *map(folder.actual, layout.VIDEOS_DIRS)):
        if path == "" or path in folder.listing().folders:
            yield from (f"{path}/{name}".lstrip("/") for name in _listing(folder, path, log).files)


def _probe_videos(folder: DataFolder, paths: list[str], frames: list[str], log: ProblemLog) -> dict[str, "Video"]:
    """Read the headers of the videos of trials that have no frames as images; return them by trial id."""
    # OpenCV takes a while to load, and most data folders have no video.
    from socal_core.dataset.video import Video, probe

    with_frames = {trial_of_name(name, folder.preset) for name in frames}
    videos: dict[str, Video] = {}
    for path in paths:
        trial = path.rpartition("/")[2].rpartition(".")[0]
        if not folder.preset.is_trial(trial):
            log.add(frame_kinds.VIDEO_WITHOUT_TRIAL, path)
        elif trial in with_frames:
            log.add(frame_kinds.VIDEO_BESIDE_FRAMES, path, trial_id=trial)
        elif trial in videos:
            log.add(frame_kinds.DOUBLED_VIDEO, path, trial_id=trial, used=videos[trial].path)
        else:
            try:
                folder.touch(path)
                videos[trial] = video = probe(folder.root, path)
                if video.indices:
                    text = "Its frame rate varies. Each second shows the frame that a player shows then."
                    log.add_evidence(path, text, "The file gives the time of each frame, and the steps differ.")
            except (DataError, OSError) as error:
                log.add(frame_kinds.UNREADABLE_VIDEO, path, reason=os_reason(error))
    return videos
