"""Problems of frames and videos, and of the file that gives the trial and the time of each frame."""

from socal_core.dataset import layout
from socal_core.dataset.dataset import Severity
from socal_core.dataset.problem_kinds.kind import ProblemKind

UNREADABLE_FOLDER = ProblemKind(
    "unreadable-folder",
    Severity.ERROR,
    "Folder cannot be read",
    "Folder {path} cannot be read ({reason}); nothing in it is used.",
    "Ask its owner for permission.",
)
FRAME_WITHOUT_TRIAL = ProblemKind(
    "frame-without-trial",
    Severity.ERROR,
    "Frame belongs to no trial",
    "Frame {frame} belongs to no trial; it is left out.",
    "Give it a name such as S102T1_frame_00000078.jpeg or S102T1/00000078.jpeg.",
)
UNREADABLE_FRAME = ProblemKind(
    "unreadable-frame",
    Severity.ERROR,
    "Frame cannot be read",
    "Frame {frame} cannot be read: {reason}.",
    "Replace or delete it.",
)
FRAME_SIZE_DIFFERS = ProblemKind(
    "frame-size-differs",
    Severity.WARNING,
    "Frame has another size than its trial",
    "Frame {frame} has {width}x{height} pixels and its trial {trial_width}x{trial_height}; its boxes may be in the "
    "wrong position.",
    "Replace the frame, or correct the size in the table of outcomes.",
)
SEVERAL_FRAME_SIZES = ProblemKind(
    "several-frame-sizes",
    Severity.WARNING,
    "Frames of several sizes in a trial",
    "Trial {trial_id} has frames of {kinds} sizes: {sizes}. Each frame's own size is used.",
    "If they should be equal, check which frames were turned, cropped or made smaller.",
)
OTHER_SIZE_IN_OUTCOMES = ProblemKind(
    "other-size-in-outcomes",
    Severity.WARNING,
    "Size in the outcomes and of the frames differ",
    "The frames of trial {trial_id} have {width}x{height} pixels, and {path} states {said_width}x{said_height}; the "
    "frames' own size is used.",
    "Correct the size. If the frames were made smaller after they were annotated, check the boxes.",
)
NOT_A_FRAME = ProblemKind(
    "not-a-frame",
    Severity.INFO,
    "Not an image",
    f"{{frame}} is not an image file ({', '.join(sorted(layout.IMAGE_SUFFIXES))}); it is left out.",
    "",
)
UNREAD_FOLDER = ProblemKind(
    "unread-folder",
    Severity.WARNING,
    "Folder of images that names no trial",
    "{path} holds images ({count:,}), and its name is no trial; they are left out.",
    "If they are the frames of a trial, name the folder after it, such as S102T1.",
)
LINKED_FRAME = ProblemKind(
    "linked-frame",
    Severity.ERROR,
    "Frame is a link out of the folder",
    "{frame} is a link that leads out of the data folder, or to nowhere. Such links are not followed; it is left out.",
    "Copy the folder so that files replace the links, as `cp -rL` does, and open the copy.",
)
OTHER_IMAGE_KIND = ProblemKind(
    "other-image-kind",
    Severity.ERROR,
    "Frame of a kind that is not read",
    f"{{frame}} is an image of a kind that is not read; it is left out. "
    f"{', '.join(sorted(layout.IMAGE_SUFFIXES))} are read.",
    "Convert it to .png.",
)
OTHER_VIDEO_KIND = ProblemKind(
    "other-video-kind",
    Severity.ERROR,
    "Video of a kind that is not read",
    f"Video {{path}} is of a kind that is not read; it is left out. {', '.join(sorted(layout.VIDEO_SUFFIXES))} are "
    "read.",
    "Convert it to .mp4.",
)
GAP_IN_TRIAL = ProblemKind(
    "gap-in-trial",
    Severity.INFO,
    "Frames are missing within a trial",
    "Trial {trial_id} lacks {frames:,} frames between its first and its last, in {gaps:,} gaps. Its time runs on "
    "through the gaps.",
    "",
)
TIME_OR_NUMBER = ProblemKind(
    "time-or-number",
    Severity.WARNING,
    "Names that hold a time or two numbers",
    "The names of the frames of {trial_id}, such as {example}, may hold a time (minutes and seconds) or two numbers. "
    "The last number is used as the second, which may be wrong.",
    f"Give the second of each frame in {layout.MAPPING_FILE}, or number the frames.",
)
SEVERAL_NUMBERS = ProblemKind(
    "several-numbers",
    Severity.WARNING,
    "Names that hold several numbers",
    "The names of the frames of {trial_id}, such as {example}, hold several numbers, and the last does not rise with "
    "the others. It is used as the second, which may be wrong.",
    f"Give the second of each frame in {layout.MAPPING_FILE}, or number the frames.",
)
SNAPSHOT_TIMES = ProblemKind(
    "snapshot-times",
    Severity.WARNING,
    "Names that hold the time of a snapshot",
    "The names of the frames of {trial_id}, such as {example}, hold the time of the day at which VLC saved them. The "
    "seconds between them are those between the snapshots, not those of the recording.",
    f"Give the second of each frame in {layout.MAPPING_FILE}, or extract the frames with ffmpeg.",
)
COPIED_FRAME = ProblemKind(
    "copied-frame",
    Severity.WARNING,
    "Copy of a frame",
    "Frame {frame} has the name of a copy of another frame; it is left out.",
    "Delete it.",
)
NUMBERS_IN_STEPS = ProblemKind(
    "numbers-in-steps",
    Severity.WARNING,
    "Numbers of frames rise by a constant",
    "The numbers of the frames of {trial_id} rise by {step}. They are used as seconds; if they count the frames of a "
    "recording instead, all times of the trial are wrong.",
    f"Give the second of each frame as frame_number in {layout.MAPPING_FILE}, or number the frames by seconds.",
)
MANY_FRAMES = ProblemKind(
    "many-frames",
    Severity.WARNING,
    "More frames than seconds in a trial",
    "Trials with more than {limit:,} frames: {count:,}; the longest has {longest:,}. A trial lasts five minutes at "
    "most, and frames count as one per second; if they are closer together, all times are wrong.",
    "Extract one frame per second and open those.",
)
NO_MAPPING_FILE = ProblemKind(
    "no-mapping-file",
    Severity.INFO,
    "No file with the order of the frames",
    "There is no {path}; the trial and the order of the frames come from their names.",
    "",
)
MAPPING_WITHOUT_FRAME = ProblemKind(
    "mapping-without-frame",
    Severity.WARNING,
    "Row for a frame that does not exist",
    "There is no frame {frame}; the row is not used.",
    "Add the frame or delete the row.",
)
FRAME_NOT_IN_MAPPING = ProblemKind(
    "frame-not-in-mapping",
    Severity.WARNING,
    "Frame without a row",
    f"Frame {{frame}} has no usable row in {layout.MAPPING_FILE}; its trial and its time come from its name.",
    "Add the row.",
)
DOUBLED_MAPPING_ROW = ProblemKind(
    "doubled-mapping-row",
    Severity.WARNING,
    "Second row for a frame",
    "Frame {frame} is in row {first} already; this row ({trial_id}, {frame_number}), which says the same, is not used.",
    "Delete one of the two rows.",
)
CONTRADICTING_MAPPING_ROWS = ProblemKind(
    "contradicting-mapping-rows",
    Severity.WARNING,
    "Rows that contradict each other",
    "Frame {frame} is in row {first} already, with another trial or number than here ({trial_id}, {frame_number}). "
    "None of its rows is used.",
    "Delete the wrong row.",
)
MAPPING_CONTRADICTS_NAME = ProblemKind(
    "mapping-contradicts-name",
    Severity.WARNING,
    "Trial in the file and in the name differ",
    "Frame {frame} is named after another trial than {trial_id}, which is used.",
    "Correct the row or rename the frame.",
)
BAD_FRAME_NUMBER = ProblemKind(
    "bad-frame-number",
    Severity.ERROR,
    "Invalid frame number",
    "The frame number must be a whole number of at least {least}, got {number}; the entry is not used.",
    "Correct the number.",
)
DOUBLED_FRAME_NUMBER = ProblemKind(
    "doubled-frame-number",
    Severity.WARNING,
    "Two frames with one number",
    "Frame {frame} has the same number as another frame of its trial; both are kept, in the order of their names.",
    "Correct the number or delete one of the frames.",
)
VIDEO_WITHOUT_TRIAL = ProblemKind(
    "video-without-trial",
    Severity.ERROR,
    "Video belongs to no trial",
    "Video {path} belongs to no trial; it is left out.",
    "Give it the name of its trial, such as S102T1.mp4.",
)
VIDEO_BESIDE_FRAMES = ProblemKind(
    "video-beside-frames",
    Severity.INFO,
    "Video of a trial that has frames",
    "Trial {trial_id} has frames as images; its video {path} is not used.",
    "",
)
DOUBLED_VIDEO = ProblemKind(
    "doubled-video",
    Severity.WARNING,
    "Second video of a trial",
    "Trial {trial_id} already has the video {used}; {path} is not used.",
    "Delete one of the two videos.",
)
UNREADABLE_VIDEO = ProblemKind(
    "unreadable-video",
    Severity.ERROR,
    "Video cannot be read",
    "Video {path} cannot be read: {reason}. It is left out.",
    "Replace or delete it.",
)
