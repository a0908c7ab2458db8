"""The addresses of proxies, whose word on the user is believed."""

import ipaddress
from collections.abc import Iterable


def check_proxy(address: str) -> str:
    """Return an address or a network as it is, such as `10.0.0.5` or `10.0.0.0/24`.

    Raises:
        ValueError: It is neither.
    """
    ipaddress.ip_network(address, strict=False)
    return address


def is_proxy(peer: str, proxies: Iterable[str]) -> bool:
    """Return whether a connection comes from one of the proxies.

    Args:
        peer: The address that connected.
        proxies: Addresses and networks.
    """
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return False  # a connection without an address, such as one of a unix socket
    return any(address in ipaddress.ip_network(proxy, strict=False) for proxy in proxies)
