"""The gate: who the user of a request is, and what is for users alone."""

from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.types import Message

from socal_core.access.server_config import Login, ServerConfig
from socal_core.serving.gate import Gate
from tests.few_handles import few_handles
from tests.serving.gated_app import HEADER, HOST, ROUTES, client, greeted, run_async


def test_the_name_of_the_user_passes_from_the_proxy() -> None:
    opened = client(login="proxy", proxies=("10.0.0.0/24",), peer="10.0.0.9")
    assert opened.get("/", headers={HEADER: "anna"}).json()[HEADER.lower()] == "anna"
    assert greeted(opened, {HEADER: "anna"})


@pytest.mark.parametrize(
    ("peer", "headers", "reason"),
    [
        ("10.0.0.9", [(HEADER, "anna")], "is not among proxies in server.toml"),
        ("::ffff:10.0.0.9", [(HEADER, "anna")], "is not among proxies in server.toml"),
        ("", [(HEADER, "anna")], "is not among proxies in server.toml"),
        ("127.0.0.1", [], "did not send the header X-Forwarded-User"),
        ("127.0.0.1", [(HEADER, "")], "it is empty"),
        ("127.0.0.1", [(HEADER, " \u00a0 ")], "it is empty"),
        ("127.0.0.1", [(HEADER, "an\x00na")], "control characters"),
        ("127.0.0.1", [(HEADER, "an\u0085na")], "control characters"),
        ("127.0.0.1", [(HEADER, "anna"), (HEADER, "admin")], "2 times"),
    ],
)
def test_without_a_name_from_the_proxy_nobody_is_served(peer: str, headers: list[tuple[str, str]], reason: str) -> None:
    opened = client(login="proxy", peer=peer)
    encoded = [(name.encode(), value.encode()) for name, value in headers]
    sent = type(opened.headers)(encoded)
    answer = opened.get("/", headers=sent)
    assert answer.status_code == 401
    assert reason in answer.text
    assert not greeted(opened, sent)


@pytest.mark.parametrize("login", ["none", "oidc"])
def test_without_a_proxy_the_name_of_the_user_is_taken_from_requests(login: str) -> None:
    answer = client(login=login).get("/", headers={HEADER: "admin", "X-Other": "kept"})
    assert HEADER.lower() not in answer.json()
    assert answer.json()["x-other"] == "kept"


@pytest.mark.parametrize("path", ["/frames/token/S100T1/0", "/media/abc.csv", "/_stcore/upload_file/session/file"])
def test_with_a_provider_frames_and_files_are_for_users(path: str) -> None:
    opened = client(login="oidc")
    assert opened.get("/").status_code == 200
    assert opened.get(path, headers={"cookie": "login=broken"}).status_code == 503
    for cookie in ("", "login=eve"):
        assert opened.get(path, headers={"cookie": cookie}).status_code == 401
    uploads = "upload" in path
    assert opened.get(path, headers={"cookie": "login=anna"}).status_code == (403 if uploads else 200)
    assert client(login="none").get(path).status_code == 200


@pytest.mark.parametrize("path", ["/frames/token/S100T1/0", "/media/abc.csv", "/_stcore/upload_file/session/file"])
def test_behind_a_proxy_frames_and_files_are_for_roles(workspace: Path, path: str) -> None:
    (workspace / "server.toml").write_text('login = "proxy"\n[roles]\nvera = "viewer"\nrosa = "researcher"\n')
    opened, uploads = client(login="proxy"), "upload" in path
    statuses = {name: opened.get(path, headers={HEADER: name}).status_code for name in ("vera", "rosa", "uma")}
    assert statuses == {"vera": 403 if uploads else 200, "rosa": 200, "uma": 403}
    assert opened.get("/", headers={HEADER: "uma"}).status_code == 200, "the page says that uma has no access"
    assert opened.get(path).status_code == 401
    (workspace / "server.toml").write_text('login = "proxy"\n[roles]\nvera = "researcher"\n')
    statuses = {name: opened.get(path, headers={HEADER: name}).status_code for name in ("vera", "rosa")}
    assert statuses == {"vera": 200, "rosa": 403}, "a changed role counts at once"


def test_roles_that_cannot_be_read_are_no_lost_access(workspace: Path) -> None:
    (workspace / "server.toml").write_text("login = ")
    answer = client(login="proxy").get("/frames/token/S100T1/0", headers={HEADER: "vera"})
    assert answer.status_code == 503
    assert "server.toml" in answer.text


def test_too_many_open_files_are_no_lost_access(workspace: Path) -> None:
    (workspace / "server.toml").write_text('login = "proxy"\n[roles]\nvera = "viewer"\n')
    gate = Gate(Starlette(routes=ROUTES), ServerConfig(login=Login.PROXY))
    headers = [(b"host", HOST.encode()), (HEADER.lower().encode(), b"vera")]
    scope = {"type": "http", "method": "GET", "path": "/frames/token/S100T1/0", "query_string": b"", "headers": headers}
    scope |= {"server": ("localhost", 8501), "client": ("127.0.0.1", 50_000)}
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request"}

    async def ask(free: int) -> int:
        sent.clear()
        with few_handles(free):
            await gate(scope, receive, send)
        return int(sent[0]["status"])

    assert run_async(ask(0)) == 503
    assert b"Too many files are open" in sent[1]["body"]
    assert run_async(ask(10)) == 200
