"""socal_core.training.monitor"""

import errno
import multiprocessing
import os
import queue
import sys
import threading
import time
from multiprocessing.synchronize import Event
from pathlib import Path

import psutil
import pytest

from socal_core.runs.events import EventLog, read_events
from socal_core.training.monitor import MachineLook, gpu_use, watch_machine

FIELDS = {"cpu_percent", "memory_mb", "memory_total_mb", "gpu_percent", "gpu_memory_mb", "gpu_memory_total_mb"}
SOON = 0.01
PATIENCE = 20


def watchers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "watch-machine"]


def test_events_come_while_the_run_goes_on_and_none_after(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    twice = threading.Event()

    def report(type_: str, **values: object) -> None:
        log.append(type_, **values)
        if len(read_events(tmp_path / "events.jsonl")) == 2:
            twice.set()

    with watch_machine(report, SOON):
        assert twice.wait(PATIENCE)
    assert not watchers()
    events = read_events(tmp_path / "events.jsonl")
    assert len(events) >= 2
    for event in events:
        assert event.keys() - {"type", "time"} == FIELDS
        assert event["type"] == "machine"
        assert 0 <= event["cpu_percent"] <= 100
        assert 0 < event["memory_mb"] < event["memory_total_mb"]


def test_leaving_waits_for_no_look() -> None:
    started = time.monotonic()
    with watch_machine(lambda *_, **__: None, seconds=1000):
        assert watchers()
    assert not watchers()
    assert time.monotonic() - started < PATIENCE


def test_an_error_of_the_run_passes_through() -> None:
    with pytest.raises(ZeroDivisionError), watch_machine(lambda *_, **__: None):
        raise ZeroDivisionError
    assert not watchers()


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left"), psutil.AccessDenied(1), psutil.NoSuchProcess(1)]
)
def test_what_cannot_be_told_is_left_out_and_tried_again(error: Exception) -> None:
    calls: queue.Queue[str] = queue.Queue()

    def refuse(type_: str, **values: object) -> None:
        calls.put(type_)
        raise error

    with watch_machine(refuse, SOON):
        assert [calls.get(timeout=PATIENCE) for _ in range(3)] == ["machine"] * 3


def test_a_system_that_tells_nothing_of_the_run_ends_the_watch_alone(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setattr(os, "getppid", lambda: 2**22 + 1)  # a process that cannot be
    told: list[str] = []
    with watch_machine(lambda type_, **_: told.append(type_), SOON):
        pass
    assert told == []
    assert "is not shown" in caplog.text


def test_a_busy_process_is_seen() -> None:
    """Beside what the system itself says of this process over the same time."""
    look, before, started = MachineLook(), time.process_time(), time.perf_counter()
    while time.process_time() - before < 0.2:
        sum(range(1000))
    found = look.read()["cpu_percent"]
    share = (time.process_time() - before) / (time.perf_counter() - started) / psutil.cpu_count()
    assert found == pytest.approx(100 * share, rel=0.3, abs=2)  # the kernel counts in hundredths of a second


def _hold(megabytes: int, ready: Event, end: Event) -> None:
    held = bytearray(os.urandom(1)) * (megabytes * 1_000_000)
    ready.set()
    end.wait(PATIENCE)
    assert held


def test_child_processes_are_counted_in() -> None:
    alone = MachineLook().read()["memory_mb"]
    context = multiprocessing.get_context("spawn")
    ready, end = context.Event(), context.Event()
    child = context.Process(target=_hold, args=(100, ready, end))
    child.start()
    try:
        assert ready.wait(PATIENCE)
        look = MachineLook()
        assert look.read()["memory_mb"] >= alone + 100
    finally:
        end.set()
        child.join()
    after = look.read()  # the child has ended, which is no fault
    assert after["memory_mb"] < alone + 100
    assert 0 <= after["cpu_percent"] <= 100


def test_a_look_costs_less_than_a_thousandth_of_the_time() -> None:
    look, started = MachineLook(), time.thread_time()
    for _ in range(20):
        look.read()
    assert (time.thread_time() - started) / 20 < 5.0 / 1000


class PretendedGpu:
    """PyTorch's `cuda` on a machine with a GPU, which test machines lack."""

    class cuda:  # noqa: N801 - its name in PyTorch
        error: Exception | None = None

        @staticmethod
        def is_initialized() -> bool:
            return True

        @staticmethod
        def mem_get_info() -> tuple[int, int]:
            return 6_000_000_000, 16_000_000_000

        @classmethod
        def utilization(cls) -> int:
            if cls.error is not None:
                raise cls.error
            return 87


@pytest.mark.parametrize(("error", "percent"), [(None, 87.0), (ModuleNotFoundError("nvidia-ml-py"), None)])
def test_a_gpu_is_told_of(monkeypatch: pytest.MonkeyPatch, error: Exception | None, percent: float | None) -> None:
    monkeypatch.setitem(sys.modules, "torch", PretendedGpu)
    monkeypatch.setattr(PretendedGpu.cuda, "error", error)
    assert gpu_use() == {"gpu_percent": percent, "gpu_memory_mb": 10_000.0, "gpu_memory_total_mb": 16_000.0}


def test_without_a_gpu_in_use_nothing_is_told_of_it() -> None:
    assert set(gpu_use().values()) == {None}
