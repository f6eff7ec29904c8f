"""The rules together: tables of cases, and properties over whole terms of changing facts."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domain.builders import (
    ALICE,
    ANN,
    BOB,
    DANA,
    DAVE,
    THREE,
    WARSAW,
    client,
    gone,
    partner,
    person,
    refused,
    subscription,
    utc,
)
from tests.support.proof import TIMES
from webapp.domain.facts import ClientFacts, MailKind, Silence, SubscriptionFacts
from webapp.domain.months import add_months
from webapp.domain.ownership import Choice, Owner
from webapp.domain.recipients import ContactRole, Recipient
from webapp.domain.reminders import (
    DayPlan,
    Item,
    PlannedMail,
    day_plans,
    due_items,
    kind_of,
    mails_within,
    plan_on,
    readers,
    waiting_items,
)
from webapp.domain.schedule import Window, due_step, in_zone, last_moment, next_opening
from webapp.domain.steps import DEFAULT_STEPS, YEARLY, StepRow, Steps, applying, one_row

# A Wednesday; 30 days before is Monday 1 March, 14 before Wednesday 17 March.
BASE = date(2027, 3, 31)
MARCH_1 = date(2027, 3, 1)
NOON = utc(2027, 3, 1, 11)


def lines(plan: DayPlan) -> list[str]:
    """A day plan in plain words: "reminder_client to Dana 03-01 11:00 (1: 30)"."""
    return [
        f"{mail.kind} {mail.recipient.place} {mail.recipient.person.name} {mail.send_at:%m-%d %H:%M} "
        f"({', '.join(f'{one.subscription.id}: {one.step}' for one in mail.items)})"
        for mail in plan.mails
    ]


def now_due(known: ClientFacts, now: datetime = NOON) -> DayPlan:
    """Plan as the planner would, from these facts and now."""
    return plan_on(known, now.astimezone(known.zone).date(), due_items(known, now), now)


# Recipients and their mails


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param(
            {},
            [
                "reminder_client to Dana 03-01 11:00 (1: 30)",
                "reminder_client to Dave 03-01 11:00 (1: 30)",
                "reminder_client to Dora 03-01 11:00 (1: 30)",
                "reminder_client cc Alice 03-01 11:00 (1: 30)",
            ],
            id="the vendor owns by default",
        ),
        pytest.param(
            {"own_contact": BOB, "contacts": {ContactRole.BILLING: DAVE}},
            [
                "reminder_client to Dave 03-01 11:00 (1: 30)",
                "reminder_client cc Bob 03-01 11:00 (1: 30)",
            ],
            id="the client's own contact is copied",
        ),
        pytest.param(
            {"choice": Choice.PARTNER},
            ["reminder_partner to Alice 03-01 11:00 (1: 30)"],
            id="the partner owns: for action, nobody at the client",
        ),
        pytest.param(
            {"choice": Choice.PARTNER, "own_contact": BOB},
            ["reminder_partner to Bob 03-01 11:00 (1: 30)"],
            id="the partner owns, with the client's own contact",
        ),
        pytest.param(
            {"contacts": {ContactRole.PRIMARY: gone(DANA), ContactRole.BILLING: refused(DAVE)}},
            ["nobody_to_tell to Alice 03-01 11:00 (1: 30)"],
            id="nobody is left: a task for the notified user",
        ),
        pytest.param(
            {"contacts": {}, "partner": partner(default_contact=gone(ANN), admins=(ALICE, BOB))},
            [
                "nobody_to_tell to Alice 03-01 11:00 (1: 30)",
                "nobody_to_tell to Bob 03-01 11:00 (1: 30)",
            ],
            id="nobody is left, here nor there: a task for the admins",
        ),
        pytest.param(
            {"choice": Choice.PARTNER, "partner": partner(default_contact=gone(ANN), admins=())},
            [],
            id="nobody anywhere",
        ),
        pytest.param(
            {"contacts": {ContactRole.PRIMARY: person("Dana", time_zone="America/Sao_Paulo")}},
            [
                "reminder_client to Dana 03-01 12:00 (1: 30)",
                "reminder_client cc Alice 03-01 11:00 (1: 30)",
            ],
            id="each in the window of the own zone",
        ),
    ],
)
def test_who_gets_what(values: dict[str, Any], expected: list[str]) -> None:
    known = client(subscription(BASE), **values)
    assert lines(now_due(known)) == expected


def test_ownership_never_flips_by_itself():
    known = client(subscription(BASE), contacts={})
    assert now_due(known).circle.owner is Owner.VENDOR
    assert now_due(known).blocked


def test_admins_who_stand_in_for_the_task_are_told_that_they_do():
    known = client(subscription(BASE), contacts={}, partner=partner(default_contact=None))
    (mail,) = now_due(known).mails
    assert [str(reason) for reason in mail.recipient.reasons] == ["admin"]


def test_one_mail_lists_all_that_is_due():
    known = client(
        subscription(BASE),
        subscription(date(2027, 4, 29), 2),
        subscription(date(2027, 8, 1), 3),
        choice=Choice.PARTNER,
    )
    assert lines(now_due(known)) == ["reminder_partner to Alice 03-01 11:00 (1: 30, 2: 60)"]


def reached(step: int, *people: str, kind: MailKind = MailKind.REMINDER_CLIENT) -> dict[str, Any]:
    """Facts of a step that has been planned, and has reached these people."""
    told = frozenset((step, f"{name}@example.com", kind.value) for name in people)
    return {"planned": frozenset({step}), "waiting": step, "reached": told}


@pytest.mark.parametrize(
    ("told", "values", "expected"),
    [
        pytest.param({"planned": frozenset({30})}, {}, [], id="all of it has gone"),
        pytest.param(
            reached(30, "dana", "dave", "dora"),
            {},
            ["reminder_client cc Alice 03-01 11:00 (1: 30)"],
            id="who has it does not get it again",
        ),
        pytest.param(
            reached(30, "dana", "alice"),
            {"contacts": {ContactRole.PRIMARY: DAVE}},
            ["reminder_client to Dave 03-01 11:00 (1: 30)"],
            id="a new contact gets what waits",
        ),
        pytest.param(
            reached(30, "alice", kind=MailKind.NOBODY_TO_TELL),
            {"contacts": {}},
            [],
            id="the task is not told twice",
        ),
        pytest.param(
            reached(30, "alice", kind=MailKind.NOBODY_TO_TELL),
            {"contacts": {ContactRole.PRIMARY: DANA}},
            [
                "reminder_client to Dana 03-01 11:00 (1: 30)",
                "reminder_client cc Alice 03-01 11:00 (1: 30)",
            ],
            id="somebody is there again: the reminder goes out",
        ),
        pytest.param(
            {"planned": frozenset({60}), "waiting": 60},
            {"contacts": {ContactRole.PRIMARY: DANA}, "own_contact": DANA},
            ["reminder_client to Dana 03-01 11:00 (1: 30)"],
            id="a newer step takes over from one that waits",
        ),
    ],
)
def test_what_has_gone_already(
    told: dict[str, Any], values: dict[str, Any], expected: list[str]
) -> None:
    assert lines(now_due(client(subscription(BASE, **told), **values))) == expected


def occupied(*names: str, day: date = MARCH_1) -> frozenset[tuple[str, date]]:
    return frozenset((f"{name}@example.com", day) for name in names)


def test_who_got_a_mail_today_gets_the_next_one_tomorrow():
    known = client(
        subscription(BASE), contacts={ContactRole.PRIMARY: DANA}, occupied=occupied("dana")
    )
    assert lines(now_due(known)) == [
        "reminder_client to Dana 03-02 08:00 (1: 30)",
        "reminder_client cc Alice 03-01 11:00 (1: 30)",
    ]


def test_a_postponed_mail_waits_for_the_opening_hour_even_on_the_last_weekend():
    """Base date Sunday, a mail already on Saturday: Sunday at 9:00, not at midnight."""
    known = client(
        subscription(date(2027, 3, 7)),
        choice=Choice.PARTNER,
        occupied=occupied("alice", day=date(2027, 3, 6)),
    )
    assert lines(now_due(known, utc(2027, 3, 6, 11))) == [
        "reminder_partner to Alice 03-07 08:00 (1: 1)"
    ]


def test_what_can_not_be_told_in_time_does_not_take_the_rest_with_it():
    """Alice got a mail this morning: what ends tonight is too late for her, the other waits a day."""
    known = client(
        subscription(MARCH_1),
        subscription(BASE, 2),
        choice=Choice.PARTNER,
        occupied=occupied("alice"),
    )
    assert lines(now_due(known)) == ["reminder_partner to Alice 03-02 08:00 (2: 30)"]


def test_who_got_a_mail_on_the_last_open_day_is_not_woken_at_night_before_it():
    """On the eve, by the client's calendar; for Alice the base date has begun, and brought her a mail."""
    known = client(
        subscription(MARCH_1),
        time_zone="Atlantic/Azores",
        choice=Choice.PARTNER,
        occupied=occupied("alice"),
    )
    assert lines(now_due(known, utc(2027, 3, 1, 0))) == []


