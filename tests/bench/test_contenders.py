"""The pages that are measured: as full at a thousand clients as at a million, so that the two compare."""

from typing import Any

import pytest
from sqlalchemy import create_engine

from bench import contenders, database
from bench.facts import SIZES
from tests.bench.test_database import TODAY
from webapp.models import User, db

SMALL = SIZES["1k"]
LONGEST_GROUP = 3
# Rare names and names that nobody has are searched as such: at a million clients, all names are gone through.
SEARCHED = {
    "clients: a rare name": 1,
    "clients: no such name": 0,
    "deliveries: client=krakow": 19,
}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_every_measured_list_is_full_at_a_thousand_clients(
    context: Any, database_url: str, browse: Any, time_machine: Any
) -> None:
    database.fill(database_url, SMALL, TODAY)
    time_machine.move_to(f"{TODAY} 12:00:00+00:00", tick=False)
    with create_engine(database_url).connect() as base:
        pages = contenders.portal_pages(base, SMALL)
    admin = db.session.get_one(User, 10)
    db.session.remove()
    reader = browse(admin.id)
    rows = {}
    for name, turn in pages.items():
        if name.startswith(("clients", "deliveries")):
            [request] = turn(reader, 1)
            page = reader.get(request.path).text
            # Mails that wait for a decision stand above, in a table of their own.
            rows[name] = page.rpartition("<table")[2].count('<th scope="row">')
    full = {name: SEARCHED.get(name, 50) for name in rows}
    # A page of mails ends where a group ends, and a group has three at most.
    short = {name: full[name] - number for name, number in rows.items()}
    assert {name: less for name, less in short.items() if less not in range(LONGEST_GROUP)} == {}
    assert not [name for name in short if short[name] and not name.startswith("deliveries")]
