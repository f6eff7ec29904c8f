"""Loading the facts of clients for the rules: three statements for one client or thousands."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, bindparam, func, or_, select

from webapp.domain.facts import ClientFacts, PartnerFacts
from webapp.domain.ownership import Person, choice_of
from webapp.domain.recipients import Circle, ContactRole
from webapp.domain.schedule import Window
from webapp.models import Client, Partner, User, db
from webapp.models.tables import (
    among,
    client_table,
    contact_assignment_table,
    execute,
    fetch,
    organisation_table,
    partner_table,
    user_table,
)
from webapp.services.reminders.due_index import steps_of
from webapp.services.reminders.loading_subscriptions import (
    Subscriptions,
    load_subscriptions,
    load_subscriptions_of,
)

company, agency = organisation_table.alias(), organisation_table.alias()
client, partner, user = client_table.c, partner_table.c, user_table.c
assignment = contact_assignment_table.c

CLIENTS = (
    select(
        client.id,
        company.c.name,
        company.c.language,
        company.c.time_zone,
        client.owner,
        client.contact_id,
        client.partner_id,
        agency.c.name.label("partner_name"),
        partner.default_owner,
        partner.notified_user_id,
        partner.steps.label("steps_text"),
        partner.window_opens,
        partner.window_closes,
        partner.window_days,
        partner.sending,
    )
    .select_from(client_table)
    .join(company, company.c.id == client.id)
    .join(partner_table, partner.id == client.partner_id)
    .join(agency, agency.c.id == partner.id)
    .where(among(client.id, bindparam("client_ids")), client.archived_at.is_(None))
    .order_by(client.id)
)
# The columns of Person, in its order.
PERSON = (
    user.id,
    user.name,
    user.email,
    func.coalesce(user.language, company.c.language),
    func.coalesce(user.time_zone, company.c.time_zone),
    user.active,
    user.rejected_reply.is_not(None),
)


def select_people(at_partner: ColumnElement[bool], anywhere: ColumnElement[bool]) -> Select[Any]:
    """Select everybody at partners, and people of clients who are contacts. Both conditions are on the user."""
    return (
        select(*PERSON, user.organisation_id, user.admin, assignment.role, assignment.client_id)
        .join_from(user_table, company, company.c.id == user.organisation_id)
        .outerjoin(contact_assignment_table, assignment.user_id == user.id)
        .where(anywhere, or_(assignment.user_id.is_not(None), at_partner))
        .order_by(user.id)
    )


PEOPLE = select_people(
    among(user.organisation_id, bindparam("partner_ids")),
    among(user.organisation_id, bindparam("organisation_ids")),
)
PEOPLE_OF_ONE = select_people(
    user.organisation_id == bindparam("partner_id"),
    user.organisation_id.in_((bindparam("partner_id"), bindparam("client_id"))),
)


def load(client_ids: Sequence[int]) -> dict[int, ClientFacts]:
    """Load the facts of these clients, by id. Unknown ids are left out, and archived clients: no rule is for them."""
    return load_clients(client_ids, load_subscriptions(client_ids)) if client_ids else {}


def load_circles(client_ids: Sequence[int]) -> dict[int, Circle]:
    """Load who gets mails about these clients now, likewise, in two statements."""
    found = load_clients(client_ids, Subscriptions()) if client_ids else {}
    return {client_id: client.circle for client_id, client in found.items()}


def load_clients(client_ids: Sequence[int], subscriptions: Subscriptions) -> dict[int, ClientFacts]:
    """Load the facts of these clients besides their subscriptions."""
    rows = client_rows(client_ids)
    partner_ids = list({row.partner_id for row in rows})
    ids = {"partner_ids": partner_ids, "organisation_ids": [*client_ids, *partner_ids]}
    people = people_of(execute(PEOPLE, ids).all())
    by_partner = {row.partner_id: row for row in rows}
    partners = {
        partner_id: partner_facts(partner_id, row.partner_name, row, people)
        for partner_id, row in by_partner.items()
    }
    return {
        row.id: client_facts(row, partners[row.partner_id], people, subscriptions) for row in rows
    }


def load_one(client_id: int) -> ClientFacts:
    """Load the facts of one client, which must exist. It may be archived: its people still see its pages."""
    return of_client(db.session.get_one(Client, client_id))


def of_client(client: Client) -> ClientFacts:
    """Load the facts of a client that is loaded with its partner already, in two statements."""
    partner = client.partner
    people = people_of(
        execute(PEOPLE_OF_ONE, {"partner_id": partner.id, "client_id": client.id}).all()
    )
    known = partner_facts(partner.id, partner.name, partner, people)
    return client_facts(client, known, people, load_subscriptions_of(client.id))


def client_facts(
    client: Client | Row[Any], partner: PartnerFacts, people: "People", subscriptions: Subscriptions
) -> ClientFacts:
    """Make the facts of a client; ``client`` is the object or a row of the same columns."""
    return ClientFacts(
        id=client.id,
        name=client.name,
        language=client.language,
        time_zone=client.time_zone,
        partner=partner,
        choice=choice_of(client.owner),
        own_contact=people.by_id.get(client.contact_id or 0),
        contacts=people.contacts.get(client.id, {}),
        subscriptions=tuple(subscriptions.active.get(client.id, ())),
        occupied=frozenset(subscriptions.occupied.get(client.id, ())),
        cancelled=tuple(subscriptions.cancelled.get(client.id, ())),
    )


def partner_facts(
    partner_id: int, name: str, partner: Partner | Row[Any], people: "People"
) -> PartnerFacts:
    """Make the facts of a partner; ``partner`` is the object or a row with its columns."""
    return PartnerFacts(
        id=partner_id,
        name=name,
        default_owner=partner.default_owner,
        default_contact=people.by_id.get(partner.notified_user_id or 0),
        admins=tuple(people.admins.get(partner_id, ())),
        steps=steps_of(partner.steps_text),
        window=Window.on(partner.window_days, partner.window_opens, partner.window_closes),
        sending=partner.sending,
        team=tuple(people.teams.get(partner_id, ())),
    )


def person(user: User) -> Person:
    """Turn a user into a person of the rules."""
    return person_of(user, user.organisation.language, user.organisation.time_zone)


def person_of(user: Any, language: str, time_zone: str) -> Person:
    """Make a person of the rules; ``user`` is the object or a row with its columns.

    ``language`` and ``time_zone`` are the organisation's, for somebody who has none of their own.
    """
    return Person(
        user.id,
        user.name,
        user.email,
        user.language or language,
        user.time_zone or time_zone,
        user.active,
        user.rejected_reply is not None,
    )


def client_rows(client_ids: Sequence[int]) -> Sequence[Any]:
    return fetch(CLIENTS, {"client_ids": client_ids})


@dataclass
class People:
    """All people who may matter: by id, as contacts of a client, as team and admins of a partner."""

    by_id: dict[int, Person] = field(default_factory=dict)
    teams: dict[int, list[Person]] = field(default_factory=lambda: defaultdict(list))
    contacts: dict[int, dict[ContactRole, Person]] = field(default_factory=dict)
    admins: dict[int, list[Person]] = field(default_factory=lambda: defaultdict(list))


def people_of(rows: Sequence[Row[Any]]) -> People:
    """Sort the rows of people, one for each role that somebody holds."""
    people = People()
    for row in rows:
        organisation_id, admin, role, client_id = row[len(PERSON) :]
        person = people.by_id.get(row[0])
        if person is None:
            person = Person(*row[: len(PERSON)])
            people.by_id[person.id] = person
            people.teams[organisation_id].append(person)
            if admin and person.active:
                people.admins[organisation_id].append(person)
        if role is not None:
            people.contacts.setdefault(client_id, {})[role] = person
    return people
