"""A small app behind the gate, and clients of it."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from socal_core.access.server_config import Role, ServerConfig
from socal_core.access.users import User
from socal_core.errors import SocalError
from socal_core.serving.gate import Gate
from socal_core.serving.health import health_route

HOST = "localhost:8501"
HEADER = "X-Forwarded-User"
Result = TypeVar("Result")


def run_async(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine in a separate thread, because Playwright's event loop may be running in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


async def headers_of(request: Request) -> JSONResponse:
    return JSONResponse(dict(request.headers))


async def greet(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text("hello")
    await websocket.close()


async def fail(request: Request) -> None:
    raise ZeroDivisionError


async def fail_before_it_opens(websocket: WebSocket) -> None:
    raise ZeroDivisionError


async def fail_midway(request: Request) -> StreamingResponse:
    async def parts() -> AsyncIterator[bytes]:
        yield b"begun"
        raise ZeroDivisionError

    return StreamingResponse(parts())


ROUTES = [
    health_route(),
    WebSocketRoute("/stream", greet),
    WebSocketRoute("/failing", fail_before_it_opens),
    Route("/fails", fail),
    Route("/fails-midway", fail_midway),
    Route("/_stcore/metrics", headers_of),
    Route("/{path:path}", headers_of, methods=["GET", "POST"]),
]


def user_with_cookies(cookies: dict[str, str]) -> User | None:
    """Stands for the reader of Streamlit's cookies, which tests/browser/test_login.py has."""
    if cookies.get("login") == "broken":
        raise SocalError("server.toml cannot be read")
    return User("anna", Role.VIEWER) if cookies.get("login") == "anna" else None


def client(peer: str = "127.0.0.1", base: str = "", **fields: Any) -> TestClient:
    """A client of a gate at port 8501, which connects from an address."""
    app = Gate(Starlette(routes=ROUTES), ServerConfig(**fields), base, ("'sha256-abc'",), user_with_cookies)
    return TestClient(app, base_url=f"http://{HOST}", client=(peer, 50_000))


def greeted(opened: TestClient, headers: Any) -> bool:
    """Whether a websocket opens."""
    try:
        with opened.websocket_connect(f"ws://{HOST}/stream", headers=headers) as websocket:
            return websocket.receive_text() == "hello"
    except WebSocketDisconnect:
        return False
