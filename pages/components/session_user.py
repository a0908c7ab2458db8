"""Who the visitor of a page is. Visitors without access see nothing else."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import streamlit as st
from streamlit.errors import StreamlitAPIException
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME
from streamlit.web.server.starlette.starlette_websocket import _get_signed_cookie_with_chunks

from pages.components.words import plain_text
from socal_core.access.server_config import Login, ServerConfig, config_at_start, read_server_config
from socal_core.access.users import User, clean_name, local_user, name_in_header, shown_name, user_named
from socal_core.errors import SocalError

_SECONDS_PER_HOUR = 3600


@dataclass(frozen=True)
class _Visitor:
    """What the login says of a visitor."""

    name: str | None = None
    """The verified name; None if there is none (yet)."""
    reason: str = ""
    """What to tell a visitor without a name."""


def current_user() -> User | None:
    """Return who visits the page, None if the visitor has not logged in or has no access.

    Raises:
        SocalError: `server.toml` cannot be read.
    """
    config = config_at_start()
    if config.login is Login.NONE:
        return local_user()
    visitor = _visitor(config)
    return None if visitor.name is None else user_named(visitor.name, read_server_config())


def require_user() -> User:
    """Return who visits the page. If the visitor has no access, end the page with a login button or a message."""
    try:
        user = current_user()
    except SocalError as error:
        st.error(plain_text(error), icon=":material/error:")
        st.stop()
    if user is None:
        _turn_away(config_at_start())
    return user


def show_user(user: User) -> None:
    """Show who is logged in, and how to log out; nothing if there is no login."""
    config = config_at_start()
    if config.login is Login.NONE:
        return
    st.divider()
    st.markdown(f"**{plain_text(shown_name(user.name))}**  \n{user.role.value.capitalize()}")
    _offer_logout(config)


def _visitor(config: ServerConfig) -> _Visitor:
    if config.login is Login.PROXY:
        # The gate accepts this header from the proxy alone.
        name = clean_name(name_in_header(st.context.headers.get(config.user_header) or ""))
        return _Visitor(name, "The proxy in front of the app does not say who you are. Tell the administrator.")
    return _visitor_with(st.user.to_dict(), config)


def user_with_cookies(cookies: dict[str, str]) -> User | None:
    """Return whom the cookies of a login at an identity provider name, None if that user has no access.

    Streamlit reads these cookies for pages alone. The gate asks here about all other requests.

    Args:
        cookies: The cookies of a request, by name.
    """
    signed = _get_signed_cookie_with_chunks(cookies, USER_COOKIE_NAME)
    claims = json.loads(signed) if signed else {}
    visitor = _visitor_with(claims, config_at_start())
    return None if visitor.name is None else user_named(visitor.name, read_server_config())


def _visitor_with(claims: Mapping[str, Any], config: ServerConfig) -> _Visitor:
    """Return the visitor of whom an identity provider has said something."""
    if not claims.get("is_logged_in"):
        return _Visitor()
    issued = claims.get("iat")
    if not isinstance(issued, int | float) or time.time() - issued > config.login_hours * _SECONDS_PER_HOUR:
        return _Visitor(reason="Your login has ended. Log in again.")
    name = clean_name(claims.get(config.user_claim))
    if name is None:
        claim = plain_text(config.user_claim)
        return _Visitor(reason=f"The login service did not report your {claim}. Tell the administrator.")
    if config.user_claim == "email" and claims.get("email_verified") is False:
        return _Visitor(reason="The login service has not verified your e-mail address. Verify it there first.")
    return _Visitor(name)


def _turn_away(config: ServerConfig) -> NoReturn:
    """Show why the visitor sees nothing, and end the page."""
    visitor = _visitor(config)
    if visitor.name is not None:
        st.title("No access")
        st.warning(
            f"You have no access to this app, **{plain_text(shown_name(visitor.name))}**. Ask the administrator to add "
            "you.",
            icon=":material/lock:",
        )
        _offer_logout(config)
        st.stop()
    st.title("SOCAL")
    if visitor.reason:
        st.warning(visitor.reason, icon=":material/lock:")
    if config.login is Login.OIDC and st.button("Log in", type="primary"):
        _log_in()
    st.stop()


def _log_in() -> None:
    """Send the visitor to the identity provider, if it is there."""
    # Only this needs requests, which takes a while to load.
    from socal_core.access.identity_provider import check_provider

    try:
        check_provider(str(st.secrets["auth"]["server_metadata_url"]))
        st.login()
    except SocalError as error:
        st.error(plain_text(error), icon=":material/error:")
    except (StreamlitAPIException, FileNotFoundError, KeyError):
        st.error("The login is not set up completely. Tell the administrator.", icon=":material/error:")


def _offer_logout(config: ServerConfig) -> None:
    if config.login is Login.OIDC:
        if st.button("Log out"):
            st.logout()
    elif config.logout_address:
        st.link_button("Log out", config.logout_address)
