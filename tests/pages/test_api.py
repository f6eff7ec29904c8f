"""The programming interface: whom a token opens it for, what it says, and how it refuses."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import select, update

from tests.support.cast import Cast, make_client, make_mail, make_subscription, unit_of_work
from webapp.domain.ownership import Choice
from webapp.models import (
    AccessToken,
    Client,
    DeliveryEvent,
    DeliveryState,
    Opens,
    Partner,
    Subscription,
    User,
    db,
)
from webapp.services.accounts import access_tokens, membership, partners, people
from webapp.services.clients import ownership
from webapp.services.reminders import due_index, situations

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
RENEWALS, EVENTS = "/api/renewals", "/api/events"


@pytest.fixture(autouse=True)
def today():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def token_of(app, cast: Cast):
    """Make tokens of people, by their names."""

    def make(name: str, opens: Opens = Opens.API) -> str:
        with unit_of_work(app):
            user = db.session.get_one(User, getattr(cast, name))
            return access_tokens.make(user, "Reports", 30, opens)

    return make


@pytest.fixture
def ask(app, token_of):
    """Ask as a program with a token of somebody."""
    tokens: dict[str, str] = {}

    def get(name: str, address: str, **headers: str) -> Any:
        if name not in tokens:
            tokens[name] = token_of(name)
        bearing = {"Authorization": f"Bearer {tokens[name]}"}
        return app.test_client().get(address, headers=bearing | headers)

    return get


def page_of(app, client_id: int) -> str:
    return f"{app.config['PORTAL'].base_url}/partner/clients/{client_id}/renewals"


def test_it_tells_all_of_a_renewal(app, ask, cast: Cast):
    with unit_of_work(app):
        acme = db.session.get_one(Client, cast.client)
        acme.external_id = "A-7"
        hub = db.session.get_one(Subscription, cast.subscription)
        hub.amount, hub.currency = 1200, "EUR"
        db.session.get_one(Partner, cast.partner).sending = True
        due_index.refresh([hub])
    answer = ask("alice", RENEWALS)
    assert answer.status_code == 200
    assert answer.json == {
        "renewals": [
            {
                "id": cast.subscription,
                "client": {
                    "id": cast.client,
                    "name": "Acme",
                    "external_id": "A-7",
                    "page": page_of(app, cast.client),
                },
                "product": "Marketing Hub",
                "decision_on": "2027-03-31",
                "overdue": False,
                "deadline": None,
                "renewal_date": "2027-03-31",
                "renews_itself": False,
                "term_months": 12,
                "amount": "1200.00",
                "currency": "EUR",
                "owner": {"side": "vendor", "source": "default"},
                "contact": {
                    "source": "default",
                    "people": [{"name": "Alice", "email": "alice@odnowa.example"}],
                },
                "next_step": {"on": "2026-12-31", "mail_to": "client"},
            }
        ],
        "next": None,
    }


def add_clients(app, cast: Cast) -> None:
    """Add clients with decisions around today, and one of each that is not to be listed."""
    with unit_of_work(app):
        partner = db.session.get_one(Partner, cast.partner)
        bob = db.session.get_one(User, cast.bob)
        clients = [make_client(partner, f"Client {number}") for number in range(7)]
        day = NOW.date()
        rows = [
            make_subscription(clients[0], "A", day - timedelta(days=400)),
            make_subscription(clients[0], "B", day + timedelta(days=3)),
            make_subscription(clients[1], "C", day + timedelta(days=50), deadline=day),
            make_subscription(clients[2], "D", day + timedelta(days=30)),
            # Too late, gone, and archived.
            make_subscription(clients[3], "E", day + timedelta(days=31)),
            make_subscription(clients[4], "F", day + timedelta(days=9), cancelled=True),
            make_subscription(clients[5], "G", day + timedelta(days=9)),
            make_subscription(clients[6], "H", day - timedelta(days=2), renews_itself=True),
        ]
        clients[5].archived_at = NOW
        db.session.add_all([*clients, *rows])
        db.session.flush()
        situations.refresh(client.id for client in clients)
        ownership.choose_owner(bob, clients[2], Choice.PARTNER, bob.id)


def products(answer) -> str:
    return "".join(row["product"] for row in answer.json["renewals"] if len(row["product"]) == 1)


def test_it_lists_what_is_to_be_decided_in_the_order_of_clients(app, ask, cast: Cast):
    add_clients(app, cast)
    answer = ask("bob", f"{RENEWALS}?days=30")
    assert products(answer) == "ABHCD"
    rows = {row["product"]: row for row in answer.json["renewals"]}
    assert [rows[name]["overdue"] for name in "ABHCD"] == [True, False, False, False, False]
    assert (rows["C"]["decision_on"], rows["C"]["renewal_date"]) == ("2027-03-01", "2027-04-20")
    assert rows["D"]["owner"] == {"side": "partner", "source": "client"}
    assert rows["D"]["contact"]["people"] == [{"name": "Bob", "email": "bob@odnowa.example"}]
    assert rows["A"]["next_step"] is None
    assert products(ask("bob", f"{RENEWALS}?days=31")) == "ABHCDE"
    assert products(ask("bob", f"{RENEWALS}?owner=partner")) == "D"
    assert products(ask("bob", f"{RENEWALS}?owner=vendor&days=1")) == "AHC"


@pytest.mark.parametrize("limit", [1, 2, 3])
@pytest.mark.parametrize("owner", ["", "&owner=vendor"])
def test_pages_follow_one_another_whatever_is_renewed_meanwhile(app, ask, cast: Cast, limit, owner):
    add_clients(app, cast)
    address, after, seen = f"{RENEWALS}?limit={limit}{owner}", "", ""
    while True:
        answer = ask("bob", address + after)
        seen += products(answer)
        if answer.json["next"] is None:
            break
        after = f"&after={answer.json['next']}"
        # The client at the place moves to the end, and takes nothing with it.
        last = answer.json["renewals"][-1]["client"]["id"]
        with unit_of_work(app):
            db.session.execute(
                update(Client).where(Client.id == last).values(first_decision_on=date(2030, 1, 1))
            )
    assert seen == ("ABHCD" if not owner else "ABHC")
    with unit_of_work(app):
        db.session.execute(update(Client).values(first_decision_on=date(2030, 1, 1)))


def test_another_partner_has_its_own(ask, cast: Cast):
    assert [row["client"]["name"] for row in ask("alice", RENEWALS).json["renewals"]] == ["Acme"]
    theirs = ask("charlie", RENEWALS).json["renewals"]
    assert [row["client"]["name"] for row in theirs] == ["Foreign"]


# --- Events ---------------------------------------------------------------------------------------------------------


def test_it_tells_what_changed_and_what_became_of_mails(app, ask, cast: Cast):
    with unit_of_work(app):
        bob, acme = db.session.get_one(User, cast.bob), db.session.get_one(Client, cast.client)
        ownership.choose_owner(bob, acme, Choice.PARTNER, cast.alice)
        mail = add_mail()
        for state, reply in (
            (DeliveryState.CLAIMED, None),
            (DeliveryState.HANDING_OVER, None),
            (DeliveryState.SENT, "250 OK"),
        ):
            event = DeliveryEvent(
                delivery_id=mail, at=NOW + timedelta(minutes=1), state=state, reply=reply
            )
            db.session.add(event)
    answer = ask("bob", EVENTS)
    client = {
        "id": cast.client,
        "name": "Acme",
        "page": page_of(app, cast.client),
    }
    history, sent = answer.json["events"]
    assert history == {
        "id": history["id"],
        "type": "history",
        "kind": "client.owner_changed",
        "sentence": "Renewal owner changed",
        "changes": [
            {"label": "Renewal owner", "before": "Default", "after": "Partner"},
            {"label": "Point of contact", "before": "Default", "after": "Alice"},
        ],
        "at": "2027-03-01T12:00:00+00:00",
        "by": {"id": cast.bob, "name": "Bob"},
        "client": client,
    }
    assert sent == {
        "id": sent["id"],
        "type": "mail",
        "kind": "reminder_client",
        "sentence": "Sent",
        "mail": {
            "id": mail,
            "name": "Reminder to the client",
            "state": "sent",
            "recipient": {"name": "Dana", "email": "dana@acme.example"},
            "reply": "250 OK",
        },
        "at": "2027-03-01T12:01:00+00:00",
        "by": None,
        "client": client,
    }
    assert answer.json["more"] is False
    following = ask("bob", f"{EVENTS}?after={answer.json['next']}").json
    assert (following["events"], following["next"]) == ([], answer.json["next"])
    assert ask("charlie", EVENTS).json["events"] == []


def add_mail(**values: Any) -> int:
    mail = make_mail(NOW, **values)
    db.session.add(mail)
    db.session.flush()
    return mail.id


def test_only_admins_learn_of_settings_and_of_the_team(app, ask, cast: Cast):
    with unit_of_work(app):
        alice = db.session.get_one(User, cast.alice)
        people.edit_person(alice, db.session.get_one(User, cast.bob), job_title="Head")
        people.edit_person(alice, db.session.get_one(User, cast.dave), job_title="Head")

    def clients(name: str) -> list[str | None]:
        events = ask(name, EVENTS).json["events"]
        return [row["client"] and row["client"]["name"] for row in events]

    assert (clients("alice"), clients("bob")) == ([None, "Acme"], ["Acme"])
    # A token has the role that its user has by then.
    with unit_of_work(app):
        db.session.get_one(User, cast.bob).admin = True
    assert clients("bob") == [None, "Acme"]


@pytest.mark.parametrize("limit", [1, 2, 5, 50])
def test_events_are_read_page_by_page(app, ask, cast: Cast, limit):
    with unit_of_work(app):
        bob, acme = db.session.get_one(User, cast.bob), db.session.get_one(Client, cast.client)
        for number in range(4):
            choice = Choice.VENDOR if number % 2 else Choice.PARTNER
            ownership.choose_owner(bob, acme, choice, cast.bob)
            db.session.refresh(acme)
            mail = add_mail(day=NOW.date() + timedelta(days=number))
            db.session.add(DeliveryEvent(delivery_id=mail, at=NOW, state=DeliveryState.SENT))
    everything = [row["id"] for row in ask("bob", f"{EVENTS}?limit=500").json["events"]]
    assert len(everything) == 8
    seen, after, more = [], "", True
    while more:
        page = ask("bob", f"{EVENTS}?limit={limit}{after}").json
        assert len(page["events"]) <= limit
        seen += [row["id"] for row in page["events"]]
        after, more = f"&after={page['next']}", page["more"]
    assert sorted(seen) == sorted(everything)
    # Each of the two in its own order.
    for kind in ("history", "mail"):
        numbers = [int(id.partition("-")[2]) for id in seen if id.startswith(kind)]
        assert numbers == sorted(numbers)


def test_a_place_that_the_database_has_not_come_to_is_gone(ask):
    answer = ask("bob", f"{EVENTS}?after=7.999")
    assert (answer.status_code, answer.mimetype) == (410, "application/problem+json")
    assert answer.json["title"] == "This position no longer exists"


# --- Tokens ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", [RENEWALS, EVENTS])
@pytest.mark.parametrize(
    ("header", "error"),
    [
        (None, ""),
        ("", ""),
        ("Basic YWxpY2U6cHc=", ""),
        ("Bearer", ""),
        ("Bearer ", ""),
        ("Bearer made-up", ', error="invalid_token"'),
        ("bearer rp_\xff", ', error="invalid_token"'),
        ("Basic \xff", ""),
    ],
)
def test_without_a_token_there_is_nothing(app, address, header, error):
    headers = {} if header is None else {"Authorization": header}
    answer = app.test_client().get(address, headers=headers)
    assert (answer.status_code, answer.mimetype) == (401, "application/problem+json")
    assert answer.headers["WWW-Authenticate"] == f'Bearer realm="portal"{error}'
    assert answer.json["title"] == "An access token is needed here"
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_session_is_no_token_and_a_token_no_session(app, browse, cast: Cast, token_of):
    alice = browse(cast.alice)
    assert alice.get(RENEWALS).status_code == 401
    token = token_of("alice")
    assert alice.get(f"{RENEWALS}?token={token}&access_token={token}").status_code == 401
    headers = {"Authorization": f"Bearer {token}"}
    assert app.test_client().get("/partner/dashboard", headers=headers).status_code == 303
    # In a browser where somebody else is signed in, the token counts.
    answer = browse(cast.charlie).get(RENEWALS, headers=headers)
    assert [row["client"]["name"] for row in answer.json["renewals"]] == ["Acme"]


def test_a_calendars_token_opens_no_interface(app, token_of):
    headers = {"Authorization": f"Bearer {token_of('bob', Opens.CALENDAR_ALL)}"}
    assert app.test_client().get(RENEWALS, headers=headers).status_code == 401


def test_it_ends_with_the_access(app, ask, cast: Cast):
    assert ask("bob", RENEWALS).status_code == 200
    with unit_of_work(app):
        alice = db.session.get_one(User, cast.alice)
        membership.deactivate(alice, db.session.get_one(User, cast.bob))
    assert ask("bob", RENEWALS).status_code == 401


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_nothing_can_be_written(app, token_of, method):
    headers = {"Authorization": f"Bearer {token_of('alice')}"}
    answer = app.test_client().open(RENEWALS, method=method, headers=headers)
    assert (answer.status_code, answer.mimetype) == (405, "application/problem+json")
    assert "GET" in answer.headers["Allow"]


def test_its_use_is_noted_now_and_then(app, ask, cast: Cast):
    def used():
        with app.app_context():
            return db.session.scalars(select(AccessToken.used_at)).one()

    times = []
    for minutes in (0, 4, 6):
        with time_machine.travel(NOW + timedelta(minutes=minutes), tick=False):
            ask("bob", RENEWALS).close()
        times.append((used() - NOW).total_seconds() / 60)
    assert times == [0, 0, 6]


# --- Answers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", [RENEWALS, EVENTS])
def test_what_has_not_changed_is_not_sent_again(app, ask, cast: Cast, address):
    first = ask("bob", address)
    assert first.headers["Cache-Control"] == "private, no-cache"
    tag = first.headers["ETag"]
    again = ask("bob", address, **{"If-None-Match": tag})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", tag)
    with unit_of_work(app):
        alice = db.session.get_one(User, cast.alice)
        partner = db.session.get_one(Partner, cast.partner)
        partners.save_default(alice, partner, partners.Default(partner.default_owner, cast.bob))
        ownership.choose_owner(
            alice, db.session.get_one(Client, cast.client), Choice.PARTNER, cast.bob
        )
    changed = ask("bob", address, **{"If-None-Match": tag})
    assert (changed.status_code, changed.headers["ETag"] != tag) == (200, True)


def test_what_others_do_changes_no_tag(app, ask, cast: Cast):
    tag = ask("bob", EVENTS).headers["ETag"]
    with unit_of_work(app):
        charlie = db.session.get_one(User, cast.charlie)
        foreign = db.session.get_one(Client, cast.other_client)
        ownership.choose_owner(charlie, foreign, Choice.PARTNER, cast.charlie)
    assert ask("bob", EVENTS, **{"If-None-Match": tag}).status_code == 304


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        *((f"{RENEWALS}?days={value}", "days") for value in ("0", "366", "x", "", "1.5", "²", "9" * 5000, "-1")),
        *((f"{RENEWALS}?limit={value}", "limit") for value in ("0", "101", "x")),
        *((f"{RENEWALS}?owner={value}", "owner") for value in ("own", "", "VENDOR", "%00")),
        *((f"{RENEWALS}?after={value}", "after") for value in ("", "1", "1.", ".1", "1.2.3", "-1.2", "9" * 50)),
        *((f"{EVENTS}?limit={value}", "limit") for value in ("0", "501")),
        *((f"{EVENTS}?after={value}", "after") for value in ("", "0", "0.", "x.y", "0.0%0A", "%D9%A1.1")),
        (f"{RENEWALS}?days=1&days=2", "days"),
        (f"{RENEWALS}?day=1", "day"),
        (f"{EVENTS}?days=1", "days"),
        (f"{EVENTS}?{'x' * 200}=1", "x" * 50),
    ],
)  # fmt: skip
def test_a_parameter_that_means_nothing_is_named(ask, query, parameter):
    answer = ask("bob", query)
    assert (answer.status_code, answer.mimetype) == (400, "application/problem+json")
    assert answer.json["parameter"] == parameter
    assert parameter in answer.json["detail"]


@pytest.mark.parametrize("after", ["0.1", "9999999.1", "3652059.999999999999999999"])
def test_a_place_on_no_day_breaks_nothing(ask, after):
    assert ask("bob", f"{RENEWALS}?after={after}").status_code == 200


@pytest.mark.parametrize(
    ("language", "title", "sentence"),
    [
        ("pl", "Nieprawidłowy parametr", "Zmieniono właściciela odnowienia"),
        ("pt", "Parâmetro inválido", "Proprietário da renovação alterado"),
    ],
)
def test_it_speaks_the_language_of_the_tokens_user(app, ask, cast: Cast, language, title, sentence):
    with unit_of_work(app):
        bob = db.session.get_one(User, cast.bob)
        bob.language = language
        ownership.choose_owner(
            bob, db.session.get_one(Client, cast.client), Choice.PARTNER, cast.bob
        )
    answer = ask("bob", f"{RENEWALS}?days=0&lang=en", **{"Accept-Language": "en"})
    assert answer.json["title"] == title
    assert "Set-Cookie" not in answer.headers
    assert [row["sentence"] for row in ask("bob", EVENTS).json["events"]] == [sentence]


def test_there_is_nothing_elsewhere(app):
    answer = app.test_client().get("/api/clients")
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")
    assert "/api/openapi.json" in answer.json["detail"]


def test_a_token_asks_only_so_often(ask):
    for _time in range(600):
        ask("bob", f"{RENEWALS}?days=0")
    answer = ask("bob", RENEWALS)
    assert (answer.status_code, answer.mimetype) == (429, "application/problem+json")
    assert int(answer.headers["Retry-After"]) > 0
    assert ask("alice", RENEWALS).status_code == 200
