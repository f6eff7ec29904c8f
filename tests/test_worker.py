"""From a date that comes near to a mail in the inbox, through the worker's own rounds."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email import policy
from email.parser import BytesParser

import pytest
import time_machine
from sqlalchemy import select, update

from tests.support.cast import MAIL_SERVER, make_subscription, unit_of_work
from tests.support.portal import run_at
from webapp.domain.ownership import Owner
from webapp.models import (
    Client,
    ContactAssignment,
    Delivery,
    InboxMail,
    Partner,
    Reminder,
    Subscription,
    User,
    db,
)
from webapp.services.accounts import membership
from webapp.services.clients import renewals, subscriptions
from webapp.services.reminders import due_index, planning
from webapp.services.sending import after_changes

# Acme renews on 31 March 2027, in Warsaw; 30 days before is Monday 1 March.
STEP_30 = datetime(2027, 3, 1, 10, tzinfo=UTC)


@pytest.fixture
def sending(app, cast):
    """The cast, with sending on and attention dates written."""
    with unit_of_work(app):
        db.session.execute(update(Partner).where(Partner.id == cast.partner).values(sending=True))
        due_index.refresh_where(Subscription.id.is_not(None))
    return cast


def inbox(app):
    """The mails that arrived, as (recipient, parsed message)."""
    with app.app_context():
        rows = db.session.execute(
            select(InboxMail.recipient, InboxMail.message).order_by(InboxMail.id)
        ).all()
        parser = BytesParser(policy=policy.default)
        return [(row.recipient, parser.parsebytes(row.message)) for row in rows]


def reminders_of(app, cast):
    """The states of the reminders about Acme's subscription, by step."""
    with app.app_context():
        rows = db.session.execute(
            select(Reminder.step, Reminder.state).where(
                Reminder.subscription_id == cast.subscription
            )
        )
        return {row.step: row.state.value for row in rows}


def deliveries_of(app, cast):
    """Count the deliveries about Acme in each state."""
    with app.app_context():
        rows = db.session.scalars(select(Delivery.state).where(Delivery.client_id == cast.client))
        return Counter(state.value for state in rows)


def test_the_vendor_writes_to_the_three_contacts_and_copies_the_partner(app, sending):
    run_at(app, STEP_30)
    arrived = inbox(app)
    assert [recipient for recipient, _ in arrived] == [
        "dana@acme.example",
        "dave@acme.example",
        "alice@odnowa.example",
    ]
    for _, mail in arrived:
        assert mail["To"] == "Dana <dana@acme.example>, Dave <dave@acme.example>"
        assert mail["Cc"] == "Alice <alice@odnowa.example>"
        assert mail["Auto-Submitted"] == "auto-generated"


def test_the_partner_gets_a_mail_for_action_and_nobody_at_the_client_does(app, sending):
    with unit_of_work(app):
        db.session.execute(update(Partner).values(default_owner=Owner.PARTNER))
    run_at(app, STEP_30)
    assert [recipient for recipient, _ in inbox(app)] == ["alice@odnowa.example"]


def test_a_second_round_sends_nothing_twice(app, sending):
    run_at(app, STEP_30)
    run_at(app, STEP_30 + timedelta(hours=1))
    assert len(inbox(app)) == 3


def test_after_an_outage_each_gets_one_up_to_date_reminder(app, sending):
    run_at(app, STEP_30)
    # The 14 and 7 day steps pass while nothing runs; on the Thursday after, 6 days are left.
    run_at(app, datetime(2027, 3, 25, 10, tzinfo=UTC))
    assert len(inbox(app)) == 6
    assert reminders_of(app, sending) == {
        90: "superseded",
        60: "superseded",
        30: "issued",
        14: "superseded",
        7: "issued",
    }


def test_outside_the_window_a_mail_waits_for_the_opening(app, sending):
    saturday = datetime(2027, 3, 13, 12, tzinfo=UTC)
    with unit_of_work(app):
        db.session.execute(update(Subscription).values(renewal_date=date(2027, 3, 27)))
    run_at(app, saturday)
    assert inbox(app) == []
    run_at(app, datetime(2027, 3, 15, 7, 59, tzinfo=UTC))
    assert inbox(app) == []
    run_at(app, datetime(2027, 3, 15, 8, 1, tzinfo=UTC))
    assert len(inbox(app)) == 3


def test_sending_switched_off_holds_everything_back_and_on_again_sends_once(app, sending):
    with unit_of_work(app):
        db.session.execute(update(Partner).values(sending=False))
    run_at(app, STEP_30)
    assert inbox(app) == []
    assert deliveries_of(app, sending) == {"queued": 3}
    run_at(app, datetime(2027, 3, 17, 10, tzinfo=UTC))
    with unit_of_work(app):
        db.session.execute(
            update(Partner).where(Partner.id == sending.partner).values(sending=True)
        )
    run_at(app, datetime(2027, 3, 18, 10, tzinfo=UTC))
    assert len(inbox(app)) == 3


