"""Bounces: from the return path of each mail to what a report of it changes; with a real SMTP server."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from tests.support.cast import unit_of_work
from tests.support.portal import run_at
from tests.support.smtp import smtp_sink
from webapp.config import load
from webapp.mail import return_paths
from webapp.models import ContactAssignment, Delivery, Installation, Partner, Subscription, db
from webapp.services.reminders import due_index

STEP_30 = datetime(2027, 3, 1, 10, tzinfo=UTC)
OURS = "bounces@portal.example"


@pytest.fixture
def sink():
    with smtp_sink() as running:
        yield running


@pytest.fixture
def sending(app, cast, sink):
    """Acme's partner sends through the SMTP sink, and reads bounces; Acme's only contact is Dana."""
    app.config["PORTAL"] = load(
        {"PORTAL_MAIL_URL": f"{sink.url}?tls=off", "PORTAL_BOUNCE_ADDRESS": OURS}
    )
    with unit_of_work(app):
        db.session.execute(update(Partner).where(Partner.id == cast.partner).values(sending=True))
        db.session.query(ContactAssignment).filter_by(user_id=cast.dave).delete()
        due_index.refresh_where(Subscription.client_id == cast.client)
    return cast


def test_each_mail_has_a_return_path_of_its_own_and_keeps_it(app, sending, sink):
    sink.answer = "451 later"
    senders = []
    real, sink.handle_DATA = sink.handle_DATA, None

    async def noted(server, session, envelope):
        senders.append((str(envelope.mail_from), envelope.rcpt_tos[0]))
        return await real(server, session, envelope)

    sink.handle_DATA = noted
    run_at(app, STEP_30)
    sink.answer = "250 taken"
    run_at(app, STEP_30 + timedelta(minutes=2))
    assert len(senders) == 4
    assert sorted(senders[:2]) == sorted(senders[2:])
    with app.app_context():
        seed = db.session.scalar(select(Installation.seed))
        for sender, reader in senders:
            path = return_paths.find(OURS, sender)
            mail = db.session.get(Delivery, path.id)
            assert mail.email == reader
            assert return_paths.is_signed(seed, path, mail.message_id)