@pytest.mark.parametrize(
    ("now", "items"),
    [
        pytest.param(
            utc(2027, 3, 30, 22, 30), [1], id="the base date has begun: still the last step"
        ),
        pytest.param(utc(2027, 3, 31, 21, 59), [1], id="a minute before its end in Warsaw"),
        pytest.param(utc(2027, 3, 31, 22), [], id="its end: too late"),
    ],
)
def test_the_end_of_the_base_date_is_the_last_moment(now: datetime, items: list[int]) -> None:
    known = client(subscription(BASE))
    assert [item.step for item in due_items(known, now)] == items


def test_due_is_by_the_clients_calendar():
    """At 23:30 in Warsaw on 28 February it is 1 March on Kiritimati, and not yet in Warsaw."""
    now = utc(2027, 2, 28, 22, 30)
    late = subscription(BASE, planned=frozenset({60}))
    assert due_items(client(late), now) == ()
    assert [one.step for one in due_items(client(late, time_zone="Pacific/Kiritimati"), now)] == [
        30
    ]


# The days to come


@pytest.mark.parametrize(
    ("dates", "expected"),
    [
        ([], Silence.NO_SUBSCRIPTION),
        ([(date(2027, 3, 1), None)], Silence.NO_STEP_LEFT),
        ([(date(2027, 2, 28), None)], Silence.DATE_PASSED),
        ([(date(2027, 3, 1), date(2027, 2, 28))], Silence.DEADLINE_PASSED),
        ([(date(2027, 2, 28), date(2027, 2, 1))], Silence.DATE_PASSED),
        ([(date(2027, 2, 28), None), (date(2027, 3, 1), None)], Silence.NO_STEP_LEFT),
    ],
)
def test_why_no_reminder_is_to_come(
    dates: list[tuple[date, date | None]], expected: Silence
) -> None:
    known = client(*(subscription(renewal, deadline=deadline) for renewal, deadline in dates))
    assert known.silence(MARCH_1) is expected


