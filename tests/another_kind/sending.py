"""One more kind of mail is queued, written and handed over to a real SMTP server, and shown. Runs in a copy."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from email import message_from_bytes, policy
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select, update
from webapp.mail.kinds.anniversary import AnniversarySnapshot

from tests.support.cast import Cast, unit_of_work
from tests.support.smtp import Sink, smtp_sink
from webapp import worker
from webapp.config import load
from webapp.models import Delivery, DeliveryState, MailKind, Partner, User, db
from webapp.services.reminders import loading
from webapp.services.sending import queueing
from webapp.services.sending.queueing import NewMail

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
KIND = MailKind("anniversary")
NOW = datetime(2031, 3, 3, 10, tzinfo=UTC)


@pytest.fixture
def sink(app: Flask, cast: Cast) -> Iterator[Sink]:
    with smtp_sink() as running, time_machine.travel(NOW, tick=False):
        app.config["PORTAL"] = load({"PORTAL_MAIL_URL": f"{running.url}?tls=off"})
        with unit_of_work(app):
            db.session.execute(update(Partner).values(sending=True))
        yield running


def text_of(content: bytes) -> tuple[str, str]:
    """The subject and the plain text of a message."""
    mail: Any = message_from_bytes(content, policy=policy.default)
    return mail["Subject"], mail.get_body(("plain",)).get_content()


def test_it_is_sent_to_whom_it_was_resolved_for(
    app: Flask, cast: Cast, sink: Sink, browse: Any
) -> None:
    with unit_of_work(app):
        person = loading.person(db.session.get_one(User, cast.alice))
        snapshot = AnniversarySnapshot.of(person, "Odnowa", date(2028, 3, 3))
        mail = NewMail(
            kind=KIND,
            person=person,
            snapshot=snapshot,
            queued_at=NOW,
            partner_id=cast.partner,
        )
        queueing.add([mail])
    assert worker.once(app)["sent"] == 1
    (letter,) = sink.letters
    assert letter.recipients == ["alice@odnowa.example"]
    subject, text = text_of(letter.content)
    assert subject == "3 years: Odnowa"
    assert "Thank you for 3 years, Odnowa." in text
    with app.app_context():
        (delivery,) = db.session.scalars(select(Delivery))
        assert delivery.state is DeliveryState.SENT
        assert AnniversarySnapshot.from_json(delivery.snapshot) == snapshot
        db.session.remove()
    assert "Anniversary" in browse(cast.alice).get("/partner/deliveries").text


def test_its_sample_goes_to_whoever_asks_for_it(
    app: Flask, cast: Cast, sink: Sink, browse: Any
) -> None:
    form = {"kind": KIND.value, "language": "en"}
    assert browse(cast.alice).post("/settings/partners/test", data=form).status_code == 303
    assert worker.once(app)["sent"] == 1
    (letter,) = sink.letters
    subject, text = text_of(letter.content)
    assert subject == "Test: 5 years: Odnowa"
    assert "This is a test mail" in text
