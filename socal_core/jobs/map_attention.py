"""The job that maps the attention of a run for a trial."""

from pathlib import Path
from typing import Any

from socal_core.errors import RunError
from socal_core.explanations.attention import attention_map
from socal_core.explanations.attention_record import write_attention
from socal_core.file_handles import os_reason
from socal_core.jobs.harness import Report, main
from socal_core.runs.folder import RunFolder


def map_attention(request: dict[str, Any], report: Report) -> dict[str, Any]:
    """Write the attention map into the folder of the run.

    Args:
        request: `run`, the folder of the run, and `trial`, the trial_id.
        report: Receives the stage, the amount of work done and the total.

    Returns:
        An empty dictionary.

    Raises:
        SocalError: The run has no results or no map, the trial has no clip, or the folder cannot be written to.
    """
    run = RunFolder.open(Path(request["run"]))
    report.describe("Loading PyTorch and the model")
    try:
        write_attention(run, attention_map(run, request["trial"], report.stage))
    except OSError as error:
        raise RunError(f"The attention map cannot be written into run {run.name}: {os_reason(error)}.") from error
    return {}


if __name__ == "__main__":
    main(map_attention)
