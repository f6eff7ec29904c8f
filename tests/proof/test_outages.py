"""The worker was away for a day, a week, forty days: each person gets one up-to-date reminder."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select

from tests.support.cast import make_client, make_partner, make_subscription, make_user, unit_of_work
from webapp import worker
from webapp.domain.recipients import ContactRole
from webapp.domain.schedule import Renewal, due_step
from webapp.domain.steps import YEARLY, one_row
from webapp.models import (
    ContactAssignment,
    InboxMail,
    Reminder,
    ReminderState,
    Subscription,
    User,
    db,
)
from webapp.services.reminders import due_index

# What was sent before stays in the inbox, so that what came after is told by its ids.
pytestmark = pytest.mark.settings(keep_inbox=400)
START = datetime(2027, 3, 1, 10, tzinfo=UTC)
CLIENTS = 40


@pytest.fixture
def renewals(app):
    """Clients that renew three days one after another, from today on; by the address of their contact."""
    with unit_of_work(app):
        partner = make_partner("Odnowa", sending=True, window_days="0123456")
        db.session.add(partner)
        for number in range(CLIENTS):
            client = make_client(partner, f"Client{number}")
            day = START.date() + timedelta(days=3 * number)
            contact = make_user(client, "Dana")
            db.session.add_all([client, contact, make_subscription(client, "Hub", day)])
            db.session.flush()
            db.session.add(
                ContactAssignment(client_id=client.id, role=ContactRole.PRIMARY, user_id=contact.id)
            )
        db.session.flush()
        due_index.refresh_where(Subscription.id.is_not(None))
        return dict(
            db.session.execute(
                select(User.email, Subscription.renewal_date).join(
                    Subscription, Subscription.client_id == User.organisation_id
                )
            ).all()
        )


def run_at(app, moment):
    """Run the worker at a moment, and return the mails that arrive."""
    with app.app_context():
        known = set(db.session.scalars(select(InboxMail.id)))
    with time_machine.travel(moment, tick=False):
        worker.once(app)
    with app.app_context():
        rows = db.session.execute(select(InboxMail.id, InboxMail.recipient)).all()
    return Counter(row.recipient for row in rows if row.id not in known)


def step_on(renewal, day):
    """The newest step that has fallen due by a day."""
    due = due_step(Renewal(renewal, 12), one_row(YEARLY), day)
    return due.step if due else None


@pytest.mark.parametrize("days", [1, 7, 40])
def test_each_gets_one_up_to_date_reminder(app, renewals, days):
    run_at(app, START)
    back = START + timedelta(days=days)
    arrived = run_at(app, back)
    expected = {
        email
        for email, renewal in renewals.items()
        if back.date() <= renewal
        and step_on(renewal, back.date()) != step_on(renewal, START.date())
    }
    assert arrived == dict.fromkeys(expected, 1)
    assert not run_at(app, back + timedelta(hours=1))


@pytest.mark.parametrize("days", [1, 7, 40])
def test_every_step_that_fell_due_has_an_end(app, renewals, days):
    run_at(app, START)
    back = (START + timedelta(days=days)).date()
    run_at(app, START + timedelta(days=days))
    with app.app_context():
        rows = db.session.execute(select(Reminder.base_date, Reminder.step, Reminder.state)).all()
    found = {(row.base_date, row.step): row.state for row in rows}
    for renewal in renewals.values():
        due = [step for step in YEARLY if renewal - timedelta(days=step) <= back]
        *overtaken, newest = due or [None]
        for step in overtaken:
            assert found[renewal, step] in (ReminderState.SUPERSEDED, ReminderState.ISSUED)
        if newest is not None:
            told = renewal >= back or step_on(renewal, START.date()) == newest
            assert found[renewal, newest] is (
                ReminderState.ISSUED if told else ReminderState.TOO_LATE
            )
