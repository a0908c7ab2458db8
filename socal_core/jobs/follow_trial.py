"""The job that predicts a trial from its first seconds, and from each test clip."""

from pathlib import Path
from typing import Any

from socal_core.errors import RunError
from socal_core.evaluation.trial_course import course_of
from socal_core.file_handles import os_reason
from socal_core.jobs.harness import Report, main
from socal_core.runs.files.trial_course import write_course
from socal_core.runs.folder import RunFolder


def follow_trial(request: dict[str, Any], report: Report) -> dict[str, Any]:
    """Write the course of a prediction into the folder of the run.

    Args:
        request: `run`, the folder of the run, and `trial`, the trial_id.
        report: Receives the stage, the amount of work done and the total.

    Returns:
        An empty dictionary.

    Raises:
        SocalError: The run has no model, the trial has no clip, or the folder cannot be written to.
    """
    run = RunFolder.open(Path(request["run"]))
    report.describe("Loading PyTorch and the model")
    try:
        write_course(run.path, course_of(run, request["trial"], report.stage))
    except OSError as error:
        raise RunError(
            f"The prediction over time cannot be written into run {run.name}: {os_reason(error)}."
        ) from error
    return {}


if __name__ == "__main__":
    main(follow_trial)
