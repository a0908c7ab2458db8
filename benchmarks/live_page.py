"""What it costs to watch a run: delay of the curve, CPU and memory of the server.

    python -m benchmarks.live_page [--seconds 30] [--steps 2000]

A run is played: its lock is held and its events are appended as a worker would, two steps a second after a history of
`--steps` steps, an epoch every 20 of them, the machine every 5 s. Chromium has the Training page open, in no tab, in
one and in three. Delay: from a step's event until the curve in Chromium's DOM reaches that step, for every
step that was the newest at some time, looked at every 20 ms. CPU: the server's processor time over the wall clock,
percent of one processor. Memory: the server's VmRSS at the end.
"""

import argparse
import itertools
import math
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.dataset_page import REPOSITORY, start
from socal_core.lifecycle.lock import take_lock
from socal_core.lifecycle.state import RunState, write_status
from socal_core.runs.events import EventLog
from socal_core.runs.folder import RunFolder
from socal_core.settings import TINY, config_from
from tests.browser.conftest import ARGUMENTS, CHROMIUM, PATIENCE_MS
from tests.factories import write_dataset

ASKED = {"delay": 2.0, "cpu": 10.0, "memory": 250.0}
STEPS_AN_EPOCH = 20
EPOCHS = 400
STEP_SECONDS = 0.5
MACHINE_SECONDS = 5.0
WARM_UP_SECONDS = 5.0
TABS = (0, 1, 3)

# Notes at what time the curve of single steps first reached which epoch.
WATCH = """() => {
    window.reached = [];
    setInterval(() => {
        for (const chart of document.querySelectorAll('.js-plotly-plot')) {
            const points = (chart.calcdata ?? []).find(points => points[0]?.trace.name === 'Single steps');
            const last = points?.[points.length - 1].x ?? 0;
            if (last > (window.reached.at(-1)?.[0] ?? 0)) window.reached.push([last, Date.now() / 1000]);
        }
    }, 20);
}"""
CURVE_IS_THERE = "() => document.querySelectorAll('.js-plotly-plot .scatterlayer .trace').length >= 3"


