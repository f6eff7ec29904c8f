"""The opened mail: as it went out, for the partner and for who got it; or why there is nothing of it to show."""

import re
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256

import pytest
import time_machine
from sqlalchemy import select, update

from tests.support.cast import unit_of_work
from tests.support.forms import opened
from tests.support.portal import run_at
from webapp.models import (
    Delivery,
    DeliveryMessage,
    DeliveryState,
    InboxMail,
    LinkPurpose,
    Partner,
    Subscription,
    User,
    db,
)
from webapp.services.accounts import links
from webapp.services.erasing import person
from webapp.services.reminders import due_index

STEP_30 = datetime(2027, 3, 1, 10, tzinfo=UTC)
SENT, GOT = "/partner/deliveries", "/account/mails"
# What each role opens.
WAYS = [("alice", SENT), ("bob", SENT), ("dana", GOT)]


@pytest.fixture
def told(app, cast):
    """A reminder has gone out to Dana and Dave at the client, and a copy to Alice; the ids of the mails by reader."""
    with unit_of_work(app):
        db.session.execute(update(Partner).where(Partner.id == cast.partner).values(sending=True))
        due_index.refresh_where(Subscription.client_id == cast.client)
    run_at(app, STEP_30)
    with app.app_context():
        mails = db.session.scalars(select(Delivery)).all()
        found = {mail.recipient_id: mail.id for mail in mails}
        assert found.keys() == {cast.alice, cast.dana, cast.dave}
    with time_machine.travel(STEP_30 + timedelta(hours=1), tick=False):
        yield found


def change(app, delivery_id, **values):
    with unit_of_work(app):
        db.session.execute(update(Delivery).where(Delivery.id == delivery_id).values(values))


def content_of(app, delivery_id):
    with app.app_context():
        return db.session.get_one(DeliveryMessage, delivery_id).content


@pytest.mark.parametrize(("name", "path"), WAYS)
def test_a_mail_opens_as_it_went_out(app, cast, told, browse, name, path):
    mail = told[cast.dana]
    content = content_of(app, mail)
    page = browse(getattr(cast, name)).get(f"{path}/{mail}").text
    assert "<dt>Message-ID</dt>" in page
    assert "<dt>Subject</dt>" in page
    assert sha256(content).hexdigest() in page
    # The subscription renews on 31 March 2027.
    assert "Kept until" in page
    assert "4 May 2028" in page
    frame = re.search(r"<iframe[^>]*>", page)[0]
    assert f'src="{path}/{mail}/html"' in frame
    assert " sandbox" in frame
    assert f'href="{path}/{mail}/eml"' in page


@pytest.mark.parametrize(("name", "path"), WAYS)
def test_its_html_is_shut_in(app, cast, told, browse, name, path):
    answer = browse(getattr(cast, name)).get(f"{path}/{told[cast.dana]}/html")
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox; default-src 'none'; style-src 'unsafe-inline'")
    assert answer.mimetype == "text/html"
    assert "Acme" in answer.text


@pytest.mark.parametrize(("name", "path"), WAYS)
def test_its_file_has_the_very_bytes(app, cast, told, browse, name, path):
    mail = told[cast.dana]
    answer = browse(getattr(cast, name)).get(f"{path}/{mail}/eml")
    with app.app_context():
        got = db.session.scalars(
            select(InboxMail.message).where(InboxMail.recipient == "dana@acme.example")
        ).all()
        stored = db.session.get_one(DeliveryMessage, mail)
        assert sha256(answer.data).hexdigest() == stored.sha256
    assert answer.data in got
    assert answer.mimetype == "message/rfc822"
    assert answer.headers["Content-Disposition"] == f"attachment; filename=mail-{mail}.eml"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in answer.headers["Cache-Control"]


@pytest.mark.parametrize(("name", "path"), WAYS)
def test_without_its_bytes_the_digest_stays(app, cast, told, browse, name, path):
    mail = told[cast.dana]
    digest = sha256(content_of(app, mail)).hexdigest()
    with unit_of_work(app):
        db.session.execute(update(DeliveryMessage).values(content=None))
    reader = browse(getattr(cast, name))
    page = reader.get(f"{path}/{mail}").text
    assert "no longer kept. Its SHA-256 tells" in page
    assert digest in page
    assert "1 Mar 2027" in page
    assert "Kept until" not in page
    assert "<iframe" not in page
    assert "/eml" not in page
    for part in ("html", "eml"):
        assert reader.get(f"{path}/{mail}/{part}").status_code == 404


def test_what_was_dropped_by_earlier_versions_says_so(app, cast, told, browse):
    mail = told[cast.dana]
    with unit_of_work(app):
        db.session.execute(DeliveryMessage.__table__.delete())
    page = browse(cast.alice).get(f"{SENT}/{mail}").text
    assert "The content of this mail is no longer kept." in page
    assert "SHA-256" not in page


