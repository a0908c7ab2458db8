"""How fast the Evaluation page is for a result of SOCAL's size, in a real Chromium.

    python -m benchmarks.results_page [--repeats N]

The data have 144 trials of 72 surgeons. The result is a cross-validation of them, so that all 144 are test trials, with
its controls in metrics.json. First content: from asking for the address until the sentence that compares the model with
its best control stands there, in new browsers each: for a visitor of a server that has just said its address, for the
first visitor of one that did so ten seconds ago, and for later ones. Slider: from the key that moves the threshold
until the table below shows the new threshold. Both by the page's own clock.
"""

import argparse
import statistics
import tempfile
import threading
import time
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.dataset_page import REPOSITORY, start
from tests.browser.conftest import ARGUMENTS, CHROMIUM, PATIENCE_MS
from tests.factories import write_dataset
from tests.made_cross_validations import write_cross_validation

SURGEONS = 72
WAIT_SECONDS = 10
EXPLORE = "Threshold to explore"
ASKED = {"first content": 2.0, "threshold slider": 0.3}
SENTENCE = "[data-testid=stAlert] strong"
WATCH = f"""
    const watch = setInterval(() => {{
        if (document.querySelector({SENTENCE!r})) {{ window.sentenceAt = performance.now(); clearInterval(watch); }}
    }}, 5);
"""
EXPLORED = "[...document.querySelectorAll('[data-testid=stTable] td')].map(cell => cell.innerText).join(' ')"
STEP = f"""new Promise(resolve => {{
    const before = {EXPLORED};
    document.addEventListener('keydown', () => {{
        const pressed = performance.now();
        const watch = setInterval(() => {{
            if ({EXPLORED} !== before) {{ clearInterval(watch); resolve(performance.now() - pressed); }}
        }}, 5);
    }}, {{capture: true, once: true}});
}})"""
"""Milliseconds from the next key until the table of thresholds is another one."""


def main() -> None:
    """Write data and result, start the app, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="results-page-") as scratch, sync_playwright() as playwright:
        data, workspace = write_dataset(Path(scratch) / "data", SURGEONS, 60), Path(scratch) / "workspace"
        run = write_cross_validation(workspace / "runs" / "run-1", data, split_method="k-fold", folds=5)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        opened(browser, "about:blank", until="() => true")  # Chromium itself has started
        for wait, repeats in ((0, 0), (WAIT_SECONDS, arguments.repeats)):
            server, url = start(REPOSITORY / "app.py", data, workspace)
            threading.Thread(target=server.communicate, daemon=True).start()  # a full pipe would stop it
            time.sleep(wait)
            try:
                measure(browser, f"{url}/evaluation?run={run.name}", repeats, f"first visitor, after {wait} s")
            finally:
                server.terminate()
                server.wait()
        browser.close()


def measure(browser: Browser, url: str, repeats: int, first_visitor: str) -> None:
    """Open the page as several visitors, then move the slider of the last."""
    page, first = opened(browser, url)
    report("first content", first_visitor, [first], ASKED["first content"])
    if not repeats:
        page.context.close()
        return
    later = []
    for _ in range(repeats):
        page.close()
        page, seconds = opened(browser, url)
        later.append(seconds)
    report("first content", "later visitors", later, ASKED["first content"])
    page.get_by_test_id("stButtonGroup").get_by_text("Threshold").click()
    page.get_by_role("slider", name=EXPLORE).wait_for()
    page.wait_for_function("() => document.querySelectorAll('[data-testid=stTable]').length > 0")
    report("threshold slider", "a step", [moved(page) for _ in range(2 * repeats)], ASKED["threshold slider"])


def opened(browser: Browser, url: str, until: str = "() => window.sentenceAt") -> tuple[Page, float]:
    """Open the page in a browser without a cache; return it and the seconds until the sentence."""
    page = browser.new_context(bypass_csp=True, viewport={"width": 1400, "height": 1000}).new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.add_init_script(WATCH)
    page.goto(url)
    page.wait_for_function(until)
    return page, float(page.evaluate("() => window.sentenceAt || 0")) / 1000


def moved(page: Page) -> float:
    """Move the slider by one step; return the seconds until the table shows it."""
    page.get_by_role("slider", name=EXPLORE).focus()
    page.evaluate(f"() => {{ window.step = {STEP}; }}")
    page.keyboard.press("ArrowRight")
    return float(page.evaluate("() => window.step")) / 1000


def report(name: str, what: str, seconds: list[float], asked: float | None) -> None:
    """Print the median and the longest time beside what was asked."""
    verdict = ""
    if asked is not None:
        verdict = f" (at most {asked:g})" + ("" if statistics.median(seconds) <= asked else "  NOT MET")
    times = f"{statistics.median(seconds):.2f} s, longest {max(seconds):.2f} s of {len(seconds)}"
    print(f"{name}, {what}: {times}{verdict}" if what else f"{name}: {times}{verdict}", flush=True)


if __name__ == "__main__":
    main()