RENEWING_NONE = partner(steps=(StepRow(3, (30, 7), ()), StepRow(None, YEARLY, YEARLY)))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"term_months": 3}, Silence.NO_STEP_LEFT),
        ({"term_months": 3, "renews_itself": True}, Silence.NO_STEPS),
        ({"term_months": 4, "renews_itself": True}, Silence.NO_STEP_LEFT),
        # All steps of the row are as long as the term.
        ({"term_months": 1, "partner": partner(steps=one_row((60, 30)))}, Silence.NO_STEPS),
    ],
)
def test_no_reminder_is_to_come_where_there_are_no_steps(
    values: dict[str, Any], expected: Silence
) -> None:
    known = client(partner=values.pop("partner", RENEWING_NONE))
    known = replace(known, subscriptions=(subscription(MARCH_1, **values),))
    assert known.silence(MARCH_1) is expected


def test_what_is_overdue_is_told_before_a_term_without_steps() -> None:
    """Somebody has to decide, whatever else renews by itself in silence."""
    monthly = subscription(date(2027, 3, 20), term_months=1, renews_itself=True)
    overdue = subscription(date(2027, 2, 28)), subscription(date(2027, 2, 27))
    known = client(monthly, *overdue, partner=RENEWING_NONE)
    assert known.silence(MARCH_1) is Silence.DATE_PASSED
    decided_before = subscription(date(2027, 3, 15), deadline=date(2027, 2, 20))
    assert replace(known, subscriptions=(monthly, decided_before)).silence(MARCH_1) is (
        Silence.DEADLINE_PASSED
    )


