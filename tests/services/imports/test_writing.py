"""Writing many rows at once: the same as people do one by one, and nothing on top of others' changes."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm.exc import StaleDataError

from tests.support.cast import Cast
from webapp.domain.facts import NotRenewed
from webapp.models import (
    AuditEntry,
    Client,
    Delivery,
    DeliveryState,
    Partner,
    Reminder,
    Subscription,
    User,
    db,
)
from webapp.models.tables import organisation_table
from webapp.services.clients import renewals, subscriptions
from webapp.services.imports import matching, run, shelf
from webapp.services.imports.run import Report, import_list
from webapp.services.reminders import planning
from webapp.services.sending import outbox

NOON = datetime(2027, 3, 2, 12, tzinfo=UTC)
HEADER = (
    "Company name,Product,Renewal date,Term,Deadline,Subscription status,Email,Name,Contact roles\n"
)
# Each renews in 29 days, and has somebody to tell.
LINE = "{0},Hub,2027-03-31,P1Y,,active,{0}@x.example,Ana,primary contact\n"
MARCH, NEXT_MARCH, MAY = date(2027, 3, 31), date(2028, 3, 31), date(2027, 5, 15)


@pytest.fixture
def on_2_march(context: Flask, time_machine: Any) -> None:
    time_machine.move_to(NOON, tick=False)


def bring(cast: Cast, *lines: str) -> Report:
    partner = db.session.get_one(Partner, cast.partner)
    return import_list(None, partner, (HEADER + "".join(lines)).encode())


def hub(name: str) -> Subscription:
    query = select(Subscription).join(Client, Client.id == Subscription.client_id)
    return db.session.scalars(query.where(Client.name == name)).one()


def move(subscription: Subscription) -> None:
    moved = replace(subscriptions.details_of(subscription), renewal_date=MAY)
    subscriptions.edit_subscription(None, subscription, moved)


def renew_and_cancel(subscription: Subscription) -> None:
    renewals.renew(None, subscription)
    renewals.cancel(None, subscription)


def cancel_and_restore(subscription: Subscription) -> None:
    renewals.cancel(None, subscription)
    renewals.restore(None, subscription, cancelled=False)


def put_off(cast: Cast, subscription: Subscription) -> None:
    subscription.note = "Slow to answer"
    subscription.remind_on, subscription.remind_user_id = date(2027, 3, 10), cast.bob
    db.session.flush()


def told(name: str) -> list[Any]:
    """Gather all that became of a client's subscription, its reminders, its mails and its trail."""
    db.session.expire_all()
    subscription = hub(name)
    reminders = select(Reminder.base_date, Reminder.step, Reminder.state, Reminder.cycle)
    mails = select(Delivery.state, Delivery.kind, Delivery.day, Delivery.revision)
    trail = select(AuditEntry.action, AuditEntry.subject, AuditEntry.changes)
    mine = AuditEntry.client_id == subscription.client_id
    return [
        subscriptions.values_of(subscription),
        (subscription.cycle, subscription.anchor_day, subscription.steps_from),
        (subscription.reason, subscription.note, subscription.remind_on),
        (
            subscription.attention_on,
            subscription.client.first_decision_on,
            subscription.client.second_decision_on,
            subscription.client.undecided_on,
        ),
        db.session.execute(
            reminders.where(Reminder.subscription_id == subscription.id).order_by(Reminder.id)
        ).all(),
        db.session.execute(
            mails.where(Delivery.client_id == subscription.client_id).order_by(Delivery.id)
        ).all(),
        db.session.execute(
            trail.where(mine, AuditEntry.action.startswith("subscription")).order_by(AuditEntry.id)
        ).all(),
    ]


@pytest.mark.parametrize("sent", [False, True])
@pytest.mark.parametrize(
    ("by_hand", "lists"),
    [
        (renewals.renew, ["{0},Hub,2028-03-31,,,,,,\n"]),
        (move, ["{0},Hub,2027-05-15,,,,,,\n"]),
        (renewals.cancel, ["{0},Hub,,,,cancelled,,,\n"]),
        (renew_and_cancel, ["{0},Hub,2028-03-31,,,cancelled,,,\n"]),
        (cancel_and_restore, ["{0},Hub,,,,cancelled,,,\n", "{0},Hub,,,,active,,,\n"]),
    ],
)
def test_a_list_does_what_people_do_one_by_one(
    on_2_march: None,
    cast: Cast,
    by_hand: Callable[[Any, Any], Any] | Callable[[Any], Any],
    lists: list[str],
    sent: bool,
) -> None:
    assert bring(cast, *map(LINE.format, ("One", "Two", "Three"))).created == 3
    list(planning.plan(NOON))
    outbox.issue_due(NOON)
    mails = db.session.scalars(select(Delivery)).all()
    assert {mail.state for mail in mails} == {DeliveryState.QUEUED}
    if sent:
        for mail in mails:
            mail.state = DeliveryState.SENT
    for name in ("One", "Two", "Three"):
        put_off(cast, hub(name))
    if by_hand in (renewals.renew, renewals.cancel):
        by_hand(None, hub("One"))  # type: ignore[call-arg]
    else:
        by_hand(hub("One"))  # type: ignore[call-arg]
    for line in lists:
        assert bring(cast, line.format("Two"), line.format("Three")).changed == 2
    assert told("One") == told("Two") == told("Three")


