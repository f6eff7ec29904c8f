"""The identity provider of tests, really served, and people who sign in there (a pytest plugin).

A test that asks for ``provider`` has a portal whose door leads there: the people of Alice's partner come in by it.
"""

import socket
from collections.abc import Iterator
from functools import cache
from urllib.parse import urlsplit

import pytest
import requests
from flask.testing import FlaskClient
from joserfc.jwk import RSAKey
from werkzeug.test import TestResponse

from tests.support.browser import served
from tests.support.cast import BASE_URL
from tests.support.doors import CLIENT_ID, CLIENT_SECRET, door_settings
from tools.intranet.issuer import Client, Person, Provider, new_key
from tools.intranet.provider import create_app
from webapp.config import Settings
from webapp.signin import provider as known_providers

ALICE = Person("a-1", "Alice", "alice@odnowa.example", ("chiefs",))
BOB = Person("b-2", "Bob", "bob@odnowa.example")
# Nobody in the cast.
ZOE = Person("z-9", "Zoe Nowak", "zoe@odnowa.example", ("sales",))
PEOPLE = (ALICE, BOB, ZOE)


@cache
def key() -> RSAKey:
    """Make one key for all tests of this process: it takes long."""
    return new_key()


@pytest.fixture(scope="session")
def provider_listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


@pytest.fixture
def issuer(provider_listener: socket.socket) -> str:
    return f"http://127.0.0.1:{provider_listener.getsockname()[1]}"


@pytest.fixture
def portal_address(portal_path: str) -> str:
    """Where the portal is, for the provider, which leads back to nowhere else."""
    return BASE_URL + portal_path


@pytest.fixture
def provider(
    issuer: str, portal_address: str, provider_listener: socket.socket
) -> Iterator[Provider]:
    known_providers.of.cache_clear()
    client = Client(
        CLIENT_ID,
        CLIENT_SECRET,
        (f"{portal_address}/sign-in/oidc/back",),
        (f"{portal_address}/sign-in",),
    )
    app = create_app(issuer, PEOPLE, [client], key=key())
    with served(app, provider_listener):
        yield app.config["PROVIDER"]
    known_providers.of.cache_clear()


@pytest.fixture
def door(issuer: str) -> Settings:
    """Make the settings of the portal that signs in at the provider, for what needs no portal."""
    return Settings(base_url=BASE_URL, **door_settings(issuer))


def go(browser: FlaskClient, address: str = "/sign-in/oidc") -> str:
    """Set out from the portal, and return the address at the provider."""
    answer = browser.get(address)
    assert answer.status_code == 303, answer.text
    return str(answer.location)


def choose(asked: str, person: Person | None) -> str:
    """Sign in at the provider as a person (None: cancel), and return where it leads back to, as a path."""
    data = {"person": person.subject if person else ""}
    answer = requests.post(asked, data=data, allow_redirects=False, timeout=10)
    assert answer.status_code == 303, answer.text
    back = urlsplit(answer.headers["Location"])
    return f"{back.path}?{back.query}"


def sign_in(
    browser: FlaskClient, person: Person | None, address: str = "/sign-in/oidc"
) -> TestResponse:
    """Go from the portal to the provider, sign in there, and come back."""
    return browser.get(choose(go(browser, address), person))
