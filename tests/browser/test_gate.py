"""The gate in front of a real server, asked by raw clients and by pages of other sites in Chromium."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import PATIENCE_MS, PROJECT, OpenTab, Server, StartServer, servers_in
from tests.browser.raw_client import ask, websocket_status
from tests.wheel import free_port

pytestmark = [pytest.mark.browser, pytest.mark.slow]
expect.set_options(timeout=PATIENCE_MS)

ATTEMPTS = 20
LONGEST_ANSWER = 0.3
RECORDS_CONNECTIONS = """
import os, socket

def recorded(name, original):
    def call(*arguments, **named):
        text = str(arguments[-1] if name == "connect" else arguments[0])
        if not text.strip("('[").startswith(("127.", "localhost", "::1", "/", "b'/", "None", "0.0.0.0'")):
            with open(os.environ["CONNECTIONS"], "a") as file:
                file.write(f"{name} {text}\\n")
            raise OSError("this test has no network")
        return original(*arguments, **named)
    return call

class Recorded(socket.socket):
    connect = recorded("connect", socket.socket.connect)

socket.socket = Recorded
socket.getaddrinfo = recorded("getaddrinfo", socket.getaddrinfo)
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, shared_data_folder: Path) -> Iterator[Server]:
    with servers_in(tmp_path_factory.mktemp("gate")) as start:
        yield start(shared_data_folder)


