"""What a run takes of its machine, as events of type `machine` while it works."""

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psutil

from socal_core.lifecycle.gpus import gpu_use, visible_gpus

logger = logging.getLogger(__name__)

LOOK_SECONDS = 5.0
SEARCH_SECONDS = 60.0
SEARCH_COST = 2000
"""The search for the run's processes goes through all of the machine's. It is made once a minute, and less often where
there are so many that it takes more than a 2000th of the time."""
MB = 1e6


@contextmanager
def watch_machine(report: Callable[..., None], seconds: float = LOOK_SECONDS) -> Iterator[None]:
    """Report processors, memory and GPU every few seconds while the block goes on, and end at once with it.

    report: `EventLog.append`; it is called in a thread of its own. What cannot be read or written is left out, and the
    run goes on.
    """
    ended = threading.Event()
    thread = threading.Thread(target=_watch, args=(report, seconds, ended), name="watch-machine", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _watch(report: Callable[..., None], seconds: float, ended: threading.Event) -> None:
    # psutil: a process ended or belongs to somebody else. OSError: no descriptor is free, or the disk is full.
    failures = (psutil.Error, OSError)
    try:
        look = MachineLook()
    except failures as error:
        logger.warning("What the run takes of the machine is not shown, the system does not tell: %s", error)
        return
    while not ended.wait(seconds):
        try:
            report("machine", **look.read())
        except failures as error:
            logger.debug("The machine could not be looked at: %s", error)


class MachineLook:
    """Reads the machine again and again; the processors' share is that since the last time."""

    def __init__(self) -> None:
        # torchrun is the parent of the processes of a run on several GPUs; else this process is the run.
        self._root = os.getppid() if "RANK" in os.environ else os.getpid()
        self._processes: list[psutil.Process] = []
        self._search_at = 0.0
        self._gpu: str | None = None
        """The UUID of the run's first GPU, "" when there is none; None until training uses one."""
        self._time = time.perf_counter()
        self._last = {process: cpu for process, (cpu, _) in self._usage().items()}

    def read(self) -> dict[str, float | None]:
        """The fields of a `machine` event (runs/events.py); psutil.Error or OSError when the system does not tell."""
        usage, now = self._usage(), time.perf_counter()
        # A process that is new has spent all its time since the last look; one that has ended is not counted.
        spent = sum(cpu - self._last.get(process, 0.0) for process, (cpu, _) in usage.items())
        share = spent / max(1e-9, now - self._time) / (psutil.cpu_count() or 1)
        self._time, self._last = now, {process: cpu for process, (cpu, _) in usage.items()}
        return {
            "cpu_percent": round(min(100.0, 100 * share), 1),
            "memory_mb": round(sum(resident for _, resident in usage.values()) / MB, 1),
            "memory_total_mb": round(psutil.virtual_memory().total / MB, 1),
            **self._gpu_use(),
        }

    def _gpu_use(self) -> dict[str, float | None]:
        """Percent of time busy, and used and whole memory in MB, of the run's first GPU; None for what is not known."""
        if self._gpu is None and _cuda_in_use():
            self._gpu = next(iter(visible_gpus()), "")
        use = gpu_use(self._gpu) if self._gpu else None
        return {
            "gpu_percent": None if use is None else use.percent,
            "gpu_memory_mb": None if use is None else round(use.memory / MB, 1),
            "gpu_memory_total_mb": None if use is None else round(use.memory_total / MB, 1),
        }

    def _usage(self) -> dict[psutil.Process, tuple[float, int]]:
        """CPU seconds and resident bytes of the run's processes; those that end meanwhile are left out."""
        started = time.monotonic()
        if started >= self._search_at:
            root = psutil.Process(self._root)
            self._processes = [root, *root.children(recursive=True)]
            took = time.monotonic() - started
            self._search_at = started + max(SEARCH_SECONDS, SEARCH_COST * took)
        usage = {}
        for process in self._processes:
            try:
                with process.oneshot():
                    times = process.cpu_times()
                    usage[process] = (times.user + times.system, process.memory_info().rss)
            except psutil.Error:
                continue
        return usage


def _cuda_in_use() -> bool:
    """Whether training uses a GPU: it has loaded PyTorch, and PyTorch has opened the GPU."""
    torch: Any = sys.modules.get("torch")
    return torch is not None and hasattr(torch, "cuda") and bool(torch.cuda.is_initialized())
