"""The app as the wheel brings it, in a real Chromium."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import WORK_MS, OpenTab, StartServer
from tests.browser.test_app import MENU, go
from tests.wheel import Installed

pytestmark = pytest.mark.browser


@pytest.mark.slow
def test_the_installed_app_generates_the_demo_and_opens_all_pages(
    start_server: StartServer, open_tab: OpenTab, installed: Installed
) -> None:
    server = start_server(installed=installed)
    tab = open_tab()
    tab.goto(server.url)
    expect(tab.get_by_test_id("stMetric").filter(has_text="Trials")).to_contain_text("8", timeout=WORK_MS)
    for label in MENU:
        go(tab, label)
        expect(tab.get_by_test_id("stSidebarNav")).to_have_count(0)
        expect(tab.get_by_test_id("stException")).to_have_count(0)
