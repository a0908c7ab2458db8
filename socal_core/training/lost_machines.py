"""End the processes of a run when another machine of the run no longer answers.

torchrun watches the processes of its own machine. A machine that loses power closes no connection, so the others would
wait for it until the timeout of the process group, which must be long: processes wait for each other while the clip
cache is filled or a checkpoint is written. So each process counts in the store of the group, and watches the others'
counts.
"""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import torch.distributed as dist

logger = logging.getLogger(__name__)

BEAT_SECONDS = 2.0
LOST_SECONDS = 30.0
"""A process is lost if its count has not changed for this long."""
LOST = (
    "Another process of the run ended, or its machine can no longer be reached; its own output says more. Resume the "
    "run on all machines."
)


@contextmanager
def watch_machines(end: Callable[[], None]) -> Iterator[None]:
    """Watch the processes on other machines until the `with` block ends; without other machines, do nothing.

    Args:
        end: Called in another thread if a process is lost; does not return.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == int(os.environ.get("LOCAL_WORLD_SIZE", "1")):
        yield
        return
    watch = _Watch()
    threads = [threading.Thread(target=watch.beat), threading.Thread(target=watch.judge, args=(end,))]
    for thread in threads:
        thread.daemon = True  # an operation of the store may not return
        thread.start()
    try:
        yield
    finally:
        watch.ended.set()


def end_processes() -> None:
    """End this process and the torchrun that started it; the other processes of this machine do the same.

    The main thread waits for the lost machine and cannot be interrupted. torchrun may wait too, if its rendezvous was
    there: without a limit of its own, until the system gives the connection up, which takes 15 minutes.
    """
    if "TORCHELASTIC_RUN_ID" in os.environ:
        os.kill(os.getppid(), signal.SIGKILL)
    os._exit(2)


def is_lost_process(error: BaseException) -> bool:
    """Check whether an error says that a connection to another process was lost."""
    return isinstance(error, dist.DistError) or (isinstance(error, RuntimeError) and "gloo/transport" in str(error))


class _Watch:
    """The counts of all processes."""

    def __init__(self) -> None:
        self.ended = threading.Event()
        self._rank = dist.get_rank()
        self._counts = [-1] * dist.get_world_size()
        self._heard = [time.monotonic()] * dist.get_world_size()

    def beat(self) -> None:
        """Count, and look at the counts of the others."""
        try:
            host, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
            waits = timedelta(seconds=LOST_SECONDS)
            # It is public, but the module does not list it for mypy.
            store = dist.TCPStore(  # type: ignore[attr-defined]
                host, port, is_master=False, wait_for_workers=False, timeout=waits
            )
            while not self.ended.wait(BEAT_SECONDS):
                for rank, before in enumerate(self._counts):
                    self._counts[rank] = store.add(f"socal/count/{rank}", int(rank == self._rank))
                    if self._counts[rank] != before:
                        self._heard[rank] = time.monotonic()
        except RuntimeError as error:
            logger.debug("The store of the processes does not answer: %s", error)

    def judge(self, end: Callable[[], None]) -> None:
        """Call `end` once a process is lost."""
        looked = time.monotonic()
        while not self.ended.wait(BEAT_SECONDS):
            now = time.monotonic()
            if now - looked > LOST_SECONDS / 2:  # this process itself was suspended
                self._heard = [now] * len(self._heard)
            elif now - min(self._heard) > LOST_SECONDS:
                end()
            looked = now
