"""Who looks at a page."""

from socal_core.access.users import User, local_user


def current_user() -> User | None:
    """Return the user of this session with the present role; None if there is none who may use the app."""
    return local_user()
