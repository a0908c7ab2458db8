"""socal_core.training.monitor"""

import errno
import json
import os
import queue
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from socal_core.lifecycle.gpus import GpuUse
from socal_core.runs.events import EventLog, read_events
from socal_core.training import monitor
from socal_core.training.monitor import MachineMeter, watch_machine
from tests.few_handles import few_handles

GPU_FIELDS = {"gpu_percent", "gpu_memory_mb", "gpu_memory_total_mb"}
FIELDS = {"cpu_percent", "memory_mb", "memory_total_mb", *GPU_FIELDS}
SOON = 0.01
PATIENCE = 20


def watchers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "watch-machine"]


def test_events_are_reported_until_the_run_ends(tmp_path: Path) -> None:
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


def test_leaving_does_not_wait_for_a_measurement() -> None:
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
def test_a_failed_measurement_is_skipped_and_tried_again(error: Exception) -> None:
    calls: queue.Queue[str] = queue.Queue()

    def refuse(type_: str, **values: object) -> None:
        calls.put(type_)
        raise error

    with watch_machine(refuse, SOON):
        assert [calls.get(timeout=PATIENCE) for _ in range(3)] == ["machine"] * 3


def test_too_many_open_files_end_no_measurements(monkeypatch: pytest.MonkeyPatch) -> None:
    reported: queue.Queue[str] = queue.Queue()
    skipped: queue.Queue[object] = queue.Queue()
    exhausted = threading.Event()
    monkeypatch.setattr(monitor.logger, "debug", lambda message, error: skipped.put(error))

    def report(type_: str, **values: object) -> None:
        reported.put(type_)
        exhausted.wait(PATIENCE)

    with watch_machine(report, SOON):
        assert reported.get(timeout=PATIENCE) == "machine"
        with few_handles(0):  # while the monitor waits, so that it holds no file
            exhausted.set()
            assert "Too many open files" in str(skipped.get(timeout=PATIENCE))
        assert reported.get(timeout=PATIENCE) == "machine"


def test_a_system_that_reports_nothing_ends_only_the_monitor(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setattr(os, "getppid", lambda: 2**22 + 1)  # a process that cannot be
    told: list[str] = []
    with watch_machine(lambda type_, **_: told.append(type_), SOON):
        pass
    assert told == []
    assert "is not shown" in caplog.text


def test_a_busy_process_is_measured() -> None:
    """The result equals the time that the system reports for this process."""
    look, before, started = MachineMeter(), time.process_time(), time.perf_counter()
    while time.process_time() - before < 0.2:
        sum(range(1000))
    found = look.read()["cpu_percent"]
    share = (time.process_time() - before) / (time.perf_counter() - started) / psutil.cpu_count()
    assert found == pytest.approx(100 * share, rel=0.3, abs=2)  # the kernel counts in hundredths of a second


ALONE_AND_WITH_A_CHILD = """
import json, subprocess, sys
from socal_core.training import monitor
from socal_core.training.monitor import MachineMeter
alone = MachineMeter().read()
hold = "memory = b'x' * 100_000_000; print(flush=True); input()"
child = subprocess.Popen([sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
child.stdout.readline()
look = MachineMeter()
together = look.read()
child.communicate(b"\\n")
after = look.read()  # the child has ended, which is no fault
print(json.dumps([alone, together, after]))
"""


def test_child_processes_are_included() -> None:
    """This runs in a separate process, because the test process may have browsers and servers as children."""
    done = subprocess.run([sys.executable, "-c", ALONE_AND_WITH_A_CHILD], check=True, capture_output=True, text=True)
    alone, together, after = (look["memory_mb"] for look in json.loads(done.stdout))
    assert together >= alone + 100
    assert after < alone + 50
    assert 0 <= json.loads(done.stdout)[2]["cpu_percent"] <= 100


def test_without_a_gpu_in_use_its_fields_are_none() -> None:
    look = MachineMeter().read()
    assert {name for name, value in look.items() if value is None} == GPU_FIELDS


def test_the_first_gpu_is_measured_once_training_uses_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand-ins report that PyTorch uses the GPU and what the driver measures."""
    asked: list[str] = []

    def use_of(uuid: str) -> GpuUse | None:
        asked.append(uuid)
        return GpuUse(62.0, 10 * 2**30, 80 * 2**30) if len(asked) == 1 else None

    look = MachineMeter()
    monkeypatch.setattr(monitor, "visible_gpus", lambda: ("GPU-1", "GPU-2"))
    monkeypatch.setattr(monitor, "gpu_use", use_of)
    assert look.read()["gpu_percent"] is None
    assert asked == [], "training does not use a GPU yet"
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=SimpleNamespace(is_initialized=lambda: True)))
    found = look.read()
    assert {name: found[name] for name in GPU_FIELDS} == {
        "gpu_percent": 62.0,
        "gpu_memory_mb": 10_737.4,
        "gpu_memory_total_mb": 85_899.3,
    }
    found = look.read()
    assert {found[name] for name in GPU_FIELDS} == {None}, "the driver has stopped answering"
    assert asked == ["GPU-1", "GPU-1"]
