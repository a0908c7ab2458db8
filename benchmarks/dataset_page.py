"""How fast the Dataset page is on a data set of SOCAL's size, in a real Chromium.

    python -m benchmarks.dataset_page [--repeats N]

The data: 147 trials, 31,443 frames, 65,071 boxes (benchmarks/open_dataset.py), 218 outcome rows without video. First
paint: from asking for the address until Chromium paints the page's first content (its own First Contentful Paint),
until the numbers stand there, and until every chart is drawn and the page changes no more; for the first visitor of a
fresh server and for the next ones, none of whose browsers has anything stored. Filter: from the click on an outcome
until the page, with other numbers and charts, changes no more, on the view that is open. All by the page's own clock.

Beside it, the least that Streamlit and plotly need on this machine: an app of seven numbers, three bars and a filter.
"""

import argparse
import os
import socket
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.open_dataset import SOCAL_BOXES, SOCAL_FRAMES, write_folder
from socal_core.dataset import layout
from tests.browser.conftest import ARGUMENTS, CHROMIUM, PATIENCE_MS

LEAST = """
import plotly.graph_objects as go
import streamlit as st
st.title("Least")
with st.expander("Choose trials"):
    chosen = st.multiselect("Outcome", ["Failure", "Success"], key="outcome")
    st.button("Show all trials", on_click=lambda: st.session_state.update(outcome=[]))
for column in st.columns(7):
    column.metric("Trials", 10 + len(chosen))
for number, column in enumerate(st.columns(3)):
    column.plotly_chart(go.Figure(go.Bar(x=["a", "b"], y=[1, 2 + len(chosen)])), key=str(number))
"""
REPOSITORY = Path(__file__).resolve().parents[1]
ROWS_WITHOUT_VIDEO = 218
VIEWS = ("Overview", "Groups", "Boxes", "Tools", "Coaching", "Trials", "Missing")
CHARTS = 3
"""On the view that opens first."""

# Runs in every page from its start. Notes when the page was last changed, and when the last click came.
WATCH = """
    window.changedAt = window.clickedAt = 0;
    new MutationObserver(() => { window.changedAt = performance.now(); })
        .observe(document, {subtree: true, childList: true, attributes: true, characterData: true});
    document.addEventListener('click', () => { window.clickedAt = performance.now(); }, {capture: true});
"""
NUMBERS = "() => document.querySelectorAll('[data-testid=stMetric]').length > 0"
USABLE = "[...document.querySelectorAll('[data-testid=stMetric]')][1].innerText"
FIRST_CONTENT = "() => performance.getEntriesByName('first-contentful-paint')[0].startTime"
# True once the script has ended and the page has not changed for half a second: nothing is on its way any more.
STILL = """document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'
    && performance.now() - window.changedAt > 500"""


