"""The dashboard's list: reachability as the rules say it, search, filters, order, pages."""

import itertools
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import delete, select

from tests.support.cast import make_client, make_subscription, make_user
from webapp.domain.ownership import Owner
from webapp.domain.recipients import ContactRole, Reachability, reachability
from webapp.models import Client, ContactAssignment, Partner, Subscription, User, db
from webapp.models.tables import client_table
from webapp.services import search_words
from webapp.services.lists import clients as client_list
from webapp.services.lists import finding
from webapp.services.lists.clients import ClientQuery, ClientSort, OwnerFilter
from webapp.services.reminders import due_index, loading, situations

STATES = {
    "fine": {},
    "gone": {"active": False},
    "refused": {"rejected_reply": "550 no such user"},
}


@pytest.fixture
def partner(context, cast, time_machine):
    time_machine.move_to(datetime(2027, 3, 1, 12, tzinfo=UTC), tick=False)
    return db.session.get(Partner, cast.partner)


def add_user(organisation, name, **values):
    user = make_user(organisation, name, **values)
    db.session.add(user)
    db.session.flush()
    return user


def add_client(partner, name, renewal=None, **values):
    client = make_client(partner, name, **values)
    db.session.add(client)
    if renewal:
        db.session.add(make_subscription(client, "Hub", renewal))
    db.session.flush()
    return client


def names(partner, **query):
    return [row.name for row in client_list.load(partner, ClientQuery(**query)).rows]


def client_variants(partner, people):
    """A client for each mix of own owner, own contact and contact roles."""
    roles = list(ContactRole)
    holders = [
        [],
        ["fine"],
        ["fine", "fine"],
        ["gone"],
        ["refused"],
        ["fine", "refused"],
        ["same", "same"],
    ]
    number = itertools.count()
    for owner, own, held in itertools.product(
        [None, Owner.VENDOR, Owner.PARTNER], [None, *people], holders
    ):
        client = add_client(partner, f"Client {next(number)}", owner=owner)
        client.contact_id = people[own].id if own else None
        same = add_user(client, "Same", email="same@client.example") if "same" in held else None
        for role, state in zip(roles, held, strict=False):
            person = same or add_user(client, f"{role} {state}", **STATES[state])
            db.session.add(ContactAssignment(client_id=client.id, role=role, user_id=person.id))
    situations.refresh(db.session.scalars(select(client_table.c.id)))


def test_reachability_is_what_the_rules_say(partner, monkeypatch):
    monkeypatch.setattr(client_list, "PAGE", 1000)
    people = {name: add_user(partner, f"Own {name}", **values) for name, values in STATES.items()}
    defaults = {name: add_user(partner, f"Default {name}", **STATES[name]).id for name in STATES}
    alice = db.session.get(User, partner.notified_user_id)
    db.session.execute(delete(ContactAssignment))
    client_variants(partner, people)
    seen = set()
    for owner, default, admin in itertools.product(Owner, [None, *STATES], STATES):
        partner.default_owner = owner
        partner.notified_user_id = defaults.get(default)
        alice.active, alice.rejected_reply = True, None
        for field, value in STATES[admin].items():
            setattr(alice, field, value)
        db.session.flush()
        rows = client_list.load(partner, ClientQuery()).rows
        known = loading.load([row.id for row in rows])
        assert len(rows) == 1 + 3 * 4 * 7
        for row in rows:
            expected = known[row.id]
            assert row.reach == reachability(expected.circle), expected
            assert row.contact == expected.contact
            assert row.owner == expected.owner
            seen.add(row.reach)
    assert seen == set(Reachability)


@pytest.mark.parametrize("reach", Reachability)
def test_reachability_is_filtered_by(partner, reach, monkeypatch):
    monkeypatch.setattr(client_list, "PAGE", 1000)
    client_variants(partner, {name: add_user(partner, name, **STATES[name]) for name in STATES})
    rows = client_list.load(partner, ClientQuery()).rows
    found = client_list.load(partner, ClientQuery(reach=reach))
    assert found.rows == tuple(row for row in rows if row.reach is reach)
    assert found.total == len(found.rows) > 0


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("lodz", ["Łódź Sp. z o.o."]),
        ("ŁÓDŹ", ["Łódź Sp. z o.o."]),
        ("sp lodz", ["Łódź Sp. z o.o."]),
        ("acme", ["Acme"]),
        ("%", []),
        ("_", []),
        ("", ["Acme", "Łódź Sp. z o.o."]),
    ],
)
def test_search_folds_case_and_accents(partner, search, found):
    add_client(partner, "Łódź Sp. z o.o.", domain="lodz.example")
    search_words.refresh(db.session.scalars(select(client_table.c.id)))
    assert names(partner, search=search) == found


