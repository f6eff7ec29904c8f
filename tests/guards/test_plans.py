"""How the databases find the rows of lists: by an index that leads to few, or along one in the list's order."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import event, insert, select, text, update

from tests.support.cast import ON_POSTGRESQL, Cast
from webapp import i18n
from webapp.domain.facts import MailKind
from webapp.domain.ownership import Owner
from webapp.domain.recipients import Reachability
from webapp.domain.todo import Figure, Section, Wrong
from webapp.models import Client, Delivery, DeliveryEvent, DeliveryState, Login, Partner, User, db
from webapp.models.audit import AuditAction, AuditKind
from webapp.models.organisation import NO_DECISION
from webapp.models.tables import client_table, organisation_table, subscription_table
from webapp.services import audit
from webapp.services.lists import (
    calendar,
    clients,
    deliveries,
    finding,
    open_renewals,
    overrides,
    security,
    todo,
)
from webapp.services.lists.calendar import Whose
from webapp.services.lists.clients import ClientQuery, ClientSort, OwnerFilter
from webapp.services.lists.deliveries import DeliveryQuery
from webapp.services.lists.open_renewals import RenewalPlace, RenewalQuery
from webapp.services.lists.security import SecurityQuery
from webapp.services.lists.status import ClientStatus
from webapp.services.lists.todo_query import ANY_FAULT, ToDoQuery
from webapp.services.reminders import situations
from webapp.services.sending import first_mails, relevance
from webapp.services.trail import events, history, standing
from webapp.services.trail.history import ActivityQuery, HistoryQuery
from webapp.services.trail.settled import Newest

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
BY_NAME, BY_DECISION = "ix_client_by_name", "ix_client_by_decision"
BY_SITUATION, READERS = "ix_client_by_situation", "ix_user_told"
SEARCHED = "ix_client_searched"
NEWEST, IN_STATE = "ix_delivery_partner_id_id_state", "ix_delivery_partner_id_state_id"
LAST_DAYS, OF_TRAIL = "ix_delivery_partner_id_queued_at_id_state", "ix_audit_entry_client_id_id"
ARCHIVED_BY_NAME, ARCHIVED_BY_DECISION = (
    f"ix_client_archived_by_{order}" for order in ("name", "decision")
)
ARCHIVED_MAILS, ARCHIVED = "ix_delivery_archived", ClientStatus.ARCHIVED
# A query, the index that leads to few rows, and the one along which many are met in order.
WAYS: list[tuple[Any, str, str]] = [
    (ClientQuery(), BY_NAME, BY_NAME),
    (ClientQuery(sort="-name"), BY_NAME, BY_NAME),
    (ClientQuery(sort=ClientSort.DECISION), BY_NAME, BY_DECISION),
    (ClientQuery(sort=ClientSort.DECISION, within=30), BY_DECISION, BY_DECISION),
    (ClientQuery(within=0), BY_DECISION, BY_NAME),
    *(
        (ClientQuery(within=0, sort=sort), BY_DECISION, BY_DECISION)
        for sort in ("renewal", "-renewal")
    ),
    (ClientQuery(within=0, search="kalo"), BY_NAME, BY_NAME),
    (ClientQuery(within=0, owner=OwnerFilter.VENDOR), BY_SITUATION, BY_NAME),
    (ClientQuery(search="kalo mi"), BY_NAME, BY_NAME),
    (ClientQuery(search="kalo", reach=Reachability.RED, within=30), BY_NAME, BY_NAME),
    *((ClientQuery(owner=owner), BY_SITUATION, BY_NAME) for owner in OwnerFilter),
    *((ClientQuery(reach=reach), BY_SITUATION, BY_NAME) for reach in Reachability),
    (
        ClientQuery(reach=Reachability.AMBER, owner=OwnerFilter.OWN, within=90, sort="renewal"),
        BY_SITUATION,
        BY_DECISION,
    ),
    (ClientQuery(status=ARCHIVED), ARCHIVED_BY_NAME, ARCHIVED_BY_NAME),
    (ClientQuery(status=ARCHIVED, search="kalo mi"), ARCHIVED_BY_NAME, ARCHIVED_BY_NAME),
    (
        ClientQuery(status=ARCHIVED, owner=OwnerFilter.OWN, sort=ClientSort.DECISION),
        ARCHIVED_BY_DECISION,
        ARCHIVED_BY_DECISION,
    ),
    (DeliveryQuery(status=ARCHIVED), ARCHIVED_MAILS, ARCHIVED_MAILS),
    (DeliveryQuery(status=ARCHIVED, client="cli ent"), ARCHIVED_BY_DECISION, ARCHIVED_MAILS),
    (DeliveryQuery(), NEWEST, NEWEST),
    (DeliveryQuery(state=DeliveryState.FAILED), IN_STATE, NEWEST),
    (DeliveryQuery(client="client"), SEARCHED, NEWEST),
    (DeliveryQuery(client="cli ent", state=DeliveryState.SENT, days=7), SEARCHED, NEWEST),
    (DeliveryQuery(client="client", recipient="dana"), SEARCHED, NEWEST),
    (DeliveryQuery(recipient="dana"), READERS, NEWEST),
    (DeliveryQuery(recipient="dana acme", state=DeliveryState.SENT, days=7), READERS, NEWEST),
    (DeliveryQuery(days=7), LAST_DAYS, NEWEST),
    (DeliveryQuery(days=90, state=DeliveryState.SENT), LAST_DAYS, NEWEST),
]

OF_PARTNER = "ix_audit_entry_organisation_id_id"
BY_AUTHOR, BY_KIND = (f"ix_audit_entry_organisation_id_{name}_id" for name in ("actor_id", "kind"))
# As programs ask.
PROGRAMS: list[tuple[Any, str, str]] = [
    *(
        (RenewalQuery(days=60, limit=20, owner=owner), narrow, BY_DECISION)
        for owner, narrow in ((None, BY_DECISION), (Owner.VENDOR, BY_SITUATION))
    ),
]

LOGS: list[tuple[Any, str, str]] = [
    (ActivityQuery(), OF_TRAIL, OF_TRAIL),
    (HistoryQuery(), OF_PARTNER, OF_PARTNER),
    (HistoryQuery(days=30), OF_PARTNER, OF_PARTNER),
    (HistoryQuery(person=1), BY_AUTHOR, BY_AUTHOR),
    (HistoryQuery(person=1, kind=AuditKind.TEAM, days=7), BY_AUTHOR, BY_AUTHOR),
    (HistoryQuery(kind=AuditKind.TEAM), BY_KIND, BY_KIND),
    (SecurityQuery(), *["ix_security_event_organisation_id_id"] * 2),
]


def grow(cast: Cast) -> None:
    """Some hundred clients with a mail each at Alice's partner, and some thousand at the other."""
    for first, number, partner in (
        (10_000, 300, cast.partner),
        (20_000, 3_000, cast.other_partner),
    ):
        ids = range(first, first + number)
        common = {"kind": "client", "language": "en", "time_zone": "UTC"}
        db.session.execute(
            insert(organisation_table),
            [
                common | {"id": id, "name": f"Client {id}", "created_at": NOW, "version": 1}
                for id in ids
            ],
        )
        db.session.execute(insert(client_table), [client(id, partner) for id in ids])
        db.session.execute(insert(subscription_table), [subscription(id, partner) for id in ids])
        db.session.execute(insert(Delivery), [mail(id, partner, cast.dana) for id in ids])
    db.session.execute(update(User).values(told_by_id=cast.partner))
    if db.engine.dialect.name == "postgresql":
        db.session.execute(text("ANALYZE"))


