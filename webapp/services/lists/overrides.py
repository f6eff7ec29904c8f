"""Counting the clients of a partner, up to MOST_COUNTED + 1: by their owners, and by their points of contact."""

from sqlalchemy import bindparam, select, union_all

from webapp.domain.ownership import Choice
from webapp.domain.situations import SITUATIONS
from webapp.models import Partner, User, db
from webapp.models.tables import client_table, fetch, partner_table
from webapp.services.lists import finding

client, partner_row = client_table.c, partner_table.c
FOLLOWING = [key for key, facts in SITUATIONS.items() if facts.choice is Choice.INHERIT]
OWN = [key for key in SITUATIONS if key not in FOLLOWING]
WITHOUT_CONTACT = [key for key, facts in SITUATIONS.items() if not facts.contact]
COUNTS = select(
    *(
        finding.count(
            select(client.id).where(
                client.partner_id == bindparam("partner"),
                client.situation.in_(keys),
                client.archived_at.is_(None),
            )
        )
        for keys in (FOLLOWING, OWN)
    )
)
LOOKED_AFTER = select(
    finding.count(
        union_all(
            select(client.id).where(
                client.contact_id == bindparam("user"), client.archived_at.is_(None)
            ),
            select(client.id)
            .join_from(partner_table, client_table, client.partner_id == partner_row.id)
            .where(
                partner_row.id == bindparam("organisation"),
                partner_row.notified_user_id == bindparam("user"),
                client.situation.in_(WITHOUT_CONTACT),
                client.archived_at.is_(None),
            ),
        )
    )
)


def override_counts(partner: Partner) -> tuple[int, int]:
    """Count the clients that follow the default, and those with an owner of their own."""
    [(following, own)] = fetch(COUNTS, {"partner": partner.id, **finding.counted()})
    return following, own


def looked_after(user: User) -> int:
    """Count the clients that have this partner user as point of contact, by choice or by default."""
    given = {"user": user.id, "organisation": user.organisation_id, **finding.counted()}
    return db.session.execute(LOOKED_AFTER, given).scalar_one()
