"""Requests that never end: they stop nobody where a request is taken in before it is worked on."""

import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from tests.scale.conftest import running, unit, until
from tools.served_demo import free_port
from webapp.app import create_app
from webapp.cli.check_deploy import check_buffering
from webapp.cli.shared import CheckFailed
from webapp.config import Settings

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
# More than waitress takes by default, which then hears nobody for two minutes; and more than it has threads.
MANY = 500
HALF = b"POST /sign-in HTTP/1.1\r\nHost: portal.test\r\nContent-Length: 1000\r\n\r\nemail="
SECONDS = 30


def portal_serve(port: int) -> list[str]:
    return ["portal", "serve", "--port", str(port)]


def gunicorn(port: int) -> list[str]:
    """The documented command."""
    address = f"127.0.0.1:{port}"
    return [address if word == "127.0.0.1:8000" else word for word in unit("web")]


@contextmanager
def serving(command: list[str], port: int, environment: dict[str, str], folder: Path) -> Iterator:
    with running(*command, env=environment, output=folder / "web.log"):
        until(lambda: asks(port) == b"HTTP/1.1 200 OK", "an answer")
        yield


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=SECONDS)


def asks(port: int) -> bytes:
    """Ask for a page as anybody; return the first line of the answer, or nothing if none comes."""
    try:
        with connected(port) as other:
            other.sendall(
                b"GET /healthz HTTP/1.1\r\nHost: portal.test\r\nConnection: close\r\n\r\n"
            )
            return other.recv(1000).partition(b"\r\n")[0]
    except OSError:
        return b""


def test_half_sent_requests_do_not_stop_portal_serve(environment, tmp_path):
    port = free_port()
    with serving(portal_serve(port), port, environment, tmp_path), ExitStack() as held:
        for _ in range(MANY):
            held.enter_context(connected(port)).sendall(HALF)
        assert asks(port) == b"HTTP/1.1 200 OK"


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (portal_serve, "a request reaches the portal as a whole"),
        (gunicorn, "half a request reaches the portal"),
    ],
)
def test_the_check_tells_whether_requests_are_taken_in_first(environment, tmp_path, command, told):
    port = free_port()
    settings = Settings(
        base_url=f"http://127.0.0.1:{port}",
        database_url=f"sqlite:///{tmp_path / 'other.db'}",
        instance_path=str(tmp_path),
    )
    app = create_app(settings)
    with serving(command(port), port, environment, tmp_path), app.app_context():
        try:
            found = check_buffering()
        except CheckFailed as wrong:
            found = str(wrong)
    assert found.startswith(told)


@pytest.mark.parametrize(
    ("command", "answers"), [(portal_serve, [b"400", b"200"]), (gunicorn, [b"400"])]
)
def test_a_request_with_two_lengths_smuggles_nothing(environment, tmp_path, command, answers):
    """Its chunks say where it ends, so that what follows is a request as any other; or it is refused."""
    following = b"GET /healthz HTTP/1.1\r\nHost: portal.test\r\nConnection: close\r\n\r\n"
    body = b"0\r\n\r\n" + following
    port = free_port()
    with serving(command(port), port, environment, tmp_path), connected(port) as other:
        other.sendall(
            b"POST /sign-out HTTP/1.1\r\nHost: portal.test\r\nTransfer-Encoding: chunked\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
        )
        answer = b""
        with suppress(ConnectionResetError):
            while part := other.recv(65_536):
                answer += part
    assert re.findall(rb"HTTP/1\.1 (\d+)", answer) == answers
