"""The people of the cast as services are handed them, inside the test's own context, and a partner that sends."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from tests.support.cast import Cast, unit_of_work
from tests.support.smtp import Sink, smtp_sink
from webapp.config import load
from webapp.models import ContactAssignment, Partner, Subscription, User, db
from webapp.services.reminders import due_index


def person(name: str) -> Any:
    """Make the fixture of one of the cast."""

    @pytest.fixture(name=name)
    def get(context: Flask, cast: Cast) -> User:
        return db.session.get_one(User, getattr(cast, name))

    return get


alice, bob, dana, dave = map(person, ("alice", "bob", "dana", "dave"))


@pytest.fixture
def sink() -> Iterator[Sink]:
    """A mail server on a real socket."""
    with smtp_sink() as running:
        yield running


@pytest.fixture
def sending(app: Flask, cast: Cast, sink: Sink) -> Cast:
    """Acme's partner sends through the SMTP sink; Acme's only contact is Dana."""
    app.config["PORTAL"] = load({"PORTAL_MAIL_URL": f"{sink.url}?tls=off"})
    with unit_of_work(app):
        db.session.execute(update(Partner).where(Partner.id == cast.partner).values(sending=True))
        db.session.query(ContactAssignment).filter_by(user_id=cast.dave).delete()
        due_index.refresh_where(Subscription.client_id == cast.client)
    return cast
