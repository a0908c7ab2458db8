"""A job for the tests, which does what its request asks for."""

import os
from pathlib import Path
from typing import Any

from socal_core.errors import DataError
from socal_core.jobs.harness import Report, main, path_shown_as


def work(request: dict[str, Any], report: Report) -> dict[str, Any]:
    if request["do"] == "refuse":
        with path_shown_as(Path("/srv/clinic/data"), "data"):
            raise DataError("/srv/clinic/data is empty.")
    if request["do"] == "crash":
        raise MemoryError("no room in /srv/clinic/data")
    report.count(1, 4)
    if request["do"] == "wait":
        Path(request["pipe"]).read_bytes()  # until the test has opened and closed it
    report.count(2, 4)  # too soon to be written
    report.count(4, 4)
    return {"variable": os.environ.get("OF_THE_TEST")}


if __name__ == "__main__":
    main(work)
