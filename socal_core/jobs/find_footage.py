"""The job that looks for the same footage in several trials of a data folder."""

from pathlib import Path
from typing import Any

from socal_core.dataset.open_options import OpenOptions
from socal_core.dataset.table_cache import open_cached
from socal_core.evaluation.same_footage import look_for_same_footage
from socal_core.jobs.harness import Report, main, path_shown_as


def find_footage(request: dict[str, Any], report: Report) -> dict[str, Any]:
    """Look for the same footage in several trials, and keep the report in the workspace.

    Args:
        request: `data`, the data folder, and `options`, how to read it.
        report: Receives the number of frames that were read.

    Returns:
        Nothing: the pages read the report (dataset/frame_reports.py).
    """
    root = Path(request["data"])
    with path_shown_as(root, root.name):
        look_for_same_footage(open_cached(root, OpenOptions.from_dict(request["options"])), report.count)
    return {}


if __name__ == "__main__":
    main(find_footage)
