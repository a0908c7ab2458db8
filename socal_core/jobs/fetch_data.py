"""The job that downloads a shared folder."""

from pathlib import Path
from typing import Any

from socal_core.fetch.download import download
from socal_core.jobs.harness import Report, main


def fetch_data(request: dict[str, Any], report: Report) -> dict[str, Any]:
    """Download a shared folder.

    Args:
        request: `address`, the link, and `out`, the folder to download to.
        report: Receives descriptions of the current step.

    Returns:
        `frames`, the number of downloaded frames, `problems`, a list of texts, and `out`.
    """
    arrived = download(request["address"], Path(request["out"]), report.describe)
    return {"frames": arrived.frames, "problems": list(arrived.problems), "out": request["out"]}


if __name__ == "__main__":
    main(fetch_data)
