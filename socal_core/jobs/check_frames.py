"""The job that opens every frame of a data folder."""

from pathlib import Path
from typing import Any

from socal_core.dataset.inspection import check_frames
from socal_core.dataset.open_options import OpenOptions
from socal_core.dataset.table_cache import open_cached
from socal_core.jobs.harness import Report, main, path_shown_as


def check_every_frame(request: dict[str, Any], report: Report) -> dict[str, Any]:
    """Open every frame of a data folder.

    Args:
        request: `data`, the data folder, and `options`, how to read it.
        report: Receives the number of opened frames.

    Returns:
        `problems`, a list of dictionaries as from `Problem.as_dict`.
    """
    root = Path(request["data"])
    with path_shown_as(root, root.name):
        dataset = open_cached(root, OpenOptions.from_dict(request["options"]))
    return {"problems": [problem.as_dict() for problem in check_frames(dataset, report.count)]}


if __name__ == "__main__":
    main(check_every_frame)
