"""The floor: the same rows by plain SQL, in one compiled template, below bare WSGI. Nothing less can be a page.

It has no translations, no forms, no protection and no roles. It pays for the user's look-up, as all do.
"""

import os
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from functools import cache
from hashlib import sha256
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from jinja2 import Environment, FileSystemLoader

PAGE = 50
MOST_COUNTED = 1_000
templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
)
clients_template = templates.get_template("floor_clients.html")
dialog_template = templates.get_template("floor_dialog.html")

USER = """SELECT "user".id, "user".name, organisation_id, organisation.name FROM "user"
    JOIN organisation ON organisation.id = organisation_id
    JOIN user_session ON user_session.user_id = "user".id
    WHERE key_hash = ? AND ended_at IS NULL AND active"""
COUNT = "SELECT count(*) FROM (SELECT 1 FROM client WHERE partner_id = ? AND archived_at IS NULL LIMIT 1001) AS counted"
CLIENTS = """SELECT client.id, organisation.name, client.city, client.owner, contact.name, client.first_decision_on,
    (SELECT min(attention_on) FROM subscription WHERE client_id = client.id AND NOT cancelled
        AND decision_on >= CURRENT_DATE),
    (SELECT min(renewal_date) FROM subscription WHERE client_id = client.id AND NOT cancelled
        AND decision_on = client.first_decision_on),
    client.undecided_on, client.situation,
    (SELECT string_agg(currency || ' ' || CAST(amount AS VARCHAR), ';') FROM subscription
        WHERE client_id = client.id AND NOT cancelled AND decision_on = client.first_decision_on)
    FROM client JOIN organisation ON organisation.id = client.id
    LEFT JOIN "user" AS contact ON contact.id = client.contact_id
    WHERE client.partner_id = ? AND archived_at IS NULL ORDER BY client.sort_key, client.id LIMIT 51"""
CLIENT = """SELECT client.id, organisation.name, client.owner, client.contact_id, owner_version FROM client
    JOIN organisation ON organisation.id = client.id WHERE client.id = ? AND client.partner_id = ?"""
PEOPLE = """SELECT "user".id, name, email, role FROM "user"
    LEFT JOIN contact_assignment ON user_id = "user".id WHERE organisation_id IN (?, ?) ORDER BY "user".id"""
PRODUCTS = """SELECT product, renewal_date, deadline, attention_on FROM subscription
    WHERE client_id = ? AND NOT cancelled ORDER BY renewal_date"""
CHANGE = """UPDATE client SET owner = ?, contact_id = ?, owner_set_by_id = ?, owner_set_at = ?,
    owner_version = owner_version + 1 WHERE id = ? AND partner_id = ? AND owner_version = ?"""
ENTRY = """INSERT INTO audit_entry (at, organisation_id, client_id, actor_id, action, kind, subject_id, subject,
    changes, undone) VALUES (?, ?, ?, ?, 'client.owner_changed', 'owners', ?, ?, '{}', ?)"""


def connect_sqlite(path: str) -> Any:
    base = sqlite3.connect(path, isolation_level=None, cached_statements=200)
    for pragma in ("busy_timeout=15000", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        base.execute(f"PRAGMA {pragma}")
    return base


def connect_postgresql(url: str) -> Any:
    import psycopg

    return psycopg.connect(url.replace("+psycopg", ""), autocommit=True)


DATABASE = os.environ["BENCH_DATABASE"]
ON_SQLITE = DATABASE.startswith("sqlite")


@cache
def base() -> Any:
    """Return this process's connection, made for its first request, since all are forked from one."""
    if ON_SQLITE:
        return connect_sqlite(DATABASE.removeprefix("sqlite:///"))
    return connect_postgresql(DATABASE)


if ON_SQLITE:
    # SQLite knows string_agg only from 3.44 on, and this name always.
    CLIENTS = CLIENTS.replace("string_agg", "group_concat")


def rows(statement: str, *values: Any) -> list[Any]:
    found = base().execute(statement if ON_SQLITE else statement.replace("?", "%s"), values)
    return list(found.fetchall()) if found.description else []


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    if environ["PATH_INFO"] == "/nothing":
        start_response("200 OK", [("Content-Length", "0")])
        return []
    token = SimpleCookie(environ.get("HTTP_COOKIE", ""))["token"].value
    user = rows(USER, sha256(token.encode()).hexdigest())[0]
    answer = {"/clients": clients, "/dialog": dialog, "/save": save}[environ["PATH_INFO"]]
    body = answer(environ, user).encode()
    start_response(
        "200 OK",
        [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(body)))],
    )
    return [body]


def clients(environ: dict[str, Any], user: Any) -> str:
    today = date.today()  # noqa: DTZ011 the reader's day is enough for a floor
    found = rows(CLIENTS, user[2])
    return clients_template.render(
        user=user,
        count=rows(COUNT, user[2])[0][0],
        most=MOST_COUNTED,
        more=len(found) > PAGE,
        clients=[
            (*row[:5], *map(day, row[5:9]), int(row[9][2]), sums(row[10])) for row in found[:PAGE]
        ],
        today=today,
    )


def day(value: Any) -> date | None:
    return date.fromisoformat(value) if isinstance(value, str) else value


def sums(amounts: str | None) -> list[tuple[str, float]]:
    found: Counter[str] = Counter()
    for entry in amounts.split(";") if amounts else ():
        currency, amount = entry.split()
        found[currency] += float(amount)
    return list(found.items())


def dialog(environ: dict[str, Any], user: Any) -> str:
    id = int(parse_qs(environ["QUERY_STRING"])["id"][0])
    client = rows(CLIENT, id, user[2])[0]
    people = rows(PEOPLE, id, user[2])
    return dialog_template.render(client=client, people=people, products=rows(PRODUCTS, id))


def save(environ: dict[str, Any], user: Any) -> str:
    form = parse_qs(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])).decode())
    id, owner, contact_id = int(form["id"][0]), form["owner"][0], int(form["contact"][0])
    now = datetime.now(UTC)
    at = now.strftime("%Y-%m-%d %H:%M:%S.%f") if ON_SQLITE else now
    rows("BEGIN IMMEDIATE" if ON_SQLITE else "BEGIN")
    client = rows(CLIENT, id, user[2])[0]
    rows(CHANGE, owner, contact_id, user[0], at, id, user[2], client[4])
    rows(ENTRY, at, user[2], id, user[0], id, client[1], False)
    rows("COMMIT")
    return dialog_template.render(
        client=client, people=rows(PEOPLE, id, user[2]), products=rows(PRODUCTS, id)
    )
