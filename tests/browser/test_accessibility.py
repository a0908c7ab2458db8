"""WCAG 2.1 A and AA, as axe-core checks them, on all pages in the light and the dark theme."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from socal_core.lifecycle.state import RunState
from tests.browser.conftest import PATIENCE_MS, Server, servers_in
from tests.browser.test_app import ADDRESSES, is_on, settled
from tests.made_runs import write_run

pytestmark = pytest.mark.browser

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"], "resultTypes": ["violations"]}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, shared_data_folder: Path) -> Iterator[Server]:
    """A server with a run that is done."""
    with servers_in(tmp_path_factory.mktemp("accessible")) as start:
        server = start(shared_data_folder)
        write_run(server.workspace / "runs" / "run-1", shared_data_folder, RunState.DONE)
        yield server


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_violation(chromium: Browser, server: Server, scheme: str) -> None:
    found = []
    context = chromium.new_context(viewport={"width": 1400, "height": 2000}, color_scheme=scheme)
    context.set_default_timeout(PATIENCE_MS)
    for label, address in ADDRESSES.items():
        tab = context.new_page()
        tab.goto(f"{server.url}/{address}")
        is_on(tab, label)
        settled(tab)
        tab.wait_for_function("() => !document.querySelector('[data-testid=stSkeleton]')")
        for violation in Axe().run(tab, options=RULES).response["violations"]:
            found += [(label, violation["id"], str(node["target"])) for node in violation["nodes"]]
        tab.close()
    context.close()
    assert found == []
