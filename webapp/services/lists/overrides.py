"""Counting the clients of a partner that follow its default owner, and those with an owner of their own."""

from sqlalchemy import bindparam, func, select

from webapp.domain.ownership import Choice
from webapp.domain.situations import SITUATIONS
from webapp.models import Partner
from webapp.models.tables import client_table, fetch
from webapp.services.lists import finding

client = client_table.c
FOLLOWING = [key for key, facts in SITUATIONS.items() if facts.choice is Choice.INHERIT]
OWN = [key for key in SITUATIONS if key not in FOLLOWING]
COUNTS = select(
    *(
        select(func.count())
        .select_from(
            select(client.id)
            .where(client.partner_id == bindparam("partner"), client.situation.in_(keys))
            .limit(bindparam("most"))
            .subquery()
        )
        .scalar_subquery()
        .label(name)
        for name, keys in (("following", FOLLOWING), ("own", OWN))
    )
)


def override_counts(partner: Partner) -> tuple[int, int]:
    """Count the clients that follow the default, and those with an owner of their own, up to MOST_COUNTED + 1."""
    given = {"partner": partner.id, "most": finding.MOST_COUNTED + 1}
    [(following, own)] = fetch(COUNTS, given)
    return following, own
