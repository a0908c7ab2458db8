"""Signals that stop a run: the first one as the file `stop` does, a second one at once, whatever the run is doing.

Python calls its handlers of signals between two instructions, which may be minutes apart while PyTorch fills a large
tensor. A thread therefore hears of each signal from the system, by `signal.set_wakeup_fd`.
"""

import ctypes
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn

import psutil

from socal_core.errors import TooManyFilesError
from socal_core.lifecycle.state import RunState, write_status
from socal_core.lifecycle.waiting import STOP_SIGNALS
from socal_core.runs.cross_validation import stop_requested
from socal_core.runs.folder import RunFolder
from socal_core.training.stop import StopRequested

logger = logging.getLogger(__name__)

AT_ONCE = "Ended at once by a second signal, without a checkpoint. It can be resumed."
LOOK_SECONDS = 0.25
"""Time between two looks for the file `stop` in a stage that is interrupted."""


@contextmanager
def signals_stop(run: RunFolder) -> Iterator[None]:
    """Stop the run with a checkpoint on SIGTERM or Ctrl-C; a second one ends it at once.

    This is not used in processes of torchrun, which receive SIGTERM if another process fails.
    """

    def ask_to_stop() -> None:
        with suppress(OSError):
            run.stop_file.touch()

    def record_end() -> None:
        write_status(run, RunState.STOPPED, AT_ONCE)

    def stop(number: int, frame: FrameType | None) -> None:
        run.stop_file.touch()
        if number == signal.SIGINT:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            sys.stderr.write("\nStopping after this step. Press Ctrl-C again to end at once, without a checkpoint.\n")

    before = {number: signal.signal(number, stop) for number in STOP_SIGNALS}
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)  # blocked by lifecycle/waiting.py until here
        with heard_at_once(ask_to_stop, lambda: end_at_once(record_end)):
            yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def interrupted_by_stop(run: RunFolder) -> Iterator[None]:
    """Raise StopRequested inside the block as soon as the run is asked to stop.

    The block needs no checks. It is for stages in which nothing is lost, such as loading a model, and for runs of one
    process: others would wait for this one.
    """
    left, main = threading.Event(), threading.get_ident()

    def watch() -> None:
        while not left.wait(LOOK_SECONDS):
            if stop_requested(run):
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(main), ctypes.py_object(StopRequested))
                return

    watcher = threading.Thread(target=watch, name="stop-of-stage", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        left.set()
        watcher.join()  # what it raises arrives before the block is left


@contextmanager
def heard_at_once(first: Callable[[], None], second: Callable[[], None]) -> Iterator[None]:
    """Let a thread hear of signals.

    Args:
        first: Called on each SIGTERM and Ctrl-C; asks the work to stop.
        second: Called on a second SIGTERM; ends the process.
    """
    hears, tells = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    os.set_blocking(hears, True)
    before = signal.set_wakeup_fd(tells, warn_on_full_buffer=False)

    def listen() -> None:
        terms = 0
        while number := os.read(hears, 1):
            if number[0] in {signal.SIGTERM, signal.SIGINT}:
                first()
            terms += number[0] == signal.SIGTERM
            if terms > 1:
                second()

    listener = threading.Thread(target=listen, name="signals", daemon=True)
    listener.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        os.close(tells)  # ends the thread
        listener.join()
        os.close(hears)


def end_at_once(record: Callable[[], None]) -> NoReturn:
    """End this process and those that it has started. The kernel releases its locks.

    Args:
        record: Called before, to record how the work ended; it may fail with an OSError or a TooManyFilesError.
    """
    try:
        with suppress(psutil.Error, OSError):
            for child in psutil.Process().children(recursive=True):
                with suppress(psutil.Error):
                    child.kill()
        with suppress(OSError, TooManyFilesError):
            record()
    finally:
        os._exit(128 + signal.SIGTERM)
