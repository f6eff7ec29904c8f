"""The words by which clients are found: what they are made of, and that every change of those texts reaches them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Event
from time import monotonic

import pytest
from flask import Flask
from sqlalchemy import select, text

from tests.support.cast import ON_POSTGRESQL, Cast, assert_words_are_kept, make_user, unit_of_work
from tests.support.postgres import HELD_UP
from webapp.models import Client, Partner, User, db
from webapp.services import search_words
from webapp.services.accounts import addresses, people
from webapp.services.clients import archiving, clients, subscriptions
from webapp.services.clients import erasing as client_erasing
from webapp.services.clients.clients import ClientDetails
from webapp.services.clients.subscriptions import SubscriptionDetails
from webapp.services.erasing import person as person_erasing
from webapp.services.lists import clients as client_list
from webapp.services.lists.clients import ClientQuery

# Seconds that one of two may take on a busy machine.
PATIENCE = 60
ACME = ClientDetails("Acme", "acme.example", "C-7", "Łódź")
HUB = SubscriptionDetails("Sales Hub Enterprise", 12, date(2027, 1, 31))


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        ((), ""),
        ((None, "Łódź", ""), "lodz"),
        (("Sales Hub", "Service Hub"), "sales hub service"),
        # What an earlier word contains is found there.
        (("acme.example", "Acme"), "acme.example"),
        (("ana.nowak@acme.example", "Ana Nowak"), "ana.nowak@ acme.example"),
        (("acme.example", "ana@acme.example", "bob@acme.example"), "acme.example ana@ bob@"),
        (("Ana", "Anastazja"), "ana anastazja"),
        (("x" * 1_399, "Łąka"), "x" * 1_399 + " "),
        (("x" * 1_398, "ж"), "x" * 1_398 + " "),
    ],
)
def test_each_word_stands_once(texts: tuple[str | None, ...], words: str) -> None:
    assert search_words.words_of(texts) == words


@pytest.fixture
def acme(context: Flask, cast: Cast) -> Client:
    return db.session.get_one(Client, cast.client)


def found(*searches: str) -> list[list[str]]:
    """Search the dashboard of the cast's partner, after looking whether all words are right."""
    assert_words_are_kept()
    partner = db.session.scalars(select(Partner).order_by(Partner.id)).first()
    assert partner is not None
    loaded = (client_list.load(partner, ClientQuery(search=search)) for search in searches)
    return [[row.name for row in page.rows] for page in loaded]


def test_a_client_is_found_by_its_own_texts(acme: Client, alice: User) -> None:
    clients.edit_client(alice, acme, ACME)
    clients.add_client(alice, acme.partner, ClientDetails("Other", external_id="C-8"))
    assert found("c-7", "lodz", "acme.ex", "c-") == [
        ["Acme"],
        ["Acme"],
        ["Acme"],
        ["Acme", "Other"],
    ]
    clients.edit_client(alice, acme, ClientDetails("New"))
    assert found("c-7", "lodz", "new") == [[], [], ["New"]]


def test_a_client_is_found_by_its_products(acme: Client, alice: User) -> None:
    added = subscriptions.add_subscription(alice, acme, HUB)
    assert found("enterprise", "sales marketing") == [["Acme"], ["Acme"]]
    renamed = SubscriptionDetails("CRM Suite", 12, date(2027, 1, 31))
    subscriptions.edit_subscription(alice, added, renamed)
    assert found("enterprise", "crm") == [[], ["Acme"]]


def test_a_client_is_found_by_its_people(acme: Client, alice: User) -> None:
    added = people.add_person(alice, acme, name="Zażółć Gęślą", email="zg@elsewhere.example")
    assert found("gesla", "zg@elsewhere.example", "dana@ac") == [["Acme"]] * 3
    people.edit_person(alice, added, name="Anna Nowak")
    people.edit_person(alice, added, email="anna@acme.example")
    assert found("gesla", "elsewhere", "nowak anna@acme") == [[], [], ["Acme"]]
    for _step in person_erasing.erase_person(alice, added):
        db.session.flush()
    assert found("nowak", "anna") == [[], []]


def test_a_confirmed_address_is_found(acme: Client, dana: User) -> None:
    link = addresses.ask(dana, "d@elsewhere.example")
    assert found("d@elsewhere") == [[]]
    addresses.confirm(link)
    assert found("d@elsewhere", "dana@acme") == [["Acme"], []]


def test_colleagues_are_no_clients_people(acme: Client, alice: User) -> None:
    people.add_person(alice, acme.partner, name="Colleague", email="colleague@odnowa.example")
    people.edit_person(alice, alice, name="Alicja")
    assert found("colleague", "alicja") == [[], []]


def test_an_archived_client_keeps_its_words_and_an_erased_one_none(
    acme: Client, alice: User
) -> None:
    archiving.archive(alice, acme)
    assert_words_are_kept()
    for _step in client_erasing.erase_client(alice, acme):
        db.session.flush()
    assert_words_are_kept()
    db.session.refresh(acme)
    assert "dana" not in acme.words
    assert "acme" not in acme.words


def test_words_of_many_are_stored_in_chunks(acme: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        db.session.add(make_user(acme, f"Number {number}"))
    db.session.flush()
    monkeypatch.setattr(search_words, "CHUNK", 1)
    search_words.refresh(db.session.scalars(select(Client.id)))
    assert found("number") == [["Acme"]]


@ON_POSTGRESQL
def test_of_two_changes_at_once_neither_is_lost(app: Flask, cast: Cast) -> None:
    renamed = Event()

    def rename() -> None:
        with unit_of_work(app):
            people.edit_person(None, db.session.get_one(User, cast.dave), name="Zofia Nowa")
            renamed.set()
            end = monotonic() + PATIENCE
            while not db.session.scalar(text(HELD_UP)):
                assert monotonic() < end
                db.session.execute(text("SELECT pg_stat_clear_snapshot()"))

    def add() -> None:
        assert renamed.wait(PATIENCE)
        with unit_of_work(app):
            acme = db.session.get_one(Client, cast.client)
            people.add_person(None, acme, name="Marek Inny", email="marek@new.example")

    with ThreadPoolExecutor(2) as threads:
        for done in [threads.submit(change) for change in (rename, add)]:
            done.result()
    with unit_of_work(app):
        assert found("zofia marek") == [["Acme"]]
