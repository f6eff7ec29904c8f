"""The demo: its people, its clock, and the promise that it never touches real data."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from flask import g
from sqlalchemy import case, func, select
from sqlalchemy.exc import DBAPIError

from webapp.config import SettingError
from webapp.domain.access import Role
from webapp.models import (
    Delivery,
    DeliveryState,
    InboxMail,
    Installation,
    Login,
    Organisation,
    Subscription,
    User,
    db,
)
from webapp.models.tables import client_table, organisation_table, partner_table
from webapp.services import runtime

# Everybody of the demo signs in with it; the addresses are fictional.
PASSWORD = "renewal-demo"
# Mail that falls due when the sending window is closed waits for the next opening, at most so long.
WINDOW_DAYS = 4
# Offices are open then from Warsaw to New York, so that what falls due also goes out.
WORKING_HOUR = time(14, tzinfo=UTC)
FARTHEST_MOVE = 366

company, agency = organisation_table.alias(), organisation_table.alias()


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """Somebody who can sign in. ``partner`` is the partner that the organisation is or belongs to."""

    user_id: int
    email: str
    password: str
    name: str
    role: Role
    organisation: str
    language: str
    partner: str


def refuse_other_data() -> None:
    """Raise SettingError when demo mode meets real data, or real work meets the demo's.

    One-click sign-in would open real data to everybody; the demo's mails would go out, and what is
    added to it would be deleted at the next reset. A database that can't be asked, or has no tables
    yet, holds nothing to protect.
    """
    try:
        problem = misplaced()
    except DBAPIError:
        problem = None
    finally:
        db.session.remove()
    if problem:
        raise SettingError(problem)


def misplaced() -> str | None:
    """Why this database must not be used in the present mode, if so."""
    if not runtime.settings().demo:
        return (
            "PORTAL_DATABASE_URL names a database with demo data: name another, or set PORTAL_DEMO=1"
            if is_marked()
            else None
        )
    if is_marked() or is_empty():
        return None
    return "PORTAL_DEMO can't be used with a database that holds real data"


def is_marked() -> bool:
    """Whether this database holds demo data, and nothing else."""
    return bool(db.session.scalar(select(Installation.demo)))


def is_empty() -> bool:
    """Whether this database holds no organisation yet."""
    return db.session.scalar(select(Organisation.id).limit(1)) is None


def accounts() -> list[DemoAccount]:
    """Who can sign in: each partner's people, then those of its clients. Empty without demo data."""
    partner_id = func.coalesce(client_table.c.partner_id, company.c.id)
    rows = db.session.execute(
        select(
            User.id,
            User.email,
            User.name,
            User.admin,
            func.coalesce(User.language, company.c.language).label("language"),
            company.c.name.label("organisation"),
            company.c.kind,
            agency.c.name.label("partner"),
        )
        .join(company, company.c.id == User.organisation_id)
        .outerjoin(client_table, client_table.c.id == company.c.id)
        .join(agency, agency.c.id == partner_id)
        .join(Login, Login.email_key == User.email_key)
        .where(User.active, select(Installation.demo).scalar_subquery())
        .order_by(partner_id, case((company.c.kind == "partner", 0), else_=1), User.id)
    )
    return [
        DemoAccount(
            user_id=row.id,
            email=row.email,
            password=PASSWORD,
            name=row.name,
            role=Role(f"{row.kind} {'admin' if row.admin else 'member'}"),
            organisation=row.organisation,
            language=row.language,
            partner=row.partner,
        )
        for row in rows
    ]


def inbox_count() -> int:
    """How many mails have gone out."""
    return db.session.scalar(select(func.count()).select_from(InboxMail)) or 0


def inbox(recipient: str, before: int | None, limit: int) -> list[InboxMail]:
    """Mails that went out, newest first: to one address, or to anybody; older than one by its id."""
    query = select(InboxMail).order_by(InboxMail.id.desc()).limit(limit)
    if recipient:
        query = query.where(InboxMail.recipient == recipient)
    if before:
        query = query.where(InboxMail.id < before)
    return list(db.session.scalars(query))


def inbox_recipients() -> list[tuple[str, int]]:
    """Each address that got mail, and how much."""
    rows = db.session.execute(
        select(InboxMail.recipient, func.count())
        .group_by(InboxMail.recipient)
        .order_by(InboxMail.recipient)
    )
    return [(recipient, number) for recipient, number in rows]


def set_clock(day: date) -> None:
    """Set business time to a day's WORKING_HOUR, and commit: workers read it anew."""
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    offset = datetime.combine(day, WORKING_HOUR) - hour
    installation = db.session.get_one(Installation, 1)
    installation.clock_offset_hours = round(offset / timedelta(hours=1))
    db.session.commit()
    g.pop("clock_offset", None)


def move_clock(
    days: int, work: Callable[[], Mapping[str, int]], *, until_sent: bool = False
) -> int:
    """Move business time on day by day, with a round of work each day; returns how many days.

    ``work`` is the worker's round; no transaction may be open meanwhile, so each day is committed.
    ``until_sent`` stops after the first day on which a mail went out.
    """
    db.session.commit()
    today = runtime.now().date()
    for day in range(1, days + 1):
        set_clock(today + timedelta(days=day))
        counts = work()
        if until_sent and counts.get(DeliveryState.SENT.value):
            return day
    return days


def days_to_next_event() -> int:
    """In how many days, at the latest, the next mail goes out; 0 if none is to come."""
    sending = select(partner_table.c.id).where(partner_table.c.sending)
    planned = db.session.scalar(
        select(func.min(Subscription.attention_on))
        .join(client_table, client_table.c.id == Subscription.client_id)
        .where(client_table.c.partner_id.in_(sending))
    )
    queued = db.session.scalar(
        select(func.min(Delivery.send_after)).where(
            Delivery.state == DeliveryState.QUEUED,
            Delivery.partner_id.is_(None) | Delivery.partner_id.in_(sending),
        )
    )
    days = [day for day in (planned, queued and queued.date()) if day is not None]
    if not days:
        return 0
    return max(0, (min(days) - runtime.now().date()).days) + WINDOW_DAYS


def clear() -> None:
    """Empty every table of a database that is marked as a demo's, and unmark it."""
    if not is_marked():
        raise SettingError("this database holds no demo data, so nothing is deleted")
    for table in reversed(db.metadata.sorted_tables):
        db.session.execute(table.delete())
    db.session.add(Installation())
    db.session.flush()
    g.pop("clock_offset", None)
