"""Problems of finding the trial and the frame of an annotation."""

from socal_core.dataset.dataset import Severity
from socal_core.dataset.problem_kinds.kind import ProblemKind

OTHER_TRIAL = ProblemKind(
    "other-trial",
    Severity.ERROR,
    "Annotations of a trial without frames",
    "{path} states that it belongs to {named} ({said}), and the data folder has no frame of it. Nothing in it is used.",
    "Add the frames of {named}, or correct the name if it is wrong.",
)
SEVERAL_TRIALS_NAMED = ProblemKind(
    "several-trials-named",
    Severity.ERROR,
    "Annotation file names several trials",
    "{path} names more than one trial as its own ({said}). Nothing in it is used.",
    "Give the file, the task and the recording the name of one trial.",
)
NAMES_WITHOUT_TRIAL = ProblemKind(
    "names-without-trial",
    Severity.ERROR,
    "Names that fit frames of several trials",
    "Names in {path} such as {name} state no trial, {reason}. Nothing in it is used.",
    "Put the trial into the name of the file, as in instances_S102T1.json, or before the names, as in S102T1/{name}.",
)
NAMES_LEFT_OVER = ProblemKind(
    "names-left-over",
    Severity.ERROR,
    "Names that fit only in part",
    "Of {names:,} names in {path} that state no trial, {missing:,} such as {name} fit no frame{where}, so the others "
    "may fit by chance. Nothing in it is used.",
    "Add the missing frames, or put the trial before each name, as in S102T1/{name}.",
)
RENUMBERED_FRAMES = ProblemKind(
    "renumbered-frames",
    Severity.ERROR,
    "Names that may be those of neighbouring frames",
    "{path} names frames {numbers} of {trial_id}, and those here are {frames}. All fit if they are counted from "
    "another start, so each may be of the frame before or after. Nothing in it is used.",
    "Name the frames as they were when they were annotated, or add the missing ones.",
)
SEVERAL_NAMES_OF_FRAME = ProblemKind(
    "several-names-of-frame",
    Severity.ERROR,
    "Two names for one frame",
    "{path} has two names for frame {frame}: {name} and {other}. They may be two uploads or altered copies of it. "
    "Nothing in the file is used.",
    "Export each frame once, without augmentation.",
)
SEVERAL_FRAMES_OF_NAME = ProblemKind(
    "several-frames-of-name",
    Severity.ERROR,
    "One name for several frames",
    "Names in {path} such as {name} fit several frames each: {names:,}. Their entries are not used.",
    "Write the ending or the folder of the frame, or delete the frames that are copies.",
)
NAMES_OF_TOOL = ProblemKind(
    "names-of-tool",
    Severity.WARNING,
    "Names changed by a tool",
    "Names in {path} with {habit}, such as {name}: {names:,}. They fit no frame without it either, and are not used.",
    "Remove it, or export with the original names.",
)
VIDEO_FRAME_NAMES = ProblemKind(
    "video-frame-names",
    Severity.ERROR,
    "Names that count the frames of a video",
    "Names in {path} such as {name} count the frames of a video, as CVAT's and Ultralytics' do: {reason}. Nothing in "
    "it is used.",
    "Export the tracks as CVAT for video 1.1, or name the entries after the frames.",
)
AMBIGUOUS_FRAME_NUMBERS = ProblemKind(
    "ambiguous-frame-numbers",
    Severity.ERROR,
    "Frame numbers that fit in no way, or in several",
    "{path} gives frames of trial {trial_id} by number only, and {reason}. Nothing in it is used.",
    "Export it in a format that names the frames, such as CVAT for images or COCO.",
)
TRACK_WITHOUT_TASK = ProblemKind(
    "track-without-task",
    Severity.ERROR,
    "Track of an unknown task",
    "The track belongs to task {task}, and the file describes other tasks ({tasks}); it is not used.",
    "Export the project again, or each task by itself.",
)
PARTLY_ANNOTATED = ProblemKind(
    "partly-annotated",
    Severity.ERROR,
    "Boxes counted in fewer frames than the trial has",
    "{path} annotates {annotated:,} frames by number, and trial {trial_id} has {frames:,}: which of them is not "
    "certain. Its boxes are not used.",
    "Export it as CVAT for images, which names the frames.",
)
REPEATED_EXPORTS = ProblemKind(
    "repeated-exports",
    Severity.ERROR,
    "Several annotations of the same frames",
    "{files} annotate the same frames (such as {frame}) differently. None of them is used.",
    "Keep the one that is right in the data folder, or merge them in the annotation tool.",
)
NEWER_EXPORT = ProblemKind(
    "newer-export",
    Severity.WARNING,
    "Export that was downloaded again",
    "{files} annotate the same frames (such as {frame}) differently. {used} is used, since its number shows that it "
    "was downloaded last.",
    "Delete the others.",
)
SAME_EXPORTS = ProblemKind(
    "same-exports",
    Severity.WARNING,
    "Annotations that occur twice",
    "{files} have the same boxes for the frames that they share ({frames:,}); these count once, from {used}.",
    "Delete what is not needed.",
)
