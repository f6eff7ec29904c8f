"""Measure how fast mails go out, beside a plain loop over EmailMessage and smtplib in the same run.

    python -m bench.deliver

The portal commits each transition of each mail to SQLite (WAL, synchronous=FULL) and checks every recipient
again; the loop only builds the same mail with the standard library and sends it over one connection. The
portal must be half as fast again.
"""

import smtplib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from statistics import median
from threading import Event
from time import perf_counter

from sqlalchemy import insert, select

from webapp import worker
from webapp.app import create_app
from webapp.cli.migrating import upgrade
from webapp.config import Settings
from webapp.domain.ownership import Choice
from webapp.domain.recipients import ContactRole
from webapp.mail.opening import open_transport
from webapp.mail.transport import Transport
from webapp.models import (
    Client,
    ContactAssignment,
    DeliveryMessage,
    Organisation,
    Partner,
    Subscription,
    User,
    db,
)
from webapp.models.transactions import writing
from webapp.services.reminders import situations

CLIENTS = 100
MAILS = CLIENTS * 2
# Both are measured in turns and each turn compared, so that other load on the machine disturbs both alike.
ROUNDS = 9
FLOOR = 1.5
NOW = datetime.now(UTC)
RENEWAL = NOW.date() + timedelta(days=30)


@contextmanager
def sink(milliseconds: int = 0) -> Iterator[int]:
    """Run a server process that takes everything, each message in so long, and yield its port."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.sink", str(milliseconds)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin
    assert process.stdout
    try:
        yield int(process.stdout.readline())
    finally:
        process.stdin.close()
        process.wait(10)


def add_partner(common: dict[str, object]) -> None:
    """Add Alice and her partner, who sends at any hour so that the bench runs at any hour."""
    db.session.execute(
        insert(Organisation.__table__), [{"id": 1, "kind": "partner", "name": "Odnowa"} | common]
    )
    add_people([(1, 1, "Alice")])
    db.session.execute(
        insert(Partner.__table__),
        [
            {
                "id": 1,
                "slug": "odnowa",
                "notified_user_id": 1,
                "sending": True,
                "window_opens": time(0),
                "window_closes": time(23, 59, 59),
                "window_days": "0123456",
            }
        ],
    )


def add_people(people: list[tuple[int, int, str]]) -> None:
    """Add users by id, organisation and name."""
    rows = []
    for id, organisation_id, name in people:
        address = f"person{id}@firm{organisation_id}.example"
        rows.append(
            {
                "id": id,
                "organisation_id": organisation_id,
                "name": name,
                "name_key": name.casefold(),
                "email": address,
                "email_key": address,
                "admin": True,
                "active": True,
                "version": 1,
                "created_at": NOW,
            }
        )
    db.session.execute(insert(User.__table__), rows)


def fill(turn: int) -> None:
    """Add clients with one contact each and a reminder due today. Alice gets the copies."""
    common = {"language": "en", "time_zone": "Europe/Warsaw", "version": 1, "created_at": NOW}
    if turn == 0:
        add_partner(common)
    ids = range(2 + turn * CLIENTS, 2 + (turn + 1) * CLIENTS)
    keys = ("name_key", "sort_key", "search_key", "words")
    db.session.execute(
        insert(Organisation.__table__),
        [{"id": id, "kind": "client", "name": f"Client {id}"} | common for id in ids],
    )
    db.session.execute(
        insert(Client.__table__),
        [{"id": id, "partner_id": 1} | dict.fromkeys(keys, f"client {id}") for id in ids],
    )
    add_people([(id, id, f"Person {id}") for id in ids])
    db.session.execute(
        insert(ContactAssignment),
        [{"client_id": id, "role": ContactRole.PRIMARY, "user_id": id} for id in ids],
    )
    db.session.execute(
        insert(Subscription.__table__),
        [
            {
                "client_id": id,
                "partner_id": 1,
                "product": "Marketing Hub",
                "product_key": "marketing hub",
                "term_months": 12,
                "renewal_date": RENEWAL,
                "anchor_day": RENEWAL.day,
                "attention_on": NOW.date(),
                "open_choice": Choice.INHERIT,
                "version": 1,
            }
            for id in ids
        ],
    )
    situations.refresh(ids)
    worker.commit()


def through_the_portal(transport: Transport) -> float:
    """Measure mails a second through the worker's own sending."""
    worker.plan(NOW, Event())
    begun = perf_counter()
    counts = worker.send(transport, Event())
    seconds = perf_counter() - begun
    return counts["sent"] / seconds


def last_messages() -> list[bytes]:
    """Load the messages that the portal wrote last."""
    newest = (
        select(DeliveryMessage.content).order_by(DeliveryMessage.delivery_id.desc()).limit(MAILS)
    )
    messages = [message for message in db.session.scalars(newest) if message]
    worker.commit()
    return messages


def through_a_loop(port: int, messages: list[bytes]) -> float:
    """Measure mails a second of the plain loop, which builds each mail from the same texts and headers."""
    parts = [taken_apart(message) for message in messages]
    with smtplib.SMTP("127.0.0.1", port) as server:
        begun = perf_counter()
        for headers, text, html, recipient in parts:
            mail = EmailMessage()
            for name, value in headers:
                mail[name] = value
            mail.set_content(text)
            mail.add_alternative(html, subtype="html")
            server.send_message(mail, "renewals@portal.example", [recipient])
        seconds = perf_counter() - begun
    return len(parts) / seconds


def taken_apart(content: bytes) -> tuple[list[tuple[str, str]], str, str, str]:
    """Split a mail into headers and two bodies, which a plain loop would have at hand."""
    mail = message_from_bytes(content, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    made = {"content-type", "content-transfer-encoding", "mime-version"}
    headers = [(name, str(value)) for name, value in mail.items() if name.lower() not in made]
    text, html = (str(part.get_content()) for part in mail.iter_parts())
    return headers, text, html, "person@firm.example"


@contextmanager
def portal() -> Iterator[tuple[Transport, int]]:
    """Make an empty portal that sends to a sink; yields its transport and the sink's port."""
    writing.set(True)
    with sink() as port, tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            instance_path=folder,
            database_url=f"sqlite:///{Path(folder) / 'deliver.db'}",
            mail_url=f"smtp://127.0.0.1:{port}?tls=off",
            log_level="WARNING",
        )
        with create_app(settings).app_context():
            upgrade()
            transport = open_transport(settings)
            yield transport, port
            transport.close()
            db.engine.dispose()


def main() -> int:
    ours, plain = [], []
    with portal() as (transport, port):
        for turn in range(ROUNDS):
            fill(turn)
            ours.append(through_the_portal(transport))
            plain.append(through_a_loop(port, last_messages()))
    print(f"the portal, a commit per transition: {median(ours):,.0f} mails/s")
    print(f"EmailMessage and smtplib in a loop:  {median(plain):,.0f} mails/s")
    ratio = median(mine / theirs for mine, theirs in zip(ours, plain, strict=True))
    print(f"ratio: {ratio:.2f}")
    return 0 if ratio >= FLOOR else 1


if __name__ == "__main__":
    sys.exit(main())
