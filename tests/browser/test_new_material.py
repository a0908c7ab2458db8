"""An upload in the Trial viewer, in a real browser: refused, played, predicted and deleted."""

import io
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from socal_core.dataset import layout
from socal_core.training.worker import work
from tests.browser.conftest import PATIENCE_MS, WORK_MS, OpenTab, StartServer
from tests.browser.test_app import settled
from tests.training.small_runs import new_run

pytestmark = pytest.mark.browser
expect.set_options(timeout=PATIENCE_MS)


def upload(tab: Page, name: str, content: bytes) -> None:
    expect(tab.get_by_text("A zip of frames, or a video")).to_be_visible()
    settled(tab)  # a field that is still being drawn loses its file
    field = tab.locator("input[type=file]")
    field.set_input_files([{"name": name, "mimeType": "application/octet-stream", "buffer": content}])


@pytest.mark.slow
def test_an_upload_is_played_and_predicted_and_leaves_nothing(
    start_server: StartServer, open_tab: OpenTab, shared_data_folder: Path
) -> None:
    server = start_server(shared_data_folder)
    work(new_run(server.workspace / "runs" / "run-1", shared_data_folder, num_epochs=1), resume=False)
    uploads = server.workspace / "uploads"
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        for number, frame in enumerate(sorted((shared_data_folder / layout.IMAGES_DIR).glob("S100T1_*"))):
            archive.write(frame, f"case <i>7/{number}.jpeg")
    tab = open_tab()
    tab.goto(f"{server.url}/trial_viewer")
    tab.get_by_text("New material", exact=True).click()
    upload(tab, "setup.mp4", b"MZ\x90\x00" + bytes(100))
    expect(tab.get_by_text("setup.mp4 is neither a zip of frames")).to_be_visible()
    assert list(uploads.glob("*/content/*")) == []
    upload(tab, "case <i>7.zip", zipped.getvalue())
    expect(tab.locator(".player[data-frame]")).to_have_attribute("data-frame", "1")
    expect(tab.get_by_text("not in the data set")).to_be_visible()
    assert len(list(uploads.glob("*/content/**/*.jpeg"))) == 12
    tab.get_by_role("button", name="Predict").click()
    expect(tab.get_by_text("Probability of success")).to_be_visible(timeout=WORK_MS)
    tab.get_by_text("Trials of the data set", exact=True).click()
    expect(tab.get_by_text("True outcome")).to_be_visible()
    tab.get_by_text("New material", exact=True).click()
    expect(tab.get_by_text("Probability of success")).to_be_visible()
    tab.get_by_role("button", name="Delete it").click()
    expect(tab.locator(".player")).to_have_count(0)
    expect(tab.get_by_text("A zip of frames, or a video")).to_be_visible()
    settled(tab)
    expect(tab.get_by_text("case <i>7.zip")).to_have_count(0)
    assert [path.name for path in uploads.iterdir()] == ["lock"]
    assert not (server.workspace / "jobs" / "material" / "request.json").exists()