@pytest.fixture
def connections(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that lists whom servers tried to reach outside this machine, once they import from its folder."""
    (tmp_path / "sitecustomize.py").write_text(RECORDS_CONNECTIONS)
    monkeypatch.setenv("CONNECTIONS", str(tmp_path / "connections"))
    return tmp_path / "connections"


def test_only_its_own_pages_open_the_websocket(server: Server) -> None:
    port = server.url.rpartition(":")[2]
    refused = {
        "another site": {"Origin": "http://evil.example"},
        "another port of this machine": {"Origin": "http://127.0.0.1:3000"},
        "a file": {"Origin": "null"},
        "a name made to point here": {"Host": f"evil.example:{port}", "Origin": f"http://evil.example:{port}"},
        "a foreign name alone": {"Host": f"evil.example:{port}"},
    }
    assert websocket_status(server.url, {"Origin": server.url}) == 101
    assert websocket_status(server.url) == 101
    assert {case: websocket_status(server.url, headers) for case, headers in refused.items()} == dict.fromkeys(
        refused, 403
    )


def test_what_is_closed_and_what_a_monitor_sees(server: Server) -> None:
    assert ask(server.url, "/_stcore/metrics")[0].status == 404
    assert ask(server.url, "/_stcore/agent/interact", method="POST")[0].status == 404
    answer, text = ask(server.url, "/health")
    assert answer.status == 200
    assert '"status":"ok"' in text


@pytest.mark.parametrize("options", [(), ("--server.address", "0.0.0.0", "--", "--insecure")])
def test_no_request_makes_the_server_contact_the_outside(
    start_server: StartServer, connections: Path, options: tuple[str, ...]
) -> None:
    server = start_server(options=options, packages=connections.parent)
    port = server.url.rpartition(":")[2]
    origins = ["http://evil.example", f"http://evil.example:{port}", "http://10.1.2.3", "null", "http://localhost:3000"]
    hosts = [f"127.0.0.1:{port}", f"evil.example:{port}", f"10.1.2.3:{port}"]
    pairs = [(origin, host) for origin in origins for host in hosts]
    settle(server)
    statuses: list[int] = []

    def attempt() -> None:
        for number in range(ATTEMPTS):
            origin, host = pairs[number % len(pairs)]
            statuses.append(websocket_status(server.url, {"Origin": origin, "Host": host}))

    attempts = threading.Thread(target=attempt)
    attempts.start()
    waits = []
    while attempts.is_alive():
        waits.append(seconds_for_health(server))
    attempts.join()
    for origin, host in pairs:
        ask(server.url, "/_stcore/health", {"Origin": origin, "Host": host})
        ask(server.url, "/_stcore/upload_file/a/b", {"Origin": origin, "Host": host}, method="PUT")
    assert not connections.exists(), connections.read_text()
    assert statuses == [403] * ATTEMPTS
    assert max(waits) < LONGEST_ANSWER


def settle(server: Server) -> None:
    """Wait until the server has loaded what it loads ahead, which slows its answers."""
    quick = 0
    end = time.monotonic() + PATIENCE_MS / 1000
    while quick < 50 and time.monotonic() < end:
        quick = quick + 1 if seconds_for_health(server) < LONGEST_ANSWER / 10 else 0


def seconds_for_health(server: Server) -> float:
    start = time.monotonic()
    assert ask(server.url, "/_stcore/health")[0].status == 200
    return time.monotonic() - start


def test_the_recorder_of_connections_records(connections: Path) -> None:
    code = (
        "import socket, contextlib\nwith contextlib.suppress(OSError): socket.create_connection(('192.0.2.1', 80), 1)"
    )
    variables = {"PYTHONPATH": str(connections.parent), "CONNECTIONS": str(connections)}
    subprocess.run([sys.executable, "-c", code], env=variables, check=True)
    assert "192.0.2.1" in connections.read_text()


def test_without_login_the_app_does_not_listen_to_other_machines(tmp_path: Path) -> None:
    streamlit = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.address", "0.0.0.0"]
    socal = [sys.executable, "-m", "socal_core", "app", "--host", "0.0.0.0", "--port"]
    for command in ([*streamlit, "--server.port", str(free_port())], [*socal, str(free_port())]):
        done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode != 0
        assert "no login is configured" in done.stderr
        assert "Traceback" not in done.stderr


FOREIGN_PAGE = """<!doctype html><title>Another site</title>
<iframe src="{url}/" id="frame"></iframe><img src="{url}/favicon.png" id="picture">
<form method="post" action="{url}/_stcore/health"><button>Send</button></form>
<script>
window.found = {{}};
new Promise(done => {{
    const socket = new WebSocket("{websocket}/_stcore/stream");
    socket.onopen = () => done("open"); socket.onerror = () => done("refused");
}}).then(state => window.found.socket = state);
fetch("{url}/_stcore/health").then(() => "read", () => "refused").then(state => window.found.fetch = state);
const picture = document.getElementById("picture");
picture.onload = () => window.found.picture = "shown"; picture.onerror = () => window.found.picture = "refused";
</script>"""


@pytest.fixture
def foreign_page(server: Server) -> Iterator[str]:
    """The address of a page on another port of this machine that tries what it can."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = FOREIGN_PAGE.format(url=server.url, websocket=server.url.replace("http", "ws"))
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, *_: object) -> None:
            pass

    site = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=site.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{site.server_port}/"
    site.shutdown()
    site.server_close()


def test_a_page_on_another_port_cannot_show_read_or_drive_the_app(chromium: Browser, foreign_page: str) -> None:
    tab = chromium.new_page()
    tab.goto(foreign_page)
    tab.wait_for_function("() => Object.keys(window.found).length === 3")
    assert tab.evaluate("window.found") == {"socket": "refused", "fetch": "refused", "picture": "refused"}
    (frame,) = [frame for frame in tab.frames if frame != tab.main_frame]
    assert frame.locator("#root").count() == 0
    with tab.expect_navigation() as navigation:
        tab.get_by_role("button", name="Send").click()
    assert navigation.value.status == 403
    tab.close()


def test_a_link_on_another_site_leads_to_the_app(server: Server, open_tab: OpenTab, foreign_page: str) -> None:
    tab = open_tab()
    tab.route(
        foreign_page,
        lambda route: route.fulfill(body=f'<a href="{server.url}/guide">Guide</a>', content_type="text/html"),
    )
    tab.goto(foreign_page)
    tab.get_by_role("link", name="Guide").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text("Guide")
