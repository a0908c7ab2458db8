"""Kills of the server and its workers, for test_failures.py and benchmarks/server_kills.py.

`python -m tests.serving.server_kills SCRATCH KILLS SEED` prints what was found as JSON.
"""

import fcntl
import json
import os
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from socal_core.runs.run_list import list_runs
from socal_core.workspace import runs_root
from tests.factories import write_dataset
from tests.fetch.playing_drive import write_shared
from tests.serving.app_server import SECONDS, AppServer, CommandError
from tests.serving.kill_works import REDIRECTED, SURGEONS, DemoWork, DownloadWork, FillWork, HeldDrive, RunWork, Work

KINDS = ("server", "workers", "server and workers")


class Proof:
    """Works in progress on a workspace, and the servers that come and go."""

    def __init__(self, scratch: Path, drive: HeldDrive, epochs: int) -> None:
        self.scratch = scratch
        self.data = write_dataset(scratch / "data")
        wide = write_dataset(scratch / "wide", size=(640, 360))
        self._environment = {
            "SOCAL_DATA": str(self.data),
            "SOCAL_DEMO_SURGEONS": str(SURGEONS),
            "SOCAL_TEST_DRIVE": f"http://127.0.0.1:{drive.server_port}",
            "HOME": str(scratch / "home"),
            "TMPDIR": str(scratch / "tmp"),
        }
        self.works: list[Work] = [
            RunWork(scratch, self.data, epochs),
            DownloadWork(scratch, drive),
            FillWork(wide),
            DemoWork(),
        ]
        self.wanted: dict[str, dict[str, Any]] = {}
        self.lengths: dict[str, int] = {}
        self.found: list[str] = []
        self.ended: Counter[str] = Counter()
        self.started: Counter[str] = Counter()
        self.server = self.new_server()

    def new_server(self) -> AppServer:
        return AppServer(
            Path(os.environ["SOCAL_WORKSPACE"]), self.scratch / "packages", self._environment, start_module=REDIRECTED
        )

    def do_without_kills(self) -> None:
        """Do each work once, and keep its outcome and how many events it has."""
        for work in self.works:
            work.start(self.server)
        for work in self.works:
            wait_until(lambda work=work: not work.alive(), work.name)
            if not work.done:
                raise AssertionError(f"{work.name} is {work.state()} without any kill")
            self.wanted[work.name], self.lengths[work.name] = work.outcome(), work.events()
            work.renew()

    def keep_going(self, work: Work) -> None:
        """Start a work if it has died, or anew if it is done, after its outcome was compared."""
        if work.alive():
            return
        if work.done:
            self.compare(work)
            work.renew()
        work.start(self.server)
        self.started[work.name] += 1

    def compare(self, work: Work) -> None:
        outcome = work.outcome()
        wanted = self.wanted[work.name]
        self.ended[work.name] += 1
        self.found += [
            f"{work.name}: {name} differs"
            for name in wanted.keys() | outcome.keys()
            if wanted.get(name) != outcome.get(name)
        ]

    def kill(self, kind: str) -> dict[str, bool]:
        """Kill the server, its workers or both; return which works were in progress."""
        before = {work.name: work.alive() for work in self.works}
        workers = self.workers() if kind != "server" else []
        if kind != "workers":
            self.server.kill()
        while workers:
            for process in workers:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            psutil.wait_procs(workers, SECONDS)
            workers = self.workers()
        return before

    def workers(self) -> list[psutil.Process]:
        """Return the processes of this workspace, without the server."""
        own = {os.getpid(), self.server.process.pid}
        found = {process.pid: process for process in processes_of(os.environ["SOCAL_WORKSPACE"])}
        with suppress(psutil.Error):  # the variables of a process that is just starting cannot be read
            found |= {child.pid: child for child in psutil.Process(self.server.process.pid).children(recursive=True)}
        return [process for pid, process in found.items() if pid not in own and is_alive(process)]

    def check_after(self, kind: str, before: dict[str, bool]) -> None:
        """Check what a user sees after a kill."""
        if kind != "workers":
            self.server = self.new_server()
        shown = self.server.page("training")
        names = {run.name for run in list_runs(runs_root())}
        missing = sorted(name for name in names if name.encode() not in shown)
        self.found += [f"run {name} is not shown" for name in missing]
        for work in self.works:
            if kind == "server":
                if before[work.name] and not work.alive() and not work.done:
                    self.found.append(f"{work.name} died with the server")
            elif work.state() not in {"interrupted", "died", "done", "idle"}:
                self.found.append(f"{work.name} is shown as {work.state()} although it was killed")
        run = self.works[0]
        if kind == "server" and run.alive():
            try:
                run.start(self.server)
            except CommandError:
                pass  # is already active
            else:
                self.found.append("a second worker was started for a run")

    def finish(self) -> None:
        """Let everything end, and check what is left."""
        for work in self.works:
            while not work.done:
                if not work.alive():
                    work.start(self.server)
                wait_until(lambda work=work: not work.alive(), work.name)
            self.compare(work)
        self.server.do("from socal_core.workspace import tidy_workspace\ntidy_workspace()")
        self.server.end()
        self.found += [f"process {process.cmdline()} is left" for process in self.workers() if process.is_running()]
        self.found += [f"{path} is left" for path in left_files(self.scratch)]
        self.found += [f"{path} is still locked" for path in self.scratch.rglob("*lock*") if is_taken(path)]


