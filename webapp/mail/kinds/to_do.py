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
from webapp.domain.todo import WEEK, Section
from webapp.labels.codes import DELIVERY_STATES, MAIL_KINDS, days_away
from webapp.mail.kind import KindOfMail, Tester, Words
from webapp.mail.letter import Letter, Posting, to_reader
from webapp.mail.reminders import NO_ROW, STEP
from webapp.models import MailKind
from webapp.typography import SPACE, long_date

# The page with the same renewals.
MINE = "/partner/to-do?mine=1"
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
    decide: int
    soon: int
    not_arrived: int
    renewing: int
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
    clients = by_id(snapshot)
    decide = _(
        "Under To do, mark each one as renewed or not renewed, or choose a later reminder. No "
        "more reminders are sent about what is past its date."
    )

    def part(section: Section, title: str, told: RenewalsToDo, note: str = "") -> SectionWords:
        """Write a section of renewals. The page has those that are not among the first."""
        url = f"{settings.base_url}{MINE}&section={section.value}"
        lines = tuple(
            line(
                clients[one.client],
                renewal(one, letter.moment.date(), letter.language),
                snapshot,
                settings,
            )
            for one in told.first
        )
        return SectionWords(title, note, told.count, lines, told.count - len(lines), url)

    sections = (
        part(Section.DECIDE, _("Needs a decision"), snapshot.decide, decide),
        part(Section.WEEK, _("Due within 7 days"), snapshot.week),
        part(Section.MONTH, _("Due within 30 days"), snapshot.month),
        mails(snapshot.not_arrived, snapshot, letter, settings),
        part(Section.RENEWING, _("Renews by itself within 30 days"), snapshot.renewing),
    )
    return ToDoWords(
        sections=tuple(section for section in sections if section.count),
        decide=snapshot.decide.count,
        soon=snapshot.week.count + snapshot.month.count,
        not_arrived=snapshot.not_arrived.count,
        renewing=snapshot.renewing.count,
        profile_path=" > ".join((_("Settings"), _("Profile"), _("To-do mail"))),
        button=settings.base_url + MINE,
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


def renewal(one: RenewalToDo, today: date, language: str) -> str:
    """Name a renewal with its date, and the day on which somebody asked to be reminded of it."""
    text = dated(one, day(one.base_date, today, language))
    if one.remind_on is None:
        return text
    reminder = _("Reminder: %(date)s", date=long_date(one.remind_on, language))
    return f"{text} · {reminder}"


def dated(one: RenewalToDo, when: str) -> str:
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
        decide=RenewalsToDo(1, (made_up(-STEP),)),
        month=RenewalsToDo(1, (made_up(STEP),)),
    )


KIND = KindOfMail(
    code=MailKind.TO_DO,
    snapshot=ToDoSnapshot,
    letter=letter,
    words=words,
    sample=sample,
)
