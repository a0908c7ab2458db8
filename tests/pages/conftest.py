"""The app without a browser: AppTest by way of app.py."""

import re
import shutil
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
import streamlit as st
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from socal_core.dataset.table_cache import open_cached
from socal_core.workspace import cache_folder

PROJECT = Path(__file__).resolve().parents[2]
SECONDS = 60

OpenPage = Callable[..., AppTest]


@pytest.fixture(scope="session", autouse=True)
def one_scan_of_packages() -> Iterator[None]:
    """Look through the installed packages for components once, not for each AppTest, which takes half a second."""
    with pytest.MonkeyPatch.context() as patch:
        scan = cache(manifest_scanner.scan_component_manifests)
        patch.setattr(manifest_scanner, "scan_component_manifests", scan)
        yield


@pytest.fixture(scope="session")
def kept_tables(tmp_path_factory: pytest.TempPathFactory, shared_data_folder: Path) -> Path:
    """The folder of a workspace in which the shared data folder has been opened before."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOCAL_WORKSPACE", str(tmp_path_factory.mktemp("opened-before")))
        open_cached(shared_data_folder)
        assert any(cache_folder().rglob("*.parquet"))
        return cache_folder()


@pytest.fixture
def open_page(monkeypatch: pytest.MonkeyPatch, workspace: Path, kept_tables: Path) -> OpenPage:
    """Open a page of the app as a first visitor of a server that was started with a data folder."""

    shutil.copytree(kept_tables, cache_folder(), dirs_exist_ok=True)

    def open_page(name: str, data: Path | str = "") -> AppTest:
        monkeypatch.setattr(sys, "argv", ["app.py", *([str(data)] if data else [])])
        st.cache_resource.clear()
        st.cache_data.clear()
        app = AppTest.from_file(PROJECT / "app.py", default_timeout=SECONDS).run()
        if name != "app":
            app.switch_page(f"pages/{name}.py").run()
        return app

    return open_page


def fine_tuning(app: AppTest) -> AppTest:
    """The Training page with the settings of a run that is fine-tuned."""
    return app.sidebar.selectbox(key="setting-recipe").set_value("finetune").run()


def as_read(text: str) -> str:
    """Plain text as a reader of the page sees it: without the marks that keep it from being interpreted."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", text).replace("\u2060", "")


def text_of(app: AppTest) -> str:
    """All that a reader of the page reads in running text, messages included."""
    parts = []
    for kind in ("title", "header", "subheader", "markdown", "caption", "error", "warning", "info", "success"):
        parts += [element.value for element in getattr(app, kind)]
    return as_read("\n".join(parts))


def metrics_of(app: AppTest) -> dict[str, str]:
    """The tiles of the page by label."""
    return {tile.label: tile.value for tile in app.metric}
