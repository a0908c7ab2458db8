"""The app on a real server in a real Chromium."""

import fcntl
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from socal_core.runs.folder import RunFolder
from tests.wheel import Installed, free_port

PROJECT = Path(__file__).resolve().parents[2]
CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
START_SECONDS = 60
PATIENCE_MS = 60_000
WORK_MS = 180_000
"""For what waits on a worker: PyTorch loads and a model trains, perhaps on a busy machine."""
# Streamlit looks for its server below the page's own address first, and goes on at the root.
PROBE = re.compile(r"/(dataset|training|evaluation|trial_viewer|guide)/_stcore/")


@dataclass
class Server:
    """A running app."""

    url: str
    workspace: Path
    log: list[str] = field(default_factory=list)


StartServer = Callable[..., Server]


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[StartServer]:
    """Start the app on a free port with a workspace of its own; it and its workers end with the test."""
    with servers_in(tmp_path) as start:
        yield start


@contextmanager
def servers_in(folder: Path) -> Iterator[StartServer]:
    """Start servers whose workspaces lie in a folder; they and their workers end with the context.

    What may be given: a data folder; an installed project to start instead of the checkout; another script; the number
    of surgeons of the demo; the content of server.toml; options of `streamlit run`, perhaps with -- and arguments of
    the app after them; a folder from which the server imports first.
    """
    processes: list[subprocess.Popen[str]] = []
    workspaces: list[Path] = []

    def start_server(
        data: Path | str | None = None,
        installed: Installed | None = None,
        script: Path | str = "app.py",
        demo_surgeons: int = 4,
        server_file: str = "",
        options: Sequence[object] = (),
        packages: Path = PROJECT,
    ) -> Server:
        workspace = folder / f"workspace-{len(processes)}"
        if server_file:
            workspace.mkdir()
            (workspace / "server.toml").write_text(server_file, encoding="utf-8")
        port = free_port()
        command: list[Any] = [sys.executable, "-m", "streamlit", "run", script, "--server.port", port, *options]
        command += [] if "--" in options else ["--"]
        variables = {**os.environ, "PYTHONPATH": f"{packages}:{PROJECT}"}  # for a script that is elsewhere
        if installed is not None:
            command, variables = [installed.socal, "app", "--port", port], installed.variables
        process = subprocess.Popen(
            [*map(str, command), *([str(data)] if data else [])],
            cwd=installed.home if installed else PROJECT,
            env={
                **variables,
                "SOCAL_WORKSPACE": str(workspace),
                "PYTHONUNBUFFERED": "1",
                "SOCAL_DEMO_SURGEONS": str(demo_surgeons),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        processes.append(process)
        workspaces.append(workspace)
        server = Server(f"http://127.0.0.1:{port}", workspace)
        ready = threading.Event()
        threading.Thread(target=_read_log, args=(process, server.log, ready), daemon=True).start()
        assert ready.wait(START_SECONDS), server.log
        return server

    try:
        yield start_server
    finally:
        for process in processes:
            process.terminate()
            process.wait()
            process.stdout.close()
        for workspace in workspaces:
            for path in (workspace / "runs").glob("*/"):
                end_worker(RunFolder(path))


def _read_log(process: subprocess.Popen[str], log: list[str], ready: threading.Event) -> None:
    for line in process.stdout:
        log.append(line)
        if "URL:" in line:
            ready.set()


def end_worker(run: RunFolder) -> None:
    """Ask a run's worker to stop, and wait until its process has ended."""
    if run.lock_file.exists():
        run.stop_file.touch()
        with run.lock_file.open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is not there: install Debian's chromium to run the tests in a browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


OpenTab = Callable[[], Page]


@pytest.fixture
def open_tab(chromium: Browser) -> Iterator[OpenTab]:
    """Open a tab of a visitor of its own; at the end no tab may have logged an error or asked another host."""
    tabs: list[Page] = []
    complaints: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type == "error" and not PROBE.search(message.location["url"]):
            complaints.append(f"{message.text} ({message.location['url']})")

    def open_tab() -> Page:
        tab = chromium.new_page(viewport={"width": 1400, "height": 900})
        tab.set_default_timeout(PATIENCE_MS)
        tab.on("console", hear)
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on("request", lambda request: complaints.append(request.url) if _is_foreign(request.url) else None)
        tabs.append(tab)
        return tab

    yield open_tab
    for tab in tabs:
        tab.close()
    assert not complaints


def _is_foreign(url: str) -> bool:
    return not url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:"))
