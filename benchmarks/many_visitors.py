"""Whether the app stays fast and small with many visitors: ten browsers that open one page after the other.

    python -m benchmarks.many_visitors [--visitors 10] [--minutes 30] [--reading 10 30]

The data are the demo of 12 surgeons, with two runs that have predictions. Each visitor has a browser profile of its
own, goes through the pages by their links in random order, reads each for 10 to 30 seconds (`--reading`), and in the
Trial viewer selects random trials. A page is ready when its address is shown, the script has ended and nothing on it is
stale; by the page's own clock, Chromium on the same cores. Each tab looks every 50 ms, since ten that look more often
keep a core busy. CPU time per visit is that of the server and of the processes of Chromium in the last nine tenths of
the time, divided by the visits in it; with a single visitor (`--visitors 1`) also by page, from the click to the end of
the reading. Errors are exceptions on a page or in its scripts, failed requests and tracebacks of the server. Memory is
that of the server after the first tenth of the time and at the end.
"""

import argparse
import asyncio
import random
import re
import statistics
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from playwright.async_api import Browser, Page, Response, async_playwright

from benchmarks.dataset_page import REPOSITORY, start
from benchmarks.live_page import report
from socal_core.demo.write import write_demo
from tests.browser.conftest import ARGUMENTS, CHROMIUM, PATIENCE_MS
from tests.made_runs import write_run

ASKED = {"median": 1.0, "memory": 50.0, "errors": 0}
PAGES = {"/": "Overview", "/dataset": "Dataset", "/training": "Training", "/evaluation": "Evaluation"}
PAGES |= {"/trial_viewer": "Trial viewer", "/guide": "Guide"}
PROBE = re.compile(r"/_stcore/")
"""Streamlit looks for its server below the address of each page first."""
READY = """location.pathname === path
    && document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'
    && document.querySelector('h1') && !document.querySelector('[data-stale=true]')"""
VISIT = f"""([path, label]) => new Promise(resolve => {{
    const begun = performance.now();
    const links = [...document.querySelectorAll('[data-testid=stPageLink-NavLink]')];
    links.find(link => link.innerText.includes(label)).click();
    const watch = setInterval(() => {{
        if ({READY}) {{ clearInterval(watch); resolve(performance.now() - begun); }}
    }}, 50);
}})"""


Cpu = tuple[float, float]
"""CPU seconds of the server and of Chromium."""


@dataclass
class Log:
    """What the visitors have seen."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: {label: [] for label in PAGES.values()})
    cpu: dict[str, list[Cpu]] = field(default_factory=lambda: {label: [] for label in PAGES.values()})
    """CPU time from the click to the end of the reading, of each visit; only with a single visitor."""
    cpu_together: Cpu = (0.0, 0.0)
    """CPU time in the last nine tenths of the time."""
    visits_together: int = 0
    """Visits in the last nine tenths of the time."""
    errors: list[str] = field(default_factory=list)


def main() -> None:
    """Write the data, start the app, send the visitors, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--visitors", type=int, default=10)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--reading", type=float, nargs=2, default=(10, 30), metavar="SECONDS")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="visitors-") as scratch:
        data, workspace = Path(scratch) / "demo", Path(scratch) / "workspace"
        write_demo(data, surgeons=12, seed=0)
        for number in (1, 2):
            write_run(workspace / "runs" / f"run-{number}", data)
        server, url = start(REPOSITORY / "app.py", data, workspace)
        lines: list[str] = []
        threading.Thread(target=lambda: lines.extend(server.stdout or ()), daemon=True).start()
        try:
            log, memory = asyncio.run(
                visits(url, arguments.visitors, arguments.minutes * 60, arguments.reading, psutil.Process(server.pid))
            )
        finally:
            server.terminate()
            server.wait()
        log.errors += [line for line in lines if "Traceback" in line]
    for label, times in ((label, times) for label, times in log.seconds.items() if times):
        print(f"{label}: median {statistics.median(times):.2f} s, longest {max(times):.2f} s, {len(times)} visits")
    for label, spent in ((label, spent) for label, spent in log.cpu.items() if spent):
        print(
            f"CPU time of {label}, median: {_cpu_text(*(statistics.median(each) for each in zip(*spent, strict=True)))}"
        )
    print(f"CPU time per visit: {_cpu_text(*(seconds / max(1, log.visits_together) for seconds in log.cpu_together))}")
    together = [each for times in log.seconds.values() for each in times]
    report(f"all pages, median of {len(together)} visits", statistics.median(together), ASKED["median"], "s")
    print(f"memory of the server: {memory[0]:.0f} MB, at the end {memory[1]:.0f} MB")
    report("memory of the server, growth", memory[1] - memory[0], ASKED["memory"], "MB")
    report("errors", len(log.errors), ASKED["errors"], "")
    print(*log.errors[:20], sep="\n")


