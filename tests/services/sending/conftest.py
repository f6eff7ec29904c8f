"""A mail server on a real socket, and a partner that sends through it."""

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import update

from tests.support.cast import Cast, unit_of_work
from tests.support.smtp import Sink, smtp_sink
from webapp.config import load
from webapp.models import ContactAssignment, Partner, Subscription, db
from webapp.services.reminders import due_index


@pytest.fixture
def sink() -> Iterator[Sink]:
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
