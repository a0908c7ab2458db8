"""How soon the first visitor of a new installation sees a chart, in a real Chromium.

    python -m benchmarks.first_visit [--repeats N]

Each repeat has a new workspace, so the demo data set must be generated, and a new server. From asking for the address
of the Overview page until the first chart is drawn, by the page's own clock, and until the demo is complete.
"""

import argparse
import os
import tempfile
import threading
import time
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from benchmarks.dataset_page import REPOSITORY, start
from benchmarks.results_page import report
from socal_core.jobs.job import STOP
from tests.browser.conftest import ARGUMENTS, CHROMIUM, PATIENCE_MS

ASKED = 5.0
GENERATION_MS = 300_000
WAITS_SECONDS = (0, 10)
"""Seconds from the server's address in the terminal to the visit: at once, and after the time it takes to read it."""
CHART = ".js-plotly-plot .main-svg"
WATCH = f"""
    const watch = setInterval(() => {{
        if (document.querySelector({CHART!r})) {{ window.chartAt = performance.now(); clearInterval(watch); }}
    }}, 5);
"""
DRAWN = "[data-testid=stMetric]"
"""The tiles of the data set, which need the complete demo."""


def main() -> None:
    """Start the app in new workspaces, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        browser.new_page().close()  # Chromium itself has started
        for wait in WAITS_SECONDS:
            measured = [visit(browser, wait) for _ in range(arguments.repeats)]
            report(f"first chart, {wait} s after the server's start", "", [chart for chart, _ in measured], ASKED)
            report(f"complete demo, {wait} s after the server's start", "", [demo for _, demo in measured], None)
        browser.close()
    print("load average: " + ", ".join(f"{load:.1f}" for load in os.getloadavg()))


def visit(browser: Browser, wait: float) -> tuple[float, float]:
    """Open the Overview page of a new installation; return the seconds until the first chart and the complete demo."""
    with tempfile.TemporaryDirectory(prefix="first-visit-", ignore_cleanup_errors=True) as scratch:
        workspace = Path(scratch) / "workspace"
        server, url = start(REPOSITORY / "app.py", None, workspace)
        threading.Thread(target=server.communicate, daemon=True).start()  # a full pipe would stop it
        time.sleep(wait)
        page = browser.new_context(bypass_csp=True, viewport={"width": 1400, "height": 1000}).new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.add_init_script(WATCH)
        asked = time.perf_counter()
        try:
            page.goto(url)
            page.wait_for_function("() => window.chartAt")
            chart = float(page.evaluate("() => window.chartAt")) / 1000
            page.wait_for_selector(DRAWN, timeout=GENERATION_MS)
            return chart, time.perf_counter() - asked
        finally:
            page.context.close()
            (workspace / "jobs" / "demo" / STOP).touch()  # if it was not complete in time
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
