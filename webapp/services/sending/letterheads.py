"""Letterheads: the partners' own words for their mails, as they are stored now."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from sqlalchemy import bindparam, select

from webapp.domain.snapshots import Letterhead, Letterheads
from webapp.i18n import CODES
from webapp.models.tables import among, execute, partner_table, wording_table

partner, wording = partner_table.c, wording_table.c
LETTERHEADS = (
    select(
        partner.id,
        partner.reply_to,
        partner.legal,
        partner.privacy_url,
        wording.language,
        wording.introduction,
        wording.signature,
    )
    .outerjoin_from(partner_table, wording_table, wording.partner_id == partner.id)
    .where(among(partner.id, bindparam("partner_ids")))
)


def load(partner_ids: Collection[int]) -> dict[int, Letterheads]:
    """Load the letterheads of partners in all languages, by partner and language, in one statement."""
    found: dict[int, dict[str, Letterhead]] = {}
    if not partner_ids:
        return {}
    for row in execute(LETTERHEADS, {"partner_ids": sorted(partner_ids)}):
        plain = company_data(row)
        known = found.setdefault(row.id, dict.fromkeys(CODES, plain))
        if row.language:
            known[row.language] = replace(
                plain, introduction=lines(row.introduction), signature=lines(row.signature)
            )
    return dict(found)


def company_data(partner: Any) -> Letterhead:
    """Return what is the same in all languages. ``partner``: the Partner, or a row with its columns."""
    return Letterhead(
        legal=lines(partner.legal), reply_to=partner.reply_to, privacy_url=partner.privacy_url
    )


def lines(text: str | None) -> tuple[str, ...]:
    return tuple(text.split("\n")) if text else ()