def client(id: int, partner: int) -> dict[str, Any]:
    name = f"client {id}"
    return {
        "id": id,
        "partner_id": partner,
        "name_key": name,
        "sort_key": i18n.sort_key(name),
        "search_key": name,
        "words": name,
        "first_decision_on": decision_on(id),
        "second_decision_on": date(2026, 12, 20) + timedelta(days=id % 300),
        "undecided_on": decision_on(id),
        "situation": ("id2-", "id1-", "id0-", "vd2r", "pd2-")[id % 5],
        "owner_version": 1,
        "archived_at": archived_at(id),
    }


def decision_on(id: int) -> date:
    return date(2026, 11, 20) + timedelta(days=id % 300)


def subscription(id: int, partner: int) -> dict[str, Any]:
    return {
        "partner_id": partner,
        "open_choice": None if archived_at(id) else "inherit",
        "client_id": id,
        "product": "Hub",
        "product_key": "hub",
        "term_months": 12,
        "renewal_date": decision_on(id),
        "anchor_day": decision_on(id).day,
        "deadline_by_rule": False,
        "renews_itself": False,
        "cancelled": False,
        "cycle": 1,
        "version": 1,
    }


def archived_at(id: int) -> datetime | None:
    """Some of the clients are archived, with their mails."""
    return NOW if id % 10 == 7 else None


