"""Logging in: through a proxy, as raw clients see it, and at an OpenID Connect provider in Chromium."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PATIENCE_MS, PROJECT, OpenTab, Server, StartServer, servers_in
from tests.browser.oidc_provider import CLIENT_ID, Provider, running_provider
from tests.browser.raw_client import ask, websocket_status
from tests.wheel import free_port

pytestmark = [pytest.mark.browser, pytest.mark.slow]
expect.set_options(timeout=PATIENCE_MS)

# Pages show an invisible character before the @, so that no link is made of it.
ANNA, EVE = re.compile("anna\u2060?@example.org"), re.compile("eve\u2060?@example.org")
HEADER = "X-Forwarded-User"
PROXY, STRANGER = "127.0.0.2", "127.0.0.1"
"""Addresses of this machine to connect from."""
BY_PROXY = f'login = "proxy"\nproxies = ["{PROXY}"]\ndefault_role = "viewer"\n'
SECRETS = """[auth]
redirect_uri = "http://127.0.0.1:{{port}}/oauth2callback"
cookie_secret = "{secret}"
client_id = "{client}"
client_secret = "not used"
server_metadata_url = "{metadata}"
"""


@pytest.fixture(scope="module")
def behind_proxy(tmp_path_factory: pytest.TempPathFactory, shared_data_folder: Path) -> Iterator[Server]:
    with servers_in(tmp_path_factory.mktemp("behind-proxy")) as start:
        yield start(shared_data_folder, server_file=BY_PROXY)


def test_the_proxy_is_let_in_with_a_name_alone(behind_proxy: Server) -> None:
    url, named = behind_proxy.url, {HEADER: "anna@example.org"}
    assert ask(url, headers=named, source=PROXY)[0].status == 200
    assert websocket_status(url, {**named, "Origin": url}, source=PROXY) == 101
    for headers in ({}, {HEADER: ""}, {HEADER: " "}):
        answer, text = ask(url, headers=headers, source=PROXY)
        assert answer.status == 401
        assert "The proxy did not send" in text
        assert websocket_status(url, headers, source=PROXY) == 401


FORGED = (
    {},
    {"X-Forwarded-For": PROXY},
    {"X-Forwarded-For": f"{PROXY}:1234"},
    {"Forwarded": f"for={PROXY}"},
    {"X-Real-IP": PROXY},
)


@pytest.mark.parametrize("forwarded", FORGED)
def test_nobody_else_passes_as_the_proxy(behind_proxy: Server, forwarded: dict[str, str]) -> None:
    headers = {HEADER: "admin@example.org", **forwarded}
    answer, text = ask(behind_proxy.url, headers=headers, source=STRANGER)
    assert answer.status == 401
    assert "through its proxy only" in text
    assert websocket_status(behind_proxy.url, headers, source=STRANGER) == 401
    assert ask(behind_proxy.url, "/frames/token/S100T1/0", headers, source=STRANGER)[0].status == 401
    assert ask(behind_proxy.url, "/health", source=STRANGER)[0].status == 200


def test_what_the_proxy_says_about_its_visitors_makes_no_difference(behind_proxy: Server) -> None:
    headers = {HEADER: "anna@example.org", "X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https"}
    assert ask(behind_proxy.url, headers=headers, source=PROXY)[0].status == 200


@pytest.fixture
def provider() -> Iterator[Provider]:
    with running_provider() as provider:
        yield provider


def secrets_file(folder: Path, provider: Provider, secret: str = "s" * 48) -> Path:
    path = folder / "secrets.toml"
    path.write_text(SECRETS.format(secret=secret, client=CLIENT_ID, metadata=provider.metadata_address))
    return path


@pytest.fixture
def server(start_server: StartServer, provider: Provider, tmp_path: Path, shared_data_folder: Path) -> Server:
    settings = 'login = "oidc"\n[roles]\n"anna@example.org" = "researcher"\n'
    options = ("--secrets.files", secrets_file(tmp_path, provider))
    return start_server(shared_data_folder, server_file=settings, options=options)


def log_in(tab: Page, provider: Provider) -> None:
    tab.get_by_role("button", name="Log in").click()
    tab.get_by_role("link", name=f"Continue as {provider.email}").click()


def test_a_user_logs_in_works_and_logs_out(
    server: Server, provider: Provider, open_tab: OpenTab, shared_data_folder: Path
) -> None:
    tab = open_tab()
    tab.goto(f"{server.url}/dataset")
    expect(tab.get_by_role("button", name="Log in")).to_be_visible()
    assert tab.get_by_text(shared_data_folder.name, exact=True).count() == 0
    assert tab.get_by_test_id("stSidebar").get_by_role("link").count() == 0
    log_in(tab, provider)
    sidebar = tab.get_by_test_id("stSidebar")
    expect(sidebar.get_by_text(ANNA)).to_be_visible()
    expect(sidebar.get_by_text("Researcher")).to_be_visible()
    with tab.expect_response(lambda answer: "/frames/" in answer.url) as shown:
        tab.goto(f"{server.url}/trial_viewer")
    expect(tab.locator(".player[data-frame]")).to_be_visible()
    assert shown.value.status == 200
    frame = shown.value.url.removeprefix(server.url)
    assert ask(server.url, frame)[0].status == 401  # the token alone, without the login
    assert ask(server.url, "/_stcore/upload_file/session/file", method="PUT")[0].status == 401
    sidebar.get_by_role("button", name="Log out").click()
    expect(tab.get_by_role("button", name="Log in")).to_be_visible()
    tab.reload()
    expect(tab.get_by_role("button", name="Log in")).to_be_visible()


def test_a_user_without_a_role_is_told_so(server: Server, provider: Provider, open_tab: OpenTab) -> None:
    provider.email = "eve@example.org"
    tab = open_tab()
    tab.goto(server.url)
    log_in(tab, provider)
    expect(tab.get_by_text("You have no access to this app")).to_be_visible()
    expect(tab.get_by_text(EVE)).to_be_visible()
    assert tab.get_by_test_id("stSidebar").get_by_role("link").count() == 0


def test_a_login_ends(server: Server, provider: Provider, open_tab: OpenTab) -> None:
    provider.logged_in_before = 13 * 3600
    tab = open_tab()
    tab.goto(server.url)
    log_in(tab, provider)
    expect(tab.get_by_text("Your login has ended")).to_be_visible()
    provider.logged_in_before = 0
    log_in(tab, provider)
    expect(tab.get_by_test_id("stSidebar").get_by_text(ANNA)).to_be_visible()


def test_a_cookie_that_was_changed_is_no_login(server: Server, provider: Provider, open_tab: OpenTab) -> None:
    tab = open_tab()
    tab.goto(server.url)
    log_in(tab, provider)
    expect(tab.get_by_test_id("stSidebar").get_by_text(ANNA)).to_be_visible()
    (cookie,) = [cookie for cookie in tab.context.cookies() if cookie["name"] == "_streamlit_user"]
    start, end = cookie["value"][:20], cookie["value"][21:]
    changed = f"{start}{'A' if cookie['value'][20] != 'A' else 'B'}{end}"
    tab.context.add_cookies([{**cookie, "value": changed}])
    tab.reload()
    expect(tab.get_by_role("button", name="Log in")).to_be_visible()


def test_a_provider_that_is_down_is_reported(
    start_server: StartServer, open_tab: OpenTab, tmp_path: Path, shared_data_folder: Path
) -> None:
    gone = Provider(url=f"http://127.0.0.1:{free_port()}")
    options = ("--secrets.files", secrets_file(tmp_path, gone))
    server = start_server(shared_data_folder, server_file='login = "oidc"', options=options)
    tab = open_tab()
    tab.goto(server.url)
    tab.get_by_role("button", name="Log in").click()
    expect(tab.get_by_text("The login service does not answer")).to_be_visible()
    expect(tab.get_by_test_id("stException")).to_have_count(0)


@pytest.mark.parametrize(("secret", "reason"), [("", "needs cookie_secret"), ("short", "could be forged")])
def test_a_login_that_cannot_be_safe_is_refused_at_the_start(workspace: Path, secret: str, reason: str) -> None:
    workspace.mkdir(exist_ok=True)
    (workspace / "server.toml").write_text('login = "oidc"')
    path = secrets_file(workspace, Provider(url="http://127.0.0.1"), secret)
    command = ["streamlit", "run", "app.py", "--server.port", str(free_port()), "--secrets.files", str(path)]
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=PROJECT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode != 0
    assert reason in done.stderr
    assert "Traceback" not in done.stderr
