"""Names on disk of the published SOCAL layout, and the facts about the data that pages show.

Source: the README of the data release (version 1) and Kugener et al., JAMA Netw Open 2022;5(3):e223177.
"""

import re

IMAGES_DIR = "JPEGImages"
BOXES_FILE = "socal.csv"
MAPPING_FILE = "frame_to_trial_mapping.csv"
OUTCOMES_FILE = "socal_trial_outcomes.csv"
DEMOGRAPHICS_FILE = "socal_participant_demographics.csv"
TRACKS_FILE = "track_ids.csv"
"""Not part of the release: boxes once more with the id of their track, where somebody has it (the demo writes it)."""

IMAGE_SUFFIXES = frozenset({".jpeg", ".jpg", ".png"})

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

FRAMES_PER_SECOND = 1

LICENCE = "CC BY-NC 4.0"
CITATION = (
    "Kugener G, Pangal DJ, Cardinal T, et al. Utility of the Simulated Outcomes Following Carotid Artery Laceration "
    "Video Data Set for Machine Learning Applications. JAMA Netw Open. 2022;5(3):e223177."
)
