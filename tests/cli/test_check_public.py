"""portal check --public: whatever is changed on the way to the portal is named, with what mends it."""

import json
import socket
import ssl
import threading
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from werkzeug import Response

from tests.support.browser import served
from tests.support.cast import sqlite_template
from tests.support.portal import sqlite_copy
from webapp.cli.check_public import CHECKS, Seen
from webapp.cli.shared import CheckFailed
from webapp.config import Settings
from webapp.signin import questions
from webapp.signin.questions import Arrival

PATH = "/apps/portal"
CERTIFICATE = Path(__file__).parent.parent / "mail" / "localhost.pem"
SETS = ("For", "Proto", "Host")


@pytest.fixture(scope="module")
def listener():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


@pytest.fixture
def database_url():
    """No question asks the database."""
    return sqlite_copy(sqlite_template())


@pytest.fixture
def other_settings(other_settings, listener):
    port = listener.getsockname()[1]
    return {"base_url": f"http://127.0.0.1:{port}{PATH}", "proxies": 1} | other_settings


def proxy(app, sets=SETS, appends=False, hops=1, **changed):
    """A proxy, or several, that set these headers, whatever a client has sent, or append to it."""

    def serve(environ, start_response):
        environ |= {name: value for name, value in changed.items() if name != "PATH_INFO"}
        right = {
            "For": environ["REMOTE_ADDR"],
            "Proto": environ["wsgi.url_scheme"],
            "Host": environ["HTTP_HOST"],
        }
        for name in sets:
            key = f"HTTP_X_FORWARDED_{name.upper()}"
            before = [environ[key]] if appends and key in environ else []
            environ[key] = ", ".join([*before, *[right[name]] * hops])
        if led := changed.get("PATH_INFO"):
            environ["PATH_INFO"] = led(environ["PATH_INFO"])
        return app(environ, start_response)

    return serve


@pytest.fixture
def found(app, listener):
    """Ask through a proxy; return each finding as {check: (ok, text)}, with the exit code held against them."""

    def check(front):
        with served(front, listener):
            result = app.test_cli_runner().invoke(args=["check", "--public", "--json"])
        findings = json.loads(result.output)
        assert result.exit_code == int(any(not one["ok"] for one in findings))
        return {one["check"]: (one["ok"], one["text"]) for one in findings}

    return check


def faults(findings):
    return {name: text for name, (ok, text) in findings.items() if not ok}


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"appends": True},
        {"PATH_INFO": lambda path: path.removeprefix(PATH)},
    ],
    ids=["set", "appended", "path taken off"],
)
def test_all_is_well(app, found, changed):
    findings = found(proxy(app, **changed))
    assert faults(findings) == {}
    assert list(findings) == ["public address", *CHECKS]
    assert findings["client address"][1] == "127.0.0.1 arrives, which has asked"


@pytest.mark.settings(proxies=0)
def test_without_a_proxy_nothing_is_wanted(app, found):
    assert faults(found(app)) == {}


@pytest.mark.settings(proxies=2)
def test_as_many_proxies_as_there_are(app, found):
    assert faults(found(proxy(app, hops=2))) == {}


@pytest.mark.parametrize(
    ("front", "check", "text"),
    [
        ({"sets": ("Proto", "Host")}, "client address", "X-Forwarded-For is missing"),
        ({"sets": ("Proto", "Host")}, "made-up headers", "own X-Forwarded-For is believed"),
        ({"sets": ("For", "Host")}, "made-up headers", "own X-Forwarded-Proto is believed"),
        ({"sets": ("For", "Proto")}, "made-up headers", "own X-Forwarded-Host is believed"),
        (
            {"sets": ("For", "Proto"), "HTTP_HOST": "127.0.0.1:8000"},
            "host",
            "127.0.0.1:8000 arrives in place of 127.0.0.1:{port}: the proxy must pass Host on",
        ),
        (
            {"HTTP_HOST": "inner:8000"},
            "host",
            "X-Forwarded-Host says inner:8000: the outermost proxy must set it",
        ),
        (
            {"wsgi.url_scheme": "https"},
            "scheme",
            "https arrives in place of http: X-Forwarded-Proto says https",
        ),
        ({"hops": 2}, "client address", "PORTAL_PROXIES is 1, and 2 added to X-Forwarded-For"),
        (
            {"PATH_INFO": lambda path: "/" + path.removeprefix(PATH)},
            "path",
            "//reached arrives in place of /apps/portal/reached",
        ),
        (
            {"PATH_INFO": lambda path: path.replace("/apps", "/other")},
            "path",
            "/other/portal/reached arrives in place of /apps/portal/reached",
        ),
    ],
)
def test_what_a_proxy_does_wrong_is_named(app, found, listener, front, check, text):
    assert text.format(port=listener.getsockname()[1]) in faults(found(proxy(app, **front)))[check]


