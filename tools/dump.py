"""Write a small dump of a database of this revision, for the tests of migrations.

    .venv/bin/python tools/dump.py            # tests/data/databases/<newest migration>.json

A migration lands with its dump, so that rows written by the code of its time stay at hand. It loads a demo and
lets it live until mails and reminders have been in each state. The dump has the newest row of each sort, with
all rows that these point at.
"""

import json
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from alembic.migration import MigrationContext
from flask import Flask
from sqlalchemy import MetaData, select

from webapp import worker
from webapp.app import create_app
from webapp.cli.migrating import upgrade
from webapp.config import Settings
from webapp.demo import breakdowns, clock, story
from webapp.domain.doors import Visitor
from webapp.domain.ownership import Choice
from webapp.mail.inbox import InboxTransport
from webapp.mail.opening import open_transport
from webapp.mail.transport import Envelope, TryAgain
from webapp.models import (
    AuditEntry,
    Client,
    Delivery,
    DeliveryState,
    Link,
    LinkPurpose,
    MailKind,
    Opens,
    Partner,
    Reminder,
    ReminderState,
    SessionEnd,
    SignInMethod,
    Subscription,
    User,
    db,
)
from webapp.models.transactions import writing
from webapp.services import feedback, runtime
from webapp.services.accounts import (
    access_tokens,
    addresses,
    doors,
    links,
    logins,
    people,
    resets,
    sessions,
)
from webapp.services.clients import archiving, ownership, renewals
from webapp.services.reminders import planning
from webapp.services.sending import sample_mails
from webapp.services.trail import undo

# The claims of workers that died here run out before a test can look.
SHORT = {"mail_timeout": 1, "lease_seconds": 20}
FOLDER = Path(__file__).resolve().parent.parent / "tests" / "data" / "databases"
DOORS = {SignInMethod.OIDC, SignInMethod.PROXY}
ODD_NAME = "Zoë “Żółć” O'Neill & Söhne <b>"
Row = dict[str, Any]
# It raises; it is handed what a server's "go on" sets off.
Fate = Callable[[Callable[[], None]], None]


class Killed(BaseException):
    """Raised to let a worker die on the spot, as by kill -9, with nothing tidied up."""


class Line(InboxTransport):
    """The inbox, over a line that treats each of the first mails differently."""

    def __init__(self, *fates: Fate) -> None:
        super().__init__(db.engine)
        self.fates = list(fates)

    def send(self, envelope: Envelope, message: bytes, before_data: Callable[[], None]) -> str:
        if self.fates:
            self.fates.pop(0)(before_data)
        return super().send(envelope, message, before_data)


def put_off(before_data: Callable[[], None]) -> None:
    raise TryAgain("451 4.7.1 Try again later")


def die_before(before_data: Callable[[], None]) -> None:
    raise Killed


def die_amid(before_data: Callable[[], None]) -> None:
    before_data()
    raise Killed


def live(app: Flask) -> None:
    """Load the demo, and add events that its story does not have."""
    story.load(lambda server: worker.once(app, transport=server), runtime.now().date())
    anna, tomasz, katarzyna = (named(name) for name in ("Anna", "Tomasz", "Katarzyna"))
    odnowa = db.session.get_one(Partner, anna.organisation_id)
    company = db.session.scalars(select(Client).where(Client.name == "Hotel pod Jeleniem")).one()
    people.add_person(anna, company, name=ODD_NAME, email="zoe+x@hotel.example", language="pt")
    for kind in MailKind:
        sample_mails.send(anna, odnowa, kind, "pl")
    feedback.give_feedback(anna, "renewal-owners", "pl", helpful=False, comment="Dlaczego?")
    ownership.choose_owner(anna, company, Choice.PARTNER, None)
    last = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()
    undo.undo(anna, last)
    reset(tomasz)
    reset(katarzyna)
    links.void(katarzyna)
    identify(anna, tomasz)
    retire(anna)
    # The mails of this one wait for the window to open.
    waiting = select(Delivery.client_id).where(Delivery.state == DeliveryState.QUEUED)
    first = (
        select(Subscription).where(Subscription.client_id.in_(waiting)).order_by(Subscription.id)
    )
    renewals.cancel(anna, db.session.scalars(first.limit(1)).one())
    db.session.commit()
    # Some mails are tried for days in vain. Then no worker runs for days.
    for days in (0, 1, 1, 1, 1):
        move(days)
        round_over(app, Line(*[put_off] * 12))
    move(15)
    round_over(app, Line())
    move(1)
    reset(anna)
    reset(tomasz)
    db.session.commit()
    round_over(app, Line(die_amid))
    reset(katarzyna)
    db.session.commit()
    round_over(app, Line(die_before))
    # These are planned, but never issued.
    while not db.session.scalar(select(Reminder.id).where(Reminder.state == ReminderState.DUE)):
        move(1)
        for _ in planning.plan(runtime.now()):
            db.session.commit()
    replay()
    reset(anna)
    resets.ask(anna.email)
    db.session.commit()


