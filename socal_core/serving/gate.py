"""The gate in front of everything that the app serves: from where, by which name and by whom it may be reached.

It is plain ASGI, since Starlette's BaseHTTPMiddleware does not see websockets, and the websocket is how the app is
driven. What it refuses never reaches Streamlit, which looks up its public address on the internet, and stands still
meanwhile, when a websocket has a foreign origin.
"""

import socket
from collections.abc import Callable, Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from socal_core.access.permissions import Action, may, why_not
from socal_core.access.proxies import is_proxy
from socal_core.access.server_config import SERVER_FILE, Login, ServerConfig, read_server_config
from socal_core.access.users import User, clean_name, name_in_header, user_named
from socal_core.errors import SocalError
from socal_core.serving.health import HEALTH_PATH
from socal_core.serving.security_headers import app_headers, refusal_headers

_CLOSED = ("/_stcore/metrics", "/_stcore/agent")
"""Routes of Streamlit that the app has no use for: numbers on sessions, and a way to drive pages without a browser."""
_UPLOADS = "/_stcore/upload_file/"
_FOR_USERS = ("/frames/", "/media/", _UPLOADS)
"""What a visitor without access has no use for, though Streamlit takes uploads from every open page."""
_OWN_NAMES = ("localhost", "127.0.0.1", "[::1]")
_DEFAULT_PORTS = {80, 443}
_LONGEST_ECHO = 100


