"""Close every socket but loopback while tests run (a pytest plugin)."""

import ipaddress
import sys
from collections.abc import Iterator

import pytest

refused: list[str] = []


def is_local(host: object) -> bool:
    if host in (None, "", "localhost", b"localhost"):
        return True
    try:
        address = ipaddress.ip_address(host if isinstance(host, str) else str(host))
    except ValueError:
        return False
    # The unspecified address means this machine, too.
    return address.is_loopback or address.is_unspecified


def watch(event: str, arguments: tuple[object, ...]) -> None:
    if event == "socket.connect":
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else None
    elif event == "socket.getaddrinfo":
        host = arguments[0]
    else:
        return
    if not is_local(host):
        refused.append(str(host))
        raise PermissionError(f"tests may not reach {host}")


def pytest_configure() -> None:
    # An audit hook can't be removed or patched over, and sees what C code opens through Python, too.
    sys.addaudithook(watch)


@pytest.fixture(autouse=True)
def only_loopback() -> Iterator[None]:
    """Fail a test that tried to go out, even if its code mistook the refusal for a network failure."""
    refused.clear()
    yield
    assert not refused, f"went out of this machine: {refused}"
