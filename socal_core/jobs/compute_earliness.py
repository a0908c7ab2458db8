"""The job that evaluates a run whose model sees only the first seconds of its window."""

from pathlib import Path
from typing import Any

from socal_core.errors import RunError
from socal_core.evaluation.earliness import earliness
from socal_core.file_handles import os_reason
from socal_core.jobs.harness import Report, main
from socal_core.runs.folder import RunFolder


def compute_earliness(request: dict[str, Any], report: Report) -> dict[str, Any]:
    """Write earliness.json into the folder of a run.

    Args:
        request: `run`, the folder of the run.
        report: Receives the stage, the amount of work done and the total.

    Returns:
        An empty dictionary.

    Raises:
        SocalError: The run has no results or no model, or its folder cannot be written to.
    """
    run = RunFolder.open(Path(request["run"]))
    report.describe("Loading PyTorch and the model")
    try:
        earliness(run, report.stage)
    except OSError as error:
        raise RunError(f"earliness.json of run {run.name} cannot be written: {os_reason(error)}.") from error
    return {}


if __name__ == "__main__":
    main(compute_earliness)
