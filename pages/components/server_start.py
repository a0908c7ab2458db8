"""What is settled once, when the server starts and before it answers anybody."""

import sys
from importlib.util import find_spec
from pathlib import Path

import streamlit as st
import uvicorn.config

from pages.components import inline_scripts
from socal_core.access.binding import INSECURE, check_address
from socal_core.access.server_config import SERVER_FILE, Login, ServerConfig, config_at_start
from socal_core.errors import SocalError
from socal_core.serving.security_headers import inline_script_hashes

_SHORTEST_SECRET = 32
_SETTINGS = ("redirect_uri", "cookie_secret", "client_id", "client_secret", "server_metadata_url")
_FRONT_END = Path(st.__file__).with_name("static") / "index.html"


def config_to_serve() -> ServerConfig:
    """Return the configuration of the server. End the process with a message if it must not serve with it."""
    try:
        config = config_at_start()
        check_address(st.get_option("server.address"), config, INSECURE in sys.argv[1:])
        if config.login is Login.OIDC:
            _check_login_settings()
    except SocalError as error:
        raise SystemExit(f"socal: {error}") from None
    _keep_peer_addresses()
    return config


def allowed_scripts() -> tuple[str, ...]:
    """Return the sources of the scripts inside pages, those of Streamlit and our own, for the policy on scripts."""
    front_end = _FRONT_END.read_text(encoding="utf-8")
    return inline_script_hashes("".join((front_end, *inline_scripts.ALL)))


def _check_login_settings() -> None:
    """Refuse a login that could not work, or whose cookies could be forged."""
    if find_spec("authlib") is None or find_spec("httpx") is None:
        raise SocalError(f"{SERVER_FILE}: login oidc needs two more packages. Run: pip install 'socal-core[login]'.")
    try:
        settings = dict(st.secrets.get("auth", {}))
    except FileNotFoundError:
        settings = {}
    missing = [name for name in _SETTINGS if not settings.get(name)]
    if missing:
        raise SocalError(f"{SERVER_FILE}: login oidc needs {', '.join(missing)} below [auth] in secrets.toml.")
    if len(str(settings["cookie_secret"])) < _SHORTEST_SECRET:
        raise SocalError(
            f"secrets.toml: cookie_secret has fewer than {_SHORTEST_SECRET} characters, so logins could be forged. "
            "Make one with: python -c 'import secrets; print(secrets.token_urlsafe(48))'"
        )


def _keep_peer_addresses() -> None:
    """Have uvicorn report the address that connected.

    It would report what `X-Forwarded-For` says, if the connection comes from this machine. Any client can send that
    header, and the gate has to know whether it talks to a proxy. `streamlit run` offers no option for it.
    """
    uvicorn.config.ProxyHeadersMiddleware = lambda app, trusted_hosts: app  # type: ignore[assignment, attr-defined, misc]
