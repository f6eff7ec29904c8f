"""The source of a request: its network, and its browser as that names itself."""

from ipaddress import IPv4Address, ip_address, ip_network

from flask import has_request_context, request
from flask_limiter.util import get_remote_address

LONGEST_NETWORK = 50
LONGEST_AGENT = 300


def client_network() -> str:
    """Return the address that limits count by: an IPv4 address, or a whole IPv6 network.

    In IPv6 everybody has more addresses than a limit could count.
    """
    text = get_remote_address()
    try:
        address = ip_address(text)
    except ValueError:
        # A server behind a local socket sees no address.
        return text
    if isinstance(address, IPv4Address) or address.ipv4_mapped:
        return text
    return str(ip_network((address, 64), strict=False))


def whence() -> tuple[str | None, str | None]:
    """Return the network and the browser of the request as rows store them; two times None outside of one."""
    if not has_request_context():
        return None, None
    agent = "".join(char for char in request.user_agent.string if char.isprintable())
    return client_network()[:LONGEST_NETWORK], agent[:LONGEST_AGENT] or None
