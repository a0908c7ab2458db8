"""The files of a run that hold one object each, except metrics.json."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import ConfigDict, ValidationError, ValidatorFunctionWrapHandler, WrapValidator
from pydantic.dataclasses import dataclass

from socal_core.runs.files.run_file import RunFile
from socal_core.splits import Split

STRICT = ConfigDict(strict=True)
"""A text is no number, and a number is no text."""


class RunState(StrEnum):
    """The states of a run."""

    QUEUED = "queued"
    """Its worker was started and has not begun: it waits for its turn, or is on its way."""
    RUNNING = "running"
    STOPPING = "stopping"
    """Its worker is alive and was asked to stop."""
    DONE = "done"
    STOPPED = "stopped"
    """Ended by the user; it can be resumed."""
    FAILED = "failed"
    """Ended by an error, which the reason names."""
    INTERRUPTED = "interrupted"
    """Its worker died without a word; it can be resumed."""

    @property
    def alive(self) -> bool:
        """Whether a worker is at it."""
        return self in {RunState.QUEUED, RunState.RUNNING, RunState.STOPPING}


@dataclass(frozen=True, config=STRICT)
class ProcessRecord:
    """One process among all that ever had its number."""

    pid: int
    started: int | None
    """Clock ticks between the boot and the start of the process."""
    boot: str
    """Differs from boot to boot."""
    oom_counter: str
    """The file in which the kernel counts its OOM kills, of the process's own control group where there is one."""
    oom_kills: int | None
    """What that file said."""


def _none_if_damaged(value: Any, check: ValidatorFunctionWrapHandler) -> Any:
    """A state stays true when it is not known who wrote it."""
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
    """When this was written, in seconds since 1970."""
    process: Annotated[ProcessRecord | None, WrapValidator(_none_if_damaged)] = None
    """Who wrote it."""


@dataclass(frozen=True, config=STRICT)
class Origin:
    """continued_from.json: the checkpoint of another run that a run started from."""

    run: str
    """The name of that run's folder."""
    checkpoint: str
    """The name of the checkpoint's folder, such as epoch-0007."""


@dataclass(frozen=True, config=STRICT)
class Notes:
    """notes.json: what a user says of a run (runs/notes.py)."""

    name: str
    note: str
    tags: tuple[str, ...]


@dataclass(frozen=True, config=STRICT)
class WeightsRecord:
    """Which weights a run started from."""

    source: str
    """`tiny`, the id on the Hugging Face hub, or the name of a local folder."""
    revision: str | None
    """The commit on the hub, None for what does not come from it."""
    sha256: str
    """Of the file of weights, or, for several, of their names and hashes."""


@dataclass(frozen=True, config=STRICT)
class EncoderRecord:
    """Which weights embed the clips of a frozen run."""

    title: str
    sha256: str


@dataclass(frozen=True, config=STRICT)
class Environment:
    """environment.json: versions and machine; nothing that identifies it or its user. None where nobody told."""

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
    """The weights that the run started from; None where only the image encoder is used."""
    encoders: dict[str, EncoderRecord] | None = None
    """Of a frozen run, by name."""


@dataclass(frozen=True, config=STRICT)
class TrainingState:
    """training.json of a checkpoint: how far training has come, as plain numbers."""

    epoch: int = 0
    """Epochs that are done."""
    best_epoch: int = 0
    best_val_loss: float | None = None
    epochs_without_improvement: int = 0
    step: int = 0
    """Steps that are done of the epoch after these."""
    loss_sum: float = 0.0
    """Of these steps: the sum of the weighted losses of their clips."""

    def after_epoch(self, val_loss: float) -> "TrainingState":
        """Return the state after one more epoch, which is the best one if its loss is below all earlier ones.

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
    """Size in bytes and SHA-256 of every other file, by name."""


_ANEW = "Start a new run."
_ANOTHER_CHECKPOINT = "Delete the folder of this checkpoint: an earlier one is used then."

SPLIT = RunFile("split.json", Split, _ANEW)
STATUS = RunFile("status.json", Status, "Resume the run.")
ORIGIN = RunFile("continued_from.json", Origin, "Delete the file: the run itself does not need it.")
NOTES = RunFile("notes.json", Notes, "Type them again.")
ENVIRONMENT = RunFile("environment.json", Environment, "Delete the file: it only describes the machine.")
TRAINING = RunFile("training.json", TrainingState, _ANOTHER_CHECKPOINT)
MANIFEST = RunFile("manifest.json", Manifest, _ANOTHER_CHECKPOINT)
