"""The job that predicts a trial of the data set for which a run has no prediction."""

from pathlib import Path
from typing import Any

from socal_core.evaluation.predict_sources import forecaster_of
from socal_core.jobs.harness import Report, main
from socal_core.runs.folder import RunFolder


def predict_trial(request: dict[str, Any], report: Report) -> dict[str, Any]:
    """Predict a trial; its outcome need not be known.

    Args:
        request: `run`, the folder of the run, and `trial`, the trial_id.
        report: Receives the stage, the amount of work done and the total.

    Returns:
        `row`, the prediction as from `Forecaster.predict_trial`.

    Raises:
        SocalError: The run has no model or no results, or the trial has no clip.
    """
    run = RunFolder.open(Path(request["run"]))
    report.describe("Loading PyTorch and the model")
    forecaster = forecaster_of(run)
    return {"row": forecaster.predict_trial(run.open_dataset(), request["trial"], report.stage)}


if __name__ == "__main__":
    main(predict_trial)
