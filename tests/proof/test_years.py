"""Nobody clicks for 450 days: every subscription is awaited or in a To-do mail, and nobody gets too much mail."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from sqlalchemy import select

from tests.support import years
from tests.support.cast import unit_of_work
from tests.support.proof import TIMES
from webapp import worker
from webapp.demo import clock
from webapp.domain.delivery import GONE_OUT
from webapp.domain.facts import MailKind
from webapp.domain.months import add_months
from webapp.domain.schedule import due_on
from webapp.domain.steps import applying
from webapp.models import (
    AuditEntry,
    Client,
    Delivery,
    InboxMail,
    Reminder,
    ReminderState,
    Subscription,
    db,
)
from webapp.models.audit import AuditAction
from webapp.pages.mail_view import parse

# What was sent stays in the inbox, where a second copy would be found.
pytestmark = pytest.mark.settings(demo=True, keep_inbox=3650)
# The 450 days end after 29 February 2028.
BEGIN_AT = datetime(2026, 12, 28, 14, tzinfo=UTC)
BEGIN = BEGIN_AT.date()
DAYS = 60 if TIMES == 1 else 450
# How a step ends that fell due while the worker ran each day: its mails, a task where nobody can be told, or a
# newer step before a mail could go out.
TOLD = {ReminderState.ISSUED, ReminderState.BLOCKED, ReminderState.SUPERSEDED}


@pytest.fixture
def lived(app):
    """The portal after these days, and what was seen on the way."""
    seen = years.Seen(BEGIN)

    def work():
        counts = worker.once(app)
        with unit_of_work(app):
            years.look(seen)
        return counts

    with time_machine.travel(BEGIN_AT, tick=False):
        years.begin(app, BEGIN)
        work()
        with unit_of_work(app):
            clock.move(DAYS, work)
        with unit_of_work(app):
            yield seen


def test_nobody_clicks(lived, record_property):
    end = BEGIN + timedelta(days=DAYS)
    each_renewal_by_itself_is_in_the_trail(lived)
    every_step_of_every_term_has_an_end(lived, end)
    nobody_gets_two_mails_about_a_client_on_a_day()
    nobody_gets_two_to_do_mails_in_a_week()
    the_inbox_has_each_mail_once()
    mails = years.counts(BEGIN_AT)
    # Nothing was rejected, failed or is not sure, nor is any mail too late.
    assert {name.partition(" ")[2] for name in mails} <= {"", "queued", "superseded"}
    record_property(f"mails of {DAYS} days, {db.engine.dialect.name}", mails)


def each_renewal_by_itself_is_in_the_trail(lived):
    """The dates move on by whole terms, each with an entry, and what must be decided stays where it is."""
    rolled = Counter(
        db.session.scalars(
            select(AuditEntry.subject_id).where(
                AuditEntry.action == AuditAction.SUBSCRIPTION_ROLLED,
                AuditEntry.at > BEGIN_AT,
            )
        )
    )
    for subscription in db.session.scalars(select(Subscription)):
        renewals = [renewal for renewal, _ in lived.terms.get(subscription.id, [])]
        expected = [
            add_months(renewals[0], number * subscription.term_months, subscription.anchor_day)
            for number in range(len(renewals))
        ]
        assert renewals == expected
        assert rolled[subscription.id] == max(len(renewals) - 1, 0)
        assert len(renewals) <= 1 or subscription.renews_itself
    assert rolled


def every_step_of_every_term_has_an_end(lived, end):
    found = {
        (row.subscription_id, row.base_date, row.step): row.state
        for row in db.session.execute(
            select(Reminder.subscription_id, Reminder.base_date, Reminder.step, Reminder.state)
        )
    }
    for id, terms in lived.terms.items():
        subscription = db.session.get_one(Subscription, id)
        steps = applying(
            subscription.client.partner.steps, subscription.term_months, subscription.renews_itself
        )
        before = BEGIN
        for renewal, base in terms:
            # A term begins on the day after the renewal before, and its steps with it.
            for step in steps:
                if before < due_on(base, step) <= end:
                    assert found[id, base, step] in TOLD, (subscription.product, base, step)
            before = renewal


def nobody_gets_two_mails_about_a_client_on_a_day():
    got = Counter(
        (email, client_id, tried.astimezone(ZoneInfo(zone)).date())
        for email, client_id, tried, zone in db.session.execute(
            select(Delivery.email, Delivery.client_id, Delivery.first_tried_at, Client.time_zone)
            .join(Client, Client.id == Delivery.client_id)
            .where(Delivery.state.in_(GONE_OUT), Delivery.day > BEGIN)
        )
    )
    assert set(got.values()) == {1}


def nobody_gets_two_to_do_mails_in_a_week():
    weeks = Counter(
        (email, tried.isocalendar()[:2])
        for email, tried in db.session.execute(
            select(Delivery.email, Delivery.first_tried_at).where(
                Delivery.kind == MailKind.TO_DO, Delivery.state.in_(GONE_OUT)
            )
        )
    )
    assert set(weeks.values()) == {1}


def the_inbox_has_each_mail_once():
    messages = db.session.scalars(select(InboxMail.message))
    taken = Counter(str(parse(message)["Message-ID"]) for message in messages)
    sent = select(Delivery.message_id).where(Delivery.first_tried_at.is_not(None))
    assert set(taken.values()) == {1}
    assert set(taken) <= set(db.session.scalars(sent))
