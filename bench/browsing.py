"""A client that asks as a browser does, eight requests at a time, and signs in to each contender."""

import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPResponse
from urllib.parse import urlencode

from bench.database import ADMIN, PASSWORD, SESSION
from bench.facts import email

CONNECTIONS = 8
PLAIN = {"Sec-Fetch-Site": "same-origin"}
HTMX = PLAIN | {"HX-Request": "true"}
PACKED = PLAIN | {"Accept-Encoding": "gzip"}
TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
DJANGO_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


@dataclass(frozen=True, slots=True)
class Request:
    """One request; with a form it is a POST. ``followed``: the visitor goes on from there with the answer's cookies."""

    path: str
    form: Mapping[str, str] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    followed: bool = True


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass(slots=True)
class Visitor:
    """Somebody at one server, with cookies."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict)

    def ask(self, request: Request) -> Answer:
        """Ask on a connection of its own, as sync workers want it. Redirects are not followed."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=300)
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = {"Cookie": cookie, "Connection": "close", **request.headers}
        body = None
        if request.form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            body = urlencode(request.form)
        connection.request("GET" if body is None else "POST", request.path, body, headers)
        response = connection.getresponse()
        content = response.read()
        connection.close()
        if request.followed:
            self.keep(response)
        return Answer(response.status, content)

    def keep(self, response: HTTPResponse) -> None:
        for name, value in response.getheaders():
            if name.lower() == "set-cookie":
                key, _, rest = value.partition("=")
                self.cookies[key] = rest.partition(";")[0]

    def ask_all(self, requests: Sequence[Request]) -> list[Answer]:
        """Ask for all, so many at a time. Raises if an answer is none that the page should give."""
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            answers = list(pool.map(self.ask, requests))
        for request, answer in zip(requests, answers, strict=True):
            if answer.status not in (200, 302, 303):
                raise AssertionError(f"{request.path}: {answer.status} {answer.body[:500]!r}")
        return answers


def at_floor(port: int) -> Visitor:
    return Visitor(port, {"token": SESSION})


def at_portal(port: int) -> Visitor:
    visitor = Visitor(port)
    page = visitor.ask(Request("/sign-in"))
    found = TOKEN.search(page.text)
    assert found, page
    form = {"csrf_token": found[1], "email": email(ADMIN), "password": PASSWORD}
    answer = visitor.ask(Request("/sign-in", form))
    assert answer.status == 303, answer
    return visitor


def at_django(port: int) -> Visitor:
    visitor = Visitor(port)
    page = visitor.ask(Request("/admin/login/"))
    found = DJANGO_TOKEN.search(page.text)
    assert found, page
    form = {"csrfmiddlewaretoken": found[1], "username": "anna", "password": "bench"}
    answer = visitor.ask(Request("/admin/login/?next=/admin/", form))
    assert answer.status == 302, answer
    return visitor


def at_flask_admin(port: int) -> Visitor:
    visitor = Visitor(port)
    answer = visitor.ask(Request("/sign-in", {"id": str(ADMIN)}))
    assert answer.status == 302, answer
    return visitor
