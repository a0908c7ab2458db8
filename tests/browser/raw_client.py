"""Requests as no browser sends them, to a server on this machine."""

from collections.abc import Mapping
from http.client import HTTPConnection, HTTPResponse

SECONDS = 20
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "c2l4dGVlbiBieXRlcyEhIQ==",
}


def ask(
    url: str, path: str = "/", headers: Mapping[str, str] | None = None, method: str = "GET", source: str = "127.0.0.1"
) -> tuple[HTTPResponse, str]:
    """Send one request.

    Args:
        url: The address of the server, with its port.
        path: What to ask for.
        headers: Headers; they replace the usual Host.
        method: The method.
        source: The address of this machine to connect from, in 127.0.0.0/8.

    Returns:
        The answer, and its text.
    """
    address = url.split("/")[2]
    connection = HTTPConnection(address, timeout=SECONDS, source_address=(source, 0))
    try:
        connection.request(method, path, headers=dict(headers or {}))
        answer = connection.getresponse()
        return answer, "" if answer.status == 101 else answer.read().decode()
    finally:
        connection.close()


def websocket_status(url: str, headers: Mapping[str, str] | None = None, source: str = "127.0.0.1") -> int:
    """Return the status with which a server answers the request for its websocket: 101 if it opens."""
    answer, _ = ask(url, "/_stcore/stream", {**UPGRADE, **(headers or {})}, source=source)
    return answer.status
