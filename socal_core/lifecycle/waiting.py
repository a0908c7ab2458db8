"""The process of a run until it is its turn: `python -m socal_core.lifecycle.waiting MODULE RUN_DIR [--resume]`.

A worker needs 70 MB before it has loaded PyTorch, and runs may wait for days. So this process loads little, waits until
the run is the first in the queue, and becomes the worker `python -m MODULE RUN_DIR [--resume]`, which waits for a free
slot. The process id and the lock of the run remain.
"""

import logging
import os
import signal
import sys
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from socal_core.json_files import read_json
from socal_core.lifecycle.process import this_process
from socal_core.lifecycle.queue_order import (
    POLL_SECONDS,
    entry_of,
    is_alive,
    locked_order,
    order_content,
    place_in,
    waiting_text,
)
from socal_core.runs.activity import EVENTS_FILE, STATUS_FILE, STOP_FILE, STOPPED_BY_USER, RunState, stop_requested
from socal_core.runs.event_log import EventLog
from socal_core.startup import log_to_console, prepare_process
from socal_core.storage import write_json

logger = logging.getLogger(__name__)

HOOK_VARIABLE = "SOCAL_ON_END"
"""The environment variable with the command or address that is called when a run ends (training/end_hook.py)."""
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def main(arguments: list[str]) -> None:
    """Wait for the turn of a run and become its worker, or end the run if it is asked to stop.

    Args:
        arguments: The module of the worker, the run, and the options of the worker.
    """
    prepare_process()
    log_to_console()
    run, signals = Path(arguments[1]), list[int]()
    for number in STOP_SIGNALS:
        signal.signal(number, lambda number, _: signals.append(number))
    try:
        stopped = _is_stopped_before_its_turn(run, signals)
        if stopped and not os.environ.get(HOOK_VARIABLE, "").strip():
            _end(run)
            return
    except Exception:
        # The worker waits, or meets the same problem and records it.
        logger.exception("The worker of the run waits instead.")
    _become_worker(arguments, run, signals)


def _become_worker(arguments: list[str], run: Path, signals: list[int]) -> None:
    # The default handlers, which exec restores, would end the process. The worker receives these signals once it has
    # its own (training/signals.py).
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    if signals:
        with suppress(OSError):
            (run / STOP_FILE).touch()
    os.execv(sys.executable, [sys.executable, "-m", *arguments])  # noqa: S606 - our own modules


def _is_stopped_before_its_turn(run: Path, signals: list[int]) -> bool:
    """Wait for the turn of a run; return True if it is asked to stop first.

    Args:
        run: The folder of the run.
        signals: Receives the numbers of signals that ask it to stop.
    """
    _write_status(run)
    report = EventLog(run / EVENTS_FILE).append
    seen, first, reported = b"", "", 0
    while not (signals or stop_requested(run)):
        content = order_content()
        # The first run of the queue looks whether the others are alive, so it is enough to look at the first one here.
        if content != seen or not is_alive(first):
            with locked_order() as entries:
                place, first = place_in(entries, entry_of(run)), entries[0]
            if place == 1:
                return False
            if place != reported:
                report("stage", stage=waiting_text(place), done=0, total=1)
                logger.info("%s", waiting_text(place))
            seen, reported = content, place
        time.sleep(POLL_SECONDS)
    return True


def _end(run: Path) -> None:
    """Record that a run was stopped, as its worker does (training/run_end.py)."""
    _write_status(run, state=RunState.STOPPED, reason=STOPPED_BY_USER)
    EventLog(run / EVENTS_FILE).append("ended", state=RunState.STOPPED, reason=STOPPED_BY_USER)
    logger.info("The run is stopped.")


def _write_status(run: Path, **changes: str) -> None:
    """Write the status of a run, which lifecycle/launch.py has written, with changes, the time and this process."""
    now = {"time": round(time.time(), 3), "process": asdict(this_process())}
    write_json(run / STATUS_FILE, {**read_json(run / STATUS_FILE), **changes, **now})


if __name__ == "__main__":
    main(sys.argv[1:])
