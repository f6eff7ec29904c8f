"""How many clients follow the default, have an owner of their own, or a point of contact; only so far."""

import pytest
from sqlalchemy import select

from tests.support.cast import make_client
from webapp.domain.ownership import Owner
from webapp.models import Partner, User, db
from webapp.models.tables import client_table
from webapp.services.lists import finding, overrides
from webapp.services.reminders import situations


@pytest.mark.parametrize(
    ("following", "own", "most", "counted"),
    [
        (0, 0, 1_000, (1, 0)),
        (2, 3, 1_000, (3, 3)),
        (2, 3, 3, (3, 3)),
        (2, 3, 2, (3, 3)),
        (5, 5, 2, (3, 3)),
    ],
)
def test_each_is_counted_up_to_a_limit(context, cast, monkeypatch, following, own, most, counted):
    monkeypatch.setattr(finding, "MOST_COUNTED", most)
    partner = db.session.get(Partner, cast.partner)
    db.session.add_all(make_client(partner, f"Company {number}") for number in range(following))
    for number in range(own):
        owner = Owner.PARTNER if number % 2 else Owner.VENDOR
        db.session.add(make_client(partner, f"Own {number}", owner=owner))
    situations.refresh(db.session.scalars(select(client_table.c.id)))
    assert overrides.override_counts(partner) == counted


@pytest.mark.parametrize("most", [1_000, 3, 1])
def test_a_person_looks_after_clients_by_choice_and_by_default(context, cast, monkeypatch, most):
    monkeypatch.setattr(finding, "MOST_COUNTED", most)
    partner = db.session.get(Partner, cast.partner)
    partner.notified_user_id = cast.alice
    contacts = (cast.alice, cast.alice, cast.bob, None)
    db.session.add_all(
        make_client(partner, f"Company {number}", contact_id=contact_id)
        for number, contact_id in enumerate(contacts)
    )
    situations.refresh(db.session.scalars(select(client_table.c.id)))
    counts = [
        overrides.looked_after(db.session.get(User, id))
        for id in (cast.alice, cast.bob, cast.charlie, cast.dana)
    ]
    # Acme has no point of contact of its own either, nor has the client of the other partner.
    assert counts == [min(4, most + 1), 1, 1, 0]
