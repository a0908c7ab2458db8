"""A clock that is set back an hour under a server, a run, a queue and pages.

`python -m tests.serving.clock_set_back SCRATCH` prints what was found as JSON.
"""

import json
import os
import re
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from socal_core.lifecycle import run_queue
from socal_core.lifecycle.state import read_status
from socal_core.maintenance.server_log import FILE, FOLDER
from socal_core.runs.events import read_events
from socal_core.runs.overview import summary_of
from socal_core.runs.progress import progress_of
from tests.factories import write_dataset
from tests.serving.app_server import AppServer
from tests.serving.kill_works import RunWork
from tests.serving.server_kills import wait_until
from tests.set_clock import SetClock

HOUR = 3600
NEGATIVE = re.compile(rb"-\d[\d.,]* ?(s|sec|min|h|hours?|minutes?|days?)\b")
"""A duration below zero, as text of a page."""


def set_back(scratch: Path, epochs: int = 8) -> dict[str, Any]:
    """Set the clock back in the middle of a run, while another one waits; return what was seen."""
    clock = SetClock(scratch)
    data = write_dataset(scratch / "data")
    work = RunWork(scratch, data, epochs)
    variables = {**clock.variables, "SOCAL_DATA": str(data)}
    server = AppServer(Path(os.environ["SOCAL_WORKSPACE"]), scratch / "packages", variables)
    found: dict[str, Any] = {}
    try:
        work.start(server)
        wait_until(lambda: not work.alive(), "the run without a change")
        wanted = work.outcome()
        first = work.runs[-1]
        server.do("from socal_core.access.audit import record\nrecord('anna', 'start run', 'run-1', 'done', '')")
        token = server.do(OPEN, data=str(data))
        work.renew()
        work.start(server)
        run = work.runs[-1]
        wait_until(lambda: any(event["type"] == "step" for event in read_events(run.events_file)), "a step")
        work.renew()  # a second one, which waits
        work.start(server)
        waits = work.runs[-1]
        clock.set(-HOUR)
        found["clock of the server, seconds"] = round(server.do("import time\nresult = time.time()") - time.time())
        found["queue"] = [one.name for one in run_queue.waiting()]
        found["seconds left, at least"] = (progress_of(read_events(run.events_file)).seconds_left or 0) >= 0
        shown = server.page("training")
        found["durations below zero on the page"] = sorted({match[0].decode() for match in NEGATIVE.finditer(shown)})
        found["runs on the page"] = all(one.name.encode() in shown for one in (first, run, waits))
        wait_until(lambda: not read_status(run).state.alive, "the run")
        wait_until(lambda: not read_status(waits).state.alive, "the one that waited")
        found["states"] = [str(read_status(one).state) for one in (run, waits)]
        work.runs.remove(waits)
        found["the same to the bit"] = work.outcome() == wanted
        times = [event["time"] for event in read_events(run.events_file)]
        found["clock set back in the run"] = any(after < before - HOUR / 2 for before, after in pairwise(times))
        seconds = summary_of(run).seconds
        found["seconds at work"] = 0 < seconds < HOUR / 2
        found["durations of epochs"] = all(
            event["seconds"] >= 0 for event in read_events(run.events_file) if event["type"] == "epoch"
        )
        server.do("from socal_core.access.audit import record\nrecord('anna', 'stop run', 'run-1', 'done', '')")
        found["audit"] = server.do(
            "from socal_core.access.audit import read_audit\nresult = [entry.action for entry in read_audit()[0]]"
        )
        found["status of a frame"] = urlopen(f"{server.url}/frames/{token}/S100T1/0").status
        found["lines of the log that cannot be read"] = _unreadable(Path(os.environ["SOCAL_WORKSPACE"]) / FOLDER / FILE)
        found["errors in the log"] = [line for line in server.log if "Traceback" in line or "Error" in line]
    finally:
        server.end()
    return found


OPEN = """
import builtins
from socal_core.dataset.opening import open_dataset
from socal_core.serving.opened import open_frames
builtins.kept = open_frames(open_dataset(data))  # as a session keeps it
result = builtins.kept.token
"""


def _unreadable(file: Path) -> int:
    count = 0
    for line in file.read_text().splitlines():
        try:
            json.loads(line)
        except ValueError:
            count += 1
    return count


def main(arguments: list[str]) -> dict[str, Any]:
    scratch = Path(arguments[0])
    os.environ["SOCAL_WORKSPACE"] = str(scratch / "workspace")
    os.environ["OMP_NUM_THREADS"] = "1"
    return set_back(scratch)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(sys.argv[1:])) + "\n")
