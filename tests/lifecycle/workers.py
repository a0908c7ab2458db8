"""Workers for tests: real processes that take the lock of a run, wait for its turn, and then follow commands."""

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from socal_core.lifecycle import run_queue
from socal_core.lifecycle.lock import take_lock
from socal_core.lifecycle.queue_order import queue_folder
from socal_core.lifecycle.state import RunState, write_status
from socal_core.runs.files.records import STATUS
from socal_core.runs.folder import RunFolder
from socal_core.settings import TINY, default_config
from socal_core.storage import try_lock

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


@contextmanager
def first_in_queue(path: Path) -> Iterator[Callable[[], None]]:
    """Take the only slot and the first place in the queue, with a new run; the function gives both away."""
    run = new_run(path)
    run_lock, slot = take_lock(run.lock_file, run.name), try_lock(queue_folder() / "slot-cpu.lock")
    assert slot is not None
    held = [run_lock, slot]
    run_queue.enter(run)

    def end() -> None:
        while held:
            os.close(held.pop())

    yield end
    end()


def pid_of(run: RunFolder) -> int:
    """Return the id of the process that last wrote the status of a run."""
    status = STATUS.read(run.path, run.name)
    assert status is not None
    assert status.process is not None
    return status.process.pid


def log_of(run: RunFolder) -> str:
    """Return what the worker of a run has printed."""
    return run.log_file.read_text() if run.log_file.exists() else ""


def until(condition: Callable[[], bool]) -> None:
    """Wait until a condition is true that another process fulfils."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)
