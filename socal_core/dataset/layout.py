"""The file names and columns of the published SOCAL layout, and facts about the data that pages show.

Source: the README of the data release (version 1) and Kugener et al., JAMA Netw Open 2022;5(3):e223177.
"""

import re

IMAGES_DIR = "JPEGImages"
BOXES_FILE = "socal.csv"
MAPPING_FILE = "frame_to_trial_mapping.csv"
OUTCOMES_FILE = "socal_trial_outcomes.csv"
DEMOGRAPHICS_FILE = "socal_participant_demographics.csv"
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
OUTCOME_COLUMNS = (
    "trial_id",
    "participant_id",
    "cottonoid",
    "cottonoid_success",
    "muscle",
    "muscle_success",
    "tth",
    "success",
    "blood_loss",
    "trial_video_width",
    "trial_video_height",
)
REQUIRED_OUTCOME_COLUMNS = ("trial_id", "success")
OUTCOME_MEASURES = {
    "success": "it is what is predicted",
    "tth": "the time to haemostasis is at most 300 s in a failed trial and ends a successful one",
    "blood_loss": "it is measured when the trial is over, and grows with the time to haemostasis",
    "muscle": "the time at which the muscle patch was placed belongs to the end of the trial",
    "muscle_success": "success is haemostasis with the muscle patch",
    "cottonoid": "it is timed during the trial whose end is predicted",
    "cottonoid_success": "it is the outcome of a step of the trial",
}
"""Columns that are outcomes themselves, each with the reason why it is never used as an input or to split trials."""
TRACK_COLUMNS = (*BOX_COLUMNS, "track_id")

LABELS = ("suction", "grasper", "cottonoid", "string", "muscle", "drill", "tool", "scalpel")
MISSING_VALUES = frozenset({"", "na", "n/a", "nan", "none", "null"})
"""Spellings of a missing value, compared in lower case."""

FRAME_NAME = re.compile(
    r"^(?P<trial>S(?P<participant>[0-9A-Z]+)T(?P<number>[0-9]{1,9}))(?P<video>[a-z]?)"
    r"_frame_(?P<index>[0-9]{1,9})\.[A-Za-z]+$"
)
"""`S311T1a_frame_00000078.jpeg`: trial S311T1 of surgeon 311, video a of the trial, frame 78."""
TRIAL_ID = re.compile(r"^S(?P<participant>[0-9A-Z]+)T(?P<number>[0-9]{1,9})$")
LAST_NUMBER = re.compile(r"([0-9]{1,9})[^0-9]*$")

FRAMES_PER_SECOND = 1

IN_SPLITS = "*/images"
"""The folder of frames if each subset of a split has its own, such as `train/images` and `valid/images`."""


def path_of_frame(images_dir: str, frame: str) -> str:
    """Return the path of an image relative to the data folder, from its folder and its name in it."""
    if images_dir == IN_SPLITS:
        split, _, own = frame.partition("/")
        return f"{split}/images/{own}"
    return f"{images_dir}/{frame}".lstrip("/")


LICENCE = "CC BY-NC 4.0"
CITATION = (
    "Kugener G, Pangal DJ, Cardinal T, et al. Utility of the Simulated Outcomes Following Carotid Artery Laceration "
    "Video Data Set for Machine Learning Applications. JAMA Netw Open. 2022;5(3):e223177."
)
