"""Clients of a partner: add and edit."""

from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from sqlalchemy import bindparam, select, update

from webapp import countries, i18n
from webapp.domain.cells import CellError, read_domain, read_text
from webapp.domain.refusals import Refusal
from webapp.domain.shown import token_of
from webapp.models import AuditEntry, Client, Partner, Subscription, User, db
from webapp.models.audit import AuditAction, TrailEntry
from webapp.models.tables import client_table
from webapp.services import audit, search_words
from webapp.services.accounts import first_run
from webapp.services.accounts.names import TEXT_REFUSALS, checked_note, checked_phone
from webapp.services.errors import Refused
from webapp.services.locks import lock_clients, lock_organisation
from webapp.services.reminders import due_index

LENGTHS = {"name": 200, "external_id": 100, "city": 100}


@dataclass(frozen=True, slots=True)
class ClientDetails:
    """The details of a client as a person or an import gives them.

    ``country`` is an ISO code of two letters, ``language`` a catalog code. The language defaults to the
    partner's; the time zone to that of city and country, or else to the partner's.
    """

    name: str
    domain: str | None = None
    external_id: str | None = None
    city: str | None = None
    country: str | None = None
    language: str | None = None
    time_zone: str | None = None
    phone: str | None = None
    note: str | None = None


FIELDS = tuple(field.name for field in fields(ClientDetails))


def details_of(client: Client) -> ClientDetails:
    """Return the details as they are stored."""
    return ClientDetails(
        name=client.name,
        domain=client.domain,
        external_id=client.external_id,
        city=client.city,
        country=client.country,
        language=client.language,
        time_zone=client.time_zone,
        phone=client.phone,
        note=client.note,
    )


def shown(client: Client) -> str:
    """Make the token of a form that shows the details."""
    return token_of(asdict(details_of(client)))


def add_client(actor: User | None, partner: Partner, details: ClientDetails) -> Client:
    """Add a client to a partner; it follows the partner's default owner. Raises Refused."""
    client = Client(partner=partner, **columns(check(partner, details)))
    if client.external_id:
        refuse_taken(partner, client.external_id, own_id=None)
    db.session.add(client)
    db.session.flush()
    search_words.refresh([client.id])
    audit.record_change(actor, AuditAction.CLIENT_ADDED, client)
    first_run.finish(partner)
    return client


def columns(details: ClientDetails) -> dict[str, Any]:
    """Make the columns of a client, with its keys, from details that leave nothing open."""
    return {name: getattr(details, name) for name in FIELDS} | keys(details)


def edit_client(
    actor: User | None, client: Client, details: ClientDetails, shown: str | None = None
) -> TrailEntry | None:
    """Set all details of a client; None if nothing changed. Raises Refused, Conflict.

    ``shown``: the form's token.
    """
    whole, stored = check(client.partner, details), details_of(client)
    if whole == stored:
        return None
    audit.refuse_stale(
        shown,
        asdict(stored),
        AuditEntry.client_id == client.id,
        AuditEntry.action == AuditAction.CLIENT_CHANGED,
    )
    if whole.external_id and whole.external_id != client.external_id:
        refuse_taken(client.partner, whole.external_id, own_id=client.id)
    lock_clients([client.id])
    changes = audit.assign(client, **asdict(whole))
    audit.assign(client, **keys(whole))
    search_words.refresh([client.id])
    entry = audit.record_change(actor, AuditAction.CLIENT_CHANGED, client, changes)
    if "time_zone" in changes:
        due_index.refresh(
            db.session.scalars(
                select(Subscription).where(Subscription.client_id == client.id)
            ).all()
        )
    return entry


def keys(details: ClientDetails) -> dict[str, str]:
    """Fold the texts of its own by which a client is found and sorted."""
    texts = (details.name, details.domain, details.city, details.external_id)
    return {
        "name_key": i18n.fold(details.name)[:300],
        "sort_key": i18n.sort_key(details.name),
        "search_key": search_words.cut(i18n.fold(" ".join(filter(None, texts)))[:700]),
    }


def refresh_sort_keys() -> None:
    """Rebuild the sort keys of stored names, since a new language may bring letters of its own."""
    stored = db.session.execute(select(Client.id, Client.name, Client.sort_key)).all()
    fresh = [(row, i18n.sort_key(row.name)) for row in stored]
    moved = [{"client": row.id, "key": key} for row, key in fresh if key != row.sort_key]
    if moved:
        place = update(client_table).where(client_table.c.id == bindparam("client"))
        db.session.execute(place.values(sort_key=bindparam("key")), moved)


def check(partner: Partner, details: ClientDetails) -> ClientDetails:
    """Check the details and fill in what they leave open. Raises Refused."""
    texts = {name: one_line(details, name) for name in LENGTHS}
    texts |= {"phone": checked_phone(details.phone), "note": checked_note(details.note)}
    if not texts["name"]:
        raise Refused("name", Refusal.EMPTY)
    try:
        domain = read_domain(details.domain) if details.domain else None
    except CellError:
        raise Refused("domain", Refusal.DOMAIN) from None
    if details.country and details.country not in countries.zones():
        raise Refused("country", Refusal.NO_OPTION)
    if details.language and details.language not in i18n.LANGUAGES:
        raise Refused("language", Refusal.NO_OPTION)
    if details.time_zone and details.time_zone not in i18n.time_zones():
        raise Refused("time_zone", Refusal.TIME_ZONE)
    return fill(partner, replace(details, **texts, domain=domain, country=details.country or None))


def fill(partner: Partner, details: ClientDetails) -> ClientDetails:
    """Fill in what details that are fit to be stored leave open."""
    here = countries.zone_of(details.country, details.city) if details.country else None
    return replace(
        details,
        language=details.language or partner.language,
        time_zone=details.time_zone or here or partner.time_zone,
    )


def one_line(details: ClientDetails, name: str) -> Any:
    """Return one of the details as a line of text, or None. Raises Refused if the column is too short."""
    try:
        return read_text(getattr(details, name) or "", LENGTHS[name]) or None
    except CellError as error:
        raise Refused(name, TEXT_REFUSALS[error.problem], **error.values) from None


def refuse_taken(partner: Partner, external_id: str, own_id: int | None) -> None:
    lock_organisation(partner.id)
    twin = db.session.execute(
        select(Client.id, Client.archived_at).where(
            Client.partner_id == partner.id, Client.external_id == external_id
        )
    ).one_or_none()
    if twin is None or twin.id == own_id:
        return
    if twin.archived_at is not None:
        raise Refused("external_id", Refusal.EXTERNAL_ID_ARCHIVED)
    raise Refused("external_id", Refusal.EXTERNAL_ID_TAKEN)
