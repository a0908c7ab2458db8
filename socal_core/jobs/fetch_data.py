"""The job that downloads a shared folder."""

from pathlib import Path
from typing import Any

from socal_core.fetch.download import download
from socal_core.jobs.harness import Report, main


def fetch_data(request: dict[str, Any], report: Report) -> dict[str, Any]:
    """Download `address` into the folder `out`; the result holds `frames`, `problems` and `out`."""
    arrived = download(request["address"], Path(request["out"]), report.say)
    return {"frames": arrived.frames, "problems": list(arrived.problems), "out": request["out"]}


if __name__ == "__main__":
    main(fetch_data)