def test_owners_are_filtered_by_what_is_in_effect(partner):
    add_client(partner, "Own partner", owner=Owner.PARTNER)
    add_client(partner, "Own vendor", owner=Owner.VENDOR)
    situations.refresh(db.session.scalars(select(client_table.c.id)))
    assert names(partner, owner=OwnerFilter.VENDOR) == ["Acme", "Own vendor"]
    assert names(partner, owner=OwnerFilter.PARTNER) == ["Own partner"]
    assert names(partner, owner=OwnerFilter.OWN) == ["Own partner", "Own vendor"]
    partner.default_owner = Owner.PARTNER
    assert names(partner, owner=OwnerFilter.PARTNER) == ["Acme", "Own partner"]


@pytest.mark.parametrize(
    ("within", "found"),
    [
        (0, ["Later", "Late"]),
        (30, ["Later", "Today", "In 25 days", "Acme", "In 30 days"]),
        (60, ["Later", "Today", "In 25 days", "Acme", "In 30 days", "In 60 days"]),
        (
            None,
            ["Later", "Late", "Today", "In 25 days", "Acme", "In 30 days", "In 60 days", "Nothing"],
        ),
    ],
)
@pytest.mark.parametrize("most", [0, 1000])
def test_decisions_are_filtered_by_days_from_today(partner, cast, within, found, most, monkeypatch):
    monkeypatch.setattr(finding, "MOST_COUNTED", most)
    later = add_client(partner, "Later", date(2027, 2, 27))
    for day in (date(2027, 2, 28), date(2027, 3, 21), date(2028, 1, 1)):
        db.session.add(make_subscription(later, f"Until {day}", day))
    late = add_client(partner, "Late", date(2027, 2, 28))
    db.session.add_all(
        [
            make_subscription(late, "Cancelled", date(2027, 3, 5), cancelled=True),
            make_subscription(late, "Far away", date(2028, 1, 1)),
        ]
    )
    add_client(partner, "Today", date(2027, 3, 1))
    early = add_client(partner, "In 25 days", date(2027, 5, 10))
    db.session.add(make_subscription(early, "Early", date(2027, 6, 1), deadline=date(2027, 3, 26)))
    add_client(partner, "In 30 days", date(2027, 3, 31))
    add_client(partner, "In 60 days", date(2027, 4, 30))
    add_client(partner, "Nothing")
    assert names(partner, within=within, sort=ClientSort.DECISION) == found
    assert names(partner, within=within, sort=f"-{ClientSort.DECISION}") == found[::-1]


