"""Facts of To-do mails: all that waits for people of partners, in one statement for each local day, or moment."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import exists, not_, or_, select

from webapp.domain.ownership import Person
from webapp.domain.snapshots import (
    MailsToDo,
    MailToDo,
    PartnerName,
    RenewalsToDo,
    RenewalToDo,
    ToDoClient,
    ToDoSnapshot,
)
from webapp.domain.todo import LATER, Pace, Rhythm, Section
from webapp.models.tables import (
    client_table,
    fetch,
    organisation_table,
    partner_table,
    user_table,
)
from webapp.services.sending.todo_items import days
from webapp.services.sending.todo_waiting import (
    ASKED,
    MOST,
    RESPONSIBLE,
    TOLD,
    client,
    company,
    has_admin,
    own,
    partner,
    reachable,
    reader,
    standard,
    told_mails,
    told_renewals,
)


@dataclass(frozen=True, slots=True)
class ToDoReader:
    """Somebody who may get a To-do mail, at ``todo_at``. ``sending``: the partner does.

    ``for_all``: this person is told what nobody else is responsible for.
    """

    person: Person
    partner: PartnerName
    for_all: bool
    pace: Pace
    sending: bool
    todo_at: datetime | None

    @classmethod
    def of(cls, row: Any) -> "ToDoReader":
        person = Person(
            row.id,
            row.name,
            row.email,
            row.language or row.partner_language,
            row.time_zone or row.partner_zone,
            row.active,
            row.rejected_reply is not None,
        )
        pace = Pace(row.todo_rhythm, row.todo_weekday, row.todo_hour)
        named = PartnerName(row.organisation_id, row.partner_name)
        return cls(person, named, row.for_all, pace, row.sending, row.todo_at)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.person.time_zone)

    def today(self, now: datetime) -> date:
        return now.astimezone(self.zone).date()


READERS = (
    select(
        *(reader.id, reader.name, reader.email, reader.language, reader.time_zone, reader.active),
        *(reader.rejected_reply, reader.organisation_id, reader.todo_at),
        *(reader.todo_rhythm, reader.todo_weekday, reader.todo_hour),
        # Rather all than nobody, so that nothing waits in silence.
        or_(reader.admin, not_(has_admin(reader.organisation_id))).label("for_all"),
        company.name.label("partner_name"),
        company.language.label("partner_language"),
        company.time_zone.label("partner_zone"),
        partner.sending,
    )
    .join_from(user_table, partner_table, partner.id == reader.organisation_id)
    .join(organisation_table, company.id == partner.id)
)


OUT_OF_REACH = (
    select(
        partner.slug,
        exists().where(reader.organisation_id == partner.id, reachable(reader)).label("others"),
    )
    .where(
        partner.sending,
        not_(has_admin(partner.id)),
        select(client.id)
        .outerjoin_from(client_table, own.id.table, own.id == client.contact_id)
        .outerjoin(standard.id.table, standard.id == partner.notified_user_id)
        .where(client.partner_id == partner.id, client.archived_at.is_(None), RESPONSIBLE.is_(None))
        .correlate(partner_table)
        .exists(),
    )
    .order_by(partner.slug)
)

# The rows by partner and responsible person (None: those for all), then by section.
Places = dict[tuple[int, int | None], dict[str, list[Any]]]


def snapshots(
    asked: Sequence[tuple[ToDoReader, datetime]], now: datetime
) -> list[ToDoSnapshot | None]:
    """Tell for each reader what waits, with the mails that did not arrive since a moment; None: nothing to be told."""
    heard = [(reader, since) for reader, since in asked if reader.person.reachable]
    renewals = by_key(
        ((reader.today(now), reader.partner.id) for reader, _since in heard), renewals_on
    )
    mails = by_key(((since, reader.partner.id) for reader, since in heard), mails_since)
    return [
        snapshot(reader, since, renewals[reader.today(now)], mails[since])
        if reader.person.reachable
        else None
        for reader, since in asked
    ]


def unheard() -> list[tuple[str, bool]]:
    """List the partners that send, with clients for whom nobody responsible can be reached: whether others can."""
    return [(row.slug, row.others) for row in fetch(OUT_OF_REACH, {})]


def by_key(
    wanted: Iterable[tuple[Any, int]], load: Callable[[Any, Sequence[int]], Sequence[Any]]
) -> dict[Any, Places]:
    """Load the rows of the partners that go with each key, with one statement for a key."""
    partners = defaultdict[Any, set[int]](set)
    for key, partner_id in wanted:
        partners[key].add(partner_id)
    return {key: placed(load(key, sorted(ids))) for key, ids in partners.items()}


def renewals_on(today: date, partner_ids: Sequence[int]) -> Sequence[Any]:
    return fetch(told_renewals(), {"partner_ids": partner_ids} | days(today, today + LATER))


def mails_since(since: datetime, partner_ids: Sequence[int]) -> Sequence[Any]:
    return fetch(told_mails(), {"partner_ids": partner_ids, "since": since})


def placed(rows: Sequence[Any]) -> Places:
    places: Places = defaultdict(lambda: defaultdict(list))
    for row in rows:
        places[row.partner_id, row.responsible_id][row.section].append(row)
    return places


def snapshot(
    reader: ToDoReader, since: datetime, renewals: Places, mails: Places
) -> ToDoSnapshot | None:
    """Make the snapshot of one reader. Whoever switched it off gets it only while something is past its date."""
    person = reader.person

    def first(section: Section) -> tuple[int, list[Any]]:
        return section_of(reader, renewals, section, lambda row: (row.base_date, row.id))

    found = {section: first(section) for section in TOLD}
    parts = {
        section: RenewalsToDo(count, tuple(map(renewal, rows)))
        for section, (count, rows) in found.items()
    }
    not_arrived = section_of(reader, mails, "not_arrived", lambda row: (-row.id,))
    told = ToDoSnapshot(
        recipient=person.name,
        partner=reader.partner,
        time_zone=person.time_zone,
        since=since,
        clients=named(*(rows for _count, rows in (*found.values(), not_arrived))),
        decide=parts[Section.DECIDE],
        week=parts[Section.WEEK],
        month=parts[Section.MONTH],
        renewing=parts[Section.RENEWING],
        not_arrived=MailsToDo(
            not_arrived[0], tuple(lost_mail(row, reader.zone) for row in not_arrived[1])
        ),
    )
    silent = told.empty or (reader.pace.rhythm is Rhythm.OFF and not told.decide.count)
    return None if silent else told


def section_of(
    reader: ToDoReader, places: Places, name: str, order: Callable[[Any], Any]
) -> tuple[int, list[Any]]:
    """Gather a section of one reader, own and as one of those for all: the number of all, and the first rows."""
    own = places[reader.partner.id, reader.person.id]
    other = places[reader.partner.id, None][name] if reader.for_all else ()
    asked = own[ASKED] if name == Section.DECIDE and not reader.for_all else ()
    parts = (own[name], other, asked)
    rows = sorted((row for part in parts for row in part), key=order)
    return sum(part[0].total for part in parts if part), rows[:MOST]


def named(*sections: Sequence[Any]) -> tuple[ToDoClient, ...]:
    names = {row.client_id: row.client_name for rows in sections for row in rows}
    return tuple(ToDoClient(id, name) for id, name in sorted(names.items()))


def renewal(row: Any) -> RenewalToDo:
    return RenewalToDo(
        row.client_id,
        row.product,
        row.base_date,
        row.deadline is not None,
        row.renews_itself,
        row.remind_on,
    )


def lost_mail(row: Any, zone: ZoneInfo) -> MailToDo:
    on = row.ended_at.astimezone(zone).date()
    return MailToDo(row.client_id, row.kind, row.recipient, row.state, on)
