"""The files of a run that contain one object each, except metrics.json."""

from typing import Annotated, Any

from pydantic import ConfigDict, Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator
from pydantic.dataclasses import dataclass

from socal_core.dataset.targets import Target
from socal_core.runs.activity import CROSS_VALIDATION_FILE, STATUS_FILE, ProcessRecord, RunState
from socal_core.runs.files.run_file import RunFile
from socal_core.splits import MOST_FOLDS, Split

STRICT = ConfigDict(strict=True)
"""Text is not accepted as a number, nor a number as text."""
MOST_REPEATS = 100


def _none_if_damaged(value: Any, check: ValidatorFunctionWrapHandler) -> Any:
    """Accept a damaged record of the process as None: the state is still valid without it."""
    try:
        return check(value)
    except ValidationError:
        return None


@dataclass(frozen=True, config=STRICT)
class Status:
    """status.json: the state that was last written."""

    state: RunState
    reason: str
    """Why the run ended, for the user."""
    time: float | None = None
    """The time of writing, in seconds since 1970."""
    process: Annotated[ProcessRecord | None, WrapValidator(_none_if_damaged)] = None
    """The process that wrote it."""


@dataclass(frozen=True, config=STRICT)
class Identity:
    """identity.json: what tells a run from an earlier or later one of the same name. Earlier versions had no file."""

    id: Annotated[str, Field(min_length=1)]
    """A random number in hexadecimal."""
    created: float
    """The time in seconds since 1970."""


@dataclass(frozen=True, config=STRICT)
class Origin:
    """continued_from.json: the checkpoint of another run that a run started from."""

    run: str
    """The name of that run's folder."""
    checkpoint: str
    """The name of the checkpoint's folder, such as epoch-0007."""


@dataclass(frozen=True, config=STRICT)
class Owner:
    """owner.json: the user who started the run. A run without the file has no owner."""

    name: str
    """As the login of the app reports it, or the name of the account that started it."""


@dataclass(frozen=True, config=STRICT)
class CrossValidation:
    """cross_validation.json: a run with this file is a cross-validation, and its folds are runs in its folder."""

    folds: Annotated[int, Field(ge=2, le=MOST_FOLDS)]
    repeats: Annotated[int, Field(ge=1, le=MOST_REPEATS)]
    """Number of seeds, each of which gives other folds and other weights."""


@dataclass(frozen=True, config=STRICT)
class Notes:
    """notes.json: the user's notes on a run (runs/notes.py)."""

    name: str
    note: str
    tags: tuple[str, ...]


@dataclass(frozen=True, config=STRICT)
class TrialNotes:
    """trial_notes.json: the user's notes on single trials (runs/trial_notes.py)."""

    notes: dict[str, str]
    """The note on each trial that has one, by trial_id."""


@dataclass(frozen=True, config=STRICT)
class WeightsRecord:
    """The weights that a run started from."""

    source: str
    """`tiny`, the id on the Hugging Face hub, or the name of a local folder."""
    revision: str | None
    """The commit on the hub; None for weights from elsewhere."""
    sha256: str
    """The hash of the file of weights, or, for several files, of their names and hashes."""
    licence: str | None = None
    """The licence of known weights (runs/catalogue.py); None for others."""


@dataclass(frozen=True, config=STRICT)
class EncoderRecord:
    """The weights of an encoder of a frozen run."""

    title: str
    sha256: str


@dataclass(frozen=True, config=STRICT)
class Environment:
    """environment.json: versions and machine, without anything that identifies the machine or its user.

    Fields that are not known are None.
    """

    socal_core: str | None = None
    python: str | None = None
    packages: dict[str, str] | None = None
    """The version of each package."""
    system: str | None = None
    cpu_cores: int | None = None
    memory_gib: float | None = None
    device: str | None = None
    """The name of the GPU, or `cpu`."""
    processes: int | None = None
    threads: int | None = None
    mixed_precision: str | None = None
    weights: WeightsRecord | None = None
    """The weights that the run started from; None if only the image encoder is used."""
    encoders: dict[str, EncoderRecord] | None = None
    """The encoders of a frozen run, by name."""


@dataclass(frozen=True, config=STRICT)
class TrainingState:
    """training.json of a checkpoint: the progress of training, as plain numbers."""

    epoch: int = 0
    """Epochs that are done."""
    best_epoch: int = 0
    best_val_loss: float | None = None
    epochs_without_improvement: int = 0
    step: int = 0
    """Steps of the next epoch that are done."""
    loss_sum: float = 0.0
    """The sum of the weighted losses of all clips of these steps."""

    def after_epoch(self, val_loss: float) -> "TrainingState":
        """Return the state after one more epoch, which is the best one if its loss is lower than all earlier ones.

        Args:
            val_loss: The validation loss after the epoch.
        """
        epoch = self.epoch + 1
        if self.best_val_loss is None or val_loss < self.best_val_loss:
            return TrainingState(epoch, best_epoch=epoch, best_val_loss=val_loss)
        return TrainingState(epoch, self.best_epoch, self.best_val_loss, self.epochs_without_improvement + 1)


@dataclass(frozen=True, config=STRICT)
class Manifest:
    """manifest.json of a checkpoint."""

    files: dict[str, tuple[int, str]]
    """The size in bytes and the SHA-256 of every other file, by name."""


_ANEW = "Start a new run."
_ANOTHER_CHECKPOINT = "Delete the folder of this checkpoint to use an earlier one."

SPLIT = RunFile("split.json", Split, _ANEW)
TARGET = RunFile("target.json", Target, _ANEW)
STATUS = RunFile(STATUS_FILE, Status, "Resume the run.")
IDENTITY = RunFile("identity.json", Identity, "Delete the file: the run itself does not need it.")
ORIGIN = RunFile("continued_from.json", Origin, "Delete the file: the run itself does not need it.")
OWNER = RunFile("owner.json", Owner, "Delete the file: the run then has no owner, and admins can act on it.")
CROSS_VALIDATION = RunFile(CROSS_VALIDATION_FILE, CrossValidation, "Start a new cross-validation.")
NOTES = RunFile("notes.json", Notes, "Type them again.")
TRIAL_NOTES = RunFile("trial_notes.json", TrialNotes, "Correct the file, or delete it and type the notes again.")
ENVIRONMENT = RunFile("environment.json", Environment, "Delete the file: it only describes the machine.")
TRAINING = RunFile("training.json", TrainingState, _ANOTHER_CHECKPOINT)
MANIFEST = RunFile("manifest.json", Manifest, _ANOTHER_CHECKPOINT)
