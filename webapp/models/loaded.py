"""Objects from rows that were loaded past the session, for what every request loads."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache
from typing import Any, TypeVar, cast

from sqlalchemy import (
    ColumnElement,
    and_,
    bindparam,
    case,
    exists,
    false,
    inspect,
    select,
    true,
)
from sqlalchemy.orm import InstanceState
from sqlalchemy.orm.attributes import instance_state

from webapp.models.base import Base, db
from webapp.models.identity import CredentialKind, SignInMethod
from webapp.models.organisation import Client, Organisation, Partner
from webapp.models.tables import (
    client_table,
    credential_table,
    execute,
    installation_table,
    membership_table,
    organisation_table,
    partner_table,
    user_session_table,
    user_table,
    written,
)
from webapp.models.user import User

Model = TypeVar("Model", bound=Base)


@cache
def attributes(model: type[Base]) -> tuple[str, ...]:
    """Name the attributes of a model that are columns."""
    return tuple(attribute.key for attribute in inspect(model).column_attrs)


def columns(model: type[Base]) -> list[ColumnElement[Any]]:
    """List the columns behind a model's attributes, in their order."""
    return [attribute.columns[0] for attribute in inspect(model).column_attrs]


def adopt(model: type[Model], values: Sequence[Any], **related: Base) -> Model:
    """Make the object with these values, in the order of ``columns``, as if the session had loaded it.

    It takes half the time that the session needs, which prepares for each row anew. ``related``: the
    objects of relationships. An object that the session has already stays as it is.
    """
    mapper = inspect(model)
    held = dict(zip(attributes(model), values, strict=True))
    key = mapper.identity_key_from_primary_key((held["id"],))
    session = db.session()
    if (present := session.identity_map.get(key)) is not None:
        return cast(Model, present)
    made = cast(Model, mapper.class_manager.new_instance())
    made.__dict__.update(held, **related)
    # As the library does with each object that it loads.
    state: InstanceState[Any] = instance_state(made)
    state.key, state.session_id = key, session.hash_key
    session.identity_map.add(state)
    return made


@dataclass(frozen=True, slots=True)
class SignIn:
    """The session of a request: its row, as pages need it.

    ``issuer`` and ``subject``: of one that came by the intranet's sign-in.
    ``others``: the login opens other active users, too. ``lacks_factor``: the team requires two-step verification, and
    the login has no app for it. The last three are the installation's, whose state a partner's pages tell.
    """

    id: int
    login_id: int
    user_id: int
    method: SignInMethod
    proved_at: datetime
    seen_at: datetime
    ends_at: datetime
    issuer: str | None
    subject: str | None
    others: bool
    lacks_factor: bool
    worker_seen_at: datetime | None
    away_since: datetime | None
    held_at: datetime | None


USER, PARTNER, CLIENT = columns(User), columns(Partner), columns(Client)
other_membership, other_user = membership_table.alias(), user_table.alias()
other_partner = partner_table.alias()
# The place of the organisation's kind in a row.
KIND = len(fields(SignIn))
OTHERS = exists().where(
    other_membership.c.login_id == user_session_table.c.login_id,
    other_membership.c.user_id != user_session_table.c.user_id,
    other_user.c.id == other_membership.c.user_id,
    other_user.c.active,
    # Of that partner one comes in by its door alone. Without one the comparison is with NULL, and finds nobody.
    ~exists().where(
        other_partner.c.id == other_user.c.organisation_id,
        other_partner.c.slug == bindparam("behind_door"),
    ),
)
# It is only looked for where it is required.
LACKS_FACTOR = case(
    (
        partner_table.c.second_factor_required,
        ~exists().where(
            credential_table.c.login_id == user_session_table.c.login_id,
            credential_table.c.kind == written(CredentialKind.TOTP),
        ),
    ),
    else_=false(),
)
FOUND = {
    "others": OTHERS,
    "lacks_factor": LACKS_FACTOR,
    **{name: installation_table.c[name] for name in ("worker_seen_at", "away_since", "held_at")},
}
SESSION = [
    user_session_table.c[field.name] if field.name not in FOUND else FOUND[field.name]
    for field in fields(SignIn)
]
# Each organisation is found by its key, whatever it is.
SIGNED_IN = (
    select(*SESSION, organisation_table.c.kind, *USER, *PARTNER, *CLIENT)
    .join_from(user_session_table, user_table, user_table.c.id == user_session_table.c.user_id)
    # Whoever is no member any more is signed in no more, whatever became of the session.
    .join(
        membership_table,
        and_(
            membership_table.c.user_id == user_session_table.c.user_id,
            membership_table.c.login_id == user_session_table.c.login_id,
        ),
    )
    .join(organisation_table, organisation_table.c.id == user_table.c.organisation_id)
    .outerjoin(partner_table, partner_table.c.id == organisation_table.c.id)
    .outerjoin(client_table, client_table.c.id == organisation_table.c.id)
    # The only row of its table.
    .outerjoin(installation_table, true())
    .where(
        user_session_table.c.key_hash == bindparam("key_hash"),
        user_session_table.c.ended_at.is_(None),
        # One that waits for a frame is open to nobody.
        user_session_table.c.bound_to.is_(None),
        user_session_table.c.ends_at > bindparam("now"),
        user_session_table.c.seen_at > bindparam("idle_since"),
        user_table.c.active,
        # A partner has no such row. A session that began while its client was being archived has ended, too.
        client_table.c.archived_at.is_(None),
    )
)
OWN_CLIENT = (
    select(*CLIENT)
    .join_from(client_table, organisation_table, organisation_table.c.id == client_table.c.id)
    .where(
        client_table.c.id == bindparam("client_id"),
        client_table.c.partner_id == bindparam("partner_id"),
    )
)


def signed_in(
    key_hash: str, now: datetime, idle_since: datetime, behind_door: str | None
) -> tuple[User, SignIn] | None:
    """Load a session that has not ended, and its active user with the organisation, in one statement.

    ``idle_since``: a session that was last seen before this moment has ended. ``behind_door``: the slug of the partner
    whose people come in by a door alone.
    """
    values = {"now": now, "idle_since": idle_since, "behind_door": behind_door}
    row = execute(SIGNED_IN, {"key_hash": key_hash, **values}).one_or_none()
    if row is None:
        return None
    sign_in, kind, found = SignIn(*row[:KIND]), row[KIND], row[KIND + 1 :]
    user, partner, client = (
        found[: len(USER)],
        found[len(USER) : -len(CLIENT)],
        found[-len(CLIENT) :],
    )
    organisation = adopt(Partner, partner) if kind == "partner" else adopt(Client, client)
    return adopt(User, user, organisation=organisation), sign_in


def client_of(client_id: int, partner: Organisation) -> Client | None:
    """Load a client of this partner; of another organisation there are none."""
    row = execute(OWN_CLIENT, {"client_id": client_id, "partner_id": partner.id}).one_or_none()
    return adopt(Client, row, partner=partner) if row else None
