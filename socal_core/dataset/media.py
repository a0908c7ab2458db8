"""Where the pictures of a data folder are: one folder of frames, a folder of frames for each trial, or videos."""

import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from socal_core.dataset import layout
from socal_core.dataset.folder import DataFolder, Listing
from socal_core.dataset.frame_names import trial_of_name
from socal_core.dataset.problem_kinds import frame_kinds
from socal_core.dataset.problems import ProblemLog
from socal_core.errors import DataError

if TYPE_CHECKING:
    from socal_core.dataset.video import Video

_SUFFIXES = tuple(sorted(layout.IMAGE_SUFFIXES))
_VIDEO_SUFFIXES = tuple(sorted(layout.VIDEO_SUFFIXES))
_OTHER_SUFFIXES = tuple(sorted(layout.OTHER_IMAGE_SUFFIXES))
_OTHER_VIDEO_SUFFIXES = tuple(sorted(layout.OTHER_VIDEO_SUFFIXES))
_DEPTH = 3
"""Folders in each other, as in `images/train/S102T1/img1`."""
_IN_TRIAL = frozenset({"img1", "images", "frames", "rgb"})
"""Folders of a trial that hold its frames: MOT has img1."""


@dataclass(frozen=True)
class Media:
    """The pictures of a data folder, by name."""

    images_dir: str
    """The folder of frames, relative to the data folder; "" for the data folder itself, and where all are videos;
    layout.IN_SPLITS where each part of a split has one."""
    frames: list[str]
    """Image files, relative to `images_dir`: `S102T1_frame_00000078.jpeg`, or `S102T1/00000078.jpeg`."""
    videos: dict[str, "Video"] = field(default_factory=dict)
    """By trial id; only trials that have no frame as an image."""


@dataclass
class _Files:
    """What lies in the folders of frames, by name."""

    frames: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    """Files that are no images, links that are not followed, and folders that are not looked into."""
    links: set[str] = field(default_factory=set)
    """Those of `others` that are such links, or no files at all."""


def find_media(folder: DataFolder, log: ProblemLog) -> Media:
    """Look for frames and videos; OSError when the folder, or its folder of frames, cannot be listed.

    A folder in these that cannot be listed is a problem, and the rest is used.
    Frames are looked for in JPEGImages, and without that in `images`, `frames`, `train/images` and the like, and the
    data folder itself.
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
    """Whether a folder holds frames, folders with a trial's name, or those of a split with images in them."""
    listing = folder.listing(path)
    return (
        any(layout.FRAME_NAME.fullmatch(name) for name in (*listing.files, *listing.others))
        or any(layout.TRIAL_ID.fullmatch(name) for name in (*listing.folders, *listing.others))
        or any(_has_images(folder, f"{path}/{split}".lstrip("/")) for split in _splits(folder, path))
    )


def _splits(folder: DataFolder, path: str = "") -> list[str]:
    return [name for name in folder.listing(path).folders if name.lower() in layout.SPLIT_FOLDERS]


def _has_images(folder: DataFolder, path: str) -> bool:
    try:
        listing = folder.listing(path)
    except OSError:
        return False
    return any(trial_of_name(name) for name in listing.files) or any(
        layout.TRIAL_ID.fullmatch(name) for name in listing.folders
    )


def _find_frames(folder: DataFolder, images_dir: str, log: ProblemLog) -> list[str]:
    """The image files in the folder of frames, in its trials' folders and in those of a train/test split."""
    found = _Files()
    if images_dir == layout.IN_SPLITS:
        for split in _splits(folder):
            if folder.has(f"{split}/images"):
                _look_into(folder, _listing(folder, f"{split}/images", log), f"{split}/images", f"{split}/", found, log)
    else:
        _look_into(folder, folder.listing(images_dir), images_dir, "", found, log)
    _report_others(found, images_dir, log)
    return sorted(found.frames)