def counted(proxies):
    return pytest.param(proxies, marks=pytest.mark.settings(proxies=proxies))


@pytest.mark.parametrize("proxies", [counted(0), counted(2)])
def test_how_many_proxies_there_are_is_told(app, found, proxies):
    told = faults(found(proxy(app)))["client address"]
    assert f"PORTAL_PROXIES is {proxies}, and 1 added to X-Forwarded-For" in told


@pytest.mark.settings(proxies=2)
def test_who_counts_too_many_proxies_believes_what_clients_say(app, found):
    told = faults(found(proxy(app, appends=True)))["made-up headers"]
    assert "X-Forwarded-For, X-Forwarded-Proto, X-Forwarded-Host is believed" in told


@pytest.mark.settings(trusted_hosts=("portal.example",))
def test_a_name_that_is_refused_is_named(app, found):
    told = faults(found(proxy(app)))
    assert told == {
        "trusted hosts": "PORTAL_TRUSTED_HOSTS lacks 127.0.0.1: everybody gets a refusal (400)"
    }


@pytest.mark.parametrize(
    ("status", "headers", "text"),
    [
        (404, {}, "something else answers there (404): does the proxy lead the path"),
        (200, {}, "something else answers there (200): does the proxy lead the path"),
        (502, {}, "something else answers there (502): does the portal run"),
        (
            302,
            {"Location": "https://login.example/?secret=1"},
            "(302, leading to https://login.example/): PORTAL_BASE_URL must be where people end up; if a gateway",
        ),
        (401, {}, "if a gateway there signs people in, let it pass /apps/portal/reached"),
    ],
)
def test_whatever_else_answers_is_told_from_the_portal(found, status, headers, text):
    answer = Response("nothing of ours", status, headers)
    assert list(faults(found(answer))) == ["public address"]
    assert text in faults(found(answer))["public address"]


def test_an_answer_to_another_question_does_not_count(app, found):
    kept = []

    def replay(environ, start_response):
        if not kept:
            with app.app_context():
                other = questions.answer(questions.ask(), ARRIVAL)
            kept.append(other)
        return Response(kept[0])(environ, start_response)

    assert "something else answers there (200)" in faults(found(replay))["public address"]


@pytest.mark.settings(base_url="http://127.0.0.1:1")
def test_a_portal_that_is_not_reached(app):
    result = app.test_cli_runner().invoke(args=["check", "--public"])
    assert result.exit_code == 1
    assert "MISSING  public address: http://127.0.0.1:1 can't be reached from here" in result.output


