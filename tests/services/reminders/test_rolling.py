"""Rolling: what renews by itself has a new term on the day after its renewal date, once, and nobody has to click."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from tests.support.cast import unit_of_work
from webapp import worker
from webapp.models import (
    AuditEntry,
    Client,
    Partner,
    Reminder,
    ReminderState,
    Subscription,
    db,
)
from webapp.models.audit import AuditAction
from webapp.services.reminders import due_index, planning

DEFAULT = "1:7,1/;3:30,14,7,1/14;:90,60,30,14,7,1/90,60,30,14,7,1"


def noon(day):
    return datetime(day.year, day.month, day.day, 11, tzinfo=UTC)


@dataclass
class Rolling:
    """A subscription that renews by itself, and what its worker does."""

    app: object
    cast: object
    time_machine: object

    def set(self, renewal, term=12, steps=DEFAULT, rule=None, **values):
        """Store its dates, as if they had been entered on the day."""
        with unit_of_work(self.app):
            partner = db.session.get(Partner, self.cast.partner)
            partner.steps_text, partner.deadline_rule_text, partner.sending = steps, rule, True
            found = self.row()
            found.renewal_date, found.term_months, found.anchor_day = renewal, term, renewal.day
            found.renews_itself = True
            for name, value in values.items():
                setattr(found, name, value)
            due_index.refresh([found])

    def row(self):
        return db.session.get(Subscription, self.cast.subscription)

    def plan(self, day):
        """Plan at noon of a day; returns how many were due."""
        with unit_of_work(self.app):
            return sum(planning.plan(noon(day)))

    def work(self, day):
        """Let a worker have its round at noon of a day."""
        self.time_machine.move_to(noon(day), tick=False)
        return worker.once(self.app)

    def look(self, *names):
        """Look at some of its columns."""
        with unit_of_work(self.app):
            return tuple(getattr(self.row(), name) for name in names)

    def reminders(self):
        with unit_of_work(self.app):
            rows = db.session.scalars(
                select(Reminder)
                .where(Reminder.subscription_id == self.cast.subscription)
                .order_by(Reminder.id)
            )
            return [(row.base_date, row.step, row.cycle, row.state) for row in rows]

    def entries(self):
        with unit_of_work(self.app):
            rows = db.session.scalars(
                select(AuditEntry)
                .where(AuditEntry.action == AuditAction.SUBSCRIPTION_ROLLED)
                .order_by(AuditEntry.id)
            )
            return [(row.subject, row.actor_id, row.changes) for row in rows]


@pytest.fixture
def rolling(app, cast, time_machine):
    return Rolling(app, cast, time_machine)


def test_nothing_happens_on_the_renewal_date_and_a_new_term_begins_on_the_day_after(rolling, cast):
    end = date(2027, 3, 31)
    rolling.set(end, steps=":/")
    assert rolling.look("attention_on") == (date(2027, 4, 1),)
    assert rolling.plan(end) == 0
    (version,) = rolling.look("version")
    assert rolling.plan(date(2027, 4, 1)) == 1
    assert rolling.look("renewal_date", "cycle", "attention_on", "version") == (
        date(2028, 3, 31),
        2,
        date(2028, 4, 1),
        version + 1,
    )
    with unit_of_work(rolling.app):
        client = db.session.get(Client, cast.client)
        assert client.first_decision_on == date(2028, 3, 31)
    assert rolling.entries() == [
        (
            "Marketing Hub",
            None,
            {"renewal_date": ["2027-03-31", "2028-03-31"], "cycle": [1, 2]},
        )
    ]
    assert rolling.plan(date(2027, 4, 2)) == 0


def test_the_day_is_that_of_the_clients_zone(rolling, cast):
    rolling.set(date(2027, 3, 31))
    with unit_of_work(rolling.app):
        db.session.get(Client, cast.client).time_zone = "Pacific/Kiritimati"
    # There it is 1 April already.
    with unit_of_work(rolling.app):
        assert sum(planning.plan(datetime(2027, 3, 31, 9, 59, tzinfo=UTC))) == 1
    assert rolling.look("renewal_date") == (date(2027, 3, 31),)
    with unit_of_work(rolling.app):
        sum(planning.plan(datetime(2027, 3, 31, 10, 0, tzinfo=UTC)))
    assert rolling.look("renewal_date") == (date(2028, 3, 31),)


# (the renewal date, the term in months, the renewal dates of the next terms)
TERMS = [
    (
        date(2028, 1, 31),
        1,
        ["2028-02-29", "2028-03-31", "2028-04-30", "2028-05-31", "2028-06-30", "2028-07-31"],
    ),
    (
        date(2028, 2, 29),
        12,
        [f"{year}-02-{29 if year % 4 == 0 else 28}" for year in range(2029, 2039)],
    ),
    (date(2027, 11, 30), 3, ["2028-02-29", "2028-05-30", "2028-08-30"]),
    (date(2027, 8, 31), 18, ["2029-02-28", "2030-08-31"]),
]


@pytest.mark.parametrize(("renewal", "term", "expected"), TERMS)
def test_terms_keep_month_ends_however_many_they_are(rolling, renewal, term, expected):
    rolling.set(renewal, term)
    found = []
    for _ in expected:
        (end,) = rolling.look("renewal_date")
        rolling.plan(end + timedelta(days=1))
        found.append(rolling.look("renewal_date")[0].isoformat())
    assert found == expected
    assert rolling.look("cycle") == (1 + len(expected),)


# (the partner's rule, the deadline's own date, the deadline after the roll, the first day of attention then)
DEADLINES = [
    (None, date(2027, 3, 1), date(2028, 3, 1), date(2027, 12, 2)),
    ("P45D", None, date(2028, 2, 15), date(2027, 11, 17)),
    ("P3M", None, date(2027, 12, 31), date(2027, 10, 2)),
    # As long as the term: it doesn't apply.
    ("P12M", None, None, date(2028, 1, 1)),
    (None, None, None, date(2028, 1, 1)),
]


@pytest.mark.parametrize(("rule", "own", "deadline", "attention"), DEADLINES)
def test_the_deadline_moves_along(rolling, rule, own, deadline, attention):
    rolling.set(date(2027, 3, 31), rule=rule, deadline=own, deadline_by_rule=own is None)
    rolling.plan(date(2027, 4, 1))
    assert rolling.look("deadline", "attention_on") == (deadline, attention)
    assert ("deadline" in rolling.entries()[0][2]) == (own != deadline)


def test_several_terms_are_over_after_an_outage(rolling):
    rolling.set(date(2027, 1, 31), 1, steps="1:20,7/20,7;:90/90")
    rolling.plan(date(2027, 5, 20))
    assert rolling.look("renewal_date", "cycle") == (date(2027, 5, 31), 2)
    assert [changes["renewal_date"] for _, _, changes in rolling.entries()] == [
        ["2027-01-31", "2027-05-31"]
    ]
    # Nobody was told of the term that ended, and of the present one the newest step goes out at once.
    assert rolling.reminders() == [
        (date(2027, 1, 31), 7, 1, ReminderState.TOO_LATE),
        (date(2027, 1, 31), 20, 1, ReminderState.SUPERSEDED),
        (date(2027, 5, 31), 20, 2, ReminderState.DUE),
    ]
    assert rolling.look("attention_on") == (date(2027, 5, 24),)
