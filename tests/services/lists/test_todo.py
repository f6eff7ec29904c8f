"""To do: its sections, filters, figures and bars are as the rules say of each renewal."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest

from tests.support import renewals
from tests.support.cast import DATABASES
from webapp.domain.delivery import DeliveryState
from webapp.domain.months import month_of, quarter_of
from webapp.domain.ownership import Owner
from webapp.domain.recipients import Reachability, reachability
from webapp.domain.reminders import due_items
from webapp.domain.schedule import next_due
from webapp.domain.todo import FAR, Figure, Section, Wrong
from webapp.models import Delivery, Partner, Reminder, ReminderState, Subscription, User, db
from webapp.services.lists import clients, finding, paging, todo, todo_figures
from webapp.services.lists.todo_figures import Money
from webapp.services.lists.todo_query import ANY_FAULT, ToDoQuery
from webapp.services.reminders import due_index

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
TODAY = NOW.date()
WRONG_BY_STATE = {
    DeliveryState.REJECTED: Wrong.REJECTED,
    DeliveryState.FAILED: Wrong.REJECTED,
    DeliveryState.BOUNCED: Wrong.BOUNCED,
    DeliveryState.UNCLEAR: Wrong.UNCLEAR,
}
RATED = {Reachability.RED: {Wrong.NOBODY}, Reachability.AMBER: {Wrong.REJECTED}}


@pytest.fixture
def partner(context, cast, time_machine):
    time_machine.move_to(NOW, tick=False)
    return db.session.get_one(Partner, cast.partner)


@pytest.fixture
def many(partner, cast, monkeypatch):
    """Renewals of all kinds, and each section whole."""
    for name in ("ROOM", "MOST", "FEW", "PAGE"):
        monkeypatch.setattr(todo, name, 500)
    renewals.many(cast, TODAY)
    return partner


def ids(partner, user_id, **query):
    """The ids that To do shows, by section."""
    shown = todo.load(partner, db.session.get_one(User, user_id), ToDoQuery(**query))
    return {group.section: [row.id for row in group.rows] for group in shown.groups}


@dataclass(frozen=True)
class Case:
    """One renewal, with all that the rules say about it."""

    one: Subscription
    owner: Owner
    people: set[int]
    wrong: set[Wrong]

    @property
    def base(self) -> date:
        return self.one.base_date

    @property
    def renews(self) -> date:
        return self.one.renewal_date


def cases(partner):
    """All open renewals of a partner, in the list's order."""
    ones = list(renewals.open_ones(partner.id))
    facts, mails = renewals.facts_of(ones), mails_about()
    return [
        Case(
            one,
            facts[one.client_id].owner.owner,
            renewals.responsible(one, facts),
            RATED.get(reachability(facts[one.client_id].circle), set()) | mails[one.id],
        )
        for one in ones
    ]


def mails_about():
    """What is wrong with the mails about each present renewal."""
    found = defaultdict(set)
    for mail in db.session.query(Delivery):
        for reminder in mail.reminders:
            if reminder.base_date == reminder.subscription.base_date:
                found[reminder.subscription_id] |= {WRONG_BY_STATE.get(mail.state)} - {None}
    return found


def month(case):
    return case.renews.replace(day=1)


FAR_MONTH = date(2027, 10, 1)
QUERIES = [
    ({}, lambda case, me: True),
    ({"mine": True}, lambda case, me: me in case.people),
    ({"owner": Owner.VENDOR}, lambda case, me: case.owner is Owner.VENDOR),
    ({"owner": Owner.PARTNER}, lambda case, me: case.owner is Owner.PARTNER),
    ({"product": "Product 03"}, lambda case, me: case.one.product == "Product 03"),
    ({"product": "Nothing"}, lambda case, me: False),
    *(
        ({"month": first}, lambda case, me, first=first: month(case) == first)
        for first in (date(2026, 12, 1), date(2027, 1, 1), FAR_MONTH, date(2030, 1, 1))
    ),
    (
        {"figure": Figure.PAST},
        lambda case, me: not case.one.renews_itself and case.base < TODAY,
    ),
    (
        {"figure": Figure.THIS_MONTH},
        lambda case, me: not case.one.renews_itself and TODAY <= case.base <= month_of(TODAY)[1],
    ),
    (
        {"figure": Figure.QUARTER},
        lambda case, me: quarter_of(TODAY)[0] <= case.renews <= quarter_of(TODAY)[1],
    ),
    ({"only": ANY_FAULT}, lambda case, me: bool(case.wrong)),
    *(({"only": one}, lambda case, me, one=one: one in case.wrong) for one in Wrong),
    (
        {"mine": True, "owner": Owner.VENDOR, "only": ANY_FAULT},
        lambda case, me: me in case.people and case.owner is Owner.VENDOR and bool(case.wrong),
    ),
]