@pytest.fixture
def one_visit():
    """Let one visitor in, with TLS or in clear; return at which port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    threads: list[threading.Thread] = []

    def answer(server, tls):
        visitor, _address = server.accept()
        # Who does not believe us goes away amid it.
        with visitor, suppress(OSError):
            if tls:
                context.wrap_socket(visitor, server_side=True).close()
            visitor.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    def let_in(tls):
        threads.append(threading.Thread(target=answer, args=(server, tls)))
        threads[0].start()
        return server.getsockname()[1]

    with socket.create_server(("127.0.0.1", 0)) as server:
        yield let_in
        threads[0].join()


@pytest.mark.parametrize(
    ("tls", "text"),
    [(True, "the certificate of 127.0.0.1 is not valid: "), (False, " has no TLS: ")],
)
def test_a_certificate_that_nobody_believes(app, one_visit, tls, text):
    address = f"https://127.0.0.1:{one_visit(tls)}{PATH}"
    app.config["PORTAL"] = replace(app.config["PORTAL"], base_url=address)
    result = app.test_cli_runner().invoke(args=["check", "--public"])
    assert result.exit_code == 1
    assert text in result.output


BASE = Settings(base_url="https://portal.example/apps", proxies=1)
ARRIVAL = Arrival(
    path="/apps/reached",
    page="/reached",
    scheme="https",
    host="portal.example",
    client="10.0.0.9",
    forwarded={
        "X-Forwarded-For": ["10.0.0.9"],
        "X-Forwarded-Proto": ["https"],
        "X-Forwarded-Host": ["portal.example"],
    },
)


def checked(name, settings, own="10.0.0.9", **arrived):
    plain = replace(ARRIVAL, **arrived)
    try:
        return CHECKS[name](Seen(replace(BASE, **settings), plain, plain, own))
    except CheckFailed as wrong:
        return f"WRONG {wrong}"


@pytest.mark.parametrize(
    ("name", "settings", "arrived", "text"),
    [
        ("scheme", {}, {}, "https"),
        (
            "scheme",
            {},
            {"scheme": "http", "forwarded": {}},
            "WRONG http arrives in place of https: X-Forwarded-Proto is missing: the proxy must set it",
        ),
        (
            "scheme",
            {"proxies": 0},
            {"scheme": "http", "forwarded": {}},
            "WRONG http arrives in place of https: X-Forwarded-Proto is missing: the proxy must set it, and PORTAL",
        ),
        ("host", {}, {"host": "portal.example:443"}, "portal.example:443"),
        ("host", {}, {"host": "PORTAL.example"}, "PORTAL.example"),
        ("host", {"base_url": "https://żółw.example"}, {"host": "xn--w-uga1v8h.example"}, "xn--w-"),
        (
            "host",
            {"base_url": "https://portal.example:8443"},
            {"forwarded": {}},
            "WRONG portal.example arrives in place of portal.example:8443: the proxy must pass Host on",
        ),
        ("host", {}, {"host": "portal.example:port", "forwarded": {}}, "WRONG portal.example:port"),
        ("path", {}, {}, "/apps/reached arrives"),
        (
            "path",
            {},
            {"page": "/apps/reached"},
            "WRONG /apps/reached arrives as it is, but at a portal that runs with another PORTAL_BASE_URL",
        ),
        ("client address", {}, {"client": "192.168.0.1"}, "192.168.0.1 arrives, and 10.0.0.9 has"),
        ("client address", {}, {"client": "unknown"}, "unknown arrives, and 10.0.0.9 has asked"),
        (
            "client address",
            {"proxies": 0},
            {"client": "127.0.0.1", "forwarded": {}},
            "WRONG 127.0.0.1 arrives, which is a proxy's, though 10.0.0.9 has asked",
        ),
    ],
)
def test_what_arrives_elsewhere(name, settings, arrived, text):
    assert checked(name, settings, **arrived).startswith(text)


def test_nobody_else_gets_an_answer(app, browse):
    with app.app_context():
        question = questions.ask()
    for asked in (
        "",
        "?question=",
        "?question=made.up.signature",
        f"?question={question}x",
        "?%ff",
    ):
        answer = browse().get(f"/reached{asked}")
        assert answer.status_code == 404, asked
        assert "X-Request-ID" in answer.headers


def test_a_question_ends_after_a_minute(app, browse):
    with app.app_context():
        question = questions.ask()
    assert browse().get(f"/reached?question={question}").status_code == 200
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=62), tick=False):
        assert browse().get(f"/reached?question={question}").status_code == 404


@pytest.mark.settings(trusted_hosts=("portal.example",))
def test_a_host_that_pages_refuse_is_told(app, browse):
    with app.app_context():
        question = questions.ask()
        told = browse().get(f"/reached?question={question}", headers={"Host": "inner"}).text
        arrival = questions.read(told, question)
    assert arrival is not None
    assert arrival.host == "inner"
