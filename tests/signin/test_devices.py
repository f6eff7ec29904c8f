"""Known devices: the cookie that marks them, what it tells, and what a forged one opens."""

import pytest
from flask import Flask, Response

from tests.support.cast import settings
from webapp.app import create_app
from webapp.signin import devices


def marked(app: Flask, *emails: str, before: str = "", path: str = "/") -> tuple[str, str]:
    """Let one answer mark a device for some logins, and return its cookie's name and header."""
    header = ""
    for email in emails:
        cookies = {"Cookie": before} if before else {}
        with app.test_request_context(path, headers=cookies):
            devices.remember(email)
            response = app.process_response(Response())
        header = next(
            line for line in response.headers.getlist("Set-Cookie") if "portal_device" in line
        )
        before = header.partition(";")[0]
    return before, header


def knows(app: Flask, cookie: str, email: str) -> str | None:
    with app.test_request_context("/", headers={"Cookie": cookie}):
        return devices.known(email)


@pytest.fixture
def app(tmp_path) -> Flask:
    return create_app(settings(tmp_path, "sqlite:///nothing.db"))


def test_a_device_is_known_for_the_logins_that_signed_in_there(app):
    cookie, header = marked(app, "a@b.example", "ż@c.example")
    assert knows(app, cookie, "a@b.example")
    assert knows(app, cookie, "ż@c.example")
    assert knows(app, cookie, "other@b.example") is None
    assert "b.example" not in header
    assert "HttpOnly" in header
    assert "SameSite=Lax" in header


def test_it_keeps_its_mark_and_only_the_latest_logins(app):
    cookie, _header = marked(app, "0@b.example")
    mark = knows(app, cookie, "0@b.example")
    again, _header = marked(app, "1@b.example", "0@b.example", before=cookie)
    assert knows(app, again, "0@b.example") == mark
    many, _header = marked(app, *(f"{number}@b.example" for number in range(1, 7)), before=again)
    assert knows(app, many, "0@b.example") is None
    assert [bool(knows(app, many, f"{number}@b.example")) for number in range(1, 7)] == [
        *[False],
        *[True] * 5,
    ]


@pytest.mark.parametrize("spoil", ["", "x", "x.y", "~~~~", ".", "a.b~c.d", "ż.ż"])
def test_a_forged_cookie_is_no_device(app, spoil):
    assert knows(app, f"portal_device={spoil}", "a@b.example") is None


def test_a_signature_counts_for_its_mark_alone(app):
    cookie, _header = marked(app, "a@b.example")
    name, _, value = cookie.partition("=")
    assert knows(app, f"{name}=x{value}", "a@b.example") is None


@pytest.mark.parametrize(
    ("base_url", "expected"),
    [
        ("https://portal.example", ("__Host-portal_device=", "Path=/;", True)),
        ("https://intranet.example/renewals", ("__Secure-portal_device=", "Path=/;", True)),
        ("http://portal.example", ("portal_device=", "Path=/;", False)),
    ],
)
def test_its_name_tells_that_no_other_host_set_it(tmp_path, base_url, expected):
    app = create_app(settings(tmp_path, "sqlite:///x.db", base_url=base_url))
    start, path, secure = expected
    _cookie, header = marked(app, "a@b.example")
    assert header.startswith(start)
    assert path in header + ";"
    assert ("Secure" in header) is secure
