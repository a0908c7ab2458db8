"""The names of the files in the folder of a run."""

from dataclasses import dataclass
from pathlib import Path

from socal_core.runs.activity import EVENTS_FILE, LOCK_FILE, STOP_FILE
from socal_core.runs.files.metrics_file import METRICS
from socal_core.runs.files.predictions import PREDICTIONS
from socal_core.runs.files.records import ENVIRONMENT, NOTES, ORIGIN, SPLIT, STATUS, TARGET


@dataclass(frozen=True)
class RunPaths:
    """The paths of the files of a run."""

    path: Path

    @property
    def name(self) -> str:
        """The name of the run, which is that of its folder."""
        return self.path.name

    @property
    def config_file(self) -> Path:
        """Settings and data folder. A folder with this file is a run."""
        return self.path / "config.json"

    @property
    def split_file(self) -> Path:
        """The trials of each subset."""
        return self.path / SPLIT.name

    @property
    def target_file(self) -> Path:
        """What the model predicts."""
        return self.path / TARGET.name

    @property
    def origin_file(self) -> Path:
        """The run and the checkpoint that this run started from, if its model is a checkpoint of another run."""
        return self.path / ORIGIN.name

    @property
    def environment_file(self) -> Path:
        """The versions and the machine with which the run was trained."""
        return self.path / ENVIRONMENT.name

    @property
    def events_file(self) -> Path:
        """The events of the run, one JSON object per line."""
        return self.path / EVENTS_FILE

    @property
    def status_file(self) -> Path:
        """The state that the worker last wrote; lifecycle/state.py derives the true state."""
        return self.path / STATUS.name

    @property
    def notes_file(self) -> Path:
        """The name, the note and the tags that the user gave the run."""
        return self.path / NOTES.name

    @property
    def checkpoints(self) -> Path:
        """The folder of the checkpoints."""
        return self.path / "checkpoints"

    @property
    def tensorboard_folder(self) -> Path:
        """The curves of the run for TensorBoard."""
        return self.path / "tensorboard"

    @property
    def metrics_file(self) -> Path:
        """The metrics of the best checkpoint on the test trials."""
        return self.path / METRICS.name

    @property
    def predictions_file(self) -> Path:
        """The predictions of the best checkpoint for all usable trials."""
        return self.path / PREDICTIONS

    @property
    def log_file(self) -> Path:
        """The output of the worker, including tracebacks."""
        return self.path / "worker.log"

    @property
    def lock_file(self) -> Path:
        """The file that the worker locks for as long as it lives."""
        return self.path / LOCK_FILE

    @property
    def stop_file(self) -> Path:
        """The file whose presence asks the worker to stop."""
        return self.path / STOP_FILE
