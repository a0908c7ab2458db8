"""The job that generates the demo data set."""

import os
from pathlib import Path
from typing import Any

from socal_core.demo.write import write_demo
from socal_core.jobs.harness import Report, main, path_shown_as

NICENESS = 10
"""How far the process steps back behind the page, which shows the first charts while frames are rendered."""


def generate_demo(request: dict[str, Any], report: Report) -> dict[str, Any]:
    """Write the demo data set.

    Args:
        request: `out`, the folder to create, and `surgeons`, their number.
        report: Receives the number of generated trials.

    Returns:
        An empty dictionary.
    """
    out = Path(request["out"])
    with path_shown_as(out, "The demo data set"):
        write_demo(out, surgeons=request["surgeons"], progress=report.count)
    return {}


if __name__ == "__main__":
    os.nice(NICENESS)
    main(generate_demo)
