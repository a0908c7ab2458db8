"""The file `server.toml` in the workspace, which turns the app on a laptop into a service for a lab.

Without the file, the app serves one user on this machine, who may do everything.
"""

import tomllib
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator

from socal_core.access.proxies import check_proxy
from socal_core.errors import SocalError
from socal_core.file_handles import handles_explained, os_reason
from socal_core.workspace import workspace

SERVER_FILE = "server.toml"


class Login(StrEnum):
    """How the app learns who a visitor is."""

    NONE = "none"
    """Not at all: every visitor is the same user."""
    PROXY = "proxy"
    """A reverse proxy verifies the user and sends the name in a header."""
    OIDC = "oidc"
    """An OpenID Connect identity provider, through `st.login`."""


class Role(StrEnum):
    """What a user may do. Each role includes those before it."""

    VIEWER = "viewer"
    """See data, runs and results."""
    RESEARCHER = "researcher"
    """Also start runs, and change their own."""
    ADMIN = "admin"
    """Also change the runs of others, and the caches."""


class Quotas(BaseModel):
    """Limits on a server; None is no limit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    queued_runs_per_user: int | None = Field(default=None, ge=1)
    runs_gb: float | None = Field(default=None, gt=0)
    """Disk space of all runs."""
    cache_gb: float | None = Field(default=None, gt=0)
    """Disk space of the caches. The oldest ones are removed first."""
    upload_mb: int | None = Field(default=None, ge=1)
    """Size of one upload."""


class ServerConfig(BaseModel):
    """The content of `server.toml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    login: Login = Login.NONE
    hosts: tuple[str, ...] = ()
    """Names, with port if it is not the default one, under which browsers reach the app, beside this machine's."""
    user_header: str = Field(default="X-Forwarded-User", pattern=r"^[A-Za-z0-9-]+$")
    """The header in which the proxy sends the verified user."""
    proxies: tuple[Annotated[str, AfterValidator(check_proxy)], ...] = ("127.0.0.1", "::1")
    """Addresses, or networks such as 10.0.0.0/24, of the proxies whose header is believed."""
    logout_address: str = Field(default="", pattern=r"^(/[^/\\].*|https://.+)?$")
    """Where the proxy logs a user out, such as /oauth2/sign_out; no *Log out* if it is empty. For `proxy`."""
    user_claim: str = "email"
    """What names the user in the answer of the identity provider. For `oidc`."""
    login_hours: float = Field(default=12, gt=0)
    """How long a login lasts. For `oidc`."""
    data_roots: tuple[Path, ...] = ()
    """Only folders below these can be opened; any if there are none."""
    default_role: Role | None = None
    """The role of users who are not among `roles`; None keeps them out."""
    roles: dict[str, Role] = Field(default_factory=dict)
    """The role of each user, by the name that the login reports."""
    quotas: Quotas = Quotas()

    @field_validator("data_roots")
    @classmethod
    def _absolute(cls, roots: tuple[Path, ...]) -> tuple[Path, ...]:
        for root in roots:
            if not root.is_absolute():
                raise ValueError(f"{root} is no absolute path")
        return roots


def read_server_config() -> ServerConfig:
    """Return the configuration of the server, the default one if there is no file.

    Raises:
        SocalError: The file cannot be read, or holds an unknown field or value.
        TooManyFilesError: Too many files are open.
    """
    path = workspace() / SERVER_FILE
    try:
        with handles_explained():
            text = path.read_text(encoding="utf-8")
        return ServerConfig.model_validate(tomllib.loads(text))
    except FileNotFoundError:
        return ServerConfig()
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(map(str, first["loc"]))
        raise SocalError(f"{SERVER_FILE}: {field}: {first['msg']}. Correct the file.") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SocalError(f"{SERVER_FILE} cannot be read: {os_reason(error)}. Correct the file.") from None


def config_at_start() -> ServerConfig:
    """Return the configuration as this process first read it.

    Who is let in must not change under a running server: the gate, which is built when the server starts, and the pages
    have to agree on how users are known. A changed `login` counts from the next start on.

    Raises:
        SocalError: As for `read_server_config`.
    """
    return _first_read(workspace())


@cache
def _first_read(_: Path) -> ServerConfig:
    return read_server_config()
