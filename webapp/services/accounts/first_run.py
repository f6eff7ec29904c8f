"""The first steps of a partner, until its reminders go out. Each is told by facts; nobody ticks it off."""

from enum import StrEnum

from sqlalchemy import bindparam, exists, func, select

from webapp.models import Partner
from webapp.models.tables import client_table, fetch, user_table
from webapp.services import runtime

# Somebody beside the first admin, who can stand in.
TEAM = 2
client, user = client_table.c, user_table.c
HAVING = select(
    exists()
    .where(client.partner_id == bindparam("partner"), client.archived_at.is_(None))
    .label("clients"),
    select(func.count() >= TEAM)
    .where(user.organisation_id == bindparam("partner"), user.active)
    .scalar_subquery()
    .label("team"),
)


class FirstStep(StrEnum):
    """A thing that a partner does before its reminders go out, in this order."""

    CLIENTS = "clients"
    MAIL = "mail"
    TEAM = "team"
    SEEN = "seen"
    SENDING = "sending"


def progress(partner: Partner) -> dict[FirstStep, bool]:
    """Tell for each step whether it is done; nothing, without a statement, once the list is done or put away."""
    if partner.set_up_at:
        return {}
    done = steps(partner)
    return {} if all(done.values()) else done


def steps(partner: Partner) -> dict[FirstStep, bool]:
    [having] = fetch(HAVING, {"partner": partner.id})
    return {
        FirstStep.CLIENTS: bool(having.clients),
        FirstStep.MAIL: runtime.settings().delivers and bool(partner.privacy_url),
        FirstStep.TEAM: bool(having.team),
        FirstStep.SEEN: partner.first_seen_at is not None,
        FirstStep.SENDING: partner.sending,
    }


def see(partner: Partner) -> None:
    """Keep that an admin has looked at what goes out first. The first look counts."""
    partner.first_seen_at = partner.first_seen_at or runtime.now()
    finish(partner)


def put_away(partner: Partner) -> None:
    """Put the list away, whatever of it is left."""
    partner.set_up_at = partner.set_up_at or runtime.now()


def bring_back(partner: Partner) -> None:
    """Bring the list back, unless all of it is done."""
    partner.set_up_at = None
    finish(partner)


def finish(partner: Partner) -> None:
    """Keep that all of it is done, so that no page asks any more. Whatever may be the last step calls this."""
    # Most often what the partner's own row says is enough.
    open_still = partner.set_up_at is None and partner.sending and partner.first_seen_at
    if open_still and all(steps(partner).values()):
        partner.set_up_at = runtime.now()