@pytest.mark.parametrize(
    ("state", "ended", "text"),
    [
        (DeliveryState.QUEUED, None, "not written yet"),
        (DeliveryState.CANCELLED, STEP_30, "never went out"),
        (DeliveryState.TOO_LATE, STEP_30, "never went out"),
    ],
)
def test_what_was_never_written_says_so(app, cast, told, browse, state, ended, text):
    mail = told[cast.dana]
    with unit_of_work(app):
        db.session.execute(DeliveryMessage.__table__.delete())
    change(app, mail, state=state, ended_at=ended, message_id=None)
    assert text in browse(cast.alice).get(f"{SENT}/{mail}").text


def test_a_mail_to_the_partner_opens_for_its_team(app, cast, told, browse):
    assert "Alice" in browse(cast.bob).get(f"{SENT}/{told[cast.alice]}").text


@pytest.mark.parametrize("part", ["", "/html", "/eml"])
def test_others_mails_are_not_there(app, cast, told, browse, part):
    for reader, path, mail in (
        (cast.charlie, SENT, told[cast.dana]),
        (cast.other_dana, GOT, told[cast.dana]),
        # A colleague's, though the admin may edit the colleague; nor the copy to the partner.
        (cast.dana, GOT, told[cast.dave]),
        (cast.dana, GOT, told[cast.alice]),
    ):
        assert browse(reader).get(f"{path}/{mail}{part}").status_code == 404


@pytest.mark.parametrize("part", ["", "/html", "/eml"])
def test_an_account_mail_never_opens(app, cast, told, browse, part):
    """Whoever read it could come in by its link."""
    with time_machine.travel(STEP_30, tick=False), unit_of_work(app):
        for name in (cast.bob, cast.dave):
            links.send(db.session.get_one(User, name), LinkPurpose.INVITATION)
    run_at(app, STEP_30 + timedelta(minutes=1))
    with app.app_context():
        invitations = db.session.scalars(
            select(Delivery.id).where(Delivery.link_id.is_not(None))
        ).all()
        assert len(invitations) == 2
        assert all(content_of(app, one) for one in invitations)
    for reader, path in ((cast.alice, SENT), (cast.bob, SENT), (cast.dana, GOT), (cast.dave, GOT)):
        for mail in invitations:
            assert browse(reader).get(f"{path}/{mail}{part}").status_code == 404


def test_whoever_was_told_finds_the_own_mails(app, cast, told, browse):
    reader = browse(cast.dana)
    assert f'href="{GOT}"' in reader.get("/account/company").text
    page = reader.get(GOT).text
    assert re.findall(rf'href="{GOT}/(\d+)"', page) == [str(told[cast.dana])]
    assert "Sent" in page
    change(app, told[cast.dana], message_id=None, state=DeliveryState.QUEUED)
    page = reader.get(GOT).text
    assert "No mails yet" in page
    assert f"{GOT}/" not in page


def test_own_mails_come_in_pages(app, cast, told, browse):
    with unit_of_work(app):
        first = db.session.get_one(Delivery, told[cast.dana])
        for number in range(60):
            db.session.add(
                Delivery(
                    kind=first.kind,
                    partner_id=first.partner_id,
                    client_id=first.client_id,
                    day=date(2027, 3, 2),
                    recipient_id=first.recipient_id,
                    email=first.email,
                    language="en",
                    snapshot=first.snapshot,
                    state=DeliveryState.SENT,
                    queued_at=STEP_30,
                    send_after=STEP_30,
                    ended_at=STEP_30,
                    message_id=f"<{number}@portal.example>",
                )
            )
    reader = browse(cast.dana)
    page = reader.get(GOT).text
    shown = [int(one) for one in re.findall(rf'href="{GOT}/(\d+)"', page)]
    assert len(shown) == 50
    assert shown == sorted(shown, reverse=True)
    further = reader.get(re.search(rf'href="({GOT}\?before=\d+)"', page)[1]).text
    rest = [int(one) for one in re.findall(rf'href="{GOT}/(\d+)"', further)]
    assert len(rest) == 11
    assert rest[-1] == told[cast.dana]
    assert max(rest) < min(shown)


def test_lists_lead_to_the_mail(app, cast, told, browse):
    reader = browse(cast.alice)
    for page in (SENT, f"/partner/clients/{cast.client}/renewals"):
        text = opened(reader, page)
        for mail in told.values():
            assert f'href="{SENT}/{mail}"' in text


def test_a_mail_to_somebody_erased_has_a_pseudonym_and_its_digest(app, cast, told, browse):
    mail = told[cast.dave]
    digest = sha256(content_of(app, mail)).hexdigest()
    with unit_of_work(app):
        for _step in person.erase_person(None, db.session.get_one(User, cast.dave)):
            pass
    page = browse(cast.alice).get(f"{SENT}/{mail}").text
    assert "Dave" not in page
    assert "dave@" not in page
    assert f"#{cast.dave}" in page
    assert digest in page