@pytest.mark.parametrize("database_url", DATABASES, indirect=True)
def test_sections_and_filters_are_those_of_the_rules(many, cast):
    """Bob's clients are few, and Alice has all that no other is responsible for."""
    every = cases(many)
    for query, asked in QUERIES:
        far = max(TODAY + FAR, month_of(query.get("month", TODAY))[1])
        for me in (cast.alice, cast.bob):
            expected = {section: [] for section in Section}
            for case in every:
                if asked(case, me) and (section := renewals.section(case.one, TODAY, far)):
                    expected[section].append(case.one.id)
            shown = {section: rows for section, rows in expected.items() if rows}
            assert ids(many, me, **query) == shown, (query, me)
    assert [*ids(many, cast.alice)] == list(Section)
    assert sum(map(len, ids(many, cast.bob, mine=True).values())) > 5


@pytest.mark.parametrize("admin", [True, False])
def test_whoever_stands_in_has_what_nobody_else_has(many, cast, admin):
    """The default contact is out of reach: all admins have its clients, or if none can be reached everybody."""
    many.notified_user_id = db.session.query(User).filter_by(name="Refused").one().id
    db.session.get_one(User, cast.alice).active = admin
    db.session.flush()
    for me in (cast.alice, cast.bob) if admin else (cast.bob,):
        expected = [
            case.one.id
            for case in cases(many)
            if renewals.section(case.one, TODAY) is Section.WEEK
            and (me in case.people or not case.people)
        ]
        assert expected
        assert ids(many, me, mine=True)[Section.WEEK] == expected


def test_a_row_has_all_that_the_rules_say(many, cast):
    alice = db.session.get_one(User, cast.alice)
    rows = {
        row.id: row for group in todo.load(many, alice, ToDoQuery()).groups for row in group.rows
    }
    ones = [case for case in cases(many) if case.one.id in rows]
    facts = renewals.facts_of(case.one for case in ones)
    assert len(ones) == len(rows) > 100
    for case in ones:
        one, row, client = case.one, rows[case.one.id], facts[case.one.client_id]
        assert (row.client_id, row.client, row.product) == (client.id, client.name, one.product)
        assert (row.base_date, row.deadline, row.renewal_date) == (
            *(one.base_date, one.deadline, one.renewal_date),
        )
        assert (row.amount, row.currency, row.term_months) == (
            *(one.amount, one.currency, one.term_months),
        )
        assert (row.owner, row.contact) == (client.owner, client.contact)
        assert row.wrong == tuple(each for each in Wrong if each in case.wrong)
        assert row.past == (one.base_date < TODAY and not one.renews_itself)
        assert todo.item(many, alice, one.id) == row
        asker = db.session.get(User, one.remind_user_id or 0)
        assert (row.remind_on, row.reminded) == (one.remind_on, asker.name if asker else None)


def next_mail(client, one):
    """The day of a renewal's next mail by the rules of planning."""
    if one.base_date < TODAY:
        return None
    if one.id in {item.subscription.id for item in due_items(client, NOW)}:
        return TODAY
    [known] = [each for each in client.subscriptions if each.id == one.id]
    due = next_due(known.renewal, client.partner.steps, TODAY)
    return due if due and due <= one.base_date else None