def test_what_renews_by_itself_is_never_overdue() -> None:
    passed = subscription(date(2027, 3, 31), deadline=date(2027, 2, 28))
    assert passed.overdue(MARCH_1)
    itself = replace(passed, renews_itself=True)
    assert not itself.overdue(MARCH_1)
    assert client(itself).silence(MARCH_1) is Silence.NO_STEP_LEFT


def test_a_reminder_names_its_row() -> None:
    known = client(subscription(BASE, term_months=3), partner=RENEWING_NONE)
    assert known.limits(known.subscriptions[0]) == (0, 3)
    assert known.limits(subscription(BASE)) == (3, None)


WAITS_7 = {"planned": frozenset({7}), "waiting": 7}
WAITS_90 = {"planned": frozenset({90}), "waiting": 90}


@pytest.mark.parametrize(
    ("facts", "steps", "days_left", "expected"),
    [
        pytest.param(WAITS_90, DEFAULT_STEPS, 90, [90], id="the steps in force have it"),
        pytest.param(WAITS_90 | {"term_months": 1}, DEFAULT_STEPS, 90, [], id="a shorter term"),
        pytest.param(WAITS_7 | {"term_months": 1}, DEFAULT_STEPS, 7, [7], id="a month, decided"),
        pytest.param(
            WAITS_7 | {"term_months": 1, "renews_itself": True},
            DEFAULT_STEPS,
            7,
            [],
            id="a month that renews by itself now",
        ),
        pytest.param(WAITS_7, one_row(()), 7, [], id="the partner reminds of nothing"),
        pytest.param(WAITS_7, one_row((14, 1)), 7, [], id="the partner took the step out"),
        pytest.param(WAITS_7, one_row((14, 1)), 1, [1], id="the next step comes"),
        pytest.param(WAITS_7, one_row((7,)), 6, [7], id="it still waits on a later day"),
    ],
)
def test_a_step_that_is_no_longer_in_force_waits_no_more(
    facts: dict[str, Any], steps: Steps, days_left: int, expected: list[int]
) -> None:
    """The planner, the claim and the preview agree on it."""
    known = client(subscription(BASE, **facts), choice=Choice.PARTNER, partner=partner(steps=steps))
    now = utc(2027, 3, 31, 8) - timedelta(days=days_left)
    assert [item.step for item in due_items(known, now)] == expected
    today = now.astimezone(known.zone).date()
    assert [item.step for plan in mails_within(known, now, 0) for item in plan.items] == (
        expected if today.weekday() < 5 else []
    )
    waits = [item.step for item in waiting_items(known, now)]
    assert waits == [step for step in expected if step == facts["waiting"]]


def test_the_next_rounds():
    known = client(subscription(BASE), choice=Choice.PARTNER)
    found = day_plans(known, utc(2027, 1, 5, 11))
    assert [(str(one.day), lines(one)) for one in found] == [
        ("2027-01-05", ["reminder_partner to Alice 01-05 11:00 (1: 90)"]),
        ("2027-01-30", ["reminder_partner to Alice 02-01 08:00 (1: 60)"]),
        ("2027-03-01", ["reminder_partner to Alice 03-01 08:00 (1: 30)"]),
    ]


