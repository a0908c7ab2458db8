"""Problems that only some annotation formats can have."""

from socal_core.dataset.dataset import Severity
from socal_core.dataset.problem_kinds.kind import ProblemKind

TOO_MANY_BOXES = ProblemKind(
    "too-many-boxes",
    Severity.ERROR,
    "Too many boxes",
    "There are more than {limit:,} boxes; those from here on are not read.",
    "Check that it is the right file.",
)
TOO_MANY_BOXES_IN_TRACKS = ProblemKind(
    "too-many-boxes-in-tracks",
    Severity.ERROR,
    "Tracks make too many boxes",
    "The tracks of trial {trial_id} in {path} make more than {limit:,} boxes, the number that is left after the files "
    "before it; they are not used.",
    "Check that it is the right file.",
)
TOO_MANY_ROWS = ProblemKind(
    "too-many-rows",
    Severity.ERROR,
    "Too many rows in the label files",
    "The label files have more than {limit:,} rows; {file} and those after it are not read.",
    "Check that it is the right folder.",
)
OTHER_FRAME_SIZE = ProblemKind(
    "other-frame-size",
    Severity.ERROR,
    "Boxes made on frames of another size",
    "The boxes of {annotated} were made on frames of {width}x{height} pixels, the trial has "
    "{trial_width}x{trial_height}, and no scaling fits all frames and boxes; the file is not used.",
    "Annotate frames of the size of the trial, or scale the boxes.",
)
SCALED_BOXES = ProblemKind(
    "scaled-boxes",
    Severity.WARNING,
    "Boxes scaled to the size of their frames",
    "The boxes of trial {trial_id} in {path} (boxes: {count:,}) were made on frames of {made} pixels; they are scaled "
    "by {factors} (across and down) to {size}.",
    "Compare a few of them with their frames.",
)
BOXES_OF_TWO_SIZES = ProblemKind(
    "boxes-of-two-sizes",
    Severity.ERROR,
    "Boxes that may be of frames of another size",
    "{path} states no size of its frames. Those of trial {trial_id} have {size} pixels here and {stated} in the "
    "outcomes file, and its boxes may be of either. They are not used.",
    "Correct trial_video_width and trial_video_height, or state the size beside the boxes (in a CSV file, in columns "
    "width and height).",
)
BOXES_OF_LARGER_FRAMES = ProblemKind(
    "boxes-of-larger-frames",
    Severity.ERROR,
    "Boxes of larger frames",
    "{path} states no size of its frames, and {beyond:,} of {boxes:,} boxes of trial {trial_id} extend beyond its "
    "frames of {size} pixels, as if they had been drawn on larger ones. They are not used.",
    "Scale the boxes, or state the size beside them (in a CSV file, in columns width and height).",
)
UNKNOWN_FRAME_SIZE = ProblemKind(
    "unknown-frame-size",
    Severity.ERROR,
    "Relative box in a frame of unknown size",
    "The box is given relative to its frame, whose size is unknown; it is left out.",
    "Give the size in the table of outcomes.",
)
ENCLOSED_SHAPES = ProblemKind(
    "enclosed-shapes",
    Severity.WARNING,
    "Shapes that are not upright boxes",
    "{path} has shapes that are not upright boxes: {shapes}. For each the upright box that encloses it is used, which "
    "may be larger than the tool.",
    "Compare a few of them with their frames.",
)
OTHER_SHAPES = ProblemKind(
    "other-shapes",
    Severity.WARNING,
    "Shapes that give no box",
    "{path} has shapes that give no box, which are left out: {shapes}.",
    "Draw boxes or outlines instead.",
)
IMAGE_TAGS = ProblemKind(
    "image-tags",
    Severity.INFO,
    "Tags of whole images",
    "{path} has tags of whole images (images: {count:,}), which are not boxes; they are not used.",
    "",
)
CROWD_ANNOTATION = ProblemKind(
    "crowd-annotation",
    Severity.WARNING,
    "Crowd instead of one object",
    "The annotation marks a crowd (iscrowd) without a mask, so it is not known to be one object; it is left out.",
    "Set iscrowd to 0 if it is one object.",
)
MASK_WITHOUT_BOX = ProblemKind(
    "mask-without-box",
    Severity.WARNING,
    "Mask without a box",
    "The annotation is a mask (segmentation) without a bbox; it is left out.",
    "Export it with a bbox.",
)
BAD_BBOX = ProblemKind(
    "bad-bbox",
    Severity.ERROR,
    "Invalid bbox",
    "bbox must be four numbers (x, y, width and height in pixels), got {bbox}; the annotation is left out.",
    "Correct the bbox.",
)
BAD_CENTRE_AND_SIZE = ProblemKind(
    "bad-centre-and-size",
    Severity.ERROR,
    "Invalid centre or size",
    "Centre and size must be fractions of the frame, from 0 to 1, got {cx}, {cy}, {w}, {h}; the box is left out.",
    "Correct the row.",
)
BAD_CORNER_AND_SIZE = ProblemKind(
    "bad-corner-and-size",
    Severity.ERROR,
    "Invalid corner, size or flag",
    "Corner, size and flag must be numbers, got {x}, {y}, {w}, {h} and {flag}; the box is left out.",
    "Correct the row.",
)
NOT_A_BOX = ProblemKind(
    "not-a-box",
    Severity.ERROR,
    "Row that is neither a box nor an outline",
    "The row has {fields} fields, which are neither a box nor an outline in fractions of the frame; it is left out.",
    "Export boxes.",
)
AMBIGUOUS_ROWS = ProblemKind(
    "ambiguous-rows",
    Severity.ERROR,
    "Rows with several meanings",
    "Rows of {path} with more than 6 fields (rows: {count:,}) have several meanings ({meanings}), so no row of the "
    "folder is used.",
    "Export boxes: class, centre and size.",
)
OBJECT_WITHOUT_BOX = ProblemKind(
    "object-without-box",
    Severity.ERROR,
    "Object without a box",
    "The object has no bndbox; it is left out.",
    "Add the box or delete the object.",
)
MISSING_LIST = ProblemKind(
    "missing-list",
    Severity.ERROR,
    "List is missing",
    "{path} has no list of {list}; it is read without them.",
    "Export it again.",
)
BAD_ENTRY = ProblemKind(
    "bad-entry",
    Severity.ERROR,
    "Entry is not an object",
    "The entry of {list} must be an object, got {value}; it is left out.",
    "Correct the entry.",
)
INCOMPLETE_ENTRY = ProblemKind(
    "incomplete-entry",
    Severity.ERROR,
    "Entry without an id or a name",
    "The entry of {list} must have an id and a {key}, got {id} and {value}; it is left out.",
    "Complete the entry.",
)
DOUBLED_CLASS = ProblemKind(
    "doubled-class",
    Severity.WARNING,
    "Class with two names",
    "Class {id} already has the name {used}; {ignored} is not used.",
    "Delete one of the two names.",
)
DOUBLED_IMAGE_ID = ProblemKind(
    "doubled-image-id",
    Severity.ERROR,
    "Two images with one id",
    "The image has the id {id} of entry {first}, which keeps the boxes; this one is left out.",
    "Give each image a unique id.",
)
BOX_WITHOUT_IMAGE = ProblemKind(
    "box-without-image",
    Severity.ERROR,
    "Box of an image that the file does not list",
    "The annotation is for image {id}, which is not in the list of images; it is left out.",
    "Add the image to the list or correct image_id.",
)
FILE_WITHOUT_TRIAL = ProblemKind(
    "file-without-trial",
    Severity.ERROR,
    "Annotation file belongs to no trial",
    "{path} belongs to no trial: no trial with frames is named like its folder ({folder}). It is not used.",
    "Put it into a folder with the name of its trial, as in S102T1/gt/gt.txt.",
)
UNKNOWN_TRIAL = ProblemKind(
    "unknown-trial",
    Severity.ERROR,
    "Tracks belong to no trial",
    "{path} does not state which trial its tracks belong to (it names {names}); they are not used.",
    "Name the file or the task after the trial, such as S102T1.xml.",
)
OTHER_RECORDING = ProblemKind(
    "other-recording",
    Severity.ERROR,
    "Boxes made on another recording",
    "{path} annotates a recording of at least {annotated:,} frames, and trial {trial_id} has {frames:,}; its boxes "
    "belong to other frames and are not used.",
    "Annotate the frames of the data folder, or replace them by the annotated recording as {trial_id}.mp4.",
)
BOX_BETWEEN_FRAMES = ProblemKind(
    "box-between-frames",
    Severity.WARNING,
    "Boxes between the sampled frames",
    "Boxes at frames of the recording between those that are read (one per second): {count:,}. They are not used.",
    "Check that the boxes were drawn on the recording at its full rate.",
)
TRACK_BETWEEN_FRAMES = ProblemKind(
    "track-between-frames",
    Severity.INFO,
    "Boxes of tracks between the sampled frames",
    "Boxes of tracks at frames of the recording between those that are read (one per second): {count:,}. They are "
    "used only to interpolate the tracks.",
    "",
)
SHARED_TRACK_ID = ProblemKind(
    "shared-track-id",
    Severity.WARNING,
    "Tracks of a trial with one id",
    "Track id {track_id} occurs more than once in trial {trial_id}; all these tracks keep it.",
    "Give each track a unique id.",
)
IGNORED_BOXES = ProblemKind(
    "ignored-boxes",
    Severity.WARNING,
    "Boxes marked as ignored",
    "Rows marked as ignored (the seventh field is 0): {count:,}. They are left out.",
    "Set the flag to 1 where a box counts.",
)
OTHER_FRAME_NAME = ProblemKind(
    "other-frame-name",
    Severity.WARNING,
    "File names two frames",
    "The file is named after frame {frame}, and its content names {other}; {frame} is used, since files are often "
    "renamed without a change of their content.",
    "Correct one of the two.",
)
SIXTH_FIELD_IS_CLASS = ProblemKind(
    "sixth-field-is-class",
    Severity.INFO,
    "Sixth field repeats the class",
    "The sixth field (rows: {rows:,}) repeats the class; it is not used.",
    "",
)
SIXTH_FIELD_IS_TRACK_ID = ProblemKind(
    "sixth-field-is-track-id",
    Severity.INFO,
    "Sixth field read as the track id",
    "The sixth field (rows: {rows:,}) is read as the track id, since it is always a whole number and differs within "
    "each frame.",
    "",
)
SIXTH_FIELD_MAY_BE_ANGLE = ProblemKind(
    "sixth-field-may-be-angle",
    Severity.ERROR,
    "Sixth field that may be an angle",
    "The sixth fields in {path} (rows: {count:,}) have decimals and go from {lowest} to {highest}, beyond those of a "
    "confidence: they may be the angles of turned boxes. Their rows are not used.",
    "Export upright boxes, or the corners of turned boxes.",
)
SIXTH_FIELD_IS_CONFIDENCE = ProblemKind(
    "sixth-field-is-confidence",
    Severity.INFO,
    "Sixth field taken for a confidence",
    "The sixth field (rows: {rows:,}) is taken for a confidence and not used, because it {reason} in line {line} of "
    "{file}.",
    "",
)
