"""The made-up portal of the benches: its rows are those that the portal itself would have written."""

from datetime import date
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Table, select, true

from bench import database, deliver, mails, rows
from bench.facts import Size
from webapp import worker
from webapp.domain.facts import MailKind
from webapp.domain.recipients import Reachability
from webapp.mail import kinds
from webapp.models import Client, Delivery, Partner, db
from webapp.models.tables import client_table, subscription_table
from webapp.services import search_words
from webapp.services.clients import clients
from webapp.services.lists import clients as client_list
from webapp.services.lists.clients import ClientQuery
from webapp.services.reminders import due_index, situations

TODAY = date(2026, 12, 1)
FEW = Size("few", 60, 2)
SOME = Size("some", 600, 2)


@pytest.fixture
def filled(database_url: str, context: Flask) -> Flask:
    database.fill(database_url, SOME, TODAY)
    return context


def stored(table: Table, *names: str) -> list[Any]:
    return list(db.session.execute(select(*(table.c[name] for name in names)).order_by(table.c.id)))


def test_derived_columns_are_those_that_the_portal_computes(filled: Flask) -> None:
    columns = (
        (
            client_table,
            (
                *("id", "situation", *due_index.DECISIONS),
                *("sort_key", "search_key", "words"),
            ),
        ),
        (subscription_table, ("id", "attention_on", "open_choice")),
    )
    before = [stored(table, *names) for table, names in columns]
    situations.refresh(db.session.scalars(select(client_table.c.id)))
    due_index.refresh_where(true())
    clients.refresh_sort_keys()
    search_words.refresh(db.session.scalars(select(client_table.c.id)))
    assert [stored(table, *names) for table, names in columns] == before


def test_every_filter_of_the_dashboard_finds_some_clients_and_not_all(filled: Flask) -> None:
    partner = db.session.get_one(Partner, 1)
    for reach in Reachability:
        page = client_list.load(partner, ClientQuery(reach=reach))
        assert len(page.rows) > 0
        assert page.total is not None
        assert page.total < len(SOME.own)


def test_mails_are_numbered_in_the_order_of_time_and_can_be_read(filled: Flask) -> None:
    sent = db.session.scalars(select(Delivery).order_by(Delivery.id)).all()
    days = [mail.queued_at for mail in sent]
    assert days == sorted(days)
    assert {mail.kind for mail in sent} == {MailKind.REMINDER_CLIENT, MailKind.REMINDER_PARTNER}
    for mail in sent[:20]:
        assert kinds.read_or_none(mail.kind, mail.snapshot)
        assert kinds.told(mail.kind, mail.snapshot, mail.recipient_id).reasons


def test_new_rows_are_numbered_after_the_written_ones(filled: Flask) -> None:
    partner = db.session.get_one(Partner, 1)
    added = Client(
        partner=partner,
        name="New",
        language="pl",
        time_zone="UTC",
        name_key="new",
        sort_key="new",
        search_key="new",
    )
    db.session.add(added)
    db.session.flush()
    assert added.id > SOME.ids[-1]


def test_the_same_day_has_the_same_rows() -> None:
    for made in (rows.clients, rows.subscriptions, mails.deliveries):
        assert list(made(FEW, TODAY)) == list(made(FEW, TODAY))


def test_mails_fall_due_from_the_rows_of_the_bench_for_delivery(
    context: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliver, "CLIENTS", 2)
    deliver.fill(0)
    assert worker.plan(deliver.NOW, None) == 2
