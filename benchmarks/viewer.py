"""What the Trial viewer costs: time to a frame, playback, memory of the server, boxes against the picture.

    python -m benchmarks.viewer [--trials 200] [--parts select,keys,playback,memory,boxes]

The data: trials of 60 frames of 1920x1080 pixels (JPEG, about 300 kB), each with a white square on noise and a box
around it. 600 different frames are written; further trials are hard links to them. Times are taken in Chromium, from
the event of the click or the key until the frame that follows it is painted.
"""

import argparse
import io
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import psutil
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.dataset_page import REPOSITORY, start
from benchmarks.live_page import report
from socal_core.dataset import layout
from tests.browser.conftest import ARGUMENTS, CHROMIUM, PATIENCE_MS
from tests.factories import write_csv

ASKED = {"select": 1.0, "key": 0.1, "late": 0, "cpu": 40.0, "memory": 50.0, "boxes": 1.0}
SIZE = (1920, 1080)
FRAMES = 60
WRITTEN_TRIALS = 10
SQUARE = (900, 500, 980, 570)
"""Corners of the planted square, in pixels."""
MARGIN, GREY = 20, 60
"""Around the square, in pixels, and its grey level. The edge is where the picture is halfway from it to white."""
BARE_FRAMES = 3
"""Frames without boxes at the start of each trial."""
ZOOMS = (0, 2, 4, 6, 8)
"""Presses of the key `+` before each comparison of a box with the picture; each zooms by 1.5."""
WARM_UP_TRIALS = 20

# Notes when a frame was painted, and which.
WATCH = """() => {
    const player = document.querySelector('[data-testid=stBidiComponentIsolated]').shadowRoot.querySelector('.player');
    window.shown = [];
    window.asked = 0;
    new MutationObserver(() => {
        const {trial, frame} = player.dataset;
        requestAnimationFrame(() => window.shown.push([performance.now(), trial, Number(frame)]));
    }).observe(player, {attributes: true, attributeFilter: ['data-frame']});
    for (const kind of ['keydown', 'click', 'input']) {
        window.addEventListener(kind, () => { window.asked = performance.now(); }, {capture: true});
    }
}"""


SET_SLIDER = """(slider, value) => {
    slider.value = value;
    slider.dispatchEvent(new Event('input', {bubbles: true, composed: true}));
}"""


