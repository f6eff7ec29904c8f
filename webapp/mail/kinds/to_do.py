"""The To-do mail: it tells a person of the partner, once in a period, what waits for a decision."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from flask_babel import gettext as _

from webapp.config import Settings
from webapp.domain.snapshots import (
    MailsToDo,
    MailToDo,
    RenewalsToDo,
    RenewalToDo,
    ToDoClient,
    ToDoSnapshot,
)
from webapp.domain.todo import WEEK
from webapp.labels.codes import DELIVERY_STATES, MAIL_KINDS, days_away
from webapp.mail.kind import KindOfMail, Tester, Words
from webapp.mail.letter import Letter, Posting, to_reader
from webapp.mail.reminders import NO_ROW, STEP
from webapp.models import MailKind
from webapp.typography import SPACE, long_date

OVERDUE = "/partner/dashboard?renewal=overdue&sort=renewal"
SOON = "/partner/dashboard?renewal=30&sort=renewal"
MAILS = "/partner/deliveries"


@dataclass(frozen=True, slots=True)
class LineWords:
    """One line of a section. ``url``: the client's page; empty in a test mail."""

    client: str
    url: str
    text: str


@dataclass(frozen=True, slots=True)
class SectionWords:
    """A section: its lines, and the number of those that only the page at ``url`` has. ``note``: what to do."""

    title: str
    note: str
    count: int
    lines: tuple[LineWords, ...]
    more: int
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToDoWords(Words):
    """The words of a To-do mail: its sections that are not empty, and the numbers for its subject."""

    sections: tuple[SectionWords, ...]
    past: int
    soon: int
    not_arrived: int
    profile_path: str


def letter(snapshot: ToDoSnapshot, posting: Posting, settings: Settings) -> Letter:
    """Make a letter from the partner to its reader alone."""
    return to_reader(
        MailKind.TO_DO,
        snapshot,
        posting,
        snapshot.partner.name,
        posting.moment.astimezone(ZoneInfo(snapshot.time_zone)),
    )


def words(snapshot: ToDoSnapshot, letter: Letter, settings: Settings) -> ToDoWords:
    sections = (
        renewals(_("Past its date, and to be decided"), snapshot.past, snapshot, letter, settings),
        renewals(_("Due within 7 days"), snapshot.week, snapshot, letter, settings),
        renewals(_("Due within 30 days"), snapshot.month, snapshot, letter, settings),
        mails(snapshot.not_arrived, snapshot, letter, settings),
    )
    return ToDoWords(
        sections=tuple(section for section in sections if section.count),
        past=snapshot.past.count,
        soon=snapshot.week.count + snapshot.month.count,
        not_arrived=snapshot.not_arrived.count,
        profile_path=" > ".join((_("Settings"), _("Profile"), _("To-do mail"))),
        button=settings.base_url + (OVERDUE if snapshot.past.count else SOON),
    )


def renewals(
    title: str, section: RenewalsToDo, snapshot: ToDoSnapshot, letter: Letter, settings: Settings
) -> SectionWords:
    """Write a section of renewals. Only of what is past its date nothing more comes by itself."""
    past = section is snapshot.past
    note = _(
        "No more reminders will be sent about these. Under Actions, mark each one as renewed or not renewed."
    )
    clients, today = by_id(snapshot), letter.moment.date()
    return SectionWords(
        title,
        note if past else "",
        section.count,
        tuple(
            line(
                clients[one.client],
                renewal(one, day(one.base_date, today, letter.language)),
                snapshot,
                settings,
            )
            for one in section.first
        ),
        section.count - len(section.first),
        settings.base_url + (OVERDUE if past else SOON),
    )


def mails(
    section: MailsToDo, snapshot: ToDoSnapshot, letter: Letter, settings: Settings
) -> SectionWords:
    clients = by_id(snapshot)
    return SectionWords(
        _("Mails that did not arrive"),
        _("See under Deliveries what the mail server said, and what you can do."),
        section.count,
        tuple(
            line(clients[one.client], mail(one, letter.language), snapshot, settings)
            for one in section.first
        ),
        section.count - len(section.first),
        settings.base_url + MAILS,
    )


def by_id(snapshot: ToDoSnapshot) -> Mapping[int, ToDoClient]:
    return {client.id: client for client in snapshot.clients}


def line(client: ToDoClient, text: str, snapshot: ToDoSnapshot, settings: Settings) -> LineWords:
    path = f"/partner/clients/{client.id}/renewals"
    return LineWords(client.name, "" if snapshot.test else settings.base_url + path, text)


def renewal(one: RenewalToDo, when: str) -> str:
    """Name a renewal with its base date, and tell what happens by itself."""
    match one.renews_itself, one.by_deadline:
        case True, True:
            text = _(
                "%(product)s, renews by itself, decision deadline %(date)s",
                product=one.product,
                date=when,
            )
        case True, False:
            text = _("%(product)s, renews by itself on %(date)s", product=one.product, date=when)
        case False, True:
            text = _("%(product)s, decision deadline %(date)s", product=one.product, date=when)
        case _:
            text = _("%(product)s, renewal date %(date)s", product=one.product, date=when)
    return str(text)


def mail(one: MailToDo, language: str) -> str:
    """Name a mail that did not arrive, with its reader and its end."""
    return str(
        _(
            "%(kind)s (%(name)s): %(state)s, %(date)s",
            kind=MAIL_KINDS[one.mail],
            name=one.name,
            state=DELIVERY_STATES[one.state][1],
            date=long_date(one.on, language),
        )
    )


def day(when: date, today: date, language: str) -> str:
    """Write a date with its distance from today in the language in force: 3 March 2026 (12 days ago)."""
    # In one piece, as the date is.
    return f"{long_date(when, language)} ({days_away((when - today).days).replace(' ', SPACE)})"


def sample(tester: Tester) -> ToDoSnapshot:
    """Make up a renewal that is past its date, and one that is due this month."""

    def made_up(days: int) -> RenewalToDo:
        base = tester.today + timedelta(days=days)
        return RenewalToDo(NO_ROW, _("Example subscription"), base, False, False)

    return ToDoSnapshot(
        recipient=tester.person.name,
        partner=tester.partner,
        time_zone=tester.person.time_zone,
        since=tester.now - WEEK,
        clients=(ToDoClient(NO_ROW, _("Example company")),),
        past=RenewalsToDo(1, (made_up(-STEP),)),
        month=RenewalsToDo(1, (made_up(STEP),)),
    )


KIND = KindOfMail(
    code=MailKind.TO_DO,
    snapshot=ToDoSnapshot,
    letter=letter,
    words=words,
    sample=sample,
)