def mail(id: int, partner: int, recipient: int) -> dict[str, Any]:
    return {
        "kind": MailKind.REMINDER_CLIENT,
        "partner_id": partner,
        "client_id": id,
        "day": NOW.date(),
        "recipient_id": recipient,
        "email": "x@x.example",
        "language": "en",
        "snapshot": {},
        "state": list(DeliveryState)[id % len(DeliveryState)],
        "queued_at": NOW - timedelta(hours=id % 1000),
        "send_after": NOW,
        "archived_at": archived_at(id),
    }


@pytest.fixture
def partner(context: Any, cast: Cast, time_machine: Any) -> Iterator[Partner]:
    time_machine.move_to(NOW, tick=False)
    grow(cast)
    yield db.session.get_one(Partner, cast.partner)
    situations.refresh(db.session.scalars(select(client_table.c.id)))


@contextmanager
def asked() -> Iterator[list[tuple[str, Any]]]:
    """Note the statements that are sent, with their parameters."""
    log: list[tuple[str, Any]] = []

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, *rest: Any) -> None:
        log.append((statement, parameters))

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield log
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


def show(partner: Partner, query: Any, cast: Cast) -> None:
    if isinstance(query, ClientQuery):
        clients.load(partner, query)
    elif isinstance(query, DeliveryQuery):
        deliveries.load(partner, query)
    elif isinstance(query, RenewalQuery):
        open_renewals.load(partner, query)
    elif isinstance(query, SecurityQuery):
        security.of_organisation(partner.id, query)
        security.own(Login(id=1), query)
    elif isinstance(query, HistoryQuery):
        history.of_partner(db.session.get_one(User, cast.alice), partner, query)
    else:
        client = db.session.get_one(Client, cast.client)
        history.activity(db.session.get_one(User, cast.alice), client, query)


def places(query: Any) -> list[Any]:
    """The first page of a query, one further down, and one on the way back."""
    if isinstance(query, RenewalQuery):
        return [query, replace(query, after=RenewalPlace(NOW.date(), 10_100))]
    return [query, replace(query, after=10_100), replace(query, before=10_200)]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("many", [False, True])
