"""The public API for notebooks and scripts: open a data folder, load a finished run."""

from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from pathlib import Path

import pandas as pd

from socal_core.dataset.dataset import Dataset
from socal_core.dataset.opening import open_dataset
from socal_core.runs.events import read_events
from socal_core.runs.files.event_types import Event
from socal_core.runs.files.metrics_file import AnyMetrics
from socal_core.runs.folder import RunFolder
from socal_core.settings import TrainConfig
from socal_core.splits import Split

__all__ = ["Dataset", "Run", "load_run", "open_dataset"]


@dataclass(frozen=True)
class Run:
    """A run. Each part is read from its file when it is first used, and then kept."""

    path: Path
    """The folder of the run."""

    @cached_property
    def config(self) -> TrainConfig:
        """The settings; RunError if the file is damaged."""
        return self._folder.read_config()

    @cached_property
    def split(self) -> Split:
        """The trial ids of each subset: `train`, `validation` and `test`; RunError before the run has a split."""
        return self._folder.read_split()

    @cached_property
    def events(self) -> list[Event]:
        """The events of the run in order: one dict per event, with `type` and `time` (seconds since 1970).

        RunError if the file is damaged.
        """
        return read_events(self._folder.events_file)

    @cached_property
    def metrics(self) -> AnyMetrics | None:
        """The test metrics of the best checkpoint; None before they are computed, RunError if the file is damaged.

        For success, scores are fields, such as `metrics["auroc"]`; for another target they are in `metrics["scores"]`
        (docs/run-files.md).
        """
        return self._folder.read_metrics()

    @cached_property
    def predictions(self) -> pd.DataFrame | None:
        """The predictions, one row per usable trial; None before they are computed.

        Columns: trial_id and participant_id (text), split (`train`, `validation` or `test`), label and predicted (0 or
        1), prob_success (probability of success). For another target, label and predicted are names of classes, with
        the probability of each class in `prob_` and its name, or numbers in the unit of the target.
        """
        return self._folder.read_predictions()

    @property
    def _folder(self) -> RunFolder:
        return RunFolder(self.path)


def load_run(folder: str | PathLike[str]) -> Run:
    """Load a run that the app or `socal train` wrote.

    Args:
        folder: The folder of the run.

    Returns:
        The run.

    Raises:
        RunError: The folder holds no run.
    """
    return Run(RunFolder.open(Path(folder)).path)
