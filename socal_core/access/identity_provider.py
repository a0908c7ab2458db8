"""Whether an OpenID Connect identity provider can be reached, before a visitor is sent to it."""

import requests

from socal_core.errors import SocalError

_SECONDS = 5


def check_provider(metadata_address: str) -> None:
    """Ask the provider to describe itself.

    Args:
        metadata_address: The address of its `.well-known/openid-configuration`.

    Raises:
        SocalError: It does not answer, or not with a description.
    """
    try:
        answer = requests.get(metadata_address, timeout=_SECONDS)
        answer.raise_for_status()
        description = answer.json()
    except (requests.RequestException, ValueError):
        description = None
    if not isinstance(description, dict) or "authorization_endpoint" not in description:
        raise SocalError(
            "The login service does not answer. Try again in a few minutes, and tell the administrator if it lasts."
        )
