"""Workers for tests: real processes that take the lock of a run, wait for its turn, and then follow commands."""

import multiprocessing
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from socal_core.lifecycle import run_queue
from socal_core.lifecycle.lock import take_lock
from socal_core.lifecycle.state import RunState, write_status
from socal_core.runs.folder import RunFolder
from socal_core.settings import TINY, default_config

PATIENCE = 120
# Forked, so that they need not import anything.
CONTEXT = multiprocessing.get_context("fork")


class StopError(Exception):
    """The run was asked to stop."""


def new_run(path: Path) -> RunFolder:
    return RunFolder.create(path, default_config(TINY).replace(recipe="finetune"), path.parent)


class Worker:
    """A process that holds the lock of a run, waits for its slot, and keeps it until it receives a command to end."""

    def __init__(self, run: RunFolder) -> None:
        self.run = run
        self._pipe, pipe = CONTEXT.Pipe()
        self.process = CONTEXT.Process(target=work, args=(run, pipe), daemon=True)
        self.process.start()
        assert self.hears() == "locked"

    def hears(self) -> Any:
        """Return the next message of the process: "locked", what it waits for, or ("began", its GPUs)."""
        assert self._pipe.poll(PATIENCE)
        return self._pipe.recv()

    def says_nothing(self, seconds: float) -> bool:
        return not self._pipe.poll(seconds)

    def begins(self) -> tuple[str, ...] | None:
        """Wait until it is the run's turn, and return its GPUs."""
        while not isinstance(heard := self.hears(), tuple):
            pass
        assert heard[0] == "began"
        gpus: tuple[str, ...] | None = heard[1]
        return gpus

    def end(self) -> None:
        self._pipe.send("end")
        self.process.join(PATIENCE)

    def kill(self) -> None:
        self.process.kill()
        self.process.join(PATIENCE)


def work(run: RunFolder, pipe: Connection) -> None:
    take_lock(run.lock_file, run.name)
    pipe.send("locked")

    def check_stop() -> None:
        if run.stop_file.exists():
            raise StopError

    try:
        with run_queue.slot(run, check_stop, pipe.send) as gpus:
            write_status(run, RunState.RUNNING)
            pipe.send(("began", gpus))
            pipe.recv()
            write_status(run, RunState.DONE)
    except StopError:
        write_status(run, RunState.STOPPED, "Stopped by the user.")


def until(condition: Callable[[], bool]) -> None:
    """Wait until a condition is true that another process fulfils."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)