def write_trials(root: Path, trials: int) -> Path:
    """Write the data set."""
    images = root / layout.IMAGES_DIR
    images.mkdir(parents=True)
    rng = np.random.default_rng(0)
    noise = rng.normal(100, 18, (SIZE[1] // 4, SIZE[0] // 4, 3)).clip(0, 200).astype(np.uint8)
    boxes: list[list[object]] = []
    mapping: list[list[object]] = []
    outcomes: list[list[object]] = []
    for index in range(trials):
        trial = f"S{100 + index // 2}T{index % 2 + 1}"
        outcomes.append([trial, 100 + index // 2, 20, 1, 30, 1, 100, index % 2, 250, *SIZE])
        for number in range(1, FRAMES + 1):
            name = f"{trial}_frame_{number:08d}.jpeg"
            if index < WRITTEN_TRIALS:
                pixels = np.roll(noise, rng.integers(0, 200, 2), (0, 1)).repeat(4, 0).repeat(4, 1)
                pixels = (pixels + rng.integers(0, 14, pixels.shape, np.uint8)).astype(np.uint8)
                left, top, right, bottom = SQUARE
                pixels[top - MARGIN : bottom + MARGIN, left - MARGIN : right + MARGIN] = GREY
                pixels[top:bottom, left:right] = 255
                Image.fromarray(pixels).save(images / name, quality=85)
            else:
                first = f"S{100 + index % WRITTEN_TRIALS // 2}T{index % 2 + 1}"
                (images / name).hardlink_to(images / f"{first}_frame_{number:08d}.jpeg")
            mapping.append([name, trial, number])
            if number > BARE_FRAMES:
                boxes.append([name, *SQUARE, "suction"])
                boxes += [[name, 20 + 4 * number, 30, 90 + 4 * number, 90, "grasper"]]
    write_csv(root / layout.BOXES_FILE, boxes)
    write_csv(root / layout.MAPPING_FILE, mapping, layout.MAPPING_COLUMNS)
    write_csv(root / layout.OUTCOMES_FILE, outcomes, layout.OUTCOME_COLUMNS)
    return root


def open_viewer(browser: Browser, url: str, ratio: float = 1.0) -> Page:
    """Open the page, and wait for its first frame."""
    tab = browser.new_page(bypass_csp=True, viewport={"width": 1400, "height": 1000}, device_scale_factor=ratio)
    tab.set_default_timeout(PATIENCE_MS)
    tab.goto(url)
    tab.locator(".player[data-frame]").wait_for()
    tab.wait_for_timeout(1500)
    tab.evaluate(WATCH)
    return tab


def seconds_to_a_frame(tab: Page, act: Callable[[], None], frame: int | None = None) -> float:
    """Do something, and return the seconds until the frame that it asks for is painted; any frame if it is None."""
    tab.evaluate("() => { window.shown = []; window.asked = 0; }")
    act()
    found = tab.wait_for_function(
        "frame => window.asked && window.shown.find(shown => frame === null || shown[2] === frame)", arg=frame
    ).json_value()
    return float(found[0] - tab.evaluate("window.asked")) / 1000


def next_trial(tab: Page) -> None:
    """Go to the next trial by its key, and wait for its first frame and those that are fetched ahead."""
    before = tab.locator(".player").get_attribute("data-trial")
    tab.keyboard.press("n")
    wait_for_another(tab, before)
    tab.wait_for_timeout(2000)


def wait_for_another(tab: Page, trial: str | None) -> None:
    """Wait until the player shows another trial."""
    tab.wait_for_function(
        "trial => document.querySelector('[data-testid=stBidiComponentIsolated]').shadowRoot"
        ".querySelector('.player').dataset.trial !== trial",
        arg=trial,
    )


def measure_selection(tab: Page, repeats: int = 12) -> None:
    """Click *Select 10 random trials*, until another trial is in view with its first frame that has boxes."""
    button = tab.get_by_role("button", name="Select 10 random trials")
    times = []
    while len(times) < repeats:
        before = tab.locator(".player").get_attribute("data-trial")
        tab.evaluate("() => { window.shown = []; window.asked = 0; }")
        button.click()
        tab.wait_for_timeout(2500)
        shown = tab.evaluate("window.shown")
        if shown and shown[0][1] != before:
            assert shown[0][2] == BARE_FRAMES + 1
            times.append((shown[0][0] - tab.evaluate("window.asked")) / 1000)
    print(f"Select 10 random trials to the frame: median {statistics.median(times):.2f} s ({repeats} times)")
    report("Select 10 random trials to the frame, longest", max(times), ASKED["select"], "s")


def measure_keys(tab: Page) -> None:
    """Step through a trial with the arrow key, then jump with the slider to frames that were never fetched."""
    next_trial(tab)
    slider = tab.get_by_role("slider", name="Frame")
    slider.focus()
    arrows = []
    for frame in range(BARE_FRAMES + 2, FRAMES):
        arrows.append(seconds_to_a_frame(tab, lambda: tab.keyboard.press("ArrowRight"), frame))
    report("arrow key to the frame, 95th percentile", float(np.percentile(arrows, 95)), ASKED["key"], "s")
    jumps = []
    for turn in range(8):
        next_trial(tab)
        for frame in random.Random(turn).sample(range(30, FRAMES), 4):
            jumps.append(seconds_to_a_frame(tab, partial(slider.evaluate, SET_SLIDER, frame - 1), frame))
    report("slider to a far frame, 95th percentile", float(np.percentile(jumps, 95)), ASKED["key"], "s")


def measure_playback(tab: Page, server: psutil.Process) -> None:
    """Play a trial that was not viewed before at 10 frames per second."""
    next_trial(tab)
    tab.get_by_label("Frames per second").select_option("10")
    tab.locator(".picture").focus()
    tab.keyboard.press("Home")
    tab.wait_for_timeout(1500)
    tab.evaluate("() => { window.shown = []; }")
    before, since = server.cpu_times(), time.monotonic()
    tab.keyboard.press(" ")
    tab.wait_for_function(f"() => window.shown.some(shown => shown[2] === {FRAMES})")
    after, until = server.cpu_times(), time.monotonic()
    shown = [time for time, _, _ in tab.evaluate("window.shown")]
    rate = (len(shown) - 1) / (shown[-1] - shown[0]) * 1000
    busy = (after.user + after.system - before.user - before.system) / (until - since)
    print(f"playback: {len(shown)} frames at {rate:.2f} per second")
    report("playback: frames that were late", int(tab.locator(".player").get_attribute("data-late") or -1), 0, "")
    report("playback: server", 100 * busy, ASKED["cpu"], "% of one core")


def measure_memory(tab: Page, server: psutil.Process, trials: int) -> None:
    """View trial after trial from the first of the list on, with the frames that are fetched ahead."""
    memory = []
    tab.goto(tab.url.partition("?")[0])
    tab.locator(".player[data-frame]").wait_for()
    tab.wait_for_timeout(1500)
    for viewed in range(WARM_UP_TRIALS + trials):
        if viewed == WARM_UP_TRIALS:
            memory.append(server.memory_info().rss)
        before = tab.locator(".player").get_attribute("data-trial")
        tab.keyboard.press("n")
        wait_for_another(tab, before)
        tab.wait_for_timeout(200)
    memory.append(server.memory_info().rss)
    first, last = (size / 1e6 for size in memory)
    print(f"memory of the server: {first:.0f} MB after {WARM_UP_TRIALS} trials, {last:.0f} MB at the end")
    report(f"memory of the server, growth over {trials} trials", last - first, ASKED["memory"], "MB")


def picture_of(tab: Page) -> NDArray[np.float64]:
    """The picture of the player, in pixels of the screen, as grey levels."""
    return np.asarray(Image.open(io.BytesIO(tab.locator(".picture").screenshot())).convert("L"), float)


def measure_boxes(browser: Browser, url: str) -> None:
    """Compare the left edge of the planted square with the middle of the line of its box, which must lie on it."""
    worst = 0.0
    for ratio in (1.0, 2.0):
        tab = open_viewer(browser, url, ratio)
        for presses in ZOOMS:
            tab.locator(".picture").focus()
            tab.keyboard.press("0")
            for _ in range(presses):
                tab.keyboard.press("+")
            tab.wait_for_timeout(1200)
            with_box = picture_of(tab)
            for box in tab.locator(".labels input").all():
                box.uncheck()
            tab.wait_for_timeout(200)
            bare = picture_of(tab)
            for box in tab.locator(".labels input").all():
                box.check()
            for axis in (0, 1):
                off = offset_of(bare, with_box, axis) / ratio
                worst = max(worst, off)
        tab.close()
    report(
        "box against the picture, farthest of five zooms and two pixel ratios",
        worst,
        ASKED["boxes"],
        "px of the screen",
    )


def offset_of(bare: NDArray[np.float64], with_box: NDArray[np.float64], axis: int) -> float:
    """Return how far the lines of a box are from the edges of the square along an axis, in pixels; 0 out of view."""
    middle = [size // 2 for size in bare.shape]
    # A row (or column) through the square: its middle is near that of the frame, about which the keys zoom.
    line = slice(middle[axis] - 3, middle[axis] + 4)
    cut = (lambda picture: picture[line].mean(0)) if axis == 0 else (lambda picture: picture[:, line].mean(1))
    plain, drawn = cut(bare), cut(with_box)
    dark = np.flatnonzero(plain < (255 + GREY) / 2)
    inside = np.flatnonzero(plain > 245)[0]
    first = max(dark[dark < inside], default=-1) + 1
    last = min(dark[dark > inside], default=len(plain)) - 1
    changed = np.flatnonzero(np.abs(drawn - plain) > 12)
    offsets = []
    # The name of the box is above it.
    for edge in (first, last + 1)[axis:]:
        near = changed[np.abs(changed - edge) < 12]
        if 12 < edge < len(plain) - 12:
            offsets.append(abs((near[0] + near[-1] + 1) / 2 - edge) if len(near) else 12.0)
    return max(offsets, default=0.0)


def main() -> None:
    """Write the data, start the app, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--parts", default="select,keys,playback,memory,boxes")
    arguments = parser.parse_args()
    parts = arguments.parts.split(",")
    with tempfile.TemporaryDirectory(prefix="viewer-") as scratch, sync_playwright() as playwright:
        data = write_trials(Path(scratch) / "data", max(arguments.trials + WARM_UP_TRIALS + 1, 40))
        server, url = start(REPOSITORY / "app.py", data, Path(scratch) / "workspace")
        threading.Thread(target=server.communicate, daemon=True).start()  # a full pipe would stop it
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        url += "/trial_viewer"
        process = psutil.Process(server.pid)
        print(f"load of the machine before: {psutil.getloadavg()[0]:.1f} on {psutil.cpu_count()} cores")
        try:
            tab = open_viewer(browser, url)
            if "select" in parts:
                measure_selection(tab)
                tab.get_by_role("button", name="All trials").click()
                tab.wait_for_timeout(2000)
            if "keys" in parts:
                measure_keys(tab)
            if "playback" in parts:
                measure_playback(tab, process)
            if "memory" in parts:
                measure_memory(tab, process, arguments.trials)
            tab.close()
            if "boxes" in parts:
                measure_boxes(browser, url)
            print(f"load of the machine after: {psutil.getloadavg()[0]:.1f}")
        finally:
            browser.close()
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