@pytest.mark.parametrize("database_url", DATABASES, indirect=True)
@pytest.mark.parametrize("sending", [True, False])
def test_the_next_mail_is_that_of_planning_on_both_lists(many, cast, sending):
    """Also of what is blocked, and of what waits in the queue."""
    for number, reminder in enumerate(db.session.query(Reminder).order_by(Reminder.id)):
        if number % 3 == 0:
            reminder.state = (ReminderState.BLOCKED, ReminderState.DUE)[number % 2]
    many.sending = sending
    db.session.flush()
    alice, firsts, ones = db.session.get_one(User, cast.alice), {}, [one.one for one in cases(many)]
    facts, rows = renewals.facts_of(ones), todo.items(many, alice, [one.id for one in ones])
    for one in ones:
        day = next_mail(facts[one.client_id], one)
        assert rows[one.id].next_mail == day, (one.id, one.product)
        firsts[one.client_id] = min(firsts.get(one.client_id) or date.max, day or date.max)
    for client_id, first in firsts.items():
        row = clients.load_one(many, client_id)
        assert row is not None
        assert row.next_mail == (None if first == date.max else first)
    assert {row.next_mail == TODAY for row in rows.values()} == {True, False}


def test_one_row_alone_is_the_partners_own_and_open(many, cast):
    alice = db.session.get_one(User, cast.alice)
    for one in db.session.query(Subscription):
        shown = one.client.partner_id == many.id and not (one.cancelled or one.client.archived_at)
        assert (todo.item(many, alice, one.id) is not None) == bool(shown)
    assert todo.item(many, alice, 10**9) is None


def money(some):
    """Add up amounts by currency, most renewals first."""
    counts, sums = Counter(), Counter()
    for one in (case.one for case in some if case.one.currency):
        counts[one.currency] += 1
        sums[one.currency] += one.amount
    order = sorted(counts, key=lambda currency: (-counts[currency], currency))
    return tuple(Money(currency, sums[currency], counts[currency]) for currency in order)


@pytest.mark.parametrize("database_url", DATABASES, indirect=True)
@pytest.mark.parametrize("default", Owner)
def test_figures_and_bars_count_what_their_filters_show(many, cast, default):
    many.default_owner = default
    db.session.flush()
    alice, every = db.session.get_one(User, cast.alice), cases(many)
    told = todo_figures.overview(many, alice)
    assert told == todo_figures.overview(many, alice, many=True)
    counted = {
        figure: sum(map(len, ids(many, cast.alice, figure=figure).values())) for figure in Figure
    }
    figures, quarter = told.figures, quarter_of(TODAY)
    assert counted == {
        Figure.PAST: figures.past,
        Figure.THIS_MONTH: figures.this_month,
        Figure.QUARTER: figures.quarter_count,
    }
    in_quarter = [case for case in every if quarter[0] <= case.renews <= quarter[1]]
    assert figures.quarter == money(in_quarter)
    assert figures.quarter_without == sum(case.one.amount is None for case in in_quarter) > 0
    assert [bar.month for bar in told.months[:2]] == [date(2026, 12, 1), date(2027, 1, 1)]
    assert told.months[-1].month == date(2027, 11, 1)
    in_year = []
    for bar in told.months:
        here = [case for case in every if month(case) == bar.month]
        in_year += here
        assert bar.count == sum(map(len, ids(many, cast.alice, month=bar.month).values()))
        for one in Owner:
            of_owner = [case for case in here if case.owner is one]
            assert bar.counts[one] == len(of_owner)
            sums = {each.currency: each.amount for each in money(of_owner)}
            assert {
                currency: by_owner[one]
                for currency, by_owner in bar.amounts.items()
                if by_owner[one]
            } == sums
    assert told.currencies == tuple(each.currency for each in money(in_year))


def test_an_overdue_renewal_of_last_year_is_counted_without_any_bar(partner, cast):
    [one] = renewals.open_ones(partner.id)
    one.renewal_date = date(2024, 5, 1)
    due_index.refresh([one])
    told = todo_figures.overview(partner, db.session.get_one(User, cast.alice))
    assert told.figures.past == 1
    assert told.figures.quarter == ()
    assert sum(bar.count for bar in told.months) == 0


