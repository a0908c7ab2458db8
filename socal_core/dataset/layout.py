"""The folders, files and columns that are the same for all data sets; `socal_core.presets` has what differs.

The names of SOCAL's tables are here too, for what writes a folder in its layout, such as the demo.
"""

import re

from socal_core.presets import SOCAL
from socal_core.presets.preset import SUCCESS, TRIAL

IMAGES_DIR = "JPEGImages"
BOXES_FILE = SOCAL.boxes_file
MAPPING_FILE = SOCAL.mapping_file
OUTCOMES_FILE = SOCAL.outcomes_file
DEMOGRAPHICS_FILE = SOCAL.surgeons_file
OUTCOME_COLUMNS = SOCAL.outcome_columns
LABELS = SOCAL.labels
TRACKS_FILE = "track_ids.csv"
"""Not part of the release: the boxes again, with the ids of their tracks. The demo writes it."""

IMAGES_DIRS = (IMAGES_DIR, "images", "frames")
"""Folders that are searched for frames, in this order; otherwise the data folder itself is searched."""
VIDEOS_DIRS = (*IMAGES_DIRS, "videos")
"""Folders that are searched for videos, in addition to the data folder itself."""
SPLIT_FOLDERS = frozenset({"train", "val", "valid", "validation", "test"})
"""Folders into which annotation tools split images; the split itself is not used."""

IMAGE_SUFFIXES = frozenset({".jpeg", ".jpg", ".png", ".bmp", ".tif", ".tiff", ".webp"})
VIDEO_SUFFIXES = frozenset({".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm"})
OTHER_IMAGE_SUFFIXES = frozenset(
    {".avif", ".dcm", ".dng", ".gif", ".heic", ".heif", ".jfif", ".jp2", ".jpe", ".jxl", ".pgm", ".ppm", ".raw", ".tga"}
)
OTHER_VIDEO_SUFFIXES = frozenset(
    {".3gp", ".asf", ".dv", ".flv", ".m2ts", ".mpeg", ".mpg", ".mts", ".mxf", ".ogv", ".ts", ".vob", ".wmv"}
)
"""Images and videos that are not read."""

BOX_COLUMNS = ("frame", "x1", "y1", "x2", "y2", "label")
MAPPING_COLUMNS = ("frame", "trial_id", "frame_number")
REQUIRED_OUTCOME_COLUMNS = (TRIAL, SUCCESS)
"""What is read from every table of outcomes, under the title that the preset gives."""
TRACK_COLUMNS = (*BOX_COLUMNS, "track_id")

MISSING_VALUES = frozenset({"", "na", "n/a", "nan", "none", "null"})
"""Spellings of a missing value, compared in lower case."""

LAST_NUMBER = re.compile(r"([0-9]{1,9})[^0-9]*$")

FRAMES_PER_SECOND = 1

_SECOND = re.compile(r".+_frame_([0-9]{1,9})\.[A-Za-z]+")

IN_SPLITS = "*/images"
"""The folder of frames if each subset of a split has its own, such as `train/images` and `valid/images`."""


def path_of_frame(images_dir: str, frame: str) -> str:
    """Return the path of an image relative to the data folder, from its folder and its name in it."""
    if images_dir == IN_SPLITS:
        split, _, own = frame.partition("/")
        return f"{split}/images/{own}"
    return f"{images_dir}/{frame}".lstrip("/")


def name_of_second(trial_id: str, index: int) -> str:
    """Return the name of a second of a video, counted from 1."""
    return f"{trial_id}_frame_{index:08d}.jpeg"


def index_of_second(name: str) -> int:
    """Return the index in the name of a second of a video, 1 for other names."""
    match = _SECOND.fullmatch(name)
    return int(match[1]) if match else 1