def test_what_falls_due_on_a_weekend_comes_as_one_mail_on_monday():
    """Saturday 6, Sunday 7 and Monday 8 March: 14 days before each of three dates."""
    known = client(
        *(subscription(date(2027, 3, 20 + number), number) for number in (0, 1, 2)),
        choice=Choice.PARTNER,
    )
    (first, *_) = day_plans(known, utc(2027, 3, 6, 11))
    assert first.day == date(2027, 3, 8)
    assert lines(first) == ["reminder_partner to Alice 03-08 08:00 (0: 14, 1: 14, 2: 14)"]


def test_rounds_that_nobody_can_be_told_of_are_shown():
    known = client(
        subscription(BASE), contacts={}, partner=partner(default_contact=None, admins=())
    )
    found = day_plans(known, NOON)
    assert [(str(one.day), one.blocked, [item.step for item in one.items]) for one in found] == [
        ("2027-03-01", True, [30]),
        ("2027-03-17", True, [14]),
        ("2027-03-24", True, [7]),
    ]


@pytest.mark.parametrize(
    ("days", "steps"),
    [
        pytest.param(0, [30], id="today"),
        pytest.param(15, [30], id="15"),
        pytest.param(16, [30, 14], id="16"),
    ],
)
def test_day_plans_of_the_next_days(days: int, steps: list[int]) -> None:
    found = mails_within(client(subscription(BASE)), NOON, days)
    assert [one.items[0].step for one in found] == steps


def test_nothing_to_come():
    assert day_plans(client(), NOON) == ()
    assert day_plans(client(subscription(BASE)), utc(2027, 4, 2)) == ()


# Whole terms, with a worker that runs and facts that change

START, END = date(2027, 3, 1), date(2027, 4, 25)
STEPS = (30, 14, 7, 3, 2, 1, 0)
ZONES = st.sampled_from(
    [WARSAW, "Atlantic/Azores", "America/Sao_Paulo", "UTC", "Pacific/Kiritimati"]
)
WINDOWS = st.sampled_from(
    [
        Window(),
        Window(time(0), time(23, 59), frozenset(range(7))),
        Window(time(22), time(23), frozenset({5})),
    ]
)


@dataclass
class World:
    """One client and what has been done about it, kept as the tables and services.reminders.loading keep it."""

    facts: ClientFacts
    sent: list[PlannedMail] = field(default_factory=list)

    def work(self, now: datetime) -> DayPlan:
        """A round of the worker: plan what is due, then send what may go out now."""
        today = now.astimezone(self.facts.zone).date()
        planned = plan_on(self.facts, today, due_items(self.facts, now), now)
        check_that_each_is_told(self.facts, planned, now)
        going = [mail for mail in planned.mails if mail.send_at <= now]
        for mail in going:
            pair = (mail.recipient.person.address, today)
            assert mail.day == today
            assert pair not in self.facts.occupied, "a second mail on one day"
            self.facts = replace(self.facts, occupied=self.facts.occupied | {pair})
        self.sent += going
        subscriptions = tuple(
            self.worked(one, planned, going, today) for one in self.facts.subscriptions
        )
        self.facts = replace(self.facts, subscriptions=subscriptions)
        return planned

    def worked(
        self, one: SubscriptionFacts, planned: DayPlan, going: list[PlannedMail], today: date
    ) -> SubscriptionFacts:
        """Return the later facts of one subscription: its reminders, and the people that they have reached."""
        due = due_step(one.renewal, self.facts.partner.steps, today)
        steps = {due.step, *due.superseded} if due else set()
        item = next((item for item in planned.items if item.subscription == one), None)
        about = [mail for mail in planned.mails if item in mail.items]
        waits = planned.blocked or any(mail not in going for mail in about)
        return replace(
            one,
            planned=one.planned | steps,
            waiting=item.step if item and waits else None,
            reached=one.reached
            | {
                (item.step, mail.recipient.person.address, mail.kind.value)
                for mail in going
                if item in mail.items
            },
        )


