"""A connection that is kept serves many people behind a proxy: each request is whose its headers say."""

import re
from contextlib import ExitStack, closing, suppress
from http.client import HTTPConnection

import pytest

from tests.scale.conftest import running, until
from tests.support.cast import Cast
from tests.support.doors import SECRET, named
from tools.served_demo import free_port

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
ALICE, BOB = named("a", "alice@odnowa.example"), named("b", "bob@odnowa.example")
PROFILE = "/settings/profile"


class Proxy:
    """One connection to the portal, as proxies keep it, and the cookies of one browser."""

    def __init__(self, port: int) -> None:
        self.connection = HTTPConnection("127.0.0.1", port, timeout=30)
        self.cookies: dict[str, str] = {}

    def ask(self, address: str, headers: dict[str, str]) -> tuple[int, str, str]:
        """Ask for a page: the status, where it leads, and what it says."""
        jar = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        self.connection.request(
            "GET", address, headers={"Host": "portal.test", "Cookie": jar} | headers
        )
        answer = self.connection.getresponse()
        for line in answer.headers.get_all("Set-Cookie", []):
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value
        return answer.status, answer.headers.get("Location", ""), answer.read().decode()

    def who(self, headers: dict[str, str], address: str = PROFILE) -> str:
        """Go where the profile leads, and read whose it is; else where it ended."""
        for _ in range(4):
            status, onward, page = self.ask(address, headers)
            if not onward:
                found = re.search(r'menu-text">([^<]*)<', page)
                return found[1] if found else f"{status} {address.partition('?')[0]}"
            address = onward
        return f"never ends at {address}"


def test_each_request_is_whose_its_headers_say(environment, tmp_path, cast: Cast):
    port = free_port()
    variables = environment | {
        "PORTAL_SIGN_IN": "password, proxy",
        "PORTAL_SIGN_IN_PARTNER": "odnowa",
        "PORTAL_PROXY_USER_HEADER": "Remote-User",
        "PORTAL_PROXY_EMAIL_HEADER": "Remote-Email",
        "PORTAL_PROXY_GROUPS_HEADER": "Remote-Groups",
        "PORTAL_PROXY_SECRET": SECRET,
    }
    command = ("portal", "serve", "--port", str(port))
    with running(*command, env=variables, output=tmp_path / "web.log"), ExitStack() as stack:
        until(lambda: reachable(port), "an answer")
        proxy = Proxy(port)
        first = stack.enter_context(closing(proxy.connection))
        told = [
            proxy.who(BOB),
            proxy.who(BOB),
            # The same connection and the same cookies, and another person.
            proxy.who(ALICE),
            proxy.who({}),
            proxy.who(BOB | {"X-Portal-Secret": f"{SECRET}x"}),
            proxy.who({name: text for name, text in ALICE.items() if name != "X-Portal-Secret"}),
            # As some servers would read it.
            proxy.who(
                {"X_Portal_Secret": SECRET, "Remote_User": "a", "Remote-Email": "x@y.example"}
            ),
            proxy.who(BOB),
        ]
        out = "200 /sign-in"
        assert told == ["Bob", "Bob", "Alice", out, out, out, out, "Bob"]
        assert proxy.connection is first
        assert first.sock is not None


def reachable(port: int) -> bool:
    proxy = Proxy(port)
    with closing(proxy.connection), suppress(OSError):
        return proxy.ask("/healthz", {})[0] == 200
    return False
