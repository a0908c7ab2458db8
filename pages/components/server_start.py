"""What is settled once, when the server starts and before it answers anybody."""

import sys
from pathlib import Path

import streamlit as st
import uvicorn.config

from socal_core.access.binding import INSECURE, check_address
from socal_core.access.server_config import ServerConfig, config_at_start
from socal_core.errors import SocalError
from socal_core.serving.security_headers import inline_script_hashes

_FRONT_END = Path(st.__file__).with_name("static") / "index.html"


def config_to_serve() -> ServerConfig:
    """Return the configuration of the server. End the process with a message if it must not serve with it."""
    try:
        config = config_at_start()
        check_address(st.get_option("server.address"), config, INSECURE in sys.argv[1:])
    except SocalError as error:
        raise SystemExit(f"socal: {error}") from None
    _keep_peer_addresses()
    return config


def streamlit_scripts() -> tuple[str, ...]:
    """Return the scripts inside Streamlit's page, for the policy on scripts."""
    try:
        return inline_script_hashes(_FRONT_END.read_text(encoding="utf-8"))
    except OSError:
        return ()  # the script inside the page only sets a variable for crawlers


def _keep_peer_addresses() -> None:
    """Have uvicorn report the address that connected.

    It would report what `X-Forwarded-For` says, if the connection comes from this machine. Any client can send that
    header, and the gate has to know whether it talks to a proxy. `streamlit run` offers no option for it.
    """
    uvicorn.config.ProxyHeadersMiddleware = lambda app, trusted_hosts: app  # type: ignore[assignment, attr-defined, misc]
