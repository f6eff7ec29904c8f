"""Passwords in forms: as they were typed, of any kind, and open to password managers."""

from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest
import time_machine
from sqlalchemy import update
from werkzeug.datastructures import MultiDict

from tests.support.cast import Cast, let_in_at, unit_of_work
from tests.support.two_step import turn_on
from webapp.models import UserSession, db
from webapp.services.accounts import logins
from webapp.signin import password

DAVE, SECRET = "dave@acme.example", "correct horse battery"
PROFILE = "/settings/profile"
# Eighty characters, with spaces at both ends, and letters of several kinds.
LONG = "  Zażółć gęślą jaźń, ПАРОЛЬ, 七転び八起き, and a few more words for the end of it 123!  "


class Fields(HTMLParser):
    """The password fields of a page, by their names."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, dict[str, str | None]] = {}

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag == "input" and "password" in f"{given.get('name')} {given.get('autocomplete')}":
            self.found[given["name"]] = given


@pytest.fixture
def dave(app, cast: Cast) -> int:
    with unit_of_work(app):
        logins.set_password(let_in_at(DAVE), password.hash_password(SECRET))
    return cast.dave


def sign_in(client, given):
    return client.post("/sign-in", data={"email": DAVE, "password": given}).status_code


def test_fields_are_masked_and_known_to_password_managers(browse, dave):
    for page, known in (
        (browse().get("/sign-in"), {"password": "current-password"}),
        (
            browse(dave).get(PROFILE),
            {"present": "current-password", "password": "new-password", "again": "new-password"},
        ),
    ):
        fields = Fields()
        fields.feed(page.text)
        assert {name: one["autocomplete"] for name, one in fields.found.items()} == known
        for given in fields.found.values():
            assert given["type"] == "password"
            # Browsers cut off what is pasted, without a word.
            assert not {"onpaste", "maxlength", "readonly"} & given.keys()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_password_counts_as_it_was_typed(browse, dave):
    here = browse(dave)
    form = {"present": SECRET, "password": LONG, "again": LONG}
    assert len(LONG) >= 64
    assert here.post(f"{PROFILE}/password", data=form).location == PROFILE
    for other in (LONG.strip(), LONG.casefold(), LONG[:72], LONG[:-1]):
        assert sign_in(browse(), other) == 422
    assert sign_in(browse(), LONG) == 303


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_password_lasts_until_it_is_changed(browse, dave):
    with time_machine.travel(datetime.now(UTC) + timedelta(days=3650), tick=False):
        assert sign_in(browse(), SECRET) == 303


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_field_that_is_sent_twice_counts_once(browse, dave):
    """Whoever is proved is whom failures count for."""
    eve = browse()
    fields = [("email", DAVE), ("email", "nobody@acme.example"), ("password", "wrong")]
    query = {"email": "nobody@acme.example", "password": SECRET}
    for _ in range(5):
        answer = eve.post("/sign-in", data=MultiDict(fields), query_string=query)
        assert answer.status_code == 422
    assert sign_in(browse(), SECRET) == 429


def test_a_password_alone_does_not_stand_for_both_steps(app, browse, dave):
    """Else whoever knows it, and has the session, would have shown who it is by changing it."""
    turn_on(app, dave)
    client, new = browse(dave), "another horse battery"
    with unit_of_work(app):
        long_ago = datetime.now(UTC) - timedelta(minutes=16)
        db.session.execute(update(UserSession).values(proved_at=long_ago))
    given = {"present": SECRET, "password": new, "again": new}
    answer = client.post(f"{PROFILE}/password", data=given)
    assert answer.location.startswith("/sign-in/confirm?next=")
    assert sign_in(browse(), SECRET) == 303
    assert client.post("/settings/two-step/off").location.startswith("/sign-in/confirm?next=")
