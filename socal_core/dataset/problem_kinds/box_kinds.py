"""Problems of boxes, their labels and their track ids, in any format."""

from socal_core.dataset import layout
from socal_core.dataset.dataset import Severity
from socal_core.dataset.problem_kinds.kind import ProblemKind

NO_BOXES_FILE = ProblemKind(
    "no-boxes-file",
    Severity.WARNING,
    "No boxes",
    "There is no {path}, nor boxes in another format; the data set is opened without boxes.",
    "Put the boxes into the data folder if there are any.",
)
BOX_FORMAT_WITHOUT_BOXES = ProblemKind(
    "box-format-without-boxes",
    Severity.WARNING,
    "Preferred format holds no boxes",
    "{preferred} gives no box and no frame without a tool, so {used} is read instead.",
    "Correct {path} or delete it.",
)
SEVERAL_BOX_FORMATS = ProblemKind(
    "several-box-formats",
    Severity.INFO,
    "Boxes in several formats",
    "The folder has boxes as {formats}; {used} is read.",
    "Choose another format if that is wrong.",
)
BOX_WITHOUT_FRAME = ProblemKind(
    "box-without-frame",
    Severity.ERROR,
    "Box of a frame that does not exist",
    "No trial has a frame {frame}; the entry is not used.",
    "Add the frame, or correct its name.",
)
CONTRADICTING_ROWS = ProblemKind(
    "contradicting-rows",
    Severity.WARNING,
    "Frame both with and without boxes",
    "This entry states that frame {frame} has no tool, and other entries have boxes for it; the boxes are used.",
    "Delete what is wrong.",
)
FRAME_WITHOUT_ROW = ProblemKind(
    "frame-without-row",
    Severity.INFO,
    "Frames without an entry",
    "Frames without an entry in {path}: {count:,}. They count as frames without boxes.",
    "",
)
BAD_COORDINATES = ProblemKind(
    "bad-coordinates",
    Severity.ERROR,
    "Invalid corners",
    "Corners must be {expected}, got {x1}, {y1}, {x2}, {y2}; the box is left out.",
    "Correct the corners.",
)
RELATIVE_CORNERS = ProblemKind(
    "relative-corners",
    Severity.ERROR,
    "Corners are fractions, not pixels",
    "All corners of {path} (boxes: {count:,}) are between 0 and 1, like fractions of the frame; no box is used.",
    "Save the corners in pixels.",
)
OTHER_NUMBERS = ProblemKind(
    "other-numbers",
    Severity.ERROR,
    "Numbers of boxes that may mean something else",
    "{path} should give {stored} of each box. For {wrong:,} of {boxes:,} boxes these make no box inside the frame, and "
    "all of its numbers fit as {other}. None of its boxes is used.",
    "Export the boxes again in the form that the format asks for.",
)
PERCENT_CORNERS = ProblemKind(
    "percent-corners",
    Severity.ERROR,
    "Corners that may be percentages",
    "All corners of {path} (boxes: {count:,}) are between 0 and 100 and some have decimals, like Label Studio's "
    "percentages, and the frames are larger; no box is used.",
    "Save the corners in whole pixels.",
)
BOX_WITHOUT_AREA = ProblemKind(
    "box-without-area",
    Severity.ERROR,
    "Box without area",
    "The box {x1}, {y1}, {x2}, {y2} has no area; it is left out.",
    "Make x2 greater than x1 and y2 greater than y1.",
)
BOX_WITHOUT_LABEL = ProblemKind(
    "box-without-label",
    Severity.ERROR,
    "Box without a label",
    "The box {x1}, {y1}, {x2}, {y2} has no label; it is left out.",
    "Add the label.",
)
DOUBLED_BOX = ProblemKind(
    "doubled-box",
    Severity.WARNING,
    "Repeated box",
    "The {label} box {x1}, {y1}, {x2}, {y2} of frame {frame} occurs more than once; it is used once.",
    "Delete this entry.",
)
BOX_OUTSIDE_FRAME = ProblemKind(
    "box-outside-frame",
    Severity.ERROR,
    "Box outside its frame",
    "The box {x1}, {y1}, {x2}, {y2} is outside its frame ({size}); it is left out.",
    "Correct the corners.",
)
BOX_PAST_EDGE = ProblemKind(
    "box-past-edge",
    Severity.WARNING,
    "Box extends beyond its frame",
    "The box {x1}, {y1}, {x2}, {y2} extends beyond its frame ({size}); it is clipped at the edge.",
    "Correct the corners.",
)
LABEL_CASE = ProblemKind(
    "label-case",
    Severity.INFO,
    "Labels with capital letters",
    "Labels are converted to lower case, so that Grasper and grasper are one: {labels}.",
    "",
)
SIMILAR_LABELS = ProblemKind(
    "similar-labels",
    Severity.WARNING,
    "Labels that differ in blanks alone",
    "The labels {labels} differ only in blanks, underscores or hyphens, and count as different tools.",
    "Give them one spelling if they are the same tool.",
)
UNKNOWN_LABEL = ProblemKind(
    "unknown-label",
    Severity.INFO,
    "Label that the published data do not use",
    "{preset} does not use the label {label} (boxes: {count:,}); they are kept.",
    "",
)
CLASS_NUMBERS_SHIFTED = ProblemKind(
    "class-numbers-shifted",
    Severity.ERROR,
    "Class numbers that start elsewhere than their names",
    "The classes of the boxes run from {lowest} to {highest}, and the names from {first} to {last}: they may be "
    "counted from another start. The names are not used; the boxes are labelled class {lowest} and so on.",
    "Number the classes as the list of names does, or export the names again.",
)
CLASS_WITHOUT_NAME = ProblemKind(
    "class-without-name",
    Severity.WARNING,
    "Class without a name",
    "Boxes whose class has no name: {count:,}. They are labelled {labels}.",
    "Add the names to {where}.",
)
OTHER_CLASS_ORDER = ProblemKind(
    "other-class-order",
    Severity.WARNING,
    "List of classes in another order",
    "{path} has the classes in another order than {used}; the numbers that {used} gives are used.",
    "Correct or delete {path}.",
)
CONTRADICTING_CLASS_NAMES = ProblemKind(
    "contradicting-class-names",
    Severity.WARNING,
    "Files name a class differently",
    "{path} and {other} give one class different names, so neither is used.",
    "Delete the one that is wrong.",
)
BAD_CLASS = ProblemKind(
    "bad-class",
    Severity.ERROR,
    "Invalid class",
    "The class must be {expected}, got {class}; the box is left out.",
    "Correct the class.",
)
BAD_TRACK_ID = ProblemKind(
    "bad-track-id",
    Severity.WARNING,
    "Invalid track id",
    "The track id must be {expected}, got {track_id}; the box is used without it.",
    "Correct the track id.",
)
DOUBLED_TRACK_ID = ProblemKind(
    "doubled-track-id",
    Severity.WARNING,
    "Track id twice in a frame",
    "Track id {track_id} occurs more than once in frame {frame}; both boxes keep it.",
    "Correct one of the two.",
)
BAD_TRACK_ROW = ProblemKind(
    "bad-track-row",
    Severity.WARNING,
    "Invalid row of a track id",
    "Corners and track_id must be whole numbers, got {x1}, {y1}, {x2}, {y2} and {track_id}; the row is not used.",
    "Correct the row.",
)
TRACK_WITHOUT_BOX = ProblemKind(
    "track-without-box",
    Severity.WARNING,
    "Track id of a box that does not exist",
    "{boxes_file} has no {label} box {x1}, {y1}, {x2}, {y2} in frame {frame}; the row is not used.",
    "Correct or delete the row.",
)
BOX_WITHOUT_TRACK = ProblemKind(
    "box-without-track",
    Severity.WARNING,
    "Box without a track id",
    f"The {{label}} box of frame {{frame}} is not in {layout.TRACKS_FILE}; it has no track id.",
    "Add its track id.",
)
TRACK_ID_IS_CLASS = ProblemKind(
    "track-id-is-class",
    Severity.WARNING,
    "Column of track ids holds class numbers",
    "tracking_id is the number of the label, since each label has one number in all trials and {evidence}. It is not "
    "used.",
    "Delete the column.",
)
TRACK_ID_MAY_BE_CLASS = ProblemKind(
    "track-id-may-be-class",
    Severity.WARNING,
    "Column of track ids may hold class numbers",
    "All boxes of a label have the same tracking_id in all trials, so it may be the class number. It is used.",
    "Delete the column if it is not a track id.",
)
