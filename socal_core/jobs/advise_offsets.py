"""The job that looks for the numbering of refused annotation files in the frames."""

from pathlib import Path
from typing import Any

from socal_core.annotations.offset_advice import advise, refused_files
from socal_core.dataset.open_options import OpenOptions
from socal_core.dataset.table_cache import open_cached
from socal_core.jobs.harness import Report, main, path_shown_as


def advise_offsets(request: dict[str, Any], report: Report) -> dict[str, Any]:
    """Look for the numbering of each refused file of a data folder.

    Args:
        request: `data`, the data folder, and `options`, how to read it.
        report: Receives the number of files.

    Returns:
        `advice`, a list of dictionaries as from `OffsetAdvice.as_dict`, and `silent`, the files without advice.
    """
    root = Path(request["data"])
    with path_shown_as(root, root.name):
        dataset = open_cached(root, OpenOptions.from_dict(request["options"]))
    files = refused_files(dataset)
    advice, silent = [], []
    for done, problem in enumerate(files):
        report.count(done, len(files))
        found = advise(dataset, problem)
        if found is None:
            silent.append(problem.path)
        else:
            advice.append(found.as_dict())
    return {"advice": advice, "silent": silent}


if __name__ == "__main__":
    main(advise_offsets)