@dataclass
class PlayedRun:
    """A run whose worker is this process."""

    folder: RunFolder
    log: EventLog
    step: int = 0
    written: list[tuple[float, float]] = field(default_factory=list)
    """Position in epochs and time of each step that was played live."""
    _machine_at: float = 0.0

    def play_step(self) -> None:
        """One step, and what a worker says beside it."""
        self.step += 1
        epoch, step = divmod(self.step - 1, STEPS_AN_EPOCH)
        place = {"epoch": epoch + 1, "epochs": EPOCHS}
        rate = 5e-4 * 0.5 ** (epoch // 25)
        loss = 0.3 + 0.5 * math.exp(-epoch / 20) + 0.1 * math.sin(self.step * 7.1)
        self.log.append("step", **place, step=step + 1, steps=STEPS_AN_EPOCH, loss=loss, learning_rate=rate)
        self.written.append((self.step / STEPS_AN_EPOCH, time.time()))
        if step + 1 == STEPS_AN_EPOCH:
            self._end_epoch(place, rate)
        if time.monotonic() > self._machine_at:
            self._machine_at = time.monotonic() + MACHINE_SECONDS
            memory = {"memory_mb": 1500.0, "memory_total_mb": 25000.0}
            gpu = {"gpu_percent": None, "gpu_memory_mb": None, "gpu_memory_total_mb": None}
            self.log.append("machine", cpu_percent=60 + 20 * math.sin(self.step), **memory, **gpu)

    def _end_epoch(self, place: dict[str, int], rate: float) -> None:
        epoch = place["epoch"]
        fall, score = math.exp(-epoch / 20), 0.8 - 0.3 * math.exp(-epoch / 15) + 0.03 * math.sin(epoch)
        self.log.append(
            "epoch",
            **place,
            train_loss=0.3 + 0.5 * fall,
            val_loss=0.4 + 0.4 * fall + 0.02 * math.sin(epoch),
            val_accuracy=score,
            val_accuracy_low=score - 0.12,
            val_accuracy_high=score + 0.1,
            val_auroc=score + 0.04,
            val_auroc_low=score - 0.1,
            val_auroc_high=score + 0.13,
            learning_rate=rate,
            seconds=STEPS_AN_EPOCH * STEP_SECONDS,
            clips_per_second=16.2,
            data_wait=0.03,
            best=epoch % 4 == 1,
        )


@contextmanager
def played_run(path: Path, data: Path, steps: int) -> Iterator[PlayedRun]:
    """A living run with a history, which goes on as long as the block does."""
    folder = RunFolder.create(path, config_from({"recipe": "finetune"}, TINY), data)
    lock = take_lock(folder.lock_file, folder.name)
    write_status(folder, RunState.RUNNING)
    folder.log_file.write_text(f"2026-01-01 12:00:00 INFO Reading clips of {data}/frames\n" * 10)
    run = PlayedRun(folder, EventLog(folder.events_file))
    run.log.append("started", epoch=0)
    for _ in range(steps):
        run.play_step()
    run.written.clear()
    ended = threading.Event()

    def go_on() -> None:
        while not ended.wait(STEP_SECONDS):
            run.play_step()

    worker = threading.Thread(target=go_on)
    worker.start()
    try:
        yield run
    finally:
        ended.set()
        worker.join()
        write_status(folder, RunState.STOPPED, "Stopped by the user. It can be resumed.")
        os.close(lock)


def main() -> None:
    """Play a run, watch it, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--steps", type=int, default=2000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="live-page-") as scratch, sync_playwright() as playwright:
        data, workspace = write_dataset(Path(scratch) / "data"), Path(scratch) / "workspace"
        (workspace / "runs").mkdir(parents=True)
        server, url = start(REPOSITORY / "app.py", data, workspace)
        threading.Thread(target=server.communicate, daemon=True).start()  # a full pipe would stop it
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            with played_run(workspace / "runs" / "run-played", data, arguments.steps) as run:
                watch(run, browser, f"{url}/training", psutil.Process(server.pid), arguments.seconds)
        finally:
            browser.close()
            server.terminate()
            server.wait()


def watch(run: PlayedRun, browser: Browser, url: str, server: psutil.Process, seconds: float) -> None:
    """Open tab after tab and print what each number of them costs."""
    tabs: list[Page] = []
    for count in TABS:
        while len(tabs) < count:
            tabs.append(browser.new_page(bypass_csp=True, viewport={"width": 1400, "height": 1000}))
            tabs[-1].set_default_timeout(PATIENCE_MS)
            tabs[-1].goto(url)
            tabs[-1].wait_for_function(CURVE_IS_THERE)
            tabs[-1].evaluate(WATCH)
        wait(tabs, WARM_UP_SECONDS)
        for tab in tabs:
            tab.evaluate("() => { window.reached = [] }")
        before, since = server.cpu_times(), time.time()
        wait(tabs, seconds)
        after, until = server.cpu_times(), time.time()
        busy = (after.user + after.system - before.user - before.system) / (until - since)
        delays = [delay for tab in tabs for delay in delays_of(run, tab.evaluate("() => window.reached"))]
        name = f"{count} tab{'' if count == 1 else 's'}"
        if delays:
            print(f"{name}: delay median {statistics.median(delays):.2f} s ({len(delays)} steps seen)")
            report(f"{name}: longest delay", max(delays), ASKED["delay"], "s")
        report(f"{name}: server CPU", 100 * busy, ASKED["cpu"], "% of one processor")
        report(f"{name}: server memory", server.memory_info().rss / 1e6, ASKED["memory"], "MB")


def wait(tabs: list[Page], seconds: float) -> None:
    """Let time pass, for the tabs too."""
    if tabs:
        tabs[0].wait_for_timeout(1000 * seconds)
    else:
        time.sleep(seconds)


def delays_of(run: PlayedRun, reached: list[list[float]]) -> list[float]:
    """Seconds from each step's event until a curve reached it; the first look tells nothing of when that was."""
    delays = []
    for (before, _), (position, seen) in itertools.pairwise(reached):
        delays += [seen - when for place, when in list(run.written) if before + 1e-6 < place <= position + 1e-6]
    return delays


def report(name: str, measured: float, asked: float, unit: str) -> None:
    """One line: what was measured beside what was asked."""
    verdict = "" if measured <= asked else "  NOT MET"
    print(f"{name}: {measured:.2f} {unit} (at most {asked:g}){verdict}")


if __name__ == "__main__":
    main()
