"""The job that predicts a trial while it is recorded, by a camera or into a folder."""

import json
import shutil
import time
from pathlib import Path
from typing import Any

from socal_core.errors import SocalError
from socal_core.evaluation.follow import follow, follow_camera
from socal_core.evaluation.predict_sources import forecaster_of
from socal_core.file_handles import os_reason
from socal_core.jobs.harness import Report, main
from socal_core.runs.folder import RunFolder

LOOK_SECONDS = 0.5
SHOWN = ("prob_success", "calibrated", "predicted", "unit", "threshold", "frames", "second", "complete")
"""What is written of each prediction."""


def follow_folder(request: dict[str, Any], report: Report) -> dict[str, Any]:
    """Append each prediction to a file, as one JSON object per line.

    Args:
        request: `run`, the folder of the run, `folder`, that of the frames, and `out`, the file. With `camera`, the
            number of a camera of this machine, the frames are recorded into `folder`, which is deleted at the end.
        report: Receives what is being done.

    Returns:
        `predictions`, their number, and `complete`, whether the window of the run was over.

    Raises:
        SocalError: The run has no model or no results, or a folder cannot be used.
    """
    report.describe("Loading PyTorch and the model")
    forecaster, out = forecaster_of(RunFolder.open(Path(request["run"]))), Path(request["out"])
    frames = 0

    def wait() -> None:
        report.describe(f"Waiting for a frame after {frames:,}" if frames else "Waiting for the first frame")
        time.sleep(LOOK_SECONDS)

    count, complete = 0, False
    folder, camera = Path(request["folder"]), request.get("camera")
    rows = follow(forecaster, folder, wait=wait) if camera is None else follow_camera(forecaster, camera, folder, wait)
    try:
        if camera is not None:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        out.write_text("", encoding="utf-8")
        for row in rows:
            count, frames, complete = count + 1, row["frames"], row["complete"]
            with out.open("a", encoding="utf-8") as file:
                file.write(json.dumps({name: row[name] for name in SHOWN if name in row}) + "\n")
    except OSError as error:
        raise SocalError(f"The predictions cannot be written: {os_reason(error)}.") from error
    finally:
        if camera is not None:
            shutil.rmtree(folder, ignore_errors=True)
    return {"predictions": count, "complete": complete}


if __name__ == "__main__":
    main(follow_folder)
