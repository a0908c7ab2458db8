"""Where the pictures of a data folder are: one folder of frames, a folder of frames for each trial, or videos."""

import errno
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from socal_core.dataset import layout
from socal_core.dataset.folder import DataFolder, Listing
from socal_core.dataset.problem_kinds import frame_kinds
from socal_core.dataset.problems import ProblemLog
from socal_core.errors import DataError

if TYPE_CHECKING:
    from socal_core.dataset.video import Video

_SUFFIXES = tuple(sorted(layout.IMAGE_SUFFIXES))
_VIDEO_SUFFIXES = tuple(sorted(layout.VIDEO_SUFFIXES))


@dataclass(frozen=True)
class Media:
    """The pictures of a data folder, by name."""

    images_dir: str
    """The folder of frames, relative to the data folder; "" for the data folder itself, and where all are videos."""
    frames: list[str]
    """Image files, relative to `images_dir`: `S102T1_frame_00000078.jpeg`, or `S102T1/00000078.jpeg`."""
    videos: dict[str, "Video"] = field(default_factory=dict)
    """By trial id; only trials that have no frame as an image."""


def find_media(folder: DataFolder, log: ProblemLog) -> Media:
    """Look for frames and videos; OSError when the folder, or its folder of frames, cannot be listed.

    A folder in these that cannot be listed is a problem, and the rest is used.
    Frames are looked for in JPEGImages, and without that in `images`, `frames` and the data folder itself.
    """
    top = folder.listing()
    images_dir = next((name for name in layout.IMAGES_DIRS if folder.has(name)), None)
    if images_dir is None and _has_pictures(top):
        images_dir = ""
    videos = _video_files(folder, log)
    if images_dir is None and not videos:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    log.images_dir = images_dir or ""
    frames = [] if images_dir is None else _find_frames(folder, images_dir, log)
    return Media(log.images_dir, frames, _probe_videos(folder, videos, frames, log) if videos else {})


def _has_pictures(listing: Listing) -> bool:
    """Whether a listing holds frames or folders with a trial's name."""
    return any(layout.FRAME_NAME.fullmatch(name) for name in listing.files) or any(
        layout.TRIAL_ID.fullmatch(name) for name in listing.folders
    )


def _find_frames(folder: DataFolder, images_dir: str, log: ProblemLog) -> list[str]:
    """The image files in the folder of frames, in its trials' folders and in those of a train/test split."""
    listing = folder.listing(images_dir)
    names = [name for name in listing.files if name.lower().endswith(_SUFFIXES)]
    stray = [name for name in listing.files if not name.lower().endswith(_SUFFIXES)]
    inside = set()
    for own in listing.folders:
        if layout.TRIAL_ID.fullmatch(own) or own.lower() in layout.SPLIT_FOLDERS:
            below = _files_in(folder, f"{images_dir}/{own}".lstrip("/"), log)
            names += [f"{own}/{name}" for name in below if name.lower().endswith(_SUFFIXES)]
            inside.add(own)
    if images_dir:
        stems = {name.rpartition(".")[0] for name in names} if stray else set()
        # An annotation beside its frame is in its place.
        stray = [name for name in stray if name.rpartition(".")[0] not in stems]
        others = sorted([*stray, *listing.others, *(name for name in listing.folders if name not in inside)])
        log.add_frames(frame_kinds.NOT_A_FRAME, others)
    return sorted(names)


def _files_in(folder: DataFolder, path: str, log: ProblemLog) -> list[str]:
    """The files directly in a folder; none, and a problem, when it cannot be listed."""
    try:
        return folder.listing(path).files
    except OSError as error:
        log.add(frame_kinds.UNREADABLE_FOLDER, path, reason=error.strerror)
        return []


def _video_files(folder: DataFolder, log: ProblemLog) -> list[str]:
    """The video files of the data folder and of its folder of videos or frames, relative to the data folder."""
    found: list[str] = []
    for place in ("", *layout.VIDEOS_DIRS):
        if place == "" or place in folder.listing().folders:
            files = _files_in(folder, place, log)
            found += [f"{place}/{name}".lstrip("/") for name in files if name.lower().endswith(_VIDEO_SUFFIXES)]
    return found


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
                videos[trial] = probe(folder.root, path)
            except (DataError, OSError) as error:
                reason = error.strerror if isinstance(error, OSError) else error
                log.add(frame_kinds.UNREADABLE_VIDEO, path, reason=reason)
    return videos


def trial_of_name(name: str) -> str:
    """The trial that a frame's name or its folder says, "" when neither does."""
    parent, _, own = name.rpartition("/")
    if layout.TRIAL_ID.fullmatch(parent):
        return parent
    match = layout.FRAME_NAME.fullmatch(own)
    return "" if match is None else match["trial"]
