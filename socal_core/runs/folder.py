"""The folder of a run: how each of its files is read and written."""

import errno
import os
import re
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from socal_core.dataset.dataset import Dataset
from socal_core.dataset.open_options import OpenOptions
from socal_core.dataset.table_cache import open_cached
from socal_core.dataset.targets import SUCCESS_TARGET, Target
from socal_core.errors import ConfigError, DataError, RunError
from socal_core.file_handles import os_reason
from socal_core.runs.architecture import check_num_frames
from socal_core.runs.catalogue import check_licence
from socal_core.runs.files.metrics_file import AnyMetrics, read_metrics, write_metrics
from socal_core.runs.files.predictions import read_predictions, write_predictions
from socal_core.runs.files.records import (
    CROSS_VALIDATION,
    ENVIRONMENT,
    IDENTITY,
    ORIGIN,
    OWNER,
    SPLIT,
    TARGET,
    CrossValidation,
    Environment,
    Identity,
    Origin,
    Owner,
)
from socal_core.runs.files.run_file import read_object
from socal_core.runs.model_choice import local_folder
from socal_core.runs.run_paths import RunPaths
from socal_core.settings import TINY, Recipe, TrainConfig, config_from, setting_named
from socal_core.splits import Split, dataset_of_run
from socal_core.storage import new_folder, write_json

FORMAT = 1
"""Version of the layout of the folder, written into config.json."""
LONGEST_NAME = 64
NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{LONGEST_NAME - 1}}}")