def test_sqlite_takes_the_index_that_the_number_of_rows_asks_for(
    partner: Partner, cast: Cast, monkeypatch: pytest.MonkeyPatch, many: bool
) -> None:
    if many:
        monkeypatch.setattr(finding, "MOST_COUNTED", 1)
    faults = []
    for query, narrow, along in [*WAYS, *LOGS, *PROGRAMS]:
        for place in places(query):
            with asked() as log:
                show(partner, place, cast)
            plans = {statement: sqlite_plan(statement, values) for statement, values in log}
            lines = [line for plan in plans.values() for line in plan]
            whole = many or not getattr(query, "filtered", True)
            index = along if whole else narrow
            if not any(re.search(rf"INDEX {index} ", line) for line in lines):
                faults.append(f"{place}: not by {index}: {lines}")
            faults += [
                f"{place}: {line}"
                for line in lines
                if re.match(r"SCAN (?!some|number|first|found|json_each)", line)
            ]
            faults += [
                f"{place}: {statement}: sorts"
                for statement, plan in plans.items()
                if any("TEMP B-TREE" in line for line in plan)
                and not statement.startswith("WITH some")
            ]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_is_overdue_is_counted_in_an_index_alone(partner: Partner) -> None:
    with asked() as log:
        clients.load(partner, ClientQuery(within=0))
    [(statement, values)] = [each for each in log if each[0].startswith("WITH some")]
    walk = (
        f"SEARCH client USING COVERING INDEX {BY_DECISION} (partner_id=? AND first_decision_on<?)"
    )
    assert walk in sqlite_plan(statement, values)
    assert "subscription" not in statement


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_stands_on_changes_is_found_by_their_subjects(partner: Partner, cast: Cast) -> None:
    entry = audit.record_change(None, AuditAction.SENDING_CHANGED, partner)
    with asked() as log:
        standing.load_later(partner.id, [entry])
    lines = [line for each in log for line in sqlite_plan(*each)]
    assert any("ix_audit_entry_organisation_id_subject_id_id" in line for line in lines)


def test_counts_stop_at_a_limit_and_go_by_an_index(partner: Partner, cast: Cast) -> None:
    alice, on_server = db.session.get_one(User, cast.alice), db.engine.dialect.name == "postgresql"
    if on_server:
        db.session.execute(text("SET LOCAL enable_seqscan = off"))
    with asked() as log:
        clients.load_team(partner)
        overrides.override_counts(partner)
        overrides.looked_after(alice)
    for statement, values in log:
        assert statement.upper().count("LIMIT") == statement.count("count("), statement
        if on_server:
            assert not list(postgresql_faults(postgresql_plan(statement, values)))
    if not on_server:
        lines = "\n".join(line for each in log for line in sqlite_plan(*each))
        assert {BY_SITUATION, IN_STATE, "ix_client_contact"} <= {*re.findall(r"INDEX (\w+)", lines)}
        assert not re.search(r"SCAN (?!some|CONSTANT)", lines), lines


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_waits_is_found_by_its_reminder(partner: Partner, cast: Cast) -> None:
    """Not by all mails that are queued, of which there are thousands on some mornings."""
    with asked() as log:
        clients.load(partner, ClientQuery())
        todo.load(partner, db.session.get_one(User, cast.alice), ToDoQuery())
    lines = "\n".join(line for each in log for line in sqlite_plan(*each))
    assert "delivery USING INTEGER PRIMARY KEY" in lines
    assert not re.search("ix_delivery_(state_kind|queued)", lines), lines


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_mails_about_a_reminder_are_not_looked_for_among_all_of_their_reader(
    partner: Partner,
) -> None:
    with asked() as log:
        relevance.still_wanted([1], NOW)
    [(statement, values)] = log
    plan = "\n".join(sqlite_plan(statement, values))
    assert "ix_delivery_reminder_reminder_id" in plan
    assert "ix_delivery_recipient_id" not in plan


def test_events_are_read_onward_by_their_numbers(partner: Partner, cast: Cast) -> None:
    """However many there are of others: of a stretch of the history of mails each line is looked at once."""
    on_server = db.engine.dialect.name == "postgresql"
    ids = select(Delivery.id).order_by(Delivery.id)
    db.session.execute(
        insert(DeliveryEvent),
        [{"delivery_id": id, "at": NOW, "state": "sent"} for id in db.session.scalars(ids)],
    )
    db.session.flush()
    if on_server:
        for cheap in ("seqscan", "sort", "bitmapscan", "hashjoin"):
            db.session.execute(text(f"SET LOCAL enable_{cheap} = off"))
    with asked() as log:
        page = events.load(partner, Newest(0, 100), 50, whole=True)
    assert len(page.rows) == 50
    if on_server:
        plans = [postgresql_plan(*each) for each in log if "pg_locks" not in each[0]]
        assert not [fault for plan in plans for fault in postgresql_faults(plan)], plans
        assert "pk_delivery_event" in json.dumps(plans)
        assert OF_PARTNER in json.dumps(plans)
    else:
        lines = "\n".join(line for each in log for line in sqlite_plan(*each))
        assert "SEARCH delivery_event USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)" in lines
        assert f"INDEX {OF_PARTNER} (organisation_id=? AND id>? AND id<?)" in lines
        assert not re.search("SCAN (?!CONSTANT)|TEMP B-TREE", lines), lines


