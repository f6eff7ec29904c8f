"""Hostile requests of all roles to both servers: no breakdown, no traceback, nothing of theirs becomes markup.

``PORTAL_PROOF_SEED`` repeats a run that found something.
"""

import os
import random
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from tests.scale.conftest import running, unit, until
from tests.support import run
from tests.support.cast import BASE_URL, Cast, unit_of_work
from tests.support.faults import faults_of
from tests.support.forms import FORMS, shown_in
from tests.support.hostile import Hostile, Maker, Person
from tests.support.proof import TIMES
from tools.served_demo import free_port
from webapp.models import Client, User, db
from webapp.services.accounts import membership
from webapp.services.clients import archiving

SEED = int(os.environ.get("PORTAL_PROOF_SEED", "0" if TIMES == 1 else random.randrange(10**6)))
# 1,000 in all at the gate, 50,000 of `make proof`: half of them to each server.
REQUESTS = (1_000 if TIMES == 1 else 50_000) // 2
# After so many everybody is active and signed in again.
ROUND = 250
PEOPLE = ("alice", "bob", "charlie", "dana", "dave")
SECONDS = 60
SERVERS = {
    "portal serve": (["portal", "serve", "--port", "{port}"], {"PORTAL_PROXIES": "1"}),
    "gunicorn": (unit("web"), {"PORTAL_TRUSTED_HOSTS": "portal.test"}),
}


@contextmanager
def served(app: Flask, name: str, log: Path) -> Iterator[int]:
    """Serve this portal's database by a server of its own, as it is really started; yields its port."""
    port = free_port()
    words, settings = SERVERS[name]
    command = [word.format(port=port).replace(":8000", f":{port}") for word in words]
    environment = run.environment(
        PORTAL_DATABASE_URL=app.config["SQLALCHEMY_DATABASE_URI"],
        PORTAL_INSTANCE_PATH=app.instance_path,
        PORTAL_SECRET_KEY=app.config["SECRET_KEY"],
        PORTAL_BASE_URL=BASE_URL,
        **settings,
    )
    with running(*command, env=environment, output=log):
        until(lambda: listens(port), "a server")
        yield port


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def get(port: int, address: str, cookie: str = "") -> tuple[str, str]:
    """Ask for a page as a browser does; return its text and the session's cookie from then on."""
    connection = HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    connection.request("GET", address, headers={"Host": "portal.test", "Cookie": cookie})
    answer = connection.getresponse()
    text, given = answer.read().decode(), answer.headers.get("Set-Cookie", "")
    connection.close()
    return text, given.partition(";")[0] if given.startswith("portal_session=") else cookie


def signed_in(port: int, name: str, session: str, values: dict[str, Any]) -> Person:
    """Open every form of somebody."""
    text, cookie = get(port, "/help/renewal-owners", session)
    token = re.search(r'"X-CSRFToken": "([^"]+)"', text)
    assert token, text
    assert ("/sign-out" in text) is bool(session), f"{name} is not who they should be"
    person = Person(name, cookie.encode(), token[1].encode())
    for page in {form.page or form.address for form in FORMS if form.actor == name}:
        address = page.format(**values)
        person.shown |= shown_in(get(port, address, cookie)[0], address)
    return person


def sent(port: int, request: Hostile) -> bytes:
    """Send a request; return all of the answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as connection:
        answer = b""
        # A server may refuse a request before its end, and then end the connection. Its answer is there.
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(request.data)
        with suppress(ConnectionResetError):
            while part := connection.recv(65_536):
                answer += part
        return answer


@pytest.fixture
def people(app: Flask, cast: Cast, values: dict[str, Any], browse: Any) -> Any:
    """Sign everybody in, whatever was done to them meanwhile."""

    def everybody(port: int) -> list[Person]:
        with unit_of_work(app):
            for client in db.session.scalars(select(Client).where(Client.archived_at.is_not(None))):
                archiving.bring_back(None, client)
            for user in db.session.scalars(select(User).where(~User.active)):
                # Whoever was erased goes on as somebody new.
                user.erased_at = None
                membership.activate(None, user)
        found = [signed_in(port, "eve", "", values)]
        for name in PEOPLE:
            cookie = browse(getattr(cast, name)).get_cookie("portal_session")
            found.append(signed_in(port, name, f"portal_session={cookie.value}", values))
        return found

    return everybody


@pytest.mark.parametrize(
    ("server", "database_url"),
    [
        ("portal serve", "sqlite"),
        pytest.param("gunicorn", "postgresql", marks=pytest.mark.postgres),
    ],
    indirect=["database_url"],
)
def test_hostile_requests_break_nothing(
    app: Flask, values: dict[str, Any], people: Any, tmp_path: Path, server: str
) -> None:
    maker = Maker([rule.rule for rule in app.url_map.iter_rules()], values, random.Random(SEED))
    log, faults = tmp_path / "server.log", []
    with served(app, server, log) as port:
        for start in range(0, REQUESTS, ROUND):
            for request in islice(maker.requests(people(port)), min(ROUND, REQUESTS - start)):
                found = faults_of(sent(port, request))
                faults += [f"{fault}: {request.told}" for fault in found]
    faults += re.findall(r"Traceback.*|.* ERROR .*", log.read_text())
    assert not faults, f"PORTAL_PROOF_SEED={SEED}\n" + "\n".join(faults)


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (b"HTTP/1.1 500 X\r\n\r\n", "status 500"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 X\r\n\r\n", "status 503"),
        (b"HTTP/1.1 200 OK\r\nX-Zq: 1\r\n\r\n", "a header of the sender's"),
        (b"HTTP/1.1 303 X\r\nLocation: //zq.example/\r\n\r\n", "leads elsewhere"),
        (b"HTTP/1.1 303 X\r\nLocation: http://zq.example/\r\n\r\n", "leads elsewhere"),
        (b"HTTP/1.1 401 X\r\nHX-Redirect: /\\zq.example\r\n\r\n", "leads elsewhere"),
        (b"HTTP/1.1 200 OK\r\n\r\n<p><zq onzq=1>", "raw markup b'<zq'"),
        (b'HTTP/1.1 200 OK\r\n\r\n<a id="" onzq="1">', "raw markup b'\" onzq='"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n<z\r\n2\r\nq>\r\n0\r\n\r\n", "raw markup b'<zq'"),
        (b"HTTP/1.1 200 OK\r\n\r\nTraceback (most", "a traceback"),
        (b"", "no answer: b''"),
    ],
)  # fmt: skip
def test_each_fault_is_found(answer: bytes, fault: str) -> None:
    assert faults_of(answer) == [fault]


def test_the_same_seed_makes_the_same_requests() -> None:
    def some() -> list[bytes]:
        values = dict.fromkeys(("client", "subscription", "alice", "bob", "dana", "dave"), 1)
        maker = Maker(["/sign-in"], values | {"link": "x"}, random.Random(1))
        return [one.data for one in islice(maker.requests([Person("eve")]), 200)]

    assert some() == some()
