"""Rolling: what renews by itself has a new term on the day after its renewal date, once, and nobody has to click."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from threading import Event

import pytest
from sqlalchemy import delete, select, update

from tests.support.cast import make_subscription, unit_of_work
from webapp import worker
from webapp.models import (
    AuditEntry,
    Client,
    ContactAssignment,
    Delivery,
    Partner,
    Reminder,
    ReminderState,
    Subscription,
    User,
    db,
)
from webapp.models.audit import AuditAction
from webapp.services.clients import archiving, renewals, subscriptions
from webapp.services.errors import Conflict
from webapp.services.reminders import due_index, planning, states
from webapp.services.sending import outbox
from webapp.services.trail import undo

# A Wednesday; the day after it is over.
END, AFTER, NEXT = date(2027, 3, 31), date(2027, 4, 1), date(2028, 3, 31)
ROLLED = (
    select(AuditEntry)
    .where(AuditEntry.action == AuditAction.SUBSCRIPTION_ROLLED)
    .order_by(AuditEntry.id)
)
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

    def mails(self):
        """Count the mails about the client in each state."""
        with unit_of_work(self.app):
            rows = select(Delivery.state).where(Delivery.client_id == self.cast.client)
            return Counter(state.value for state in db.session.scalars(rows))

    @contextmanager
    def of_alice(self):
        """A change of hers: herself, and the subscription."""
        with unit_of_work(self.app):
            yield db.session.get(User, self.cast.alice), self.row()

    def undo(self):
        with self.of_alice() as (alice, _):
            undo.undo(alice, db.session.scalars(ROLLED).all()[-1])

    def entries(self):
        with unit_of_work(self.app):
            return [(row.subject, row.actor_id, row.changes) for row in db.session.scalars(ROLLED)]


@pytest.fixture
def rolling(app, cast, time_machine):
    return Rolling(app, cast, time_machine)


def test_nothing_happens_on_the_renewal_date_and_a_new_term_begins_on_the_day_after(rolling, cast):
    rolling.set(END, steps=":/")
    assert rolling.look("attention_on") == (date(2027, 4, 1),)
    assert rolling.plan(END) == 0
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


def test_whatever_must_be_decided_is_looked_at_once_more_and_then_rests(rolling):
    rolling.set(END, steps=":/", renews_itself=False, deadline=date(2027, 3, 1))
    assert rolling.look("attention_on") == (date(2027, 3, 2),)
    assert rolling.plan(date(2027, 3, 2)) == 1
    assert rolling.look("attention_on", "renewal_date") == (None, END)
    assert rolling.plan(AFTER) == 0
    assert rolling.entries() == []


@pytest.mark.parametrize("deadline", [None, date(2027, 3, 1)])
def test_without_a_step_left_its_attention_waits_for_the_end_of_the_term(rolling, deadline):
    rolling.set(END, steps=":1/1", deadline=deadline)
    rolling.plan(END)
    assert rolling.look("attention_on") == (AFTER,)


def test_mails_of_the_term_that_is_over_end_untold(rolling):
    """The mail server could not be used on the days before."""
    rolling.set(END, steps=":/14,1")
    for day in (date(2027, 3, 17), date(2027, 3, 30)):
        rolling.plan(day)
        with unit_of_work(rolling.app):
            outbox.issue_due(noon(day))
    assert rolling.mails() == {"superseded": 3, "queued": 3}
    rolling.work(AFTER)
    assert rolling.mails() == {"superseded": 3, "too_late": 3}
    # As of any other renewal: the mails say that they came too late.
    assert [state for *_, state in rolling.reminders()] == ["superseded", "issued"]
    assert rolling.look("renewal_date") == (NEXT,)


def test_a_reminder_that_waits_ends_with_its_term(rolling):
    """The planner saw to the day before, and nobody issued its mails."""
    rolling.set(END, steps=":/1")
    rolling.plan(date(2027, 3, 30))
    rolling.plan(AFTER)
    assert rolling.reminders() == [(END, 1, 1, ReminderState.TOO_LATE)]
    rolling.work(AFTER)
    assert rolling.mails() == {}


def test_a_blocked_reminder_of_the_term_that_is_over_is_woken_by_nobody(rolling, cast):
    rolling.set(END, steps=":/14")
    with unit_of_work(rolling.app):
        db.session.execute(update(User).values(rejected_reply="550 gone"))
    rolling.work(date(2027, 3, 17))
    assert [state for *_, state in rolling.reminders()] == ["blocked"]
    rolling.work(AFTER)
    assert [state for *_, state in rolling.reminders()] == ["too_late"]


def test_a_cancelled_one_never_rolls(rolling):
    rolling.set(END, cancelled=True)
    assert rolling.plan(AFTER) == 0
    assert rolling.look("renewal_date", "attention_on") == (END, None)


def test_an_archived_client_never_rolls_and_brought_back_it_makes_up_for_it(rolling, cast):
    rolling.set(END, 1)
    with rolling.of_alice() as (alice, subscription):
        archiving.archive(alice, subscription.client)
    assert rolling.plan(date(2027, 6, 10)) == 0
    assert rolling.look("renewal_date", "attention_on") == (END, None)
    with rolling.of_alice() as (alice, subscription):
        archiving.bring_back(alice, subscription.client)
    assert rolling.plan(date(2027, 6, 10)) == 1
    assert rolling.look("renewal_date") == (date(2027, 6, 30),)
    assert len(rolling.entries()) == 1


def test_a_date_that_was_moved_before_the_end_is_that_of_the_roll(rolling):
    rolling.set(END)
    with rolling.of_alice() as (alice, subscription):
        details = subscriptions.details_of(subscription)
        moved = replace(details, renewal_date=date(2027, 4, 30))
        subscriptions.edit_subscription(alice, subscription, moved)
    assert rolling.plan(AFTER) == 1
    assert rolling.look("renewal_date") == (date(2027, 4, 30),)
    rolling.plan(date(2027, 5, 1))
    assert rolling.look("renewal_date") == (date(2028, 4, 30),)


def test_a_date_that_was_moved_after_the_roll_has_its_steps_from_that_day(rolling, time_machine):
    """A mail about the new term went out already."""
    rolling.set(END, steps=":/360,30")
    rolling.work(AFTER)
    rolling.work(date(2027, 4, 6))
    assert rolling.mails() == {"sent": 3}
    time_machine.move_to(noon(date(2027, 4, 7)), tick=False)
    with rolling.of_alice() as (alice, subscription):
        details = subscriptions.details_of(subscription)
        moved = replace(details, renewal_date=date(2028, 4, 15))
        subscriptions.edit_subscription(alice, subscription, moved)
    # Of the new date 360 days are left on 21 April.
    assert rolling.look("steps_from", "attention_on") == (date(2027, 4, 7), date(2027, 4, 21))


def test_undo_puts_the_dates_back_and_lets_it_be_decided(rolling):
    rolling.set(END, deadline=date(2027, 3, 1), steps_from=date(2027, 2, 1))
    rolling.plan(AFTER)
    rolling.undo()
    assert rolling.look("renewal_date", "deadline", "cycle", "steps_from", "renews_itself") == (
        END,
        date(2027, 3, 1),
        1,
        date(2027, 2, 1),
        False,
    )
    for day in (AFTER, date(2027, 4, 2), date(2027, 12, 1)):
        rolling.plan(day)
    assert rolling.look("renewal_date", "attention_on") == (END, None)
    with unit_of_work(rolling.app):
        newest = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
        assert newest.action == AuditAction.SUBSCRIPTION_CHANGED
        assert newest.changes["renews_itself"] == [True, False]


def test_undo_of_a_roll_that_mails_stand_on_withdraws_what_waits_and_tells_nothing_twice(rolling):
    rolling.set(END, steps=":/360,359")
    rolling.work(AFTER)
    rolling.work(date(2027, 4, 6))
    assert rolling.mails() == {"sent": 3}
    day = date(2027, 4, 7)
    rolling.plan(day)
    with unit_of_work(rolling.app):
        outbox.issue_due(noon(day))
    rolling.undo()
    assert rolling.mails() == {"sent": 3, "cancelled": 3}
    rolling.work(date(2027, 4, 8))
    open_states = {*states.OPEN_STATES} - {ReminderState.ISSUED}
    assert not open_states & {state for *_, state in rolling.reminders()}
    assert rolling.mails() == {"sent": 3, "cancelled": 3}

    # Somebody lets it renew by itself again: it rolls, and of the new term only the step that was withdrawn is told.
    with rolling.of_alice() as (alice, subscription):
        details = replace(subscriptions.details_of(subscription), renews_itself=True)
        subscriptions.edit_subscription(alice, subscription, details)
    rolling.work(date(2027, 4, 9))
    assert rolling.look("renewal_date", "cycle") == (NEXT, 2)
    assert rolling.mails() == {"sent": 6, "cancelled": 3}
    told = [(step, state) for base, step, _, state in rolling.reminders() if base == NEXT]
    assert told == [(360, ReminderState.ISSUED), (359, ReminderState.ISSUED)]


def test_a_second_undo_and_one_after_a_change_are_refused(rolling):
    rolling.set(END)
    rolling.plan(AFTER)
    with rolling.of_alice() as (alice, subscription):
        renewals.renew(alice, subscription)
    with pytest.raises(Conflict) as conflict:
        rolling.undo()
    assert conflict.value.entry.action == AuditAction.SUBSCRIPTION_RENEWED


def test_whoever_marks_it_as_renewed_on_a_page_from_before_the_roll_finds_it_settled(rolling):
    rolling.set(END)
    with rolling.of_alice() as (_, subscription):
        shown = subscriptions.shown(subscription)
    rolling.plan(AFTER)
    with rolling.of_alice() as (alice, subscription):
        entry = renewals.renew(alice, subscription, shown)
        assert entry.action == AuditAction.SUBSCRIPTION_ROLLED
    assert rolling.look("renewal_date", "cycle") == (NEXT, 2)


@contextmanager
def half_way(rolling, work):
    """Run something in a thread that began while a planner had not committed yet; yields its result to come."""
    begun = Event()

    def beside():
        begun.set()
        with unit_of_work(rolling.app):
            return work()

    with ThreadPoolExecutor(1) as pool:
        with unit_of_work(rolling.app):
            assert sum(planning.plan(noon(AFTER))) == 1
            later = pool.submit(beside)
            begun.wait()
        yield later


def test_of_two_planners_one_rolls(rolling):
    rolling.set(END)
    with half_way(rolling, lambda: sum(planning.plan(noon(AFTER)))) as other:
        assert other.result() == 0
    assert rolling.look("renewal_date", "cycle") == (NEXT, 2)
    assert len(rolling.entries()) == 1


def test_whoever_cancels_while_it_rolls_is_told(rolling, cast):
    rolling.set(END)
    with rolling.of_alice() as (_, subscription):
        shown = subscriptions.shown(subscription)

    def cancel():
        renewals.cancel(db.session.get(User, cast.alice), rolling.row(), shown)

    with half_way(rolling, cancel) as cancelling, pytest.raises(Conflict) as conflict:
        cancelling.result()
    assert conflict.value.entry.action == AuditAction.SUBSCRIPTION_ROLLED
    assert rolling.look("renewal_date", "cancelled") == (NEXT, False)


def test_whatever_somebody_cancels_at_that_moment_does_not_roll(rolling, cast):
    rolling.set(END)
    begun = Event()

    def plan():
        begun.set()
        with unit_of_work(rolling.app):
            return sum(planning.plan(noon(AFTER)))

    with ThreadPoolExecutor(1) as pool:
        with rolling.of_alice() as (alice, subscription):
            renewals.cancel(alice, subscription)
            planned = pool.submit(plan)
            begun.wait()
        assert planned.result() == 0
    assert rolling.plan(AFTER) == 0
    assert rolling.look("renewal_date", "cancelled", "attention_on") == (END, True, None)
    assert rolling.entries() == []


@pytest.mark.parametrize("clients", [1, 40])
def test_many_roll_in_as_many_statements_as_one(rolling, cast, statements, clients):
    rolling.set(END)
    with unit_of_work(rolling.app):
        client = db.session.get(Client, cast.client)
        db.session.execute(delete(ContactAssignment))
        many = [
            make_subscription(client, f"Hub {number}", END, renews_itself=True)
            for number in range(clients)
        ]
        db.session.add_all(many)
        due_index.refresh(many)
    with statements() as log:
        assert rolling.plan(AFTER) == clients + 1
    assert len(log) == 15
    assert len(rolling.entries()) == clients + 1
