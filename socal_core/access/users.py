"""Who a visitor is: a name that the login reports, and a role."""

import getpass
from dataclasses import dataclass

from socal_core.access.server_config import Role, ServerConfig

_LOCAL = "local user"


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
