"""The job that predicts new material."""

from pathlib import Path
from typing import Any

from socal_core.dataset.material import open_material
from socal_core.evaluation.predict_sources import forecaster_of
from socal_core.jobs.harness import Report, main, path_shown_as
from socal_core.runs.folder import RunFolder


def predict_material(request: dict[str, Any], report: Report) -> dict[str, Any]:
    """Predict all trials of new material.

    Args:
        request: `run`, the folder of the run, `material`, the folder or video, and `name`, what the user calls it.
        report: Receives the stage, the amount of work done and the total.

    Returns:
        `rows`, the predictions as from `Forecaster.predict_material`, and `missing`, why trials have none.

    Raises:
        SocalError: The run has no model or no results, or no trial can be predicted.
    """
    report.describe("Loading PyTorch and the model")
    forecaster, path = forecaster_of(RunFolder.open(Path(request["run"]))), Path(request["material"])
    with path_shown_as(path, path.name):
        rows, missing = forecaster.predict_material(open_material(path), request["name"], report.stage)
    return {"rows": rows, "missing": missing}


if __name__ == "__main__":
    main(predict_material)
