"""What a browser gets when a table is downloaded."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PATIENCE_MS, OpenTab, StartServer
from tests.browser.test_app import settled
from tests.factories import write_outcomes

pytestmark = [pytest.mark.browser, pytest.mark.slow]
expect.set_options(timeout=PATIENCE_MS)


def test_a_table_is_downloaded_without_formulas_and_only_by_the_button_of_the_app(
    start_server: StartServer, open_tab: OpenTab, data_folder: Path
) -> None:
    write_outcomes(data_folder, participant_id=["=1+1", *(f"surgeon{number // 2}" for number in range(1, 20))])
    server, tab = start_server(data_folder), open_tab()
    tab.goto(f"{server.url}/dataset")
    tab.get_by_role("radio", name="Trials").click()
    table = tab.get_by_test_id("stDataFrame")
    table.hover()
    expect(tab.get_by_role("button", name="Search")).to_be_visible()
    expect(tab.get_by_role("button", name="Download as CSV")).to_have_count(0)
    with tab.expect_download() as found:
        tab.get_by_role("button", name="CSV", exact=True).click()
    text = Path(found.value.path()).read_text()
    assert ",'=1+1," in text
    assert "S100T1," in text

    tab.get_by_text("Pseudonymize").click()
    expect(tab.get_by_text("Tables, run cards and CVAT files are downloaded with pseudonyms")).to_be_visible()
    settled(tab)
    with tab.expect_download() as found:
        tab.get_by_role("button", name="CSV", exact=True).click()
    text = Path(found.value.path()).read_text()
    assert "trial-" in text
    assert found.value.suggested_filename == "trials-pseudonymized.csv"
    assert not any(name in text for name in ("S100T1", "surgeon1", "1+1"))
    lines = (server.workspace / "audit.jsonl").read_text().splitlines()
    assert sum('"export table"' in line for line in lines) == 2
    assert not [path for path in server.workspace.rglob("*") if path.stat().st_mode & 0o077]
