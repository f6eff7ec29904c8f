"""The words by which the dashboard finds a client, kept beside its facts (``client.words``).

Only this module writes them. Whoever changes the texts of a client, or the products or people of one, calls it in the
same transaction.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import BindParameter, Select, bindparam, select, update

from webapp.i18n import fold
from webapp.models.tables import (
    among,
    client_table,
    execute,
    fetch,
    organisation_table,
    subscription_table,
    user_table,
)
from webapp.services.locks import lock_clients

# PostgreSQL's index has room for 2,700 bytes a row, of which the sort key takes 1,200 at most.
MOST_BYTES = 1_400
# So many clients in one statement at most.
CHUNK = 5_000
client, company = client_table.c, organisation_table.c
product, person = subscription_table.c, user_table.c

# The texts of a client itself, in their order.
OWN = ("domain", "name", "city", "external_id")
IDS: BindParameter[list[int]] = bindparam("client_ids")
OWN_COLUMNS = (client[name] if name in client else company[name] for name in OWN)
STORED = (
    select(client.id, client.words, *OWN_COLUMNS)
    .select_from(client_table.join(organisation_table, company.id == client.id))
    .where(among(client.id, IDS))
)
# What belongs to clients, by the client's id, in the order in which it came.
BELONGING: tuple[Select[Any], ...] = (
    select(product.client_id, product.product)
    .where(among(product.client_id, IDS))
    .order_by(product.id),
    select(person.organisation_id, person.email, person.name)
    .where(among(person.organisation_id, IDS), person.erased_at.is_(None))
    .order_by(person.id),
)
STORE = (
    update(client_table).where(client.id == bindparam("client")).values(words=bindparam("found"))
)


def words_of(texts: Iterable[str | None]) -> str:
    """Fold texts into their words, since a search asks for each word alone.

    A word that an earlier one contains is found there. So a domain or an address comes before the name.
    """
    words = ""
    for word in parted(" ".join(filter(None, texts))).split():
        if word not in words:
            words = f"{words} {word}" if words else word
    return cut(words)


def parted(text: str) -> str:
    """Fold a text into words. An address is two: its domain is in most of a client's addresses, and stored once."""
    return fold(text).replace("@", "@ ")


def cut(text: str) -> str:
    """Leave out the end of a text with more bytes than an index has room for."""
    return text.encode()[:MOST_BYTES].decode(errors="ignore")


def refresh(client_ids: Iterable[int]) -> None:
    """Store the present words of these clients. No version moves, so that open forms stay valid."""
    ids = sorted(client_ids)
    for start in range(0, len(ids), CHUNK):
        some = ids[start : start + CHUNK]
        # Another transaction may be changing the rest of their texts. Read after it, nothing of that is lost.
        lock_clients(some)
        other = [
            {"client": id, "found": fresh} for id, stored, fresh in present(some) if stored != fresh
        ]
        if other:
            execute(STORE, other)


def present(client_ids: Sequence[int]) -> Iterable[tuple[int, str, str]]:
    """Yield the id of each of these clients, the words that are stored, and those of its present texts."""
    rows = fetch(STORED, {"client_ids": client_ids})
    stored = {id: words for id, words, *_own in rows}
    texts = {id: list(own) for id, _words, *own in rows}
    for belonging in BELONGING:
        for id, *said in fetch(belonging, {"client_ids": [*texts]}):
            texts[id].extend(said)
    for id, all_texts in texts.items():
        yield id, stored[id], words_of(all_texts)