def is_alive(process: psutil.Process) -> bool:
    """Whether a process has not ended, though its parent may not have heard of it."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def processes_of(workspace: str) -> list[psutil.Process]:
    """Return the processes that were started for a workspace, by their variables."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("SOCAL_WORKSPACE") == workspace:
                found.append(process)
        except psutil.Error:
            continue
    return found


def left_files(scratch: Path) -> list[Path]:
    """Return what temporary files and folders are left below a folder, and in its `tmp`."""
    temporary = [
        path for path in scratch.rglob("*") if path.name.endswith((".tmp", ".part")) or path.name == ".arriving"
    ]
    return temporary + list((scratch / "tmp").iterdir())


def is_taken(path: Path) -> bool:
    """Whether a process holds the lock of a file."""
    if not path.is_file():
        return False
    with path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def wait_until(true: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + SECONDS
    while not true():
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.01)


@contextmanager
def shared_folder(scratch: Path) -> Iterator[HeldDrive]:
    """A shared folder on a local server."""
    drive = HeldDrive(write_shared(scratch / "shared"))
    threading.Thread(target=drive.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield drive
    finally:
        drive.shutdown()
        drive.server_close()


def kill_servers(scratch: Path, kills: int, seed: int, epochs: int = 12) -> dict[str, Any]:
    """Kill the server, its workers or both, at random points of what is in progress; return what was found."""
    chance = random.Random(seed)
    for name in ("home", "tmp"):
        (scratch / name).mkdir()
    kinds: Counter[str] = Counter()
    points: Counter[str] = Counter()
    with shared_folder(scratch) as drive:
        proof = Proof(scratch, drive, epochs)
        try:
            proof.do_without_kills()
            for number in range(kills):
                work = proof.works[number % len(proof.works)]
                point = chance.randrange(proof.lengths[work.name])
                for one in (proof.works[0], work):
                    proof.keep_going(one)
                work.hold(point)
                wait_until(lambda work=work, point=point: work.events() >= point or not work.alive(), work.name)
                kind = KINDS[number % len(KINDS)]
                in_progress = proof.kill(kind)
                work.release()
                kinds[kind] += 1
                points.update(name for name, alive in in_progress.items() if alive)
                proof.check_after(kind, in_progress)
            proof.finish()
        finally:
            for process in proof.workers():
                process.kill()
            if proof.server.process.poll() is None:
                proof.server.kill()
    return {
        "kills": dict(kinds),
        "in progress": dict(points),
        "starts": dict(proof.started),
        "ended": dict(proof.ended),
        "faults": proof.found,
    }


def main(arguments: list[str]) -> dict[str, Any]:
    scratch = Path(arguments[0])
    os.environ["SOCAL_WORKSPACE"] = str(scratch / "workspace")
    os.environ["OMP_NUM_THREADS"] = "1"
    return kill_servers(scratch, int(arguments[1]), int(arguments[2]))


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(sys.argv[1:])) + "\n")
