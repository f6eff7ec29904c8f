"""Test mails: each kind and language goes out to whoever asks, and to nobody else."""

from email import message_from_bytes, policy

import pytest
from sqlalchemy import select

from tests.support.cast import unit_of_work
from webapp import worker
from webapp.models import Delivery, DeliveryState, InboxMail, MailKind, Partner, User, db
from webapp.services.sending import sample_mails

ACCOUNT_MAILS = (
    *(MailKind.INVITATION, MailKind.PASSWORD_RESET, MailKind.ADMIN_NOTICE),
    *(MailKind.ADDRESS_CONFIRMATION, MailKind.ADDRESS_NOTICE, MailKind.SECURITY_NOTICE),
)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("kind", MailKind)
@pytest.mark.parametrize(
    ("language", "test", "company"),
    [
        ("pl", "Test: ", "Przykładowa firma"),
        ("pt", "Teste: ", "Empresa de exemplo"),
        ("en", "Test: ", "Example company"),
    ],
)
def test_it_goes_to_oneself_although_sending_is_off(app, cast, kind, language, test, company):
    with unit_of_work(app):
        alice, partner = db.session.get(User, cast.alice), db.session.get(Partner, cast.partner)
        sample_mails.send(alice, partner, kind, language)
        assert not partner.sending
    worker.once(app)
    with app.app_context():
        assert db.session.scalars(select(Delivery.state)).all() == [DeliveryState.SENT]
        (mail,) = db.session.scalars(select(InboxMail))
        content = message_from_bytes(mail.message, policy=policy.default)
        text = content.get_body(("plain",)).get_content()
    assert mail.recipient == "alice@odnowa.example"
    assert str(content["To"]) == "Alice <alice@odnowa.example>"
    assert content["Cc"] is None
    assert content["Subject"].startswith(test)
    assert (company if kind not in ACCOUNT_MAILS else "Odnowa") in text
    if kind in ACCOUNT_MAILS:
        assert "alice@odnowa.example" in text
    assert "http://portal.test/\r\n" in text
    assert "/clients/" not in text


def test_no_mail_about_a_client_hears_of_it(app, cast):
    with unit_of_work(app):
        alice, partner = db.session.get(User, cast.alice), db.session.get(Partner, cast.partner)
        delivery = sample_mails.send(alice, partner, MailKind.REMINDER_CLIENT, "en")
        assert (delivery.partner_id, delivery.client_id) == (None, None)