@pytest.mark.parametrize("way", ["FEW", "MANY"])
def test_the_first_steps_are_read_in_the_order_of_an_index(partner: Partner, way: str) -> None:
    """Sorted is only what a limit has cut out before, never all steps of all partners."""
    on_server = db.engine.dialect.name == "postgresql"
    if on_server:
        for cheap in ("seqscan", "sort", "bitmapscan"):
            db.session.execute(text(f"SET LOCAL enable_{cheap} = off"))
    given = {
        "partner": partner.id,
        "since": NOW.date(),
        "until": NO_DECISION,
        "most": 10,
        "most_mails": 50,
    }
    with asked() as log:
        db.session.execute(getattr(first_mails, way), given)
    [(statement, values)] = log
    if on_server:
        plan = postgresql_plan(statement, values)
        assert not list(postgresql_faults(plan)), plan
        assert "ix_subscription_attention_on_id" in json.dumps(plan)
    else:
        lines = "\n".join(sqlite_plan(statement, values))
        assert "INDEX ix_subscription_attention_on_id " in lines
        assert not re.search(r"SCAN (subscription|client|delivery)", lines), lines


@pytest.mark.parametrize("whose", [None, *Whose])
def test_the_next_renewals_are_met_along_an_index(
    partner: Partner, cast: Cast, whose: Whose | None
) -> None:
    """None: the page of the next ten. Calendars: along the decisions of their clients."""
    on_server = db.engine.dialect.name == "postgresql"
    if on_server:
        for cheap in ("seqscan", "bitmapscan"):
            db.session.execute(text(f"SET LOCAL enable_{cheap} = off"))
    reader = db.session.get_one(User, cast.alice)
    with asked() as log:
        if whose is None:
            calendar.upcoming(partner)
        else:
            calendar.days(reader, whose, 10_000)
    [(statement, values)] = [each for each in log if "UNION ALL" in each[0]]
    if on_server:
        plan = json.dumps(postgresql_plan(statement, values))
        assert "Seq Scan" not in plan
    else:
        plan = "\n".join(sqlite_plan(statement, values))
        assert not re.search(r"SCAN (subscription|client|organisation|partner|user)", plan), plan
    index = "ix_subscription_open" if whose is None else BY_DECISION
    assert index in plan or whose is Whose.CLIENT, plan


TO_DO: list[ToDoQuery] = [
    ToDoQuery(),
    *(ToDoQuery(mine=mine, only=only) for mine in (True, False) for only in (ANY_FAULT, *Wrong)),
    *(ToDoQuery(figure=figure) for figure in Figure),
    ToDoQuery(owner=Owner.PARTNER, product="Hub", month=date(2027, 9, 1)),
    *(
        ToDoQuery(section=section, mine=True, after=after)
        for section in Section
        for after in (None, 100)
    ),
]


@pytest.mark.parametrize("many", [False, True])
def test_to_do_walks_along_one_index_and_sorts_what_a_limit_has_cut(
    partner: Partner, cast: Cast, monkeypatch: pytest.MonkeyPatch, many: bool
) -> None:
    if many:
        monkeypatch.setattr(finding, "MOST_COUNTED", 1)
    on_server, faults = db.engine.dialect.name == "postgresql", []
    if on_server:
        for cheap in ("seqscan", "sort", "bitmapscan"):
            db.session.execute(text(f"SET LOCAL enable_{cheap} = off"))
    some = select(subscription_table.c.id).where(subscription_table.c.partner_id == partner.id)
    reader, after = db.session.get_one(User, cast.bob), db.session.scalars(some.offset(100)).first()
    for query in TO_DO:
        with asked() as log:
            todo.load(partner, reader, replace(query, after=query.after and after))
        assert len(log) <= (5 if query.after is None else 6), query
        for statement, values in log:
            if on_server:
                found = [*server_faults(postgresql_plan(statement, values))]
            else:
                found = [*to_do_faults(sqlite_plan(statement, values))]
            faults += [f"{query}: {fault}: {statement}" for fault in found]
    assert not faults, "\n".join(faults)