def reset(user: User) -> None:
    """Queue a link to set a new password."""
    links.send(user, LinkPurpose.PASSWORD_RESET, login=logins.of(user))


def identify(anna: User, tomasz: User) -> None:
    """Let people sign in, move their addresses, and stop that."""
    came = sessions.Came(
        "https://login.example", "anna-at-work", "window-1", "header.claims.signature"
    )
    for method in SignInMethod:
        sessions.begin(anna, method, came if method in DOORS else None)
    sessions.end_of_user(anna, SessionEnd.PASSWORD)
    for method in (SignInMethod.OIDC, SignInMethod.PASSWORD):
        sessions.begin(anna, method, came if method in DOORS else None)
    doors.link(Visitor(came.issuer, came.subject), anna)
    company = db.session.scalars(
        select(Client).where(Client.partner_id == anna.organisation_id)
    ).first()
    for opens in Opens:
        access_tokens.make(
            anna, "Kalendarz", 90, opens, company if opens is Opens.CALENDAR_CLIENT else None
        )
    access_tokens.revoke(anna, access_tokens.listed(anna)[0].id)
    addresses.confirm(addresses.ask(anna, "anna@new.example"))
    addresses.ask(tomasz, "tomasz@new.example")
    stop = select(Link).where(Link.purpose == LinkPurpose.ADDRESS_STOP, Link.user_id == tomasz.id)
    addresses.stop(db.session.scalars(stop).one())


def replay() -> None:
    """Report once more that a mail has bounced, which is counted."""
    bounced = select(Delivery).where(Delivery.state == DeliveryState.BOUNCED)
    breakdowns.send_back(db.session.scalars(bounced.limit(1)).one())


def retire(anna: User) -> None:
    """Archive two clients, and erase one of them."""
    ours = (
        select(Client).where(Client.partner_id == anna.organisation_id).order_by(Client.id.desc())
    )
    kept, gone = db.session.scalars(ours.limit(2))
    archiving.archive(anna, kept)
    archiving.archive(anna, gone)


def named(first_name: str) -> User:
    """Find one of the partners' people by first name."""
    return db.session.scalars(
        select(User).where(User.name.startswith(first_name)).order_by(User.id).limit(1)
    ).one()


def move(days: int) -> None:
    """Let days pass without a worker."""
    clock.set_clock(runtime.now().date() + timedelta(days=days))


def round_over(app: Flask, line: Line) -> None:
    """Run one round of the worker over this line, until it ends or the worker dies."""
    worker.open_transport = lambda settings: line
    try:
        worker.once(app)
    except Killed:
        db.session.rollback()
    finally:
        worker.open_transport = open_transport