async def visits(
    url: str, visitors: int, seconds: float, reading: tuple[float, float], server: psutil.Process
) -> tuple[Log, list[float]]:
    """Let the visitors open pages until the time is over.

    Args:
        url: The address of the app.
        visitors: Their number.
        seconds: The time, in seconds.
        reading: The shortest and the longest time that a page is read, in seconds.
        server: The process of the server.

    Returns:
        What they have seen, and the memory of the server after a tenth of the time and at the end, in MB.
    """
    log, end = Log(), time.monotonic() + seconds
    memory = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        alone = server if visitors == 1 else None
        every = [
            asyncio.create_task(visitor(browser, url, number, end, reading, log, alone)) for number in range(visitors)
        ]
        before: tuple[Cpu, int] = ((0.0, 0.0), 0)
        for wait in (0.1 * seconds, 0.9 * seconds):
            await asyncio.sleep(wait)
            memory.append(server.memory_info().rss / 1e6)
            last, before = before, (_cpu(server), sum(len(times) for times in log.seconds.values()))
        log.cpu_together = _difference(before[0], last[0])
        log.visits_together = before[1] - last[1]
        await asyncio.gather(*every)
        await browser.close()
    return log, memory


async def visitor(
    browser: Browser,
    url: str,
    number: int,
    end: float,
    reading: tuple[float, float],
    log: Log,
    server: psutil.Process | None = None,
) -> None:
    """Visit pages with a separate browser profile, and record how long each page takes.

    Args:
        browser: Chromium.
        url: The address of the app.
        number: The number of the visitor, from which its choices follow.
        end: When to stop, on the clock of `time.monotonic`.
        reading: The shortest and the longest time that a page is read, in seconds.
        log: Where to record it.
        server: The server, if this is its only visitor, whose visits' CPU time is then recorded by page.
    """
    chance = random.Random(number)
    context = await browser.new_context(bypass_csp=True, viewport={"width": 1400, "height": 1000})
    tab = await context.new_page()
    tab.set_default_timeout(PATIENCE_MS)
    tab.on("pageerror", lambda error: log.errors.append(f"{tab.url}: {error}"))
    tab.on("response", lambda response: _note_failure(response, log))
    await tab.goto(url)
    await tab.get_by_role("link", name="Guide").wait_for()
    here = "/"
    await asyncio.sleep(chance.uniform(*reading))
    while time.monotonic() < end:
        before = _cpu(server) if server is not None else (0.0, 0.0)
        here = chance.choice([path for path in PAGES if path != here])
        took = await tab.evaluate(VISIT, [here, PAGES[here]])
        log.seconds[PAGES[here]].append(took / 1000)
        if here == "/trial_viewer":
            await tab.get_by_role("button", name="Select 10 random trials").click()
        await _note_exceptions(tab, log)
        await asyncio.sleep(chance.uniform(*reading))
        if server is not None:
            log.cpu[PAGES[here]].append(_difference(_cpu(server), before))
    await context.close()


def _cpu(server: psutil.Process) -> Cpu:
    """Return the CPU seconds that the server and all processes of Chromium have taken so far."""
    together = 0.0
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if "chrom" in process.name():
                together += sum(process.cpu_times()[:2])
    return sum(server.cpu_times()[:2]), together


def _difference(after: Cpu, before: Cpu) -> Cpu:
    return after[0] - before[0], after[1] - before[1]


def _cpu_text(server: float, browser: float) -> str:
    return f"server {server:.2f} s, Chromium {browser:.2f} s"


def _note_failure(response: Response, log: Log) -> None:
    if response.status >= 400 and not PROBE.search(response.url):
        log.errors.append(f"{response.status} {response.url}")


async def _note_exceptions(tab: Page, log: Log) -> None:
    for shown in await tab.get_by_test_id("stException").all_inner_texts():
        log.errors.append(f"{tab.url}: {shown}")


if __name__ == "__main__":
    main()
