"""Contenders: what the portal, the floor and the peers are asked for, page by page."""

import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from html import unescape

from sqlalchemy import Connection, text

from bench.browsing import HTMX, PACKED, PLAIN, TOKEN, Request, Visitor
from bench.facts import Size, pick, team
from bench.servers import Server

SHOWN = re.compile(r'name="shown"[^>]* value="([^"]*)"')
CLIENTS, DIALOG, SAVE = "clients", "dialog", "dialog: save"
# As peers answer a save: with a redirect, not with what has changed.
PLAIN_SAVE = "dialog: save, no script"
# The filters of To do that are measured, and one of its sections alone.
TO_DO = {
    "mine": "mine=1",
    "owner": "owner=partner",
    "a far month": f"month={(date.today() + timedelta(days=200)).isoformat()[:7]}",  # noqa: DTZ011
    "anything wrong": "only=wrong",
    "past its date": "figure=past",
    "later": "section=later",
}
# The requests of one turn: so many, made ready (and signed) before the time counts.
Turn = Callable[[Visitor, int], list[Request]]


@dataclass(frozen=True, slots=True)
class Contender:
    """Somebody who is measured: a server, a signed-in visitor, and the requests by page.

    ``memory``: the resident and the proportional megabytes of a worker before anybody has signed in.
    """

    name: str
    server: Server
    memory: tuple[float, float]
    visitor: Visitor
    pages: Mapping[str, Turn]


def each_time(path: str, headers: Mapping[str, str] | None = None) -> Turn:
    """Ask for the same address each time."""
    return lambda visitor, count: [Request(path, headers=headers or {})] * count


def for_clients(size: Size, path: str, headers: Mapping[str, str] | None = None) -> Turn:
    """Ask for an address of one client after another, from all over the list."""
    ids = spread(size)
    return lambda visitor, count: [
        Request(path.format(id=next(ids)), headers=headers or {}) for _ in range(count)
    ]


def spread(size: Size) -> "itertools.cycle[int]":
    """Cycle over some hundred clients of the measured partner, in no order."""
    ids = size.own
    some = sorted({ids[pick(one, "visit", len(ids))] for one in range(600)})
    return itertools.cycle(sorted(some, key=lambda id: pick(id, "order", 1 << 30)))