# The dump takes the newest row for each set of values of these columns, and one inbox mail.
SORTS = {
    "installation": ("id",),
    "partner": ("id",),
    "subscription": ("reason", "open_choice"),
    "user": ("language",),
    "wording": ("language",),
    "delivery": ("kind", "state"),
    "delivery_event": ("state",),
    "reminder": ("state",),
    "reminder_event": ("state",),
    "owner_change": ("client_id",),
    "settings_change": ("wakes",),
    "audit_entry": ("action", "undone"),
    "link": ("purpose", "used_at"),
    "feedback": ("language",),
    "inbox_mail": (),
    "credential": ("kind",),
    "user_session": ("method", "ended_by"),
    "security_event": ("action",),
    "reset_request": (),
    "counted_mail": (),
    "tally": ("name",),
    "access_token": ("opens", "revoked_at"),
}
# Tables whose rows follow the rows of another, by the same value in these columns.
FOLLOWERS = (
    ("delivery_event", "delivery_id", "delivery", "id"),
    ("delivery_reminder", "delivery_id", "delivery", "id"),
    ("reminder_event", "reminder_id", "reminder", "id"),
    ("contact_assignment", "client_id", "client", "id"),
    ("subscription", "client_id", "client", "id"),
    ("membership", "user_id", "user", "id"),
    ("credential", "login_id", "login", "id"),
)
# The dump has messages only for mails in these states, since they are the bulk of a database.
WRITTEN = ("claimed", "handing_over", "unclear")


class Selection:
    """A few rows of each sort of a database, with all that they point at."""

    def __init__(self) -> None:
        tables = MetaData()
        tables.reflect(db.session.connection(), only=lambda name, _: name != "alembic_version")
        self.tables = {table.name: table for table in tables.sorted_tables}
        self.rows = {
            name: [dict(row) for row in db.session.execute(select(table)).mappings()]
            for name, table in self.tables.items()
        }
        self.taken: dict[str, list[Row]] = defaultdict(list)

    def take(self, name: str, row: Row) -> None:
        """Take a row, and the rows that it points at."""
        if row in self.taken[name]:
            return
        self.taken[name].append(row)
        for key in self.tables[name].foreign_key_constraints:
            target = key.referred_table.name
            wanted = {one.column.name: row[one.parent.name] for one in key.elements}
            if None not in wanted.values():
                self.take(
                    target, next(one for one in self.rows[target] if wanted.items() <= one.items())
                )

    def take_sorts(self) -> None:
        for name, columns in SORTS.items():
            # An earlier revision lacks the tables that came later.
            rows = self.rows.get(name, ())
            newest = {tuple(sort_of(row[column]) for column in columns): row for row in rows}
            for row in newest.values():
                self.take(name, row)

    def take_followers(self) -> None:
        for name, column, leader, its_column in FOLLOWERS:
            led = {one[its_column] for one in self.taken[leader]}
            for row in self.rows.get(name, ()):
                if row[column] in led:
                    self.take(name, row)
        written = {one["id"] for one in self.taken["delivery"] if one["state"] in WRITTEN}
        for row in self.rows["delivery_message"]:
            if row["delivery_id"] in written:
                self.take("delivery_message", row)


def sort_of(value: Any) -> Any:
    """Reduce a value to its sort: a code to itself, a moment to whether it is set."""
    return value is not None if isinstance(value, datetime) else value


def as_json(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return value.isoformat() if isinstance(value, date) else str(value)


def as_text(revision: str, rows: dict[str, list[Row]]) -> str:
    """Write the dump as JSON, a row a line. NULL is left out."""
    tables = []
    for name, taken in rows.items():
        lines = [
            json.dumps(
                {column: value for column, value in row.items() if value is not None},
                ensure_ascii=False,
                default=as_json,
            )
            for row in sorted(taken, key=lambda row: row.get("id", 0))
        ]
        tables.append(f'"{name}": [\n' + ",\n".join(lines) + "\n]")
    made_at = datetime.now(UTC).isoformat()
    head = f'{{"revision": "{revision}", "made_at": "{made_at}", "tables": {{\n'
    return head + ",\n".join(tables) + "\n}}\n"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            demo=True, database_url="sqlite:///demo.db", instance_path=folder, **SHORT
        )
        app = create_app(settings)
        token = writing.set(True)
        with app.app_context():
            upgrade()
            live(app)
            revision = MigrationContext.configure(db.session.connection()).get_current_revision()
            selection = Selection()
            db.session.remove()
            db.engine.dispose()
        writing.reset(token)
    selection.take_sorts()
    selection.take_followers()
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER / f"{revision}.json"
    path.write_text(
        as_text(str(revision), {name: selection.taken[name] for name in selection.tables})
    )


if __name__ == "__main__":
    main()
