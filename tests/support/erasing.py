"""What is to be erased: a past that stands in many tables, under several names; and what of it is left."""

from datetime import UTC, datetime, timedelta

import time_machine
from flask import Flask
from sqlalchemy import bindparam, select, update

from tests.support.cast import Cast, dump, unit_of_work
from tests.support.portal import run_at
from webapp.domain.ownership import Choice
from webapp.models import (
    Client,
    Delivery,
    DeliveryState,
    MailKind,
    Partner,
    Subscription,
    User,
    UserSession,
    db,
)
from webapp.services.accounts import people
from webapp.services.clients import ownership
from webapp.services.reminders import due_index

STEP_30 = datetime(2027, 3, 1, 10, tzinfo=UTC)
TAKEN_OVER = STEP_30 + timedelta(hours=1)
RESULTS = select(Delivery.id, Delivery.state, Delivery.ended_at, Delivery.message_id).order_by(
    Delivery.id
)
OF_DAVE = update(Delivery.__table__).where(Delivery.recipient_id == bindparam("dave"))
# Of another client, who keeps them; words to search by have the parts of an address.
OTHERS = ("other dana", "dana@foreign", "dana@ foreign")


def live(app: Flask, cast: Cast) -> None:
    """Rename Dave to Danuta and back, remind Acme, and let Bob take over: its people are told at TAKEN_OVER.

    Bob's To-do mail of that hour names Acme, and Dave, whose reminder counts as failed just then.
    """
    with unit_of_work(app):
        db.session.execute(update(Partner).values(sending=True))
        alice, dave = (db.session.get_one(User, id) for id in (cast.alice, cast.dave))
        people.edit_person(alice, dave, name="Danuta", email="old@acme.example", job_title="Boss")
        known = {"phone": "+48 22 777 00", "note": "Likes tea"}
        people.edit_person(alice, dave, name="Dave Dove", email="dave@acme.example", **known)
        due_index.refresh_where(Subscription.client_id == cast.client)
    run_at(app, STEP_30)
    with time_machine.travel(STEP_30, tick=False), unit_of_work(app):
        alice, acme = (
            db.session.get_one(User, cast.alice),
            db.session.get_one(Client, cast.client),
        )
        ownership.choose_owner(alice, acme, Choice.PARTNER, cast.bob)
        db.session.execute(OF_DAVE.values(state=DeliveryState.FAILED), {"dave": cast.dave})
        db.session.execute(update(User).where(User.id == cast.bob).values(todo_at=TAKEN_OVER))
    run_at(app, TAKEN_OVER)
    with unit_of_work(app):
        db.session.execute(OF_DAVE.values(state=DeliveryState.SENT), {"dave": cast.dave})
        to_do = db.session.scalars(select(Delivery).where(Delivery.kind == MailKind.TO_DO)).one()
        assert [line["name"] for line in to_do.snapshot["not_arrived"]["first"]] == ["Dave Dove"]
        assert to_do.snapshot["clients"] == [{"id": cast.client, "name": "Acme"}]


def left(app: Flask, *names: str) -> set[tuple[str, str]]:
    """Find the tables in which a name still stands, as text or bytes: (table, name)."""
    tables = dump(app)
    with app.app_context():
        tables["user_session"] = [
            tuple(row) for row in db.session.execute(select(*UserSession.__table__.c))
        ]
    found = set()
    for table, rows in tables.items():
        text = repr(rows).casefold()
        for other in OTHERS:
            text = text.replace(other, "")
        found |= {(table, name) for name in names if name in text}
    return found
