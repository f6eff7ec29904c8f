"""A partner whose clients all renew before long. Each has two contacts, so two mails are due; or To-do mails are."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import cycle
from typing import Any
from uuid import uuid4

from sqlalchemy import Table, bindparam, insert, update

from tools.kill_test.sink import LATER, NEVER
from webapp.domain.months import add_months
from webapp.domain.ownership import Choice
from webapp.domain.recipients import ContactRole
from webapp.i18n import LANGUAGES
from webapp.models import Client, ContactAssignment, Organisation, Partner, Subscription, User, db

ROLES = (ContactRole.PRIMARY, ContactRole.BILLING)
# An address that no page would accept, so that the mail to it can't be written.
POISON = "broken address@poison.example"
# Between two steps, so that clocks that are a day or two off agree about the due one.
DAYS_LEFT = 25
TERM_MONTHS = 12
# The beginning of the addresses from which mails come back: one in ten.
GONE = "gone."
# The server rejects so many of a hundred contacts, and puts as many off.
TROUBLED = 10


@dataclass(frozen=True)
class People:
    """The expected readers: the partner's id, and all addresses. ``terms``: so many have ended and roll."""

    partner_id: int
    addresses: frozenset[str]
    terms: int = 0


def noon_zone() -> str:
    """Choose a zone where it is about noon, so that no midnight passes while a scene is played."""
    hours = 12 - datetime.now(UTC).hour
    # In such names the sign counts westwards.
    return f"Etc/GMT{-hours:+d}"


def add_rows(model: Any, rows: list[dict[str, Any]]) -> list[int]:
    """Insert rows at once; returns their ids, in the same order."""
    table: Table = model.__table__
    returning = insert(table).returning(table.c.id, sort_by_parameter_order=True)
    return list(db.session.scalars(returning, rows))


def populate(
    mails: int,
    *,
    insistent: bool,
    troubled: bool,
    poisoned: bool,
    bouncing: bool = False,
    to_do: bool = False,
    ended: bool = False,
) -> People:
    """Add a partner with so many mails that are due now.

    ``troubled``: a tenth of the contacts is rejected by the server, and a tenth put off. ``poisoned``: one
    more client, whose only contact has an address to which no mail can be written. ``bouncing``: a tenth of the
    contacts has addresses from which mails come back. ``to_do``: they are To-do mails to the partner's own people.
    ``ended``: they tell of terms that begin once those before roll, which have ended and renew by themselves.
    """
    run = uuid4().hex[:8]
    partner_id = add_partner(run, insistent)
    emails = [
        f"{manner(number, troubled=troubled, bouncing=bouncing)}{number}@{run}.example"
        for number in range(mails)
    ]
    if to_do:
        add_team(partner_id, run, emails)
        db.session.commit()
        return People(partner_id, frozenset(emails))
    places = len(ROLES)
    clients = add_clients(partner_id, run, mails // places)
    add_contacts(
        [(clients[number // places], ROLES[number % places]) for number in range(mails)], emails
    )
    if poisoned:
        clients += add_clients(partner_id, f"{run} poisoned", 1)
        add_contacts([(clients[-1], ContactRole.PRIMARY)], [POISON])
        emails.append(POISON)
    renewal = datetime.now(UTC).date() + timedelta(days=DAYS_LEFT)
    if ended:
        renewal = add_months(renewal, -TERM_MONTHS, renewal.day)
    add_subscriptions(partner_id, clients, renewal, renews_itself=ended)
    db.session.commit()
    return People(partner_id, frozenset(emails), len(clients) if ended else 0)


def manner(number: int, *, troubled: bool, bouncing: bool) -> str:
    """Choose the server's treatment of a contact, which stands in the address."""
    share = number % 100
    if bouncing and not number % 10:
        return GONE
    if not troubled or share >= 2 * TROUBLED:
        return "contact."
    return NEVER if share < TROUBLED else LATER


def add_partner(run: str, insistent: bool) -> int:
    [partner_id] = add_rows(Organisation, [organisation("partner", run)])
    db.session.execute(
        insert(Partner.__table__).values(  # type: ignore[arg-type]
            id=partner_id,
            slug=run,
            sending=True,
            insistent=insistent,
            window_opens=time(0),
            window_closes=time(23, 59),
            window_days="0123456",
        )
    )
    return partner_id


def organisation(kind: str, name: str) -> dict[str, Any]:
    return {"kind": kind, "name": name, "language": "en", "time_zone": noon_zone(), "version": 1}


def add_clients(partner_id: int, name: str, count: int) -> list[int]:
    names = [f"{name} {number}" for number in range(count)]
    ids = add_rows(Organisation, [organisation("client", name) for name in names])
    keys = ("name_key", "sort_key", "search_key", "words")
    db.session.execute(
        insert(Client.__table__),  # type: ignore[arg-type]
        [
            {"id": id, "partner_id": partner_id} | dict.fromkeys(keys, name)
            for id, name in zip(ids, names, strict=True)
        ],
    )
    return ids


def add_contacts(places: list[tuple[int, ContactRole]], emails: list[str]) -> None:
    people = [
        {
            "organisation_id": client_id,
            "name": email.partition("@")[0],
            "email": email,
            "email_key": email,
            "language": language,
            "version": 1,
        }
        for (client_id, _), email, language in zip(places, emails, cycle(LANGUAGES))
    ]
    ids = add_rows(User, people)
    db.session.execute(
        insert(ContactAssignment.__table__),  # type: ignore[arg-type]
        [
            {"client_id": client_id, "role": role, "user_id": id}
            for (client_id, role), id in zip(places, ids, strict=True)
        ],
    )


def add_team(partner_id: int, run: str, emails: list[str]) -> None:
    """Add people of the partner whose To-do mail is due, each with a client that is past its date."""
    now = datetime.now(UTC)
    people = [
        {
            "organisation_id": partner_id,
            "name": email.partition("@")[0],
            "email": email,
            "email_key": email,
            "language": language,
            "todo_at": now,
            "version": 1,
        }
        for email, language in zip(emails, cycle(LANGUAGES))
    ]
    past = now.date() - timedelta(days=DAYS_LEFT)
    ids = add_rows(User, people)
    clients = add_clients(partner_id, run, len(emails))
    table: Table = Client.__table__  # type: ignore[assignment]
    responsible = update(table).where(table.c.id == bindparam("client"))
    db.session.execute(
        responsible.values(
            contact_id=bindparam("contact"), first_decision_on=past, undecided_on=past
        ),
        [{"client": client, "contact": id} for client, id in zip(clients, ids, strict=True)],
    )
    add_subscriptions(partner_id, clients, past, renews_itself=False)


def add_subscriptions(
    partner_id: int, client_ids: list[int], renewal: date, *, renews_itself: bool
) -> None:
    """Add one to each client that renews on a day."""
    add_rows(
        Subscription,
        [
            {
                "partner_id": partner_id,
                "open_choice": Choice.INHERIT,
                "client_id": client_id,
                "product": "Marketing Hub",
                "product_key": "marketing hub",
                "term_months": TERM_MONTHS,
                "renewal_date": renewal,
                "renews_itself": renews_itself,
                "anchor_day": renewal.day,
                "attention_on": renewal - timedelta(days=90),
                "version": 1,
            }
            for client_id in client_ids
        ],
    )
