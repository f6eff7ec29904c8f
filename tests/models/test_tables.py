"""Statements about thousands of rows do the same as those about single ones."""

from datetime import UTC, date, datetime
from decimal import Decimal

from flask import Flask
from sqlalchemy import bindparam, select

from tests.support.cast import Cast
from webapp.models import AuditEntry, Client, Subscription, User, db
from webapp.models.tables import (
    among,
    audit_entry_table,
    client_table,
    insert_all,
    subscription_table,
    user_table,
)

AT = datetime(2026, 12, 1, 12, tzinfo=UTC)


def test_rows_are_stored_as_their_columns_types_say(cast: Cast, context: Flask) -> None:
    same = {
        "partner_id": cast.partner,
        "client_id": cast.client,
        "term_months": 12,
        "anchor_day": 1,
        "version": 1,
    }
    rows = [
        {
            **same,
            "id": 900 + number,
            "product": f"Hub {number}",
            "product_key": f"hub {number}",
            "renewal_date": date(2027, 1, 1),
            "deadline": deadline,
            "amount": amount,
            "cancelled": cancelled,
            "unknown": "left out",
        }
        for number, (deadline, amount, cancelled) in enumerate(
            [(None, None, False), (date(2026, 12, 24), Decimal("1200.50"), True)]
        )
    ]
    insert_all(subscription_table, rows)
    insert_all(subscription_table, [])
    for row in rows:
        stored = db.session.get_one(Subscription, row["id"])
        assert {name: getattr(stored, name) for name in row if name != "unknown"} == {
            name: value for name, value in row.items() if name != "unknown"
        }
        # A default of the column.
        assert stored.cycle == 1


def test_instants_json_and_defaults_made_for_each_row(cast: Cast, context: Flask) -> None:
    entry = {"organisation_id": cast.partner, "action": "client.added", "kind": "clients", "at": AT}
    changes = [{}, {"email": [None, "ana@acme.example"]}]
    insert_all(
        audit_entry_table,
        [entry | {"subject_id": id, "changes": each} for id, each in enumerate(changes, 7000)],
    )
    query = select(AuditEntry).where(AuditEntry.subject_id >= 7000).order_by(AuditEntry.subject_id)
    assert [(each.at, each.changes) for each in db.session.scalars(query)] == [
        (AT, each) for each in changes
    ]
    person = {"organisation_id": cast.client, "name": "Ana", "name_key": "ana", "version": 1}
    emails = ["ana@new.example", "ANA@other.example"]
    insert_all(
        user_table, [person | {"email": email, "email_key": email.casefold()} for email in emails]
    )
    found = select(User).where(among(user_table.c.email, emails))
    people = db.session.scalars(found).all()
    assert {each.email for each in people} == set(emails)


def test_a_column_among_many_texts(cast: Cast, context: Flask) -> None:
    stored = db.session.get_one(Client, cast.client)
    ids = select(client_table.c.id)
    texts = [stored.name_key, 'with "quotes" and \\', "ąęł"]
    assert stored.id in db.session.scalars(ids.where(among(client_table.c.name_key, texts))).all()
    assert db.session.scalars(ids.where(among(client_table.c.name_key, texts[1:]))).all() == []
    assert db.session.scalars(ids.where(among(client_table.c.name_key, []))).all() == []


def test_a_column_among_ids_that_a_parameter_brings(cast: Cast, context: Flask) -> None:
    people = select(user_table.c.id).where(among(user_table.c.id, bindparam("ids")))
    for ids in ([cast.dana, cast.alice], range(40_000), ()):
        found = set(db.session.execute(people, {"ids": ids}).scalars())
        assert {cast.alice, cast.dana, cast.bob} & found == {cast.alice, cast.dana, cast.bob} & {
            *ids
        }