def test_what_a_list_brings_back_has_no_reason_any_more(on_2_march: None, cast: Cast) -> None:
    bring(cast, LINE.format("One"))
    renewals.cancel(None, hub("One"), None, NotRenewed.PRICE)
    bring(cast, "One,Hub,,,,active,,,\n")
    db.session.expire_all()
    assert (hub("One").cancelled, hub("One").reason) == (False, None)
    entry = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert entry
    assert entry.changes == {"cancelled": [True, False], "reason": ["price", None]}


@pytest.mark.parametrize(
    ("by_hand", "line"),
    [
        (partial(renewals.renew, None), "{0},Hub,2028-03-31,,,,,,\n"),
        (move, "{0},Hub,2027-05-15,,,,,,\n"),
    ],
)
def test_a_deadline_by_the_rule_moves_as_people_move_it(
    on_2_march: None, cast: Cast, by_hand: Callable[[Subscription], Any], line: str
) -> None:
    db.session.get_one(Partner, cast.partner).deadline_rule_text = "P10D"
    bring(cast, *map(LINE.format, ("One", "Two")))
    assert hub("One").deadline == date(2027, 3, 21)
    list(planning.plan(NOON))
    by_hand(hub("One"))
    assert bring(cast, line.format("Two")).changed == 1
    assert told("One") == told("Two")


def test_changes_of_many_rows_take_as_many_statements_as_of_few(
    context: Flask, cast: Cast, statements: Any
) -> None:
    def many(line: str, rows: range) -> list[str]:
        return [line.format(f"Firm {row}") for row in rows]

    numbers = []
    for rows in (range(10), range(10, 110)):
        bring(
            cast,
            *many("{0},Hub,2027-03-31,P1Y,,,ana@{0}.example,Ana,\n".replace("{0}.", "x."), rows),
        )
        with statements() as log:
            report = bring(
                cast, *many("{0},Hub,2028-03-31,,,,ana@x.example,Eva,primary contact\n", rows)
            )
        assert (report.faults, report.changed) == ((), len(rows))
        assert len(list(report.changes())) == 2 * len(rows)
        numbers.append(len(log))
    assert numbers[1] <= numbers[0]


def test_what_somebody_changes_meanwhile_is_not_overwritten(
    context: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    def check(self: matching.Matcher) -> None:
        changed = update(organisation_table).where(organisation_table.c.id == cast.client)
        db.session.connection().execute(changed.values(version=organisation_table.c.version + 1))

    monkeypatch.setattr(matching.Matcher, "check", check)
    partner = db.session.get_one(Partner, cast.partner)
    with pytest.raises(StaleDataError):
        import_list(None, partner, b"Company name,City\nAcme,Gdynia\n")


def test_a_list_beyond_memory_is_the_same(
    context: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelf, "MOST_OPEN", 3)
    monkeypatch.setattr(run, "LINES", 2)
    firms = [f"Firm {row}" for row in range(11)]
    clients = [f"{firm},Hub,2027-03-31,P1Y,,,,,\n" for firm in firms]
    people = [f"{firm},,,,,,ana@x.example,Ana,billing\n" for firm in firms]
    assert bring(cast, *clients, *people).created == 22
    query = select(Client.name, User.name).join(User, User.organisation_id == Client.id)
    assert {*db.session.execute(query.where(Client.name.in_(firms)))} == {
        (firm, "Ana") for firm in firms
    }
    again = bring(cast, *people, *clients)
    assert (again.created, again.changed, again.unchanged) == (0, 0, 22)
    # A line that contradicts one long before is still found.
    [fault] = bring(cast, *clients, "Firm 0,Hub,2027-04-30,P1Y,,,,,\n").faults
    assert (fault.row, fault.values) == (13, {"other": 2})
    moved = bring(cast, *(line.replace("03-31", "04-30") for line in clients))
    assert [change.client for change in moved.changes()] == firms


def test_a_role_is_told_under_the_name_of_its_moment(context: Flask, cast: Cast) -> None:
    partner = db.session.get_one(Partner, cast.partner)
    header = "External ID,Company name,Product,Email,Name,Contact roles\n"
    import_list(None, partner, f"{header}E1,Old,,,,\n".encode())
    import_list(None, partner, f"{header}E1,New,,a@x.example,Ana,billing\n".encode())
    told = select(AuditEntry.action, AuditEntry.subject).order_by(AuditEntry.id)
    assert db.session.execute(told.where(AuditEntry.organisation_id == cast.partner)).all()[
        -4:
    ] == [
        ("client.added", "Old"),
        ("user.added", "Ana"),
        ("client.contacts_assigned", "Old"),
        ("client.changed", "New"),
    ]
