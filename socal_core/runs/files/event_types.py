"""The lines of events.jsonl, as typed dictionaries whose field `type` names the type."""

import re
from json import JSONDecodeError
from typing import Annotated, Literal, NotRequired

from pydantic import Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict  # pydantic does not take that of Python 3.11

from socal_core.errors import RunError
from socal_core.json_files import parse_json
from socal_core.runs.files.run_file import check_format, what_is_wrong

EVENTS_FORMAT = 1
"""Version of the format, written into each `started` event."""


class StartedEvent(TypedDict):
    """Training starts or continues."""

    type: Literal["started"]
    time: float
    """Seconds since 1970, as in every event."""
    epoch: int
    """Epochs that are done; 0 for a new run."""
    step: NotRequired[int]
    """Steps of the next epoch that are done."""
    format: NotRequired[int]
    """EVENTS_FORMAT; 1 if missing."""


class StageEvent(TypedDict):
    """The current stage of the run and its progress."""

    type: Literal["stage"]
    time: float
    stage: str
    """Description for the user."""
    done: int
    total: int


class StepEvent(TypedDict):
    """A step of the optimizer."""

    type: Literal["step"]
    time: float
    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float
    """Mean over the clips of the batch, each multiplied by its class weight, if there are classes."""
    learning_rate: float


class _ValidationScores(TypedDict):
    """Scores of the validation trials. Earlier versions wrote no intervals."""

    val_loss: float
    """Class-weighted mean of the cross-entropy; for a number the mean squared error in standard deviations."""
    val_rmse: NotRequired[float]
    """Only for a number: the root of the mean squared error, in its unit."""
    val_rmse_low: NotRequired[float | None]
    """The ends of 95 % intervals; None if there are too few surgeons."""
    val_rmse_high: NotRequired[float | None]
    val_accuracy: NotRequired[float]
    """Only for classes, as all the following."""
    val_auroc: NotRequired[float | None]
    """With several classes the mean of each one against the rest; None if all trials are of one class."""
    val_accuracy_low: NotRequired[float | None]
    val_accuracy_high: NotRequired[float | None]
    val_auroc_low: NotRequired[float | None]
    val_auroc_high: NotRequired[float | None]


class EpochEvent(_ValidationScores):
    """An epoch has been trained and validated."""

    type: Literal["epoch"]
    time: float
    epoch: int
    epochs: int
    train_loss: float
    """Mean over the training trials, class-weighted if there are classes."""
    learning_rate: float
    seconds: float
    clips_per_second: NotRequired[float | None]
    """Speed of training, without validation."""
    data_wait: NotRequired[float | None]
    """Fraction of the training time spent waiting for clips."""
    best: bool
    """Whether it has the lowest validation loss so far."""


class FoldEvent(TypedDict):
    """An inner fold of a frozen run, with the scores of the best candidate so far."""

    type: Literal["fold"]
    time: float
    fold: int
    folds: int
    surgeons: int
    trials: int
    successes: NotRequired[int]
    """Only for success."""
    loss: float | None
    """None if the fold cannot be predicted."""
    auroc: float | None
    """None also if all trials of the fold are of one class, and for a number."""


class CandidateRow(TypedDict):
    """A candidate for the head of a frozen run, and its scores in the inner cross-validation."""

    encoders: list[str]
    statistics: list[str]
    strength: float
    """C of the regression."""
    loss: float
    auroc: float | None
    member: bool
    """Whether the head contains it."""


class HeadEvent(_ValidationScores):
    """The head of a frozen run has been fitted."""

    type: Literal["head"]
    time: float
    encoders: list[str]
    loss: float
    """Loss in the inner cross-validation."""
    auroc: float | None
    chance: NotRequired[float]
    """Loss of a prediction without features: CHANCE_LOSS if missing, as in earlier versions."""
    table: list[CandidateRow]
    """All candidates."""
    clips: int
    """Clips per trial."""
    seconds: float


class MachineEvent(TypedDict):
    """The run's use of the machine, every few seconds; None where the system does not report it."""

    type: Literal["machine"]
    time: float
    cpu_percent: float | None
    """Utilization of all processors."""
    memory_mb: float | None
    """Resident memory of the processes of the run."""
    memory_total_mb: float | None
    """Memory of the machine."""
    gpu_percent: float | None
    """Utilization of the first GPU; the next two fields also describe that GPU."""
    gpu_memory_mb: float | None
    gpu_memory_total_mb: float | None


class NoticeEvent(TypedDict):
    """A message for the user."""

    type: Literal["notice"]
    time: float
    message: str


class EndedEvent(TypedDict):
    """The worker has ended."""

    type: Literal["ended"]
    time: float
    state: str
    reason: str


Event = (
    StartedEvent | StageEvent | StepEvent | EpochEvent | FoldEvent | HeadEvent | MachineEvent | NoticeEvent | EndedEvent
)

_NO_NUMBER = re.compile(rb"NaN|Infinity|\d[eE]\+?\d{3}|\d{300}")
"""What a line with a number that is not finite contains."""
_EVENT: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="type")])


def event_in(line: bytes, owner: str) -> Event | None:
    """Read a line of events.jsonl.

    Args:
        line: The line.
        owner: The owner of the file, such as `Run run-1`, with which messages begin.

    Returns:
        The event; None for an incomplete line and for a type of event that only a later version knows.

    Raises:
        NewerFormatError: A newer version of the app wrote it.
        RunError: A field of the event is missing or wrong.
    """
    if _NO_NUMBER.search(line):
        try:
            parse_json(line.decode("utf-8", "replace"))
        except ValueError as error:
            if not isinstance(error, JSONDecodeError):  # which an incomplete line is
                raise RunError(f"{owner}: events.jsonl cannot be read, an event is damaged: {error}.") from None
    try:
        event = _EVENT.validate_json(line, strict=True)
    except ValidationError as error:
        if not error.errors(include_url=False)[0]["loc"]:  # the line as a whole, no field of it
            return None
        raise RunError(f"{owner}: events.jsonl cannot be read, an event is damaged: {what_is_wrong(error)}.") from None
    if event["type"] == "started":
        check_format(event.get("format", 1), EVENTS_FORMAT, f"{owner}: events.jsonl")
    return event
