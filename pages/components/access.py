"""What the user of this session may do: asked to disable widgets, and again by what acts, for a page may be old."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial

from pages.components import session_user
from pages.components.actions import act, act_on
from socal_core.access import audit, permissions
from socal_core.access.permissions import Action, Owned
from socal_core.access.server_config import Login, config_at_start, read_server_config
from socal_core.access.users import User, user_named
from socal_core.runs.folder import RunFolder
from socal_core.runs.identity import KnownRun


def may(action: Action, target: Owned | None = None) -> bool:
    """Return whether the user may carry out an action.

    Args:
        action: The action.
        target: The run or job that it is done to, if there is one.
    """
    return permissions.may(session_user.current_user(), action, target)


def why_not(action: Action, target: Owned | None = None) -> str | None:
    """Return why the user may not carry out an action, as the help of its widget; None if the user may."""
    user = session_user.current_user()
    return None if permissions.may(user, action, target) else permissions.why_not(user, action)


def acting(action: Action, target: Owned | None = None, what: str = "") -> AbstractContextManager[audit.Deed]:
    """Check again that the user may carry out an action, which the `with` block does, and record how it ended.

    Args:
        action: The action.
        target: The run or job that it is done to, if there is one.
        what: Its name, for the audit log.

    Raises:
        AccessError: The user may not.
    """
    return audit.acting(session_user.current_user(), action, target, what)


def guarded(
    action: Action, do: Callable[[], object], target: Owned | None = None, what: str = ""
) -> Callable[[], None]:
    """Return the callback of a button: it does something as in `acting`, and the page shows why it is not possible."""

    def checked() -> None:
        with acting(action, target, what):
            do()

    return partial(act, checked)


def guarded_on(action: Action, known: KnownRun, do: Callable[[RunFolder], object]) -> Callable[[], None]:
    """Return the callback of a button that does something to a run, unless the run is gone; see `guarded`."""

    def checked(run: RunFolder) -> None:
        with acting(action, run, run.name):
            do(run)

    return partial(act_on, known, checked)


def present_user(user: User | None) -> User | None:
    """Return a user with the role that the user has by now, for what acts outside of a session, such as a download."""
    return user_named(user.name, read_server_config()) if user is not None and login_is_on() else user


def user_with_login() -> str:
    """Return the name of the user whose choices are remembered; "" without a login."""
    if not login_is_on():
        return ""
    user = session_user.current_user()
    return "" if user is None else user.name


def login_is_on() -> bool:
    """Return whether visitors log in, so that they have roles."""
    return config_at_start().login is not Login.NONE