def server_faults(node: Any) -> Iterator[str]:
    """Look for the same in a plan of PostgreSQL. What was put off has no order of its own, and is never much."""
    inner = node.get("Plans", ())
    if node["Node Type"] == "Seq Scan":
        yield f"reads all of {node['Relation Name']}"
    if "Sort" in node["Node Type"]:
        yield from ("sorts" for part in inner if part.get("Index Name") == "ix_subscription_open")
    for part in inner:
        yield from server_faults(part)


def to_do_faults(plan: list[str]) -> Iterator[str]:
    """Look for tables that are read as a whole, and for walks that are sorted."""
    tables = "subscription|about|client|organisation|user|asker|reminder|delivery|delivery_reminder"
    yield from (line for line in plan if re.match(rf"SCAN ({tables})\b", line))
    walks = [
        line for line in plan if not re.match("LIST SUBQUERY|MATERIALIZE|SCAN json_each", line)
    ]
    for line, following in pairwise(walks):
        if "ix_subscription_open" in line and "TEMP B-TREE FOR ORDER BY" in following:
            yield f"sorts {line}"
    if any("subscription USING INDEX sqlite_autoindex" in line for line in plan):
        yield "goes from client to client"
    # For each filter twice: for what is decided, and for what somebody asked to be reminded of.
    for table in ("client", "delivery"):
        if sum(line.startswith(f"SEARCH {table} ") for line in plan) > 4:
            yield f"looks for rows of {table} in each section"


def sqlite_plan(statement: str, values: Any) -> list[str]:
    rows = db.session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
    return [row[3] for row in rows]


@ON_POSTGRESQL
@pytest.mark.parametrize("many", [False, True])
def test_postgresql_reads_no_table_as_a_whole_and_sorts_only_what_is_counted(
    partner: Partner, cast: Cast, monkeypatch: pytest.MonkeyPatch, many: bool
) -> None:
    if many:
        monkeypatch.setattr(finding, "MOST_COUNTED", 1)
    # So few rows would be read and sorted at no cost. It is asked whether there is another way.
    for cheap in ("seqscan", "sort", "bitmapscan"):
        db.session.execute(text(f"SET LOCAL enable_{cheap} = off"))
    faults = []
    for query in [way[0] for way in (*WAYS, *LOGS, *PROGRAMS)]:
        for place in places(query):
            with asked() as log:
                show(partner, place, cast)
            for statement, values in log:
                for fault in postgresql_faults(postgresql_plan(statement, values)):
                    faults.append(f"{place}: {fault}: {statement}")
    assert not faults, "\n".join(faults)


def postgresql_plan(statement: str, values: Any) -> Any:
    rows = db.session.connection().exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", values)
    found = rows.scalar_one()
    return (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]


def postgresql_faults(node: Any) -> Iterator[str]:
    kind, inner = node["Node Type"], node.get("Plans", ())
    if kind == "Seq Scan":
        yield f"reads all of {node['Relation Name']}"
    if kind in {"Sort", "Incremental Sort"} and not all(map(is_bounded, inner)):
        yield f"sorts {[part['Node Type'] for part in inner]}"
    for part in inner:
        yield from postgresql_faults(part)


def is_bounded(node: Any) -> bool:
    """Tell whether a limit or a list of keys stands above all tables that a part of a plan goes along."""
    if node["Node Type"] in {"Limit", "CTE Scan"} or " = ANY (" in node.get("Index Cond", ""):
        return True
    # What is looked up for one row gives no further rows to go along.
    looked_up = {"Inner", "InitPlan", "SubPlan"}
    along = [part for part in node.get("Plans", ()) if part["Parent Relationship"] not in looked_up]
    return bool(along) and all(map(is_bounded, along))
