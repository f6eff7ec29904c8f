"""A partner's own words are in its mails as they stand when a mail goes out, and in no other partner's."""

import re
from datetime import UTC, datetime
from email import message_from_bytes, policy

import pytest
import time_machine
from sqlalchemy import select, update

from tests.support.cast import unit_of_work
from webapp import worker
from webapp.domain.ownership import Choice
from webapp.domain.snapshots import Letterhead, ReminderSnapshot
from webapp.models import (
    Client,
    ContactAssignment,
    Delivery,
    DeliveryState,
    InboxMail,
    MailKind,
    Partner,
    Subscription,
    User,
    db,
)
from webapp.services.accounts import links, mail_texts
from webapp.services.accounts.mail_texts import CompanyData, Texts
from webapp.services.clients import ownership
from webapp.services.reminders import due_index, planning
from webapp.services.sending import letterheads, outbox, sample_mails

STEP_30 = datetime(2027, 3, 1, 10, tzinfo=UTC)
COMPANY = CompanyData("answers@odnowa.example", "Odnowa\nNIP 1", "https://odnowa.example/privacy")
TEXTS = Texts("A word & <b>\n{{ name }} %(name)s\n\nAnother.", "The team")


@pytest.fixture
def sending(app, cast):
    """Acme's partner sends; Acme's only contact is Dana, who reads English."""
    with unit_of_work(app):
        db.session.execute(update(Partner).where(Partner.id == cast.partner).values(sending=True))
        db.session.execute(update(User).where(User.id == cast.dana).values(language="en"))
        db.session.query(ContactAssignment).filter_by(user_id=cast.dave).delete()
        due_index.refresh_where(Subscription.client_id == cast.client)
    return cast


def save(app, cast, language, texts, company=None):
    with unit_of_work(app):
        alice, partner = db.session.get(User, cast.alice), db.session.get(Partner, cast.partner)
        mail_texts.save_texts(alice, partner, language, texts)
        if company:
            mail_texts.save_company(alice, partner, company)


def run(app):
    with time_machine.travel(STEP_30, tick=False):
        return worker.once(app)


def sent_to(app, email):
    """The only mail that went out to somebody."""
    with app.app_context():
        (row,) = db.session.scalars(select(InboxMail).where(InboxMail.recipient == email))
        return message_from_bytes(row.message, policy=policy.default)


def parts(message):
    """Plain text and HTML."""
    return (message.get_body((kind,)).get_content() for kind in ("plain", "html"))


def test_a_mail_to_the_client_has_the_partners_own_words(app, sending):
    save(app, sending, "en", TEXTS, COMPANY)
    run(app)
    message = sent_to(app, "dana@acme.example")
    text, html = parts(message)
    assert str(message["Reply-To"]) == "Odnowa <answers@odnowa.example>"
    text = text.replace("\r\n", "\n")
    assert "A word & <b>\n{{ name }} %(name)s\n\nAnother." in text
    assert "<p>A word &amp; &lt;b&gt;<br>{{ name }} %(name)s</p>" in unstyled(html)
    assert "<p>Another.</p>" in unstyled(html)
    assert "coming up for renewal" not in text
    assert "\nThe team\n" in text
    assert "HubSpot" not in text
    assert text.rstrip().endswith("\n\nOdnowa\nNIP 1")
    assert "Privacy notice: https://odnowa.example/privacy" in text
    assert 'href="https://odnowa.example/privacy"' in html
    assert "answers@odnowa.example" in text


def unstyled(html):
    """The HTML without attributes of style."""
    return re.sub(r' style="[^"]*"', "", html)


def test_a_language_without_texts_has_the_standard_ones(app, sending):
    save(app, sending, "pl", TEXTS, COMPANY)
    run(app)
    text, _ = parts(sent_to(app, "dana@acme.example"))
    assert "A subscription is coming up for renewal." in text
    assert "A word" not in text
    assert "NIP 1" in text


@pytest.mark.parametrize("purpose", links.MAILS)
def test_an_account_mail_to_a_clients_person_has_the_company_data(app, sending, purpose):
    save(app, sending, "en", TEXTS, COMPANY)
    with unit_of_work(app):
        for id in (sending.dana, sending.bob):
            links.send(db.session.get(User, id), purpose, new_email="new@acme.example")
    worker.once(app)
    for text in parts(sent_to(app, "dana@acme.example")):
        assert "https://odnowa.example/privacy" in text
        assert "NIP 1" in text
        assert "A word" not in text
    text, _ = parts(sent_to(app, "bob@odnowa.example"))
    assert "NIP 1" not in text


