"""A takeover note: it tells a newly responsible person what was sent, and what comes next."""

from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from flask_babel import gettext as _

from webapp.config import Settings
from webapp.domain.ownership import Owner
from webapp.domain.recipients import Reachability
from webapp.domain.snapshots import DayTold, TakenOver, TakeoverSnapshot
from webapp.labels.codes import REACHABILITY, owner_name
from webapp.mail.kind import KindOfMail, Tester, Words
from webapp.mail.letter import Letter, Posting, sender_of, to_reader
from webapp.mail.reminders import NO_ROW, STEP, day
from webapp.models import MailKind
from webapp.typography import long_date

# A note tells of at most so many clients in full.
MOST_CLIENTS = 30


@dataclass(frozen=True, slots=True)
class TakenOverWords:
    """One client in a note. ``to_do``: the consequence of the new owner for its reader."""

    name: str
    owner: str
    to_do: str
    sent: tuple[str, ...]
    next: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeoverWords(Words):
    """The words of a note: the first clients in full, the rest as a number.

    The button of a note about a single client leads to that client's page.
    """

    clients: tuple[TakenOverWords, ...]
    count: int
    more: int
    single: bool


def letter(snapshot: TakeoverSnapshot, posting: Posting, settings: Settings) -> Letter:
    """Make a letter from the new owner, or from the partner if the clients have different owners."""
    vendor_owns = {client.owner for client in snapshot.clients} == {Owner.VENDOR}
    return to_reader(
        MailKind.TAKEOVER_NOTE,
        snapshot,
        posting,
        sender_of(snapshot.partner, vendor_owns=vendor_owns, settings=settings),
        posting.moment.astimezone(ZoneInfo(snapshot.time_zone)),
    )


def words(snapshot: TakeoverSnapshot, letter: Letter, settings: Settings) -> TakeoverWords:
    clients = snapshot.clients
    single = clients[0].id if len(clients) == 1 else None
    path = f"/partner/clients/{single}/renewals" if single else "/partner/dashboard"
    return TakeoverWords(
        clients=tuple(taken_over(client, letter, settings) for client in clients[:MOST_CLIENTS]),
        count=len(clients),
        more=max(0, len(clients) - MOST_CLIENTS),
        button=settings.base_url + path,
        single=single is not None,
    )


def taken_over(client: TakenOver, letter: Letter, settings: Settings) -> TakenOverWords:
    today, language = letter.moment.date(), letter.language
    return TakenOverWords(
        name=client.name,
        owner=owner_name(client.owner, settings.vendor_name),
        to_do=to_do(client.owner, settings.vendor_name),
        sent=tuple(line(long_date(day_told.day, language), day_told) for day_told in client.sent),
        next=tuple(line(day(day_told.day, today, language), day_told) for day_told in client.next),
    )


def to_do(owner: Owner, vendor: str) -> str:
    """Tell the note's reader the consequence of a new owner."""
    if owner is Owner.PARTNER:
        text = _(
            "From now on the reminders come to you alone: talk to the client before the next date."
        )
    else:
        text = _("From now on %(vendor)s writes to the client, and you get a copy.", vendor=vendor)
    return str(text)


def line(when: str, day_told: DayTold) -> str:
    """Put one day's mails into a line: when, about what, to whom."""
    people = ", ".join(day_told.people) or str(REACHABILITY[Reachability.RED])
    return f"{', '.join([when, *day_told.products])}: {people}"


def sample(tester: Tester) -> TakeoverSnapshot:
    """Make up a client with a reminder one step ago and another one step from now."""
    person, step = tester.person, timedelta(days=STEP)
    before, after = (
        DayTold(day, (_("Example subscription"),), (person.name,))
        for day in (tester.today - step, tester.today + step)
    )
    client = TakenOver(NO_ROW, _("Example company"), Owner.PARTNER, (before,), (after,))
    return TakeoverSnapshot(
        recipient=person.name,
        partner=tester.partner,
        time_zone=person.time_zone,
        clients=(client,),
    )


KIND = KindOfMail(
    code=MailKind.TAKEOVER_NOTE,
    snapshot=TakeoverSnapshot,
    letter=letter,
    words=words,
    sample=sample,
)
