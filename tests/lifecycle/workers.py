"""Workers for tests of runs: real processes that take a run's lock, wait for its turn, and then do as they are told."""

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

PATIENCE = 30
# Forked, so that nobody waits for imports.
CONTEXT = multiprocessing.get_context("fork")


class StopError(Exception):
    """The run was asked to stop."""


def new_run(path: Path) -> RunFolder:
    return RunFolder.create(path, default_config(TINY).replace(recipe="finetune"), path.parent)


class Worker:
    """A process that holds a run's lock, waits for its slot, and keeps that until it is told to end."""

    def __init__(self, run: RunFolder) -> None:
        self.run = run
        self._pipe, pipe = CONTEXT.Pipe()
        self.process = CONTEXT.Process(target=work, args=(run, pipe), daemon=True)
        self.process.start()
        assert self.hears() == "locked"

    def hears(self) -> Any:
        """What the process says next: "locked", what it waits for, or ("began", its GPUs)."""
        assert self._pipe.poll(PATIENCE)
        return self._pipe.recv()

    def says_nothing(self, seconds: float) -> bool:
        return not self._pipe.poll(seconds)

    def begins(self) -> tuple[str, ...] | None:
        """Wait until it is the run's turn; returns its GPUs."""
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
    """Wait for what another process is about to do."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)