class RunExistsError(RunError):
    """The folder of a new run exists already."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"Run {name} already exists. Choose another name, continue it with --resume, or replace it with --set "
            "force_retrain=true."
        )


@dataclass(frozen=True)
class RunFolder(RunPaths):
    """The folder of a run. Files are read only when a method needs them."""

    @classmethod
    def create(
        cls,
        path: Path,
        config: TrainConfig,
        data: Path,
        options: OpenOptions | None = None,
        origin: Origin | None = None,
        split: Split | None = None,
        cross_validation: CrossValidation | None = None,
    ) -> "RunFolder":
        """Create the folder of a run with its settings and its data folder.

        Args:
            path: The folder, which does not exist yet.
            config: The settings.
            data: The data folder.
            options: How the data folder is read.
            origin: The run and checkpoint that training continues from (further.py).
            split: The split, if it is fixed already.
            cross_validation: The number of folds and repeats, if the run is a cross-validation.

        Raises:
            RunExistsError: The folder exists and is not empty.
            RunError: The name is invalid, or the folder cannot be written.
            ConfigError: The number of frames does not suit the model.
        """
        if not NAME.fullmatch(path.name):
            raise RunError(
                f"A run's name can have at most {LONGEST_NAME} letters, digits, '.', '_' and '-', got {path.name!r}. "
                "Choose another name."
            )
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise RunExistsError(path.name)
        check_num_frames(config)
        check_licence(config.model)
        folder = None if config.model.model == TINY else local_folder(config.model.model)
        if folder is not None:
            config = config.replace(model=str(folder.resolve()))  # the worker runs in another folder
        opened_with = (options or OpenOptions()).as_dict()
        values = {"format": FORMAT, "data": str(data.resolve()), "data_options": opened_with, **config.as_dict()}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # The folder appears complete or not at all, and only one process can give it this name.
            with new_folder(path) as draft:
                run = cls(draft)
                run.checkpoints.mkdir()
                IDENTITY.write(draft, Identity(uuid.uuid4().hex, time.time()))
                run.write_origin(origin, split)
                if cross_validation is not None:
                    CROSS_VALIDATION.write(draft, cross_validation)
                write_json(run.config_file, values)
        except OSError as error:
            if error.errno in {errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR} and os.path.lexists(path):
                raise RunExistsError(path.name) from None
            raise RunError(f"Run {path.name} cannot be written: {os_reason(error)}. Choose another folder.") from None
        return cls(path)

    @classmethod
    def open(cls, path: Path) -> "RunFolder":
        """Return the run in a folder.

        Raises:
            RunError: The folder is not a run.
        """
        run = cls(path)
        if not run.config_file.is_file():
            raise RunError(
                f"{path.name} is not a run: it has no config.json. Give the folder that `train --run` wrote."
            )
        return run

    def read_config(self) -> TrainConfig:
        """Read the settings of the run.

        Raises:
            RunError: The file is damaged, or a newer version wrote it.
            ConfigError: A value is invalid.
        """
        settings = settings_in(self._read_config_file(), self.name)
        unknown = sorted(name for name in settings if setting_named(name) is None)
        if unknown:
            raise RunError(
                f"Run {self.name}: config.json has settings that this version does not know ({', '.join(unknown)}). A "
                "newer version wrote it: update the app."
            )
        try:
            return config_from(settings, TINY)
        except ConfigError as error:
            raise ConfigError(error.field, error.rule, error.value, f"Run {self.name}: config.json") from None

    def read_data(self) -> Path:
        """Read the path of the data folder."""
        return Path(self._read_config_file()["data"])

    def read_data_options(self) -> OpenOptions:
        """Read how the data folder is read.

        Raises:
            ConfigError: An option is invalid.
        """
        try:
            return OpenOptions.from_dict(self._read_config_file().get("data_options", {}))
        except ConfigError as error:
            raise ConfigError(error.field, error.rule, error.value, f"Run {self.name}: config.json") from None

    def open_dataset(self) -> Dataset:
        """Open the data set of the run, with the target that is written, if there is one.

        Raises:
            ConfigError: The data set lacks the target.
            DataError: The data folder cannot be used, or its target has other classes than at the start. The message
                contains the name of the folder but not its path, because the reader may be another user and the
                folder may be the app's own.
        """
        data = self.read_data()
        try:
            dataset = open_cached(data, self.read_data_options())
        except DataError as error:
            raise DataError(f"Data of run {self.name}: {error}".replace(str(data), data.name)) from None
        dataset = dataset_of_run(dataset, self.read_config())
        if not self.target_file.exists():
            return dataset
        target = self.read_target()
        if target.classes != dataset.target.classes:
            raise DataError(
                f"Data of run {self.name}: the classes of {target.column} are no longer those with which the run "
                "started. Restore the data, or start a new run."
            )
        return replace(dataset, target=target)

    def write_origin(self, origin: Origin | None, split: Split | None) -> None:
        """Write the origin and the split that the run takes over from another run; None writes nothing."""
        if origin is not None:
            ORIGIN.write(self.path, origin)
        if split is not None:
            self.write_split(split)

    def read_origin(self) -> Origin | None:
        """Read the checkpoint of another run that this run started from; None if there is none."""
        return ORIGIN.read(self.path, self._owner)

    def write_owner(self, name: str) -> None:
        """Write who started the run.

        Raises:
            RunError: The folder of the run cannot be written to.
        """
        try:
            OWNER.write(self.path, Owner(name))
        except OSError as error:
            raise RunError(f"Run {self.name} cannot be written: {os_reason(error)}.") from None

    def read_owner(self) -> str | None:
        """Read the name of the user who started the run; None if that is not known, or the file is damaged."""
        try:
            found = OWNER.read(self.path, self._owner)
        except RunError:
            return None
        return None if found is None else found.name

    def write_split(self, split: Split) -> None:
        """Write the split of the run."""
        SPLIT.write(self.path, split)

    def read_split(self) -> Split:
        """Read the split of the run.

        Raises:
            RunError: The run has no split yet, or the file is damaged.
        """
        split = SPLIT.read(self.path, self._owner)
        if split is None:
            raise RunError(f"Run {self.name} has no split yet: it ended before training began. Resume it.")
        return split

    def write_environment(self, environment: Environment) -> None:
        """Write the versions and the machine."""
        ENVIRONMENT.write(self.path, environment)

    def read_environment(self) -> Environment:
        """Read the versions and the machine; all fields are None before the worker wrote them."""
        return ENVIRONMENT.read(self.path, self._owner) or Environment()

    def write_metrics(self, metrics: AnyMetrics) -> None:
        """Write the metrics on the test trials."""
        write_metrics(self.path, metrics)

    def read_metrics(self) -> AnyMetrics | None:
        """Read the metrics on the test trials; None before the run is evaluated."""
        return read_metrics(self.path, self._owner)

    def write_target(self, target: Target) -> None:
        """Write what the model of the run predicts."""
        TARGET.write(self.path, target)

    def read_target(self) -> Target:
        """Read what the model of the run predicts: success before it is written, as in earlier versions."""
        return TARGET.read(self.path, self._owner) or SUCCESS_TARGET

    def write_predictions(self, predictions: pd.DataFrame) -> None:
        """Write the table of predictions as CSV, in one step."""
        write_predictions(self.predictions_file, predictions, self.read_target())

    def read_predictions(self) -> pd.DataFrame | None:
        """Read the table of predictions (files/predictions.py); None before it is written.

        Raises:
            RunError: The file is damaged.
        """
        return read_predictions(self.predictions_file, self.read_target(), self._owner)

    @property
    def _owner(self) -> str:
        """The beginning of messages about a file of the run."""
        return f"Run {self.name}"

    def _read_config_file(self) -> dict[str, Any]:
        values = read_object(self.config_file, self._owner, "Start a new run.")
        if values is None or not isinstance(values.get("data"), str):
            raise RunError(f"Run {self.name}: config.json is missing or names no data folder. Start a new run.")
        return values


def settings_in(values: Mapping[str, Any], source: str) -> dict[str, Any]:
    """Return the settings from the content of a config.json.

    Args:
        values: The content of the file.
        source: The run or file, for messages.

    Raises:
        RunError: A newer version wrote the file.
    """
    version = values.get("format", FORMAT)
    if version != FORMAT:
        raise RunError(f"{source}: config.json has format {version!r}, this version reads {FORMAT}. Update the app.")
    settings = {name: value for name, value in values.items() if name not in {"format", "data", "data_options"}}
    if "format" in values:  # the file of a run: earlier versions fine-tuned all runs, with one rate for all layers
        settings.setdefault("recipe", Recipe.FINETUNE)
        settings.setdefault("layer_decay", 1.0)
    return settings
