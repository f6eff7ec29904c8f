"""The drill of a lost database: clients, a mail server with a log, a backup amid the sending, the loss."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from email.parser import BytesHeaderParser

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select, update

from tests.support.backup import Backup
from tests.support.cast import make_client, make_partner, make_subscription, make_user, unit_of_work
from webapp import worker
from webapp.domain.recipients import ContactRole
from webapp.mail.transport import Envelope, TryAgain
from webapp.models import ContactAssignment, Delivery, Subscription, User, db
from webapp.services.reminders import due_index

START = datetime(2027, 3, 1, 10, tzinfo=UTC)
BACKUP_AT = START + timedelta(minutes=1)
NEXT_DAY = START + timedelta(days=1)
LOSS = NEXT_DAY + timedelta(hours=2)


class Killed(BaseException):
    """Stands for kill -9."""


class Server:
    """A mail server with a log as Postfix has it. It puts off whom it does not know, and dies after so many mails."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str]] = []
        self.unknown: set[str] = set()
        self.log: list[str] = []
        self.lives = -1

    def send(self, envelope: Envelope, message: bytes, before_data: Callable[[], None]) -> str:
        if envelope.recipient in self.unknown:
            self.write(f"smtpd[1]: NOQUEUE: reject: RCPT: 451 to=<{envelope.recipient}>")
            raise TryAgain("451 later")
        before_data()
        message_id = BytesHeaderParser().parsebytes(message)["Message-ID"]
        self.taken.append((envelope.recipient, message_id))
        name = f"{len(self.taken):X}F0"
        self.write(f"cleanup[2]: {name}: message-id={message_id}")
        self.write(f"qmgr[3]: {name}: from=<{envelope.sender}>, size=9, nrcpt=1 (queue active)")
        self.lives -= 1
        if not self.lives:
            raise Killed
        return "250 taken"

    def write(self, text: str) -> None:
        self.log.append(f"{datetime.now(UTC):%b %e %H:%M:%S} mx postfix/{text}\n")

    def close(self) -> None:
        """Nothing to close."""

    def counts(self) -> Counter[str]:
        return Counter(recipient for recipient, _ in self.taken)


def add_clients(app: Flask, today: int, tomorrow: int) -> list[str]:
    """Add clients whose only step falls due today, and some for tomorrow, each with one contact: their addresses."""
    with unit_of_work(app):
        partner = make_partner("Odnowa", sending=True, steps_text=":30/30")
        db.session.add(partner)
        emails = []
        for number in range(today + tomorrow):
            client = make_client(partner, f"Client{number}")
            day = START.date() + timedelta(days=30 + (number >= today))
            contact = make_user(client, "Dana", language="en")
            db.session.add_all([client, contact, make_subscription(client, "Hub", day)])
            db.session.flush()
            db.session.add(
                ContactAssignment(client_id=client.id, role=ContactRole.PRIMARY, user_id=contact.id)
            )
            emails.append(contact.email)
        due_index.refresh_where(Subscription.id.is_not(None))
        return emails


def work(app: Flask, server: Server, at: datetime) -> Counter[str]:
    with time_machine.travel(at, tick=False):
        return worker.once(app, transport=server)


def free_leases(app: Flask) -> None:
    """Let the mails of a dead worker be taken back at once."""
    with unit_of_work(app):
        leased = Delivery.lease_until.is_not(None)
        db.session.execute(update(Delivery).where(leased).values(lease_until=0))


def lose(app: Flask, backup: Backup, clients: Sequence[str], server: Server, lives: int) -> None:
    """Send to these clients, take a backup when a worker dies with one mail in hand, go on, and put the backup back.

    In the hours that are lost one of today's clients is put off until the end, the mail to the next is sent a day late,
    and the one to a third is written anew. ``clients``: today's, at least five behind that mail, and tomorrow's.
    """
    put_off, late, renamed = clients[lives + 2 : lives + 5]
    server.lives = lives
    server.unknown = {put_off, late}
    with pytest.raises(Killed):
        work(app, server, START)
    backup.take()
    free_leases(app)
    with unit_of_work(app):
        user = db.session.scalars(select(User).where(User.email == renamed)).one()
        user.name = "Dana of the lost hours"
    work(app, server, BACKUP_AT + timedelta(minutes=10))
    server.unknown.remove(late)
    work(app, server, NEXT_DAY)
    assert server.counts() == dict.fromkeys([one for one in clients if one != put_off], 1)
    backup.put_back()


def states(app: Flask) -> Counter[str]:
    with app.app_context():
        return Counter(state.value for state in db.session.scalars(select(Delivery.state)))