@pytest.mark.parametrize("sort", ClientSort)
@pytest.mark.parametrize("descending", [False, True])
def test_pages_follow_each_other_and_back(partner, monkeypatch, sort, descending):
    monkeypatch.setattr(client_list, "PAGE", 3)
    for number in range(6):
        # Two of each date, so that the id has to decide.
        add_client(partner, f"Client {number}", date(2027, 4, 1 + number // 2))
    query = ClientQuery(sort=f"-{sort}" if descending else sort)
    pages = [client_list.load(partner, query)]
    while pages[-1].after:
        pages.append(client_list.load(partner, replace(query, after=pages[-1].after)))
    shown = [row.name for page in pages for row in page.rows]
    assert [len(page.rows) for page in pages] == [3, 3, 1]
    assert len(set(shown)) == 7
    assert {page.total for page in pages} == {7}
    keys = [
        (row.decision, row.id) if sort is ClientSort.DECISION else (row.name, row.id)
        for page in pages
        for row in page.rows
    ]
    assert keys == sorted(keys, reverse=descending)
    assert pages[0].before is None
    back = client_list.load(partner, replace(query, before=pages[2].before))
    assert back.rows == pages[1].rows
    first = client_list.load(partner, replace(query, before=back.before))
    assert first.rows == pages[0].rows
    assert first.before is None
    assert first.after == pages[0].after


def test_a_strangers_client_is_no_place_in_the_list(partner, cast):
    assert names(partner, after=cast.other_client) == ["Acme"]


def test_days_are_counted_where_the_client_is(partner, time_machine):
    time_machine.move_to(datetime(2027, 3, 1, 11, tzinfo=UTC), tick=False)
    add_client(partner, "Kiritimati", date(2027, 3, 3), time_zone="Pacific/Kiritimati")
    row = client_list.load(partner, ClientQuery(search="kiri")).rows[0]
    assert row.today == date(2027, 3, 2)


@pytest.mark.parametrize(
    ("deadlines", "shown"),
    [
        ((None, None, None), (date(2027, 3, 31), None, None)),
        ((None, date(2027, 3, 30), None), (date(2027, 3, 30), date(2027, 6, 30), None)),
        ((date(2027, 3, 1), None, None), (date(2027, 3, 1), date(2027, 3, 31), None)),
        # The first is overdue.
        (
            (date(2027, 2, 28), date(2027, 4, 1), None),
            (date(2027, 2, 28), date(2027, 3, 31), date(2027, 4, 1)),
        ),
        (
            (date(2027, 2, 28), date(2027, 2, 20), None),
            (date(2027, 2, 20), date(2027, 6, 30), date(2027, 9, 30)),
        ),
        ((date(2027, 2, 1),) * 3, (date(2027, 2, 1), date(2027, 3, 31), None)),
    ],
)
def test_a_row_shows_the_date_that_filters_and_orders_count(partner, cast, deadlines, shown):
    acme = db.session.get(Client, cast.client)
    later = [
        make_subscription(acme, f"{day}", day) for day in (date(2027, 6, 30), date(2027, 9, 30))
    ]
    db.session.add_all(later)
    subscriptions = [db.session.get(Subscription, cast.subscription), *later]
    for subscription, deadline in zip(subscriptions, deadlines, strict=True):
        subscription.deadline = deadline
    due_index.refresh(subscriptions)
    row = client_list.load(partner, ClientQuery()).rows[0]
    assert (row.decision, row.renewal, row.later) == shown


@pytest.mark.parametrize("many", [False, True])
def test_what_is_overdue_is_found_in_each_order(partner, monkeypatch, many):
    if many:
        monkeypatch.setattr(finding, "MOST_COUNTED", 1)
    for name, day in (("Anton", 27), ("Berta", 26)):
        add_client(partner, name, date(2027, 2, day))
    add_client(partner, "Today", date(2027, 3, 1))
    # Its first decision has passed, but is none that must be made.
    renewing = add_client(partner, "Renewing", date(2027, 3, 20))
    passed = date(2027, 2, 20)
    db.session.add(make_subscription(renewing, "CRM", passed, renews_itself=True))
    db.session.flush()
    for sort, expected in (
        ("name", ["Anton", "Berta"]),
        ("-name", ["Berta", "Anton"]),
        ("renewal", ["Berta", "Anton"]),
        ("-renewal", ["Anton", "Berta"]),
    ):
        assert names(partner, within=0, sort=sort) == expected
    assert names(partner, within=0, search="berta") == ["Berta"]
    assert names(partner, within=0, search="renewing") == []


def test_a_client_without_a_running_subscription_has_nothing_to_decide(partner, cast):
    subscription = db.session.get(Subscription, cast.subscription)
    subscription.cancelled = True
    due_index.refresh([subscription])
    assert client_list.load(partner, ClientQuery()).rows[0].decision is None


@pytest.mark.parametrize(
    ("owner", "left", "alone"),
    [("vendor", 2, False), ("vendor", 1, True), ("vendor", 0, False), ("partner", 1, False)],
)
def test_a_single_person_who_is_told_is_a_fact_and_no_risk(partner, cast, owner, left, alone):
    partner.default_owner = Owner(owner)
    client = add_client(partner, "Few")
    for role in list(ContactRole)[:left]:
        person = add_user(client, role.value)
        db.session.add(ContactAssignment(client_id=client.id, role=role, user_id=person.id))
    situations.refresh([client.id])
    row = client_list.load(partner, ClientQuery(search="few")).rows[0]
    assert row.alone is alone
    assert row.reach is (Reachability.GREEN if left else Reachability.RED)
