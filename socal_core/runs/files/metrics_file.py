"""metrics.json: the metrics of the best checkpoint on the test trials, whatever the model predicts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from typing_extensions import TypeIs

from socal_core.runs.files.metrics_record import Metrics
from socal_core.runs.files.run_file import RunFile, read_object
from socal_core.runs.files.target_metrics_record import TargetMetrics

AnyMetrics = Metrics | TargetMetrics
"""The metrics of a run, whatever its model predicts."""

METRICS: RunFile[Metrics] = RunFile("metrics.json", Metrics, "Delete the file and run `evaluate`.")
TARGET_METRICS: RunFile[TargetMetrics] = RunFile(METRICS.name, TargetMetrics, METRICS.remedy)
"""The same file in a run whose model predicts something else than success."""


def is_of_success(metrics: AnyMetrics) -> TypeIs[Metrics]:
    """Tell whether metrics are those of a model that predicts success."""
    return "main" not in metrics


def score_of(metrics: AnyMetrics | None, name: str) -> float | None:
    """Return a single score, whatever the model predicts; None if it is not defined or there are no metrics.

    Args:
        metrics: The metrics of a run; None before it is evaluated.
        name: The name of the score, such as `auroc` or `rmse`.
    """
    if metrics is None:
        return None
    scores: Mapping[str, Any] = metrics if is_of_success(metrics) else metrics["scores"]
    value = scores.get(name)
    return None if value is None else float(value)


def read_metrics(folder: Path, owner: str) -> AnyMetrics | None:
    """Read metrics.json, whatever the model predicts.

    Args:
        folder: The folder of the run.
        owner: The run, for messages.

    Returns:
        The metrics; None if there is no file.

    Raises:
        RunError: The file is damaged, or a field is missing or wrong.
    """
    values = read_object(folder / METRICS.name, owner, METRICS.remedy)
    of_target = values is not None and "main" in values
    return TARGET_METRICS.read(folder, owner) if of_target else METRICS.read(folder, owner)


def write_metrics(folder: Path, metrics: AnyMetrics) -> None:
    """Write metrics.json in one step.

    Args:
        folder: The folder of the run.
        metrics: The metrics.
    """
    if is_of_success(metrics):
        METRICS.write(folder, metrics)
    else:
        TARGET_METRICS.write(folder, metrics)
