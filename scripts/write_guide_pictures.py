"""Take the pictures of the Guide from a running app with a complete demo and a finished run.

python -m scripts.write_guide_pictures http://127.0.0.1:8501
"""

import io
import sys

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from pages.components.guide.chapters import CHAPTERS

CHROMIUM = "/usr/bin/chromium"
SIZE = {"width": 1280, "height": 900}
WIDTH = 960
QUALITY = 80
SETTLED = "[data-testid=stApp][data-test-script-state=notRunning]"
DRAWING_MS = 3000
PATIENCE_MS = 120_000


def main(url: str) -> None:
    """Take and write all pictures."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        tab = browser.new_page(viewport=SIZE, color_scheme="light")
        tab.set_default_timeout(PATIENCE_MS)
        for chapter in CHAPTERS:
            tab.goto(f"{url}/{'' if chapter.name == 'app' else chapter.name}")
            taken = Image.open(io.BytesIO(_picture(tab))).convert("RGB")
            small = taken.resize((WIDTH, round(taken.height * WIDTH / taken.width)), Image.Resampling.LANCZOS)
            small.save(chapter.picture, quality=QUALITY)
        browser.close()


def _picture(tab: Page) -> bytes:
    """Return the page as PNG when it is drawn to its end."""
    for _ in range(2):  # fragments may run once more
        tab.wait_for_selector(SETTLED)
        tab.wait_for_timeout(DRAWING_MS)
    return tab.screenshot()


if __name__ == "__main__":
    main(sys.argv[1])