@pytest.mark.parametrize("database_url", DATABASES, indirect=True)
def test_a_section_alone_has_pages_on_and_back(many, cast, monkeypatch):
    monkeypatch.setattr(todo, "PAGE", 4)
    alice = db.session.get_one(User, cast.alice)
    for section, whole in ((each, ids(many, cast.alice)[each]) for each in Section):
        query, met = ToDoQuery(section=section), []
        while True:
            [group] = todo.load(many, alice, query).groups
            met += [row.id for row in group.rows]
            if group.after is None:
                break
            query = ToDoQuery(section=section, after=group.after)
        back = met[-len(group.rows) :]
        while group.before is not None:
            query = ToDoQuery(section=section, before=group.before)
            [group] = todo.load(many, alice, query).groups
            back = [row.id for row in group.rows] + back
        assert met == back, section
        assert sorted(met) == sorted(whole)
        # A place that is not in the list is ignored.
        [group] = todo.load(many, alice, ToDoQuery(section=section, after=10**9)).groups
        assert [row.id for row in group.rows] == met[:4]


def test_numbers_are_bounded_and_the_first_sections_have_the_room(many, cast, monkeypatch):
    for name, size in (("ROOM", 6), ("MOST", 4), ("FEW", 1)):
        monkeypatch.setattr(todo, name, size)
    monkeypatch.setattr(finding, "MOST_COUNTED", 5)
    alice = db.session.get_one(User, cast.alice)
    shown = todo.load(many, alice, ToDoQuery()).groups
    assert [(group.section, len(group.rows), group.total, group.more) for group in shown] == [
        (section, size, 6, True) for section, size in zip(Section, (4, 2, 1, 1, 1, 1), strict=True)
    ]
    figures = todo_figures.overview(many, alice).figures
    assert (figures.past, figures.this_month) == (6, 6)


def test_products_to_choose_from(many, cast, monkeypatch):
    alice = db.session.get_one(User, cast.alice)
    names = todo.load(many, alice, ToDoQuery()).products
    assert names == tuple(sorted({case.one.product for case in cases(many)}))
    # Somebody asked for one that there is none of.
    assert "Nothing" in todo.load(many, alice, ToDoQuery(product="Nothing")).products
    monkeypatch.setattr(todo, "LOOKED_AT", 1)
    assert len(todo.load(many, alice, ToDoQuery()).products) <= 2


@pytest.mark.parametrize(
    ("days", "values", "next_days"),
    [
        (130, {}, 130),
        # Nobody decides about what renews by itself.
        (130, {"renews_itself": True}, None),
        (130, {"remind_on": 5}, 5),
        (20, {"remind_on": 9}, 9),
        (130, {"cancelled": True}, None),
        (20, {}, None),
    ],
)
def test_nothing_to_do_tells_when_the_next_thing_comes(partner, cast, days, values, next_days):
    [one] = renewals.open_ones(partner.id)
    one.renewal_date = TODAY + timedelta(days=days)
    if "remind_on" in values:
        values = {"remind_on": TODAY + timedelta(days=values["remind_on"])}
    for name, value in values.items():
        setattr(one, name, value)
    due_index.refresh([one])
    told = todo.load(partner, db.session.get_one(User, cast.alice), ToDoQuery())
    assert told.next_on == (None if next_days is None else TODAY + timedelta(days=next_days))


def test_today_is_the_readers(partner, cast, time_machine):
    """It is still Monday for Bob, and Tuesday where the partner is."""
    time_machine.move_to(datetime(2026, 12, 1, 2, tzinfo=UTC), tick=False)
    bob = db.session.get_one(User, cast.bob)
    bob.time_zone = "America/Sao_Paulo"
    [one] = renewals.open_ones(partner.id)
    one.renewal_date = date(2026, 11, 30)
    due_index.refresh([one])
    assert ids(partner, cast.alice) == {Section.DECIDE: [one.id]}
    assert ids(partner, cast.bob) == {Section.WEEK: [one.id]}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2026-12", date(2026, 12, 1)),
        *((text, None) for text in ("2026-13", "2026-1", "202612", "9999-12", "2026-W01", "", "x")),
    ],
)
def test_a_month_in_the_address(text, value):
    parameter = paging.parameters(ToDoQuery)["month"]
    if value is None:
        with pytest.raises(ValueError, match=r"month|Invalid"):
            parameter.read(text)
    else:
        assert parameter.write(parameter.read(text)) == text
        assert parameter.read(text) == value
