"""Report a run's use of the machine, as events of type `machine`."""

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psutil

from socal_core.errors import TooManyFilesError
from socal_core.lifecycle.gpus import gpu_use, visible_gpus

logger = logging.getLogger(__name__)

MEASURE_SECONDS = 5.0
SEARCH_SECONDS = 60.0
SEARCH_COST = 2000
"""The search for the processes of the run goes through all processes of the machine. It is repeated once a minute, and
less often if it would take more than 1/2000 of the time."""
MB = 1e6


@contextmanager
def watch_machine(report: Callable[..., None], seconds: float = MEASURE_SECONDS) -> Iterator[None]:
    """Report the use of processors, memory and GPU every few seconds until the `with` block ends.

    Measurements that cannot be read or written are skipped, and the run continues.

    Args:
        report: `EventLog.append`, which is called in another thread.
        seconds: The time between two measurements.
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
    # psutil: a process has ended or belongs to another user. OSError: the disk is full.
    failures = (psutil.Error, OSError, TooManyFilesError)
    try:
        meter = MachineMeter()
    except failures as error:
        logger.warning("The use of the machine is not shown, because the system does not report it: %s", error)
        return
    while not ended.wait(seconds):
        try:
            report("machine", **meter.read())
        except failures as error:
            logger.debug("The use of the machine could not be measured: %s", error)


class MachineMeter:
    """Measures a run's use of the machine; the utilization of processors is the mean since the last measurement."""

    def __init__(self) -> None:
        # torchrun is the parent of all processes of a run on several GPUs; otherwise this process is the run.
        self._root = os.getppid() if "RANK" in os.environ else os.getpid()
        self._processes: list[psutil.Process] = []
        self._search_at = 0.0
        self._gpu: str | None = None
        """The UUID of the first GPU of the run, "" if there is none; None until training uses one."""
        self._time = time.perf_counter()
        self._last = {process: cpu for process, (cpu, _) in self._usage().items()}

    def read(self) -> dict[str, float | None]:
        """Return the fields of a `machine` event (runs/files/event_types.py).

        Raises:
            psutil.Error: The system does not report them.
            OSError: The system does not report them.
        """
        usage, now = self._usage(), time.perf_counter()
        # All time of a new process counts, since it started after the last measurement. Ended processes do not count.
        spent = sum(cpu - self._last.get(process, 0.0) for process, (cpu, _) in usage.items())
        fraction = spent / max(1e-9, now - self._time) / (psutil.cpu_count() or 1)
        self._time, self._last = now, {process: cpu for process, (cpu, _) in usage.items()}
        return {
            "cpu_percent": round(min(100.0, 100 * fraction), 1),
            "memory_mb": round(sum(resident for _, resident in usage.values()) / MB, 1),
            "memory_total_mb": round(psutil.virtual_memory().total / MB, 1),
            **self._gpu_use(),
        }

    def _gpu_use(self) -> dict[str, float | None]:
        """Return utilization in percent and memory in MB of the first GPU of the run; None for unknown values."""
        if self._gpu is None and _cuda_in_use():
            self._gpu = next(iter(visible_gpus()), "")
        use = gpu_use(self._gpu) if self._gpu else None
        return {
            "gpu_percent": None if use is None else use.percent,
            "gpu_memory_mb": None if use is None else round(use.memory / MB, 1),
            "gpu_memory_total_mb": None if use is None else round(use.memory_total / MB, 1),
        }

    def _usage(self) -> dict[psutil.Process, tuple[float, int]]:
        """Return CPU seconds and resident bytes of the processes of the run, without those that end meanwhile."""
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
    """Check whether training uses a GPU: PyTorch is loaded and has initialized CUDA."""
    torch: Any = sys.modules.get("torch")
    return torch is not None and hasattr(torch, "cuda") and bool(torch.cuda.is_initialized())