def check_that_each_is_told(facts: ClientFacts, planned: DayPlan, now: datetime) -> None:
    """Check that each due step has a recipient, a block or an end state, and that nobody else gets a mail."""
    assert planned.blocked is (not planned.circle.to)
    assert {mail.recipient for mail in planned.mails} <= set(readers(planned.circle))
    today = now.astimezone(facts.zone).date()
    for one in facts.subscriptions:
        due = due_step(one.renewal, facts.partner.steps, today)
        applies = applying(facts.partner.steps, one.term_months, one.renews_itself)
        step = due.step if due else one.waiting if one.waiting in applies else None
        if step is None:
            continue
        item = Item(one, step)
        assert (item in planned.items) is (now < last_moment(one.base, facts.zone))
        for reader in readers(planned.circle) if item in planned.items else ():
            told = [
                mail for mail in planned.mails if mail.recipient == reader and item in mail.items
            ]
            address = reader.person.address
            had = (step, address, kind_of(planned.circle)) in one.reached
            too_late = (address, one.base) in facts.occupied and one.base == first_day(
                facts, reader, item, now
            )
            assert len(told) == (0 if had or too_late else 1)
            for mail in told:
                assert now <= mail.send_at < mail.send_before <= last_moment(one.base, facts.zone)


def first_day(facts: ClientFacts, reader: Recipient, item: Item, now: datetime) -> date:
    """Find the client's day on which a reader could hear of an item first, had there been no other mail."""
    zone, last = ZoneInfo(reader.person.time_zone), item.last_moment(facts.zone)
    opening = next_opening(now, facts.partner.window, zone)
    return (opening if opening < last else now).astimezone(facts.zone).date()


def renewed(facts: ClientFacts, today: date) -> ClientFacts:
    """The first subscription is renewed for a month."""
    first, *rest = facts.subscriptions
    base = add_months(first.base, 1, first.base.day)
    return replace(
        facts, subscriptions=(subscription(base, first.id, cycle=first.cycle + 1), *rest)
    )


def moved(facts: ClientFacts, today: date) -> ClientFacts:
    """The first subscription's date moves ten days on."""
    first, *rest = facts.subscriptions
    steps_from = today if first.reached else None
    base = first.base + timedelta(days=10)
    return replace(
        facts, subscriptions=(subscription(base, first.id, steps_from=steps_from), *rest)
    )


def with_values(**values: Any) -> Callable[[ClientFacts, date], ClientFacts]:
    return lambda facts, today: replace(facts, **values)


def with_partner(**values: Any) -> Callable[[ClientFacts, date], ClientFacts]:
    return lambda facts, today: replace(facts, partner=replace(facts.partner, **values))


ALICE_AT_THE_CLIENT = person("Dana", email="ALICE@example.com")
CHANGES: dict[str, Callable[[ClientFacts, date], ClientFacts]] = {
    "renewed": renewed,
    "the date moves": moved,
    "the vendor owns": with_values(choice=Choice.VENDOR),
    "the partner owns": with_values(choice=Choice.PARTNER),
    "the default owns": with_values(choice=Choice.INHERIT),
    "the partner owns by default": with_partner(default_owner=Owner.PARTNER),
    "three contacts": with_values(contacts=THREE),
    "one contact": with_values(contacts={ContactRole.BILLING: DAVE}),
    "no contacts": with_values(contacts={}),
    "a contact is gone": with_values(contacts=THREE | {ContactRole.PRIMARY: gone(DANA)}),
    "an address is refused": with_values(contacts={ContactRole.PRIMARY: refused(DANA)}),
    "one address here and there": with_values(contacts={ContactRole.PRIMARY: ALICE_AT_THE_CLIENT}),
    "Bob is the contact": with_values(own_contact=BOB),
    "Bob is gone": with_values(own_contact=gone(BOB)),
    "the default contact is gone": with_partner(default_contact=gone(ALICE), admins=(ANN, BOB)),
    "nobody is at the partner": with_partner(default_contact=gone(ALICE), admins=()),
    "more steps": with_partner(steps=one_row((30, 20, 14, 10, 7, 5, 3, 2, 1, 0))),
    "few steps": with_partner(steps=one_row((7,))),
    "any hour of any day": with_partner(window=Window(time(0), time(23), frozenset(range(7)))),
}


