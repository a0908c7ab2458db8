"""MLflow, W&B and trackio, which SOCAL_TRACKER can name where they are installed.

Each start or resume of a run is a run of the tracker, with the whole history. They stay on this machine unless
environment variables of the user say otherwise.
"""

import os
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from socal_core.errors import RunError
from socal_core.runs.folder import RunFolder
from socal_core.settings import applicable_settings

PROJECT = "socal"
DEFAULTS = {
    # Without the first, MLflow reports its use; without the second, version 3 refuses to write to a folder.
    "mlflow": {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_ALLOW_FILE_STORE": "true"},
    "wandb": {
        "WANDB_MODE": "offline",
        "WANDB_PROJECT": PROJECT,
        "WANDB_SILENT": "true",
        "WANDB_CONSOLE": "off",
        "WANDB_DISABLE_GIT": "true",
        "WANDB_DISABLE_CODE": "true",
        "WANDB_ERROR_REPORTING": "false",
    },
    "trackio": {"TRACKIO_PROJECT": PROJECT},
}
"""Environment variables of each package that are set if the user has not set them."""


def load(name: str) -> Any:
    """Import a package with our defaults.

    Raises:
        RunError: It is not installed.
    """
    if find_spec(name) is None:
        raise RunError(f"SOCAL_TRACKER names {name}, which is not installed: pip install {name}")
    for variable, value in DEFAULTS[name].items():
        os.environ.setdefault(variable, value)
    return import_module(name)


class MLflow:
    """A run of MLflow, by default in the folder `mlflow/` of our run."""

    def __init__(self, run: RunFolder) -> None:
        package = load("mlflow")
        self._entities = import_module("mlflow.entities")
        address = os.environ.get("MLFLOW_TRACKING_URI") or (run.path.resolve() / "mlflow").as_uri()
        self._client = package.MlflowClient(tracking_uri=address)
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or PROJECT
        found = self._client.get_experiment_by_name(name)
        experiment = self._client.create_experiment(name) if found is None else found.experiment_id
        self._id = self._client.create_run(experiment, run_name=run.name).info.run_id
        settings = applicable_settings(run.read_config()).items()
        parameters = [self._entities.Param(key, str(value)) for key, value in settings]
        self._client.log_batch(self._id, params=parameters)

    def log(self, values: Mapping[str, float], step: int, seconds: float) -> None:
        """Record values of an epoch."""
        metrics = [self._entities.Metric(name, value, round(seconds * 1000), step) for name, value in values.items()]
        self._client.log_batch(self._id, metrics=metrics)

    def close(self, state: str) -> None:
        """Record how the run ended."""
        status = {"done": "FINISHED", "stopped": "KILLED"}.get(state, "FAILED")
        self._client.set_terminated(self._id, status)


class WeightsAndBiases:
    """A run of W&B, in the folder `wandb/` of our run."""

    def __init__(self, run: RunFolder) -> None:
        self._run = load("wandb").init(
            name=run.name,
            dir=os.environ.get("WANDB_DIR") or str(run.path.resolve()),
            config=applicable_settings(run.read_config()),
        )

    def log(self, values: Mapping[str, float], step: int, seconds: float) -> None:
        """Record values of an epoch."""
        self._run.log(dict(values), step=step)

    def close(self, state: str) -> None:
        """Record how the run ended."""
        self._run.finish(exit_code=int(state == "failed"))


class Trackio:
    """A run of trackio, in the user's folder of trackio, where `trackio show` finds it."""

    def __init__(self, run: RunFolder) -> None:
        package = load("trackio")
        settings = applicable_settings(run.read_config())
        self._run = package.init(project=os.environ["TRACKIO_PROJECT"], name=run.name, config=settings)

    def log(self, values: Mapping[str, float], step: int, seconds: float) -> None:
        """Record values of an epoch."""
        self._run.log(dict(values), step=step)

    def close(self, state: str) -> None:
        """End the run."""
        self._run.finish()


OPTIONAL: dict[str, Callable[[RunFolder], MLflow | WeightsAndBiases | Trackio]] = {
    "mlflow": MLflow,
    "wandb": WeightsAndBiases,
    "trackio": Trackio,
}
"""The trackers that SOCAL_TRACKER can name."""