def test_words_that_change_before_it_goes_out_are_the_new_ones(app, sending):
    save(app, sending, "en", Texts("The old words"))
    with time_machine.travel(STEP_30, tick=False), unit_of_work(app):
        for _ in planning.plan(STEP_30):
            pass
        while outbox.issue_due(STEP_30):
            pass
    save(app, sending, "en", Texts("The new words"))
    run(app)
    text, _ = parts(sent_to(app, "dana@acme.example"))
    assert "The new words" in text
    with app.app_context():
        mails = db.session.scalars(
            select(Delivery).where(Delivery.recipient_id == sending.dana).order_by(Delivery.id)
        ).all()
        old, new = mails
        assert (old.state, new.state) == (DeliveryState.SUPERSEDED, DeliveryState.SENT)
        letterhead = ReminderSnapshot.from_json(new.snapshot).letterhead
        assert letterhead == Letterhead(introduction=("The new words",))


def test_a_mail_for_action_has_a_text_in_the_clients_language(app, sending):
    save(app, sending, "pt", Texts("Cuidamos da sua conta."), COMPANY)
    with unit_of_work(app):
        alice, acme = db.session.get(User, sending.alice), db.session.get(Client, sending.client)
        acme.language, alice.language = "pt", "pl"
        ownership.choose_owner(alice, acme, Choice.PARTNER, alice.id)
    run(app)
    text, html = parts(sent_to(app, "alice@odnowa.example"))
    block = text.replace("\r\n", "\n").replace("\u00a0", " ").split("-" * 30)[1]
    assert block.startswith("\n\nOlá,\n\nCuidamos da sua conta.\n")
    assert "31 de março de 2027" in block
    assert "Responda a tempo, antes da renovação." in block
    assert "NIP 1" not in text
    assert '<blockquote lang="pt-BR"' in html
    assert "Português" in text


def test_letterheads_are_each_partners_own(app, cast, statements):
    save(app, cast, "pl", TEXTS, COMPANY)
    with app.app_context(), statements() as log:
        found = letterheads.load({cast.partner, cast.other_partner})
        assert len([one for one in log if "SELECT" in one]) == 1
    assert found[cast.partner]["pl"] == Letterhead(
        introduction=("A word & <b>", "{{ name }} %(name)s", "", "Another."),
        signature=("The team",),
        legal=("Odnowa", "NIP 1"),
        reply_to="answers@odnowa.example",
        privacy_url="https://odnowa.example/privacy",
    )
    assert found[cast.partner]["en"].introduction == ()
    assert found[cast.partner]["en"].legal == ("Odnowa", "NIP 1")
    assert set(found[cast.other_partner].values()) == {Letterhead()}


@pytest.mark.parametrize("kind", [MailKind.REMINDER_CLIENT, MailKind.REMINDER_PARTNER])
def test_a_preview_has_the_bytes_of_a_mail(app, cast, kind):
    """Only what says that a test mail is one sets it apart from the preview."""
    save(app, cast, "en", TEXTS, COMPANY)
    with time_machine.travel(STEP_30, tick=False):
        with unit_of_work(app):
            alice, partner = db.session.get(User, cast.alice), db.session.get(Partner, cast.partner)
            preview = sample_mails.preview(alice, partner, kind, "en")
            sample_mails.send(alice, partner, kind, "en")
        worker.once(app)
    shown, sent = (
        message_from_bytes(preview, policy=policy.default),
        sent_to(app, "alice@odnowa.example"),
    )
    for name in ("Date", "From", "To", "Reply-To", "References"):
        assert shown[name] == sent[name]
    assert sent["Subject"] == f"Test: {shown['Subject']}"
    text, test = (next(iter(parts(message))) for message in (shown, sent))
    assert "made up" not in text
    assert (
        test.replace("This is a test mail: what it tells is made up.\r\n\r\n", "").partition(
            "http"
        )[0]
        == text.partition("http")[0]
    )
