"""Whether the app may listen at an address: only this machine reaches an app without login."""

import ipaddress

from socal_core.access.server_config import SERVER_FILE, Login, ServerConfig
from socal_core.errors import SocalError

INSECURE = "--insecure"
"""The argument that allows an app without login to listen at any address."""


def check_address(address: str | None, config: ServerConfig, insecure: bool) -> None:
    """Refuse to serve an app without login to other machines.

    Args:
        address: Where the server listens; None or "" is every address of this machine.
        config: The configuration of the server.
        insecure: Whether the user allows it all the same.

    Raises:
        SocalError: Other machines could reach the app and use it without a login.
    """
    if insecure or config.login is not Login.NONE or is_loopback(address):
        return
    raise SocalError(
        f"The app would listen at {address or 'every address of this machine'}, where anyone who can reach this "
        "machine could see the data and start and delete runs, because no login is configured. Do one of these:\n"
        "- listen at 127.0.0.1, and reach the app from elsewhere through ssh -L 8501:localhost:8501 SERVER;\n"
        f"- configure a login in {SERVER_FILE} in the workspace (see docs/server.md);\n"
        f"- add {INSECURE} if the network itself keeps strangers out (after -- with streamlit run)."
    )


def is_loopback(address: str | None) -> bool:
    """Return whether only this machine itself reaches an address."""
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address or "").is_loopback
    except ValueError:
        return False