def deep(base: Connection, size: Size, key: str, backwards: bool = False) -> int:
    """Find the client at nine tenths of the way through the order by a key."""
    order = f"{key} {'DESC' if backwards else 'ASC'}, id {'DESC' if backwards else 'ASC'}"
    found: int = base.execute(
        text(f"SELECT id FROM client WHERE partner_id = 1 ORDER BY {order} LIMIT 1 OFFSET :place"),
        {"place": len(size.own) * 9 // 10},
    ).scalar_one()
    return found


def early_change(base: Connection) -> int:
    """Find the change of the measured partner behind which a tenth of its history lies."""
    own = "FROM audit_entry WHERE organisation_id = 1"
    number = base.execute(text(f"SELECT count(*) {own}")).scalar_one()
    found: int = base.execute(
        text(f"SELECT id {own} ORDER BY id LIMIT 1 OFFSET :place"), {"place": number // 10}
    ).scalar_one()
    return found


def portal_pages(base: Connection, size: Size) -> dict[str, Turn]:
    """List the pages of the portal that are measured, for a partner's admin."""
    dashboard = "/partner/dashboard"
    by_name, by_date = deep(base, size, "sort_key"), deep(base, size, "first_decision_on")
    last_mail = base.execute(text("SELECT max(id) FROM delivery WHERE partner_id = 1")).scalar_one()
    client, mails, history = "/partner/clients/{id}", "/partner/deliveries", "/partner/history"
    to_do = "/partner/to-do"
    # Both ways to save take turns with them, so that each changes something.
    ids, choices = spread(size), itertools.count()
    filters = {
        **{f"owner={owner}": f"owner={owner}" for owner in ("vendor", "partner", "own")},
        **{f"reach={reach}": f"reach={reach}" for reach in ("green", "amber", "red")},
        **{f"renewal={within}": f"renewal={within}" for within in ("overdue", "30", "120")},
        "two filters, by date": "owner=vendor&reach=green&sort=renewal",
        "name": "q=lodz",
        "two words": "q=apteka+lodz",
        "a rare name": f"q={size.own[len(size.own) // 2]}",
        "no such name": "q=nirgendwo",
    }
    return {
        "to do": each_time(to_do),
        "to do, rows alone": each_time(to_do, HTMX),
        **{f"to do: {words}": each_time(f"{to_do}?{query}") for words, query in TO_DO.items()},
        CLIENTS: each_time(dashboard),
        f"{CLIENTS}, packed": each_time(dashboard, PACKED),
        f"{CLIENTS}, rows alone": each_time(dashboard, HTMX),
        f"{CLIENTS}, deep": each_time(f"{dashboard}?after={by_name}"),
        f"{CLIENTS} by name, descending": each_time(f"{dashboard}?sort=-name"),
        f"{CLIENTS} by date": each_time(f"{dashboard}?sort=renewal"),
        f"{CLIENTS} by date, deep": each_time(f"{dashboard}?sort=renewal&after={by_date}"),
        **{
            f"{CLIENTS}: {words}": each_time(f"{dashboard}?{query}")
            for words, query in filters.items()
        },
        DIALOG: for_clients(size, f"{client}/renewal-owner", HTMX),
        f"{DIALOG}: preview": for_clients(
            size,
            f"{client}/renewal-owner/preview?choice=partner&contact_id={team(1)[2]}",
            HTMX,
        ),
        SAVE: saves(HTMX, ids, choices),
        PLAIN_SAVE: saves(PLAIN, ids, choices),
        **{
            f"client: {tab}": for_clients(size, f"{client}/{tab}")
            for tab in ("renewals", "contacts", "activity")
        },
        "history": each_time(history),
        "history, deep": each_time(f"{history}?before={early_change(base)}"),
        **{
            f"history: {words}": each_time(f"{history}?{query}")
            for words, query in (
                ("person", f"person={team(1)[0]}"),
                ("kind", "kind=owners"),
                ("client", "q=lodz"),
                ("period", "days=90"),
            )
        },
        "upcoming": each_time("/upcoming"),
        "upcoming, as a part": each_time("/upcoming", HTMX),
        "deliveries": each_time(mails),
        "deliveries, deep": each_time(f"{mails}?before={last_mail // 2}"),
        **{
            f"deliveries: {query}": each_time(f"{mails}?{query}")
            for query in (
                "state=sent",
                "state=failed",
                "days=30",
                "client=lodz",
                "client=krakow",
                "recipient=nowak",
            )
        },
        "settings: communications": each_time("/settings/partners"),
        "settings: team": each_time("/settings/team"),
        "settings: profile": each_time("/settings/profile"),
    }


def saves(headers: Mapping[str, str], ids: Iterator[int], choices: Iterator[int]) -> Turn:
    """Save the dialog with another choice each time. The dialogs are opened before the time counts.

    Nobody follows a redirect, so the session does not keep its notice, of which it would have one more each time.
    """
    people = team(1)

    def turn(visitor: Visitor, count: int) -> list[Request]:
        choice = next(choices)
        paths = [f"/partner/clients/{next(ids)}/renewal-owner" for _ in range(count)]
        dialogs = visitor.ask_all([Request(path, headers=HTMX) for path in paths])
        return [
            Request(
                path,
                {
                    "choice": ("partner", "vendor")[choice % 2],
                    "contact_id": str(people[1 + choice % 4]),
                    "shown": value_of(SHOWN, dialog.text),
                    "csrf_token": value_of(TOKEN, dialog.text),
                },
                headers,
                followed=False,
            )
            for path, dialog in zip(paths, dialogs, strict=True)
        ]

    return turn


def value_of(field: re.Pattern[str], page: str) -> str:
    """Read a hidden field's value from a page, by the pattern of the field."""
    found = field.search(page)
    assert found, page
    return unescape(found[1])


def changes(size: Size, path: str, fields: Callable[[int, int], dict[str, str]]) -> Turn:
    """Save a form that shows no token of its content, and follow no redirect, either.

    ``fields``: by client and number of the turn.
    """
    ids, numbers = spread(size), itertools.count()

    def turn(visitor: Visitor, count: int) -> list[Request]:
        number = next(numbers)
        token = visitor.cookies.get("csrftoken")
        protected = {"csrfmiddlewaretoken": token} if token else {}
        return [
            Request(path.format(id=id), fields(id, number) | protected, followed=False)
            for id in itertools.islice(ids, count)
        ]

    return turn


def chosen(number: int) -> dict[str, str]:
    """Choose an owner and a point of contact, in turn, as the saves of the portal do."""
    return {"owner": ("partner", "vendor")[number % 2], "contact": str(team(1)[1 + number % 4])}


def floor_pages(size: Size) -> dict[str, Turn]:
    return {
        CLIENTS: each_time("/clients"),
        DIALOG: for_clients(size, "/dialog?id={id}"),
        **dict.fromkeys(
            (SAVE, PLAIN_SAVE),
            changes(size, "/save", lambda id, number: {"id": str(id)} | chosen(number)),
        ),
    }


def django_pages(size: Size) -> dict[str, Turn]:
    change = "/admin/auth/client/{id}/change/"
    return {
        CLIENTS: each_time("/admin/auth/client/"),
        DIALOG: for_clients(size, change),
        **dict.fromkeys(
            (SAVE, PLAIN_SAVE), changes(size, change, lambda id, number: chosen(number))
        ),
    }


def flask_admin_pages(size: Size) -> dict[str, Turn]:
    edit = "/admin/client/edit/?id={id}"
    return {
        CLIENTS: each_time("/admin/client/"),
        DIALOG: for_clients(size, edit),
        **dict.fromkeys((SAVE, PLAIN_SAVE), changes(size, edit, lambda id, number: chosen(number))),
    }
