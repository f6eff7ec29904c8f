"""A mail server that can't be used: noted for all, asked with one mail, and no mail's time runs meanwhile."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from tests.support.cast import make_client, make_subscription, make_user, unit_of_work
from tests.support.portal import run_at
from webapp.domain.recipients import ContactRole
from webapp.models import ContactAssignment, Delivery, Partner, Subscription, db
from webapp.services.reminders import due_index
from webapp.services.sending import breaker, mail_server

STEP_30 = datetime(2027, 3, 1, 10, tzinfo=UTC)
DANA, ALICE = "dana@acme.example", "alice@odnowa.example"
POLICY = "554 5.7.1 <dana@acme.example>: Relay access denied"


def away(app):
    with app.app_context():
        return mail_server.away()


def states(app, cast):
    with app.app_context():
        found = select(Delivery.state).where(Delivery.recipient_id == cast.dana)
        return [state.value for state in db.session.scalars(found.order_by(Delivery.id))]


@pytest.fixture
def later(app):
    """Goes a round so many hours after the step fell due, with a server or without."""
    there = app.config["PORTAL"]

    def run(hours, *, dead=False):
        dead_url = "smtp://127.0.0.1:9?tls=off"
        app.config["PORTAL"] = replace(there, mail_url=dead_url) if dead else there
        return run_at(app, STEP_30 + timedelta(hours=hours))

    return run


def test_it_is_noted_from_the_first_moment_until_a_mail_is_taken(app, sending, sink, later):
    assert away(app) is None
    sink.refuse = {DANA: POLICY, ALICE: "550 5.7.1 Not with me"}
    later(0)
    assert away(app) == (STEP_30, "550 5.7.1 Not with me")
    sink.refuse[ALICE] = POLICY
    later(1)
    assert away(app) == (STEP_30, "554 5.7.1 <…>: Relay access denied")
    del sink.refuse[ALICE]
    later(2)
    later(3)
    assert away(app) is None
    # The other one is put off as any single mail is, which is a sign of nothing.
    counts = later(5)
    assert (counts["queued"], counts["away"], away(app)) == (1, 0, None)


@pytest.fixture
def readers(app, sending):
    """The addresses of so many clients with one reader each, whose mails fall due with the others."""

    def add(number):
        with unit_of_work(app):
            partner = db.session.get(Partner, sending.partner)
            for each in range(number):
                client = make_client(partner, f"Client {each}")
                person = make_user(client, "Zoe", email=f"zoe@client{each}.example")
                subscription = make_subscription(client, "Hub", date(2027, 3, 31))
                db.session.add_all([client, subscription, person])
                db.session.flush()
                contact = ContactAssignment(
                    client_id=client.id, role=ContactRole.PRIMARY, user_id=person.id
                )
                db.session.add(contact)
            db.session.flush()
            due_index.refresh_where(Subscription.client_id != sending.other_client)
        return [f"zoe@client{each}.example" for each in range(number)]

    return add


def test_while_it_is_away_a_round_costs_few_mails(app, readers, sink, later):
    refused = [*readers(breaker.ENOUGH_REFUSALS), DANA, ALICE]
    sink.refuse = dict.fromkeys(refused, POLICY)
    assert later(0) == {"planned": 11, "queued": 10, "away": 1}
    knocked = {"planned": 0, "queued": breaker.KNOCKS, "away": 1}
    assert later(0.1) == later(0.2) == knocked
    sink.refuse.clear()
    assert later(1)["sent"] == len(sink.letters) == 22
    assert away(app) is None


def test_readers_that_it_refuses_do_not_stand_before_all_others(app, readers, sink, later):
    """Which mails knock is a matter of chance: that twelve rounds choose only refused ones has one in 10¹⁰."""
    zoes = readers(40)
    sink.refuse = dict.fromkeys([DANA, ALICE, *zoes[:20]], POLICY)
    assert later(0)["away"] == 1
    sent = sum(later(0.01 * number)["sent"] for number in range(1, 13))
    assert sent > 0


def test_it_is_back_when_it_has_judged_an_address(app, sending, sink, later):
    sink.refuse = {DANA: POLICY, ALICE: POLICY}
    later(0)
    assert away(app)
    sink.refuse = {DANA: "550 5.1.1 No such user", ALICE: POLICY}
    while states(app, sending) == ["queued"]:
        later(1)
    assert away(app) is None


def test_nobody_is_told_of_it_once_no_mail_waits(app, sending, sink, later):
    sink.refuse = {DANA: POLICY, ALICE: POLICY}
    later(0)
    with unit_of_work(app):
        db.session.get(Partner, sending.partner).sending = False
    later(1)
    assert away(app) is None


def test_no_time_of_trying_runs_while_it_is_away(app, sending, sink, later):
    sink.refuse = {DANA: "451 later", ALICE: "451 later"}
    later(0)
    for hours in (1, 24, 48, 72, 96):
        assert later(hours, dead=True)["away"] == 1
    assert states(app, sending) == ["queued"]
    del sink.refuse[ALICE]
    later(97)
    assert away(app) is None
    # An hour of trying had passed before it was away.
    later(167)
    assert states(app, sending) == ["queued"]
    later(169)
    assert states(app, sending) == ["failed"]


@pytest.mark.parametrize(
    ("reply", "kept"),
    [
        (
            "554 5.7.1 <dana@acme.example>: Relay access denied",
            "554 5.7.1 <…>: Relay access denied",
        ),
        ("550 Dana@ACME.example, eve@other.example no", "550 …, … no"),
        ("550 relaying to acme.example. denied", "550 relaying to …. denied"),
        ("554 see https://mx.example/?to=dana%40acme.example", "554 see https:…"),
        ('550 "dana n"@acme.example no', "550 … no"),
        ("554 5.7.1 mx.acme.example, notacme.example", "554 5.7.1 mx.…, notacme.example"),
        ("no connection", "no connection"),
    ],
)
def test_no_partner_reads_whom_another_one_writes_to(reply, kept):
    assert mail_server.for_everybody(reply, "dana@acme.example") == kept
