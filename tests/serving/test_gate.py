"""The gate: whom it refuses, what it adds to every response, and what it takes from a request."""

from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.types import Message

from socal_core import __version__
from socal_core.access.server_config import ServerConfig
from socal_core.serving.gate import Gate
from socal_core.serving.security_headers import inline_script_hashes
from tests.serving.gated_app import HOST, ROUTES, client, greeted, run_async

SECURITY = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


@pytest.mark.parametrize("host", [HOST, "LOCALHOST:8501", "127.0.0.1:8501", "[::1]:8501", "lab.example.org"])
def test_own_and_configured_names_are_served(host: str) -> None:
    assert client(hosts=("lab.example.org",)).get("/", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8501",
        "localhost",
        "localhost:8502",
        "lab.example.org:444",
        "",
        "127.0.0.1:8501.x",
    ],
)
def test_other_names_are_refused(host: str) -> None:
    answer = client(hosts=("lab.example.org",)).get("/", headers={"host": host})
    assert answer.status_code == 403
    assert "add it to hosts in server.toml" in answer.text


def test_a_refused_name_is_repeated_short_and_as_ascii() -> None:
    answer = client().get("/", headers={"host": "<script>" + "x" * 500})
    assert answer.headers["content-type"].startswith("text/plain")
    assert len(answer.text) < 300


ORIGINS = {
    f"http://{HOST}": True,
    f"https://{HOST}": True,  # behind a proxy with TLS
    "http://localhost:3000": False,
    "http://localhost": False,
    "http://127.0.0.1:8501": False,  # another origin than localhost to a browser
    "http://evil.example": False,
    f"http://{HOST}.evil.example": False,
    f"ftp://{HOST}": False,
    "null": False,
    "": False,
}


@pytest.mark.parametrize(("origin", "allowed"), ORIGINS.items())
def test_only_pages_of_the_app_open_the_websocket_and_post(origin: str, allowed: bool) -> None:
    opened = client()
    assert opened.post("/", headers={"origin": origin}).status_code == (200 if allowed else 403)
    assert greeted(opened, {"origin": origin}) == allowed


def test_a_websocket_for_a_foreign_name_is_refused() -> None:
    assert greeted(client(), {})
    assert not greeted(client(), {"host": "evil.example:8501", "origin": "http://evil.example:8501"})
    assert not greeted(client(), {"sec-fetch-site": "same-site", "sec-fetch-mode": "websocket"})


NAVIGATION = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_site_may_link_to_a_page_and_no_more(site: str) -> None:
    opened = client()
    assert opened.get("/", headers={"sec-fetch-site": site, **NAVIGATION}).status_code == 200
    for mode, destination in (("navigate", "iframe"), ("no-cors", "image"), ("cors", "empty"), ("no-cors", "script")):
        headers = {"sec-fetch-site": site, "sec-fetch-mode": mode, "sec-fetch-dest": destination}
        assert opened.get("/", headers=headers).status_code == 403, (mode, destination)
    assert opened.post("/", headers={"sec-fetch-site": site, **NAVIGATION}).status_code == 403
    assert opened.get("/", headers={"sec-fetch-site": "same-origin", "sec-fetch-mode": "cors"}).status_code == 200


def test_every_answer_has_the_headers_of_security() -> None:
    opened = client()
    answers = [opened.get("/"), opened.get("/", headers={"host": "evil.example"}), opened.get("/_stcore/metrics")]
    assert [answer.status_code for answer in answers] == [200, 403, 404]
    for answer in answers:
        assert SECURITY.items() <= dict(answer.headers).items()
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


def inside_starlette(**fields: Any) -> TestClient:
    """A client of the gate where the app has it: inside Starlette's own handler of errors."""
    gate = Middleware(Gate, config=ServerConfig(**fields))
    app = Starlette(routes=ROUTES, middleware=[gate])
    return TestClient(app, base_url=f"http://{HOST}", client=("127.0.0.1", 50_000), raise_server_exceptions=False)


def test_an_answer_to_an_unexpected_error_has_them_too() -> None:
    answer = inside_starlette().get("/fails")
    assert (answer.status_code, answer.text) == (500, "Internal Server Error\n")
    assert SECURITY.items() <= dict(answer.headers).items()
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    with pytest.raises(ZeroDivisionError):  # the server logs it
        client().get("/fails")
    begun = inside_starlette().get("/fails-midway")
    assert (begun.status_code, begun.text) == (200, "begun")
    assert SECURITY.items() <= dict(begun.headers).items()


def test_a_websocket_that_does_not_open_has_them_too() -> None:
    with pytest.raises(WebSocketDenialResponse) as denied:
        inside_starlette().websocket_connect(f"ws://{HOST}/stream", headers={"origin": "null"}).__enter__()
    assert denied.value.status_code == 403
    assert "may not use the app" in denied.value.text
    assert SECURITY.items() <= dict(denied.value.headers).items()
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    scope = {"type": "websocket", "path": "/failing", "headers": [(b"host", HOST.encode())], "server": ("", 8501)}
    scope["extensions"] = {"websocket.http.response": {}}
    with pytest.raises(ZeroDivisionError):
        run_async(Gate(Starlette(routes=ROUTES), ServerConfig())(scope, receive, send))
    assert [message["type"].rpartition(".")[2] for message in sent] == ["start", "body"]
    assert sent[0]["status"] == 500
    assert (b"x-frame-options", b"DENY") in sent[0]["headers"]


def test_a_page_loads_nothing_from_outside() -> None:
    policy = dict(part.split(" ", 1) for part in client().get("/").headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'self'"
    assert policy["script-src"] == "'self' blob: 'sha256-abc'"
    assert policy["connect-src"] == f"'self' ws://{HOST} wss://{HOST}"
    allowed = {source for sources in policy.values() for source in sources.split()}
    assert "'unsafe-eval'" not in allowed
    assert not {source for source in allowed if source.startswith(("http", "*"))}


@pytest.mark.parametrize(("base", "path"), [("", "/_stcore/metrics"), ("lab", "/lab/_stcore/metrics")])
def test_numbers_on_sessions_and_the_agent_interface_are_closed(base: str, path: str) -> None:
    opened = client(base=base)
    assert opened.get(path).status_code == 404
    assert opened.post(path.replace("metrics", "agent/interact")).status_code == 404


def test_health_says_the_version() -> None:
    assert client().get("/health").json() == {"status": "ok", "version": __version__}
    assert client(login="proxy", peer="10.0.0.9").get("/health").status_code == 200


def test_only_scripts_without_attributes_are_hashed() -> None:
    # echo -n 'alert(1)' | openssl dgst -sha256 -binary | base64
    assert inline_script_hashes('<script>alert(1)</script><script src="a.js"></script>') == (
        "'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI='",
    )