@pytest.mark.settings(mail_url="inbox:")
def test_without_a_mail_server_no_renewal_mail_is_called_sent(app, sending):
    """Sending was on already when the setting went away. Mails about accounts are kept as ever."""
    with time_machine.travel(STEP_30, tick=False), unit_of_work(app):
        membership.invite(None, db.session.get_one(User, sending.dave))
    assert run_at(app, STEP_30)["sent"] == 1
    assert [recipient for recipient, _ in inbox(app)] == ["dave@acme.example"]
    assert deliveries_of(app, sending) == {"queued": 3}
    app.config["PORTAL"] = replace(app.config["PORTAL"], mail_url=MAIL_SERVER)
    assert run_at(app, STEP_30)["sent"] == 3
    assert deliveries_of(app, sending) == {"sent": 3}


def test_a_changed_contact_gets_the_waiting_mail_instead(app, sending):
    evening = datetime(2027, 3, 1, 20, tzinfo=UTC)
    run_at(app, evening)
    with unit_of_work(app):
        db.session.execute(update(ContactAssignment).values(user_id=sending.dave))
    run_at(app, evening + timedelta(hours=13))
    assert sorted(recipient for recipient, _ in inbox(app)) == [
        "alice@odnowa.example",
        "dave@acme.example",
    ]


def test_nobody_to_tell_makes_a_task_and_a_new_contact_releases_the_reminder(app, sending):
    with unit_of_work(app):
        db.session.query(ContactAssignment).delete()
    run_at(app, STEP_30)
    assert [recipient for recipient, _ in inbox(app)] == ["alice@odnowa.example"]
    assert reminders_of(app, sending)[30] == "blocked"
    with unit_of_work(app):
        db.session.add(
            ContactAssignment(client_id=sending.client, role="primary", user_id=sending.dana)
        )
        after_changes.reconsider(None, Reminder.client_id == sending.client)
    run_at(app, STEP_30 + timedelta(hours=1))
    # Alice had a mail about Acme today: her copy waits for tomorrow.
    assert [recipient for recipient, _ in inbox(app)][1:] == ["dana@acme.example"]
    run_at(app, STEP_30 + timedelta(days=1))
    assert [recipient for recipient, _ in inbox(app)][2:] == ["alice@odnowa.example"]


def test_two_subscriptions_of_one_client_share_a_mail(app, sending):
    with unit_of_work(app):
        acme = db.session.get(Client, sending.client)
        db.session.add(make_subscription(acme, "Sales Hub", date(2027, 3, 31)))
        db.session.flush()
        due_index.refresh_where(Subscription.client_id == sending.client)
    run_at(app, STEP_30)
    arrived = inbox(app)
    assert len(arrived) == 3
    text = arrived[0][1].get_body(("plain",)).get_content()
    assert "Marketing Hub" in text
    assert "Sales Hub" in text


def test_each_reads_the_mail_in_the_own_language(app, sending):
    with unit_of_work(app):
        db.session.get(User, sending.dana).language = "pl"
        db.session.get(User, sending.dave).language = "pt"
    run_at(app, STEP_30)
    languages = [mail["Content-Language"] for _, mail in inbox(app)]
    assert languages == ["pl", "pt-BR", "en"]


def test_too_late_is_an_end_that_shows(app, sending):
    run_at(app, datetime(2027, 4, 2, 10, tzinfo=UTC))
    assert inbox(app) == []
    assert reminders_of(app, sending)[1] == "too_late"


def test_what_was_held_back_too_long_ends_although_sending_is_off(app, sending):
    run_at(app, datetime(2027, 2, 27, 10, tzinfo=UTC))
    with unit_of_work(app):
        db.session.execute(update(Partner).values(sending=False))
    run_at(app, datetime(2027, 3, 31, 10, tzinfo=UTC))
    assert deliveries_of(app, sending)["queued"] == 3
    # Midnight in Warsaw, where Acme is.
    run_at(app, datetime(2027, 3, 31, 21, 59, tzinfo=UTC))
    assert deliveries_of(app, sending)["queued"] == 3
    run_at(app, datetime(2027, 3, 31, 22, tzinfo=UTC))
    assert deliveries_of(app, sending)["queued"] == 0
    assert deliveries_of(app, sending)["too_late"] == 3


def test_a_date_that_comes_back_after_two_renewals_is_told_about(app, sending):
    with time_machine.travel(STEP_30, tick=False), unit_of_work(app):
        subscription = db.session.get(Subscription, sending.subscription)
        facts = subscriptions.details_of(subscription)
        reminders_due = list(planning.plan(STEP_30))
        renewals.renew(None, subscription)
        renewals.renew(None, subscription)
        subscriptions.edit_subscription(None, subscription, facts)
    assert reminders_due
    run_at(app, STEP_30)
    assert len(inbox(app)) == 3
    assert reminders_of(app, sending)[30] == "issued"