def main() -> None:
    """Write the data, start the app, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dataset-page-") as scratch, sync_playwright() as playwright:
        data = Path(scratch) / "data"
        write_folder(data, SOCAL_FRAMES, SOCAL_BOXES)
        add_rows_without_video(data)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        least = Path(scratch) / "least.py"
        least.write_text(LEAST)
        server, url = start(least, data, Path(scratch) / "workspace")
        try:
            first_paints("Streamlit alone", browser, url, arguments.repeats)
            tab, _ = paint(browser, url)
            report("Streamlit alone: filter change", filter_changes(tab, arguments.repeats))
        finally:
            server.terminate()
            server.wait()
        server, url = start(REPOSITORY / "app.py", data, Path(scratch) / "workspace")
        url += "/dataset"
        try:
            first_paints("Dataset page", browser, url, arguments.repeats)
            tab, _ = paint(browser, url)
            for view in VIEWS:
                tab.get_by_role("radio", name=view, exact=True).click()
                settle(tab)
                report(f"filter change, view {view}", filter_changes(tab, arguments.repeats))
        finally:
            server.terminate()
            server.wait()
            browser.close()


def first_paints(name: str, browser: Browser, url: str, repeats: int) -> None:
    """Open the page as visitor after visitor and print the three moments."""
    paints = [paint(browser, url)[1] for _ in range(repeats + 1)]
    for moment in paints[0]:
        first, *others = [seconds[moment] for seconds in paints]
        report(f"{name}: {moment}, first visitor of a fresh server", [first])
        report(f"{name}: {moment}, next visitors", others)


def add_rows_without_video(data: Path) -> None:
    """Outcomes of trials that nobody filmed, as SOCAL has them."""
    with (data / layout.OUTCOMES_FILE).open("a", encoding="utf-8") as file:
        for index in range(ROWS_WITHOUT_VIDEO):
            file.write(f"S{500 + index // 2}T{index % 2 + 1},{500 + index // 2},NA,NA,NA,NA,NA,{index % 2},300,,\n")


def start(app: Path, data: Path | None, workspace: Path) -> tuple[subprocess.Popen[str], str]:
    """Start the app and wait until it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = [] if data is None else [str(data)]
    server = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", str(app), "--server.port", str(port), "--", *folder],
        cwd=REPOSITORY,
        env={**os.environ, "SOCAL_WORKSPACE": str(workspace), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert server.stdout is not None
    while "URL:" not in server.stdout.readline():
        assert server.poll() is None, "the app did not start"
    return server, f"http://127.0.0.1:{port}"


def paint(browser: Browser, url: str) -> tuple[Page, dict[str, float]]:
    """Open the page as a new visitor; the tab, and the seconds until each of the three moments."""
    for context in browser.contexts:
        context.close()  # nobody else is looking
    tab = browser.new_page(bypass_csp=True, viewport={"width": 1400, "height": 1000})
    tab.set_default_timeout(PATIENCE_MS)
    tab.add_init_script(WATCH)
    tab.goto(url, wait_until="commit")
    tab.wait_for_function(NUMBERS, polling="raf")
    numbers = tab.evaluate("() => performance.now()")
    tab.wait_for_function(f"() => document.querySelectorAll('.main-svg').length >= {CHARTS} && {STILL}")
    drawn = tab.evaluate("() => window.changedAt")
    moments = {"first content": tab.evaluate(FIRST_CONTENT), "numbers": numbers, "all charts": drawn}
    return tab, {name: moment / 1000 for name, moment in moments.items()}


def settle(tab: Page) -> None:
    """Wait until nothing on the page changes any more."""
    tab.wait_for_function(f"() => {STILL}")


def filter_changes(tab: Page, repeats: int) -> list[float]:
    """Seconds of choosing an outcome and of taking it back, several times."""
    outcome = tab.get_by_role("combobox", name="Outcome")
    if not outcome.is_visible():
        tab.get_by_text("Choose trials").first.click()
        settle(tab)  # a list that opens while the part above the numbers still unfolds is closed again
    seconds = []
    for _ in range(repeats):
        outcome.press("ArrowDown")
        option = tab.get_by_role("option", name="Success")
        option.wait_for()
        seconds.append(timed(tab, option.click))
        tab.keyboard.press("Escape")  # an open list hides the rest of the page from assistive technology, and from here
        seconds.append(timed(tab, tab.get_by_role("button", name="Show all trials").click))
    return seconds


def timed(tab: Page, act: Callable[[], None]) -> float:
    """Seconds from the click in an action until the page, with other numbers, changes no more."""
    settle(tab)
    before = tab.evaluate(USABLE)
    act()
    tab.wait_for_function(f"before => {USABLE} !== before && {STILL}", arg=before)
    return float(tab.evaluate("() => (window.changedAt - window.clickedAt) / 1000"))


def report(name: str, seconds: list[float]) -> None:
    """One line."""
    print(f"{name}: median {statistics.median(seconds):.2f} s, longest {max(seconds):.2f} s ({len(seconds)} times)")


if __name__ == "__main__":
    main()
