"""portal check --deploy: what can't keep the promise about delivery is refused by its name."""

import json
import socket

import pytest

from tests.support.cast import SECRET
from webapp.app import create_app
from webapp.cli.check_deploy import check_buffering
from webapp.config import Settings
from webapp.models import db

GOOD = {
    "secret_key": SECRET,
    "base_url": "https://portal.odnowa.pl",
    "trusted_hosts": ("portal.odnowa.pl",),
    "proxies": 1,
    "mail_url": "smtp://mail.odnowa.pl",
    "mail_from": "renewals@odnowa.pl",
    "limits_url": "redis://cache",
}


@pytest.fixture
def no_names(monkeypatch):
    """The machine knows no names of others, as tests may not reach any."""

    def unknown(*given):
        raise socket.gaierror("Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)


@pytest.fixture
def refused(tmp_path, database_url, no_names):
    """Run the checks with these settings; return the failed ones as {check: text}, and the exit code."""

    def check(**others):
        values = {"database_url": database_url, "instance_path": str(tmp_path), **GOOD, **others}
        app = create_app(Settings(**values))
        result = app.test_cli_runner().invoke(args=["check", "--deploy", "--json"])
        with app.app_context():
            db.engine.dispose()
        found = json.loads(result.output)
        assert result.exit_code == int(any(one["needed"] and not one["ok"] for one in found))
        return {one["check"]: one["text"] for one in found if one["needed"] and not one["ok"]}

    return check


def test_a_sound_installation_passes(refused):
    assert refused() == {}


@pytest.mark.parametrize(
    ("values", "name", "text"),
    [
        ({"base_url": "http://127.0.0.1:8000"}, "base url", "set PORTAL_BASE_URL"),
        ({"base_url": "https://localhost"}, "base url", "leads nobody here"),
        ({"base_url": "http://portal.odnowa.pl"}, "base url", "must start with https://"),
        ({"trusted_hosts": ()}, "trusted hosts", "set PORTAL_TRUSTED_HOSTS, to portal.odnowa.pl"),
        ({"trusted_hosts": ("odnowa.pl",)}, "trusted hosts", "lacks portal.odnowa.pl"),
        ({"proxies": 0}, "proxies", "set PORTAL_PROXIES"),
        ({"demo": True, "mail_url": "inbox:"}, "demo", "unset PORTAL_DEMO"),
        ({"mail_from": "renewals@portal.example"}, "sender", "set PORTAL_MAIL_FROM"),
        ({"mail_url": "inbox:"}, "mail server", "set PORTAL_MAIL_URL"),
        ({"mail_url": "smtp://u:p@mail.odnowa.pl?tls=off"}, "mail server", "?tls=off"),
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_is_refused_by_name(refused, values, name, text):
    assert text in refused(**values)[name]


def test_a_subdomain_pattern_covers_the_host(refused):
    assert refused(trusted_hosts=(".odnowa.pl",)) == {}


def test_sqlite_is_for_one_machine(refused, database_url):
    many = database_url.startswith("postgresql")
    assert set(refused(broker_url="redis://queue")) == (set() if many else {"storage"})
    assert set(refused(limits_url="memory://")) == ({"sign-in limits"} if many else set())
    assert set(refused(secret_key="")) == ({"secret key"} if many else set())


@pytest.mark.parametrize(
    "address",
    [
        pytest.param(one, marks=pytest.mark.settings(base_url=one))
        for one in ("https://portal.odnowa.pl", "https://odnowa.pl/odnowień")
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_cannot_be_tried_out_is_not_known(context, no_names, address):
    """Whether a proxy takes requests in first: tests/scale/test_half_sent.py tries it out."""
    assert check_buffering().startswith(f"not known, since {address} can't be reached from here")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_debug_mode(refused, monkeypatch):
    monkeypatch.setenv("FLASK_DEBUG", "1")
    assert "unset FLASK_DEBUG" in refused()["debug"]


def test_without_the_option_nothing_more_is_asked(app):
    output = app.test_cli_runner().invoke(args=["check"]).output
    assert "trusted hosts" not in output