@st.composite
def clients(draw: st.DrawFn) -> ClientFacts:
    """Clients amid their renewals, with people in different zones, some with mail today already."""
    bases = draw(st.lists(st.dates(START, END - timedelta(days=5)), min_size=1, max_size=3))
    terms = draw(st.sampled_from([1, 12]))
    people = {
        role: replace(one, time_zone=draw(ZONES))
        for role, one in draw(
            st.sampled_from(
                [THREE, {ContactRole.BILLING: DAVE}, {}, {ContactRole.PRIMARY: ALICE_AT_THE_CLIENT}]
            )
        ).items()
    }
    alice = replace(ALICE, time_zone=draw(ZONES))
    told = draw(
        st.sampled_from([{}, {"planned": frozenset({30}), "waiting": 30}, reached(30, "dana")])
    )
    return client(
        *(
            subscription(base, number, term_months=terms, **(told if number == 0 else {}))
            for number, base in enumerate(bases)
        ),
        time_zone=draw(ZONES),
        choice=draw(st.sampled_from(Choice)),
        contacts=people,
        partner=partner(
            default_contact=alice, admins=(alice,), steps=one_row(STEPS), window=draw(WINDOWS)
        ),
        occupied=occupied(*draw(st.sampled_from([(), ("dana",), ("alice", "dave")])), day=START),
    )


days = st.integers(0, (END - START).days)
changes = st.lists(
    st.tuples(days, st.integers(0, 23), st.sampled_from(sorted(CHANGES))), max_size=8
)


@settings(max_examples=60 * TIMES)
@given(clients(), changes, st.lists(st.integers(0, 23), min_size=1, max_size=3))
def test_at_most_one_mail_per_person_client_and_day(known, changes, hours):
    """Whatever changes between the worker's rounds; the world asserts it at each mail."""
    world = World(known)
    moments = [(day, hour, None) for day in range((END - START).days) for hour in hours]
    for day, hour, change in sorted([*moments, *changes], key=lambda one: one[:2]):
        now = utc(START.year, START.month, START.day, hour) + timedelta(days=day)
        if change:
            today = now.astimezone(world.facts.zone).date()
            world.facts = CHANGES[change](world.facts, today)
        else:
            world.work(now)
    pairs = [(mail.recipient.person.address, mail.day) for mail in world.sent]
    assert len(pairs) == len(set(pairs))


def in_short(
    mails: Iterable[PlannedMail],
) -> list[tuple[datetime, str, str, list[tuple[int, int]]]]:
    """Sum mails up: when, to whom, what kind, and about which steps of which subscriptions."""
    return sorted(
        (
            mail.send_at,
            mail.recipient.person.address,
            mail.kind.value,
            [(item.subscription.id, item.step) for item in mail.items],
        )
        for mail in mails
    )


@settings(max_examples=60 * TIMES)
@given(clients(), st.integers(0, 72))
def test_the_preview_is_what_then_goes_out(known, hours):
    """A worker that never rests sends exactly the mails that the preview promised, when it promised."""
    now = utc(START.year, START.month, START.day) + timedelta(hours=hours)
    promised = [mail for plan in day_plans(known, now, count=1000) for mail in plan.mails]
    world, moment = World(known), now
    while moment < utc(END.year, END.month, END.day):
        planned = world.work(moment)
        tomorrow = moment.astimezone(known.zone).date() + timedelta(days=1)
        waiting = [mail.send_at for mail in planned.mails if mail.send_at > moment]
        moment = min([in_zone(tomorrow, time(), known.zone), *waiting])
    assert in_short(world.sent) == in_short(promised)


def test_the_renewal_to_speak_of_first() -> None:
    itself = subscription(date(2027, 2, 20), 1, renews_itself=True)
    passed = subscription(date(2027, 2, 27), 2)
    later = subscription(date(2027, 6, 1), 3, deadline=date(2027, 3, 2))
    soon = subscription(date(2027, 3, 3), 4)
    assert client().next_renewal(MARCH_1) is None
    assert client(soon, later).next_renewal(MARCH_1) == later
    assert client(later, itself).next_renewal(MARCH_1) == itself
    assert client(itself, soon, passed).next_renewal(MARCH_1) == passed
