"""nginx and Caddy with TLS in front of the app, configured as docs/server/ says."""

import getpass
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import PATIENCE_MS, PROJECT, Server, StartServer
from tests.wheel import free_port

pytestmark = [pytest.mark.browser, pytest.mark.slow]
expect.set_options(timeout=PATIENCE_MS)

CONFIGURATIONS = PROJECT / "docs" / "server"
USER, PASSWORD = "anna", "one two three"
START_SECONDS = 20
MAIN_OF_NGINX = """user {user}; daemon off; pid {folder}/pid; error_log {folder}/error.log; worker_processes 1;
events {{}}
http {{
    access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    include {folder}/socal.conf;
}}
"""


def output_of(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def replaced(text: str, changes: dict[str, str]) -> str:
    """Return a configuration with the values of the test. Each one that it replaces must be there."""
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


def certificate_in(folder: Path) -> tuple[str, str]:
    """Make a certificate for localhost, and its key."""
    names = ("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost")
    files = ("-keyout", f"{folder}/key.pem", "-out", f"{folder}/cert.pem")
    output_of("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", *names, *files)
    return f"{folder}/cert.pem", f"{folder}/key.pem"


def nginx_in(folder: Path, app: Server, port: int) -> list[str]:
    certificate, key = certificate_in(folder)
    (folder / "users").write_text(f"{USER}:{output_of('openssl', 'passwd', '-apr1', PASSWORD)}\n")
    changes = {
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        "server_name socal.example.org": "server_name localhost",
        "/etc/ssl/socal.pem": certificate,
        "/etc/ssl/private/socal.key": key,
        "/etc/nginx/socal.users;": f"{folder}/users;",
        "http://127.0.0.1:8501": app.url,
    }
    (folder / "socal.conf").write_text(replaced((CONFIGURATIONS / "nginx.conf").read_text(), changes))
    (folder / "nginx.conf").write_text(MAIN_OF_NGINX.format(folder=folder, user=getpass.getuser()))
    return ["nginx", "-c", f"{folder}/nginx.conf", "-e", f"{folder}/error.log"]


def caddy_in(folder: Path, app: Server, port: int) -> list[str]:
    certificate, key = certificate_in(folder)
    changes = {
        "\nsocal.example.org {": f"\n{{\n\tadmin off\n}}\nhttps://localhost:{port} {{\n\ttls {certificate} {key}",
        "anna HASH": f"{USER} {output_of('caddy', 'hash-password', '--plaintext', PASSWORD)}",
        "127.0.0.1:8501": app.url.removeprefix("http://"),
    }
    (folder / "Caddyfile").write_text(replaced((CONFIGURATIONS / "Caddyfile").read_text(), changes))
    return ["caddy", "run", "--adapter", "caddyfile", "--config", f"{folder}/Caddyfile"]


SERVERS: dict[str, Callable[[Path, Server, int], list[str]]] = {"nginx": nginx_in, "caddy": caddy_in}


@pytest.fixture(params=SERVERS)
def address(
    request: pytest.FixtureRequest, start_server: StartServer, shared_data_folder: Path, tmp_path: Path
) -> Iterator[str]:
    """The address of the app behind a proxy."""
    if shutil.which(request.param) is None or shutil.which("openssl") is None:
        pytest.skip(f"{request.param} or openssl is not there: apt-get install {request.param} openssl")
    port = free_port()
    settings = f'login = "proxy"\nhosts = ["localhost:{port}"]\n[roles]\n{USER} = "researcher"\n'
    app = start_server(shared_data_folder, server_file=settings)
    folder = tmp_path / "proxy"
    folder.mkdir()
    command = SERVERS[request.param](folder, app, port)
    variables = {"HOME": str(folder), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    log = (folder / "log").open("w")
    process = subprocess.Popen(command, stdout=log, stderr=log, env=variables)
    try:
        wait_for(port, process, folder / "log")
        yield f"https://localhost:{port}"
    finally:
        process.terminate()
        process.wait()
        log.close()


def wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        with socket.socket() as knock:
            if knock.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    pytest.fail(log.read_text())


def status_of(address: str, headers: str) -> int:
    """Return the status of a request with further headers, through TLS."""
    host = address.removeprefix("https://")
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection(("localhost", int(host.split(":")[1]))) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secured,
    ):
        secured.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n".encode())
        return int(secured.recv(100).split()[1])


def test_a_user_with_a_password_uses_the_app(address: str, chromium: Browser) -> None:
    assert status_of(address, "") == 401
    assert status_of(address, "X-Forwarded-User: anna\r\n") == 401
    visit = {"ignore_https_errors": True, "http_credentials": {"username": USER, "password": PASSWORD}}
    context = chromium.new_context(**visit, viewport={"width": 1400, "height": 1600})
    tab: Page = context.new_page()
    errors: list[str] = []
    tab.on("console", lambda message: errors.append(message.text) if "Policy" in message.text else None)
    # What a browser says about itself is replaced by the proxy.
    tab.set_extra_http_headers({"X-Forwarded-User": "somebody else"})
    tab.goto(f"{address}/trial_viewer")
    expect(tab.locator(".player[data-frame]")).to_be_visible()
    expect(tab.get_by_test_id("stSidebar").get_by_text(re.compile(f"{USER}\\s*Researcher"))).to_be_visible()
    tab.get_by_text("New material", exact=True).click()
    expect(tab.get_by_text("A zip of frames, or a video")).to_be_visible()
    field = tab.locator("input[type=file]")
    field.set_input_files([{"name": "a.mp4", "mimeType": "video/mp4", "buffer": b"MZ" + bytes(3_000_000)}])
    expect(tab.get_by_text("a.mp4 is neither a zip of frames")).to_be_visible()
    assert not errors
    context.close()
