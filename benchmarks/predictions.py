"""How long a prediction takes in the Trial viewer: one that is kept, and a new one by a fine-tuned `tiny`.

    python -m benchmarks.predictions [--trials 40]

The data are those of benchmarks/viewer.py: trials of 60 frames of 1920x1080 pixels. `tiny` is trained for one epoch; a
prediction costs the same after a hundred. Kept: from the key `n` until Chromium has the probability of the next trial,
and the same without the browser. New: trials whose outcome is unknown, and of which no frame is in the clip cache; by a
model in memory, and from a click on *Predict this trial*, which starts a process that loads PyTorch and the model.
"""

import argparse
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import psutil
from playwright.sync_api import Page, sync_playwright
from playwright.sync_api import TimeoutError as NotInTime

from benchmarks.dataset_page import REPOSITORY, start
from benchmarks.experiments import finished_run
from benchmarks.live_page import report
from benchmarks.viewer import open_viewer, write_trials
from socal_core.dataset import layout
from socal_core.evaluation.predict_sources import forecaster_of
from socal_core.evaluation.trial_prediction import prediction_of
from socal_core.runs.folder import RunFolder
from socal_core.settings import TINY, config_from
from socal_core.workspace import runs_root, temporary_cache
from tests.browser.conftest import ARGUMENTS, CHROMIUM

ASKED = {"kept": 0.1, "new": 1.5}
UNKNOWN = 6
"""Trials at the end of the list without an outcome."""
NEW_PROCESSES = 3
REPEATS = 20

TEXT = "(document.querySelector('[data-testid=stProgress]')?.innerText ?? '')"
NOTE_KEY = "() => window.addEventListener('keydown', () => { window.asked = performance.now(); }, {capture: true})"
# The probability has changed: how long after the key.
CHANGED = f"() => {TEXT} && {TEXT} !== window.before && performance.now() - window.asked"


def main() -> None:
    """Write the data, train, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=40)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="predictions-") as scratch:
        workspace = Path(scratch) / "workspace"
        os.environ["SOCAL_WORKSPACE"] = str(workspace)
        data = write_trials(Path(scratch) / "data", arguments.trials)
        unknown = forget_outcomes(data)
        config = config_from({"recipe": "finetune", "num_epochs": 1}, TINY)
        run = finished_run(runs_root() / "run-1", config, data)
        print(f"load of the machine before: {psutil.getloadavg()[0]:.1f} on {psutil.cpu_count()} cores")
        measure_model(run, unknown)
        measure_pages(run, data, workspace, unknown)
        print(f"load of the machine after: {psutil.getloadavg()[0]:.1f}")


def forget_outcomes(data: Path) -> list[str]:
    """Remove the outcomes of the last trials, and return these."""
    file = data / layout.OUTCOMES_FILE
    lines = file.read_text(encoding="utf-8").splitlines()
    file.write_text("\n".join(lines[:-UNKNOWN]) + "\n", encoding="utf-8")
    return [line.split(",")[0] for line in lines[-UNKNOWN:]]


def measure_model(run: RunFolder, unknown: list[str]) -> None:
    """Time predictions without the browser."""
    known = run.read_split().test * REPEATS
    times = [seconds(partial(prediction_of, run, trial)) for trial in known[:REPEATS]]
    report("kept prediction, read", statistics.median(times), ASKED["kept"], "s")
    dataset = run.open_dataset()
    started = time.perf_counter()
    forecaster = forecaster_of(run)
    print(f"loading the model, after PyTorch: {time.perf_counter() - started:.2f} s")
    times = []
    for trial in unknown:
        with temporary_cache():
            times.append(seconds(partial(forecaster.predict_trial, dataset, trial)))
    report("new prediction, model in memory, the first", times[0], ASKED["new"], "s")
    report("new prediction, model in memory, median", statistics.median(times), ASKED["new"], "s")


def measure_pages(run: RunFolder, data: Path, workspace: Path, unknown: list[str]) -> None:
    """Time predictions in Chromium."""
    server, url = start(REPOSITORY / "app.py", data, workspace)
    threading.Thread(target=server.communicate, daemon=True).start()  # a full pipe would stop it
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            tab = open_viewer(browser, f"{url}/trial_viewer?run={run.name}")
            times = kept_predictions(tab)
            print(f"kept prediction, from the key to the page: median {statistics.median(times):.2f} s")
            report("the same, 95th percentile", float(np.percentile(times, 95)), ASKED["kept"], "s")
            times = [
                new_prediction(tab, f"{url}/trial_viewer?run={run.name}&trial={trial}")
                for trial in unknown[:NEW_PROCESSES]
            ]
            report("new prediction, from the click, in a new process", statistics.median(times), ASKED["new"], "s")
        finally:
            browser.close()
            server.terminate()
            server.wait()


def kept_predictions(tab: Page) -> list[float]:
    """Go through the trials by key, and return the seconds until the page has the probability of each."""
    tab.evaluate(NOTE_KEY)
    times = []
    for _ in range(REPEATS):
        tab.evaluate(f"() => {{ window.before = {TEXT}; }}")
        tab.keyboard.press("n")
        try:
            times.append(tab.wait_for_function(CHANGED, polling="raf", timeout=3000).json_value() / 1000)
        except NotInTime:
            print("two trials of the same probability, not counted")
        tab.wait_for_timeout(1500)
    return times


def new_prediction(tab: Page, address: str) -> float:
    """Open a trial, ask for its prediction, and return the seconds until the page has it."""
    tab.goto(address)
    button = tab.get_by_role("button", name="Predict this trial")
    button.wait_for()
    tab.wait_for_timeout(1500)
    started = time.perf_counter()
    button.click()
    tab.get_by_text("Probability of success").wait_for()
    return time.perf_counter() - started


def seconds(act: Callable[[], object]) -> float:
    """Return how long a call takes."""
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
