"""Who a visitor is: a name that the login reports, and a role."""

import getpass
import unicodedata
from dataclasses import dataclass

from socal_core.access.server_config import Role, ServerConfig

_LOCAL = "local user"
_LONGEST_SHOWN = 60
_DIRECTIONS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Invisible characters that change the direction of the text after them."""


@dataclass(frozen=True)
class User:
    """A visitor with access to the app."""

    name: str
    """As the login reports it: any text without control characters."""
    role: Role


def local_user() -> User:
    """Return the user of an app without login: the one who started it, who may do everything."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError):  # no name for the user's number, as in some containers
        name = _LOCAL
    return User(name, Role.ADMIN)


def user_named(name: str, config: ServerConfig) -> User | None:
    """Return the user of a verified name, None if the configuration gives no role to this name."""
    role = config.roles.get(name, config.default_role)
    return None if role is None else User(name, role)


def clean_name(name: object) -> str | None:
    """Return the name of a user without spaces at its ends, None if it is no name.

    Args:
        name: What a login reports. A text that is empty or has control characters is no name.
    """
    if not isinstance(name, str) or any(unicodedata.category(character) in {"Cc", "Cs"} for character in name):
        return None
    return name.strip() or None


def name_in_header(value: str) -> str:
    """Return the text of a header. HTTP libraries decode it as Latin-1, while proxies send UTF-8."""
    try:
        return value.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return value


def shown_name(name: str) -> str:
    """Return the name as pages show it: short, and without characters that would turn round the text beside it."""
    visible = "".join(character for character in name if character not in _DIRECTIONS)
    return visible if len(visible) <= _LONGEST_SHOWN else f"{visible[:_LONGEST_SHOWN]}…"