def _look_into(folder: DataFolder, listing: Listing, path: str, prefix: str, found: _Files, log: ProblemLog) -> None:
    """Add what lies in a folder of frames, and in the folders of trials and splits in it, to `found`."""
    found.frames += [f"{prefix}{name}" for name in listing.files if name.lower().endswith(_SUFFIXES)]
    others = [name for name in listing.files if not name.lower().endswith(_SUFFIXES)]
    in_trial = layout.TRIAL_ID.fullmatch(prefix.rstrip("/").rpartition("/")[2]) is not None
    for own in listing.folders:
        known = own.lower() in (_IN_TRIAL if in_trial else layout.SPLIT_FOLDERS) or layout.TRIAL_ID.fullmatch(own)
        if known and prefix.count("/") < _DEPTH:
            below = f"{path}/{own}".lstrip("/")
            _look_into(folder, _listing(folder, below, log), below, f"{prefix}{own}/", found, log)
        elif not prefix:
            others.append(own)
    links = {f"{prefix}{name}" for name in listing.others}
    found.links |= links
    found.others += [*(f"{prefix}{name}" for name in others), *links]


def _report_others(found: _Files, images_dir: str, log: ProblemLog) -> None:
    """Name links and images of other kinds in place of frames; in a folder made for frames, also what is no image."""
    stems = {name.rpartition(".")[0] for name in found.frames} if found.others else set()
    linked, unread, strays = [], [], []
    for name in sorted(found.others):
        own = name.rpartition("/")[2]
        of_trial = bool(trial_of_name(name)) or layout.TRIAL_ID.fullmatch(own) is not None
        if name in found.links and of_trial:
            linked.append(name)
        elif own.lower().endswith(_OTHER_SUFFIXES) and (of_trial or images_dir):
            unread.append(name)
        # An annotation beside its frame is in its place, and so is what lies with the frames of a trial.
        elif images_dir not in {"", layout.IN_SPLITS} and "/" not in name and name.rpartition(".")[0] not in stems:
            strays.append(name)
    log.add_frames(frame_kinds.LINKED_FRAME, linked)
    log.add_frames(frame_kinds.OTHER_IMAGE_KIND, unread)
    log.add_frames(frame_kinds.NOT_A_FRAME, strays)


def _listing(folder: DataFolder, path: str, log: ProblemLog) -> Listing:
    """What lies in a folder; nothing, and a problem, when it cannot be listed."""
    try:
        return folder.listing(path)
    except OSError as error:
        log.add(frame_kinds.UNREADABLE_FOLDER, path, reason=error.strerror)
        return Listing([], [], [])


def _video_files(folder: DataFolder, log: ProblemLog) -> tuple[list[str], list[str]]:
    """The videos of the data folder and of its folder of videos or frames, relative; and trials' of other kinds."""
    found, unread = [], []
    for name in _files_for_videos(folder, log):
        own = name.rpartition("/")[2]
        if own.lower().endswith(_VIDEO_SUFFIXES):
            found.append(name)
        elif own.lower().endswith(_OTHER_VIDEO_SUFFIXES) and layout.TRIAL_ID.fullmatch(own.rpartition(".")[0]):
            unread.append(name)
            log.add(frame_kinds.OTHER_VIDEO_KIND, name)
    return found, unread


def _files_for_videos(folder: DataFolder, log: ProblemLog) -> Iterator[str]:
    for place in ("", *map(folder.actual, layout.VIDEOS_DIRS)):
        if place == "" or place in folder.listing().folders:
            yield from (f"{place}/{name}".lstrip("/") for name in _listing(folder, place, log).files)


def _probe_videos(folder: DataFolder, paths: list[str], frames: list[str], log: ProblemLog) -> dict[str, "Video"]:
    """The videos of trials that have no frames as images, by trial id."""
    # OpenCV takes a while to load, and most data folders have no video.
    from socal_core.dataset.video import Video, probe

    with_frames = {trial_of_name(name) for name in frames}
    videos: dict[str, Video] = {}
    for path in paths:
        trial = path.rpartition("/")[2].rpartition(".")[0]
        if not layout.TRIAL_ID.fullmatch(trial):
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
                reason = error.strerror if isinstance(error, OSError) else error
                log.add(frame_kinds.UNREADABLE_VIDEO, path, reason=reason)
    return videos