class Gate:
    """ASGI middleware that refuses what another site, another name or an unknown visitor asks for."""

    def __init__(
        self,
        app: ASGIApp,
        config: ServerConfig,
        base: str = "",
        scripts: Iterable[str] = (),
        user_with_cookies: Callable[[dict[str, str]], User | None] = lambda _: None,
    ) -> None:
        """Take what is behind the gate.

        Args:
            app: The app behind it.
            config: The configuration of the server.
            base: The path at which the app is served, without slashes at its ends.
            scripts: Sources of scripts that pages may run, beside files of the app.
            user_with_cookies: Tells whom the cookies of a login at an identity provider name.
        """
        self._app = app
        self._config = config
        self._base = f"/{base}" if base else ""
        self._scripts = tuple(scripts)
        self._user_with_cookies = user_with_cookies
        self._hosts = {host.lower() for host in config.hosts}
        self._header = config.user_header.lower().encode("latin-1")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request: pass it on, or refuse it with the reason as text."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        begun = False

        async def send_and_note(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._answer(scope, receive, send_and_note)
        except Exception:
            # Starlette's handler of errors is outside this gate: its answer would lack the headers.
            if not begun:
                await _refuse(PlainTextResponse("Internal Server Error\n", 500), scope, receive, send)
            raise

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            await _refuse(refusal, scope, receive, send)
            return
        added = app_headers(headers["host"], self._scripts)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(added)
            await send(message)

        await self._app(self._passed_on(scope), receive, send_with_headers)

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        """Return the answer to a request that is not passed on."""
        wrong = self._wrong_host(scope, headers) or _wrong_origin(headers) or _wrong_use(scope, headers)
        if wrong:
            return PlainTextResponse(f"{wrong}\n", 403)
        path = scope["path"].removeprefix(self._base)
        if any(f"{path}/".startswith(f"{closed}/") for closed in _CLOSED):
            return PlainTextResponse("Not found\n", 404)
        if self._config.login is Login.PROXY and path != HEALTH_PATH:
            unknown = self._unknown_user(scope, headers)
            if unknown:
                return PlainTextResponse(f"{unknown}\n", 401)
        if self._config.login is not Login.NONE and path.startswith(_FOR_USERS):
            return self._refusal_of_role(path, headers)
        return None

    def _refusal_of_role(self, path: str, headers: Headers) -> Response | None:
        """Return the answer to a visitor without the role for a route. Pages ask for the role by themselves."""
        try:
            user = self._user(headers)
        except SocalError as error:  # of server.toml, or no file can be opened
            return PlainTextResponse(f"{error}\n", 503)
        if user is None and self._config.login is Login.OIDC:
            return PlainTextResponse("Log in first.\n", 401)
        if user is None:
            return PlainTextResponse("You have no access to this app. Ask the administrator to add you.\n", 403)
        if path.startswith(_UPLOADS) and not may(user, Action.UPLOAD):
            return PlainTextResponse(f"{why_not(user, Action.UPLOAD)}\n", 403)
        return None

    def _user(self, headers: Headers) -> User | None:
        """Return the user that a request names, with the current role; None for a visitor without access."""
        try:
            if self._config.login is Login.OIDC:
                return self._user_with_cookies(cookie_parser(headers.get("cookie", "")))
            name = clean_name(name_in_header(headers.get(self._config.user_header, "")))
            return None if name is None else user_named(name, read_server_config())
        except ValueError:  # a cookie is not what it should be
            return None

    def _wrong_host(self, scope: Scope, headers: Headers) -> str | None:
        """Return what is wrong with the name of the app in a request. A foreign one is a sign of DNS rebinding."""
        named = headers.getlist("host")
        if len(named) != 1:
            return "The request must have exactly one Host header."
        if named[0].lower() in self._hosts | _names_of_this_machine(scope):
            return None
        return (
            f"The app does not answer to the name {_echo(named[0])}. If it is right, add it to hosts in {SERVER_FILE} "
            "and restart the app."
        )

    def _unknown_user(self, scope: Scope, headers: Headers) -> str | None:
        """Return why the proxy has not told who the visitor is."""
        header = self._config.user_header
        if not is_proxy(_peer(scope), self._config.proxies):
            return f"The app is reached through its proxy only. This address is not among proxies in {SERVER_FILE}."
        names = headers.getlist(header)
        if not names:
            return f"The proxy did not send the header {header}, which names the user."
        if len(names) > 1:
            return f"The proxy sent the header {header} {len(names)} times. It must replace what a browser sends."
        if clean_name(name_in_header(names[0])) is None:
            return f"The proxy did not send a name in the header {header}: it is empty, or has control characters."
        return None

    def _passed_on(self, scope: Scope) -> Scope:
        """Return a request without a name of the user that nobody has verified."""
        if self._config.login is Login.PROXY:
            return scope
        return {**scope, "headers": [(name, value) for name, value in scope["headers"] if name != self._header]}


def _names_of_this_machine(scope: Scope) -> set[str]:
    """Return the values of `Host` for this machine and the port that the request came in by."""
    address, port = scope.get("server") or ("", None)
    names = {*_OWN_NAMES, socket.gethostname().lower(), _in_url(_plain(address))}
    ports = {f":{port}"} | ({""} if port in _DEFAULT_PORTS else set())
    return {f"{name}{suffix}" for name in names if name for suffix in ports}


def _wrong_origin(headers: Headers) -> str | None:
    """Return what is wrong with the page that sends the request. Behind a proxy with TLS, only the scheme differs."""
    origins = headers.getlist("origin")
    host = headers["host"]
    if not origins or (len(origins) == 1 and origins[0] in {f"http://{host}", f"https://{host}"}):
        return None
    return (
        f"A page of {_echo(origins[0])} may not use the app at {_echo(host)}. Behind a proxy, the proxy must pass on "
        "the Host header as the browser sent it."
    )


def _wrong_use(scope: Scope, headers: Headers) -> str | None:
    """Return what is wrong with how another site asks for something: it may only link to pages."""
    if headers.get("sec-fetch-site", "none") in {"none", "same-origin"}:
        return None
    follows_link = (
        scope["type"] == "http"
        and scope["method"] == "GET"
        and headers.get("sec-fetch-mode") == "navigate"
        and headers.get("sec-fetch-dest") == "document"
    )
    return None if follows_link else "A page of another site may link to the app, but not load or show parts of it."


async def _refuse(refusal: Response, scope: Scope, receive: Receive, send: Send) -> None:
    refusal.headers.update(refusal_headers())
    if scope["type"] == "websocket" and "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008})  # before it opens: the server answers 403
        return
    await refusal(scope, receive, send)


def _peer(scope: Scope) -> str:
    client = scope.get("client")
    return _plain(client[0]) if client else ""


def _plain(address: str) -> str:
    """Return an address without the form that IPv4 has on a socket for both versions."""
    return address.removeprefix("::ffff:")


def _in_url(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _echo(text: str) -> str:
    """Return text of a request for a message, short and in ASCII."""
    return ascii(text[:_LONGEST_ECHO])
