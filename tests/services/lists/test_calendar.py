"""The soonest renewals: what is met along an index is what one finds by looking at each."""

import random
from datetime import date, timedelta

import pytest

from tests.support.cast import make_client, make_subscription
from webapp.domain.agenda import Occasion
from webapp.models import Partner, Subscription, User, db
from webapp.services.lists import calendar
from webapp.services.lists.calendar import Whose
from webapp.services.reminders import due_index, situations

TODAY = date(2027, 3, 1)


@pytest.fixture
def renewals(context, cast, time_machine):
    """Forty clients of Alice's partner with up to four renewals around today; some are cancelled, some archived."""
    time_machine.move_to("2027-03-01 12:00:00+00:00", tick=False)
    chance = random.Random(13)  # nosec B311
    partner = db.session.get_one(Partner, cast.partner)
    made = []
    for number in range(40):
        archived = partner.created_at if number % 8 == 7 else None
        client = make_client(partner, f"Company {number}", archived_at=archived)
        db.session.add(client)
        for product in range(chance.randrange(5)):
            renewal = TODAY + timedelta(days=chance.randrange(-60, chance.choice([30, 460])))
            early = timedelta(days=chance.choice([0, 0, 14, 90]))
            made.append(
                make_subscription(
                    client,
                    f"Hub {product}",
                    renewal,
                    deadline=renewal - early if early else None,
                    renews_itself=chance.random() < 0.5,
                    cancelled=chance.random() < 0.2,
                )
            )
    db.session.add_all(made)
    db.session.flush()
    due_index.refresh(made)
    situations.refresh({one.client_id for one in made})
    acme = db.session.get_one(Subscription, cast.subscription)
    return [one for one in [acme, *made] if not one.cancelled and one.client.archived_at is None]


def order(one):
    return one.base_date, one.client_id, one.id


def test_the_next_are_the_soonest_of_all(renewals, cast):
    ahead = sorted((one for one in renewals if one.base_date >= TODAY), key=order)
    found = calendar.upcoming(db.session.get_one(Partner, cast.partner))
    assert [(row.client_id, row.product, row.on) for row in found] == [
        (one.client_id, one.product, one.base_date) for one in ahead[: calendar.NEXT]
    ]


@pytest.mark.parametrize("most", [5, 30, 500])
def test_a_calendar_has_the_soonest_and_then_those_of_the_past(renewals, cast, monkeypatch, most):
    monkeypatch.setattr(calendar, "MOST", most)
    found = calendar.days(db.session.get_one(User, cast.alice), Whose.ALL)
    shown = [
        one
        for one in renewals
        if one.renewal_date >= TODAY - calendar.BACK and one.base_date <= TODAY + calendar.AHEAD
    ]
    shown.sort(key=lambda one: (one.base_date < TODAY, *order(one)))
    assert set(found.changed) == {one.id for one in shown[:most]}
    days = {(day.subscription.id, day.on) for day in found.days if day.occasion is Occasion.RENEWAL}
    last = TODAY + calendar.AHEAD
    assert days == {(one.id, one.renewal_date) for one in shown[:most] if one.renewal_date <= last}
    assert (found.reaches is None) == (len(shown) <= most or shown[most].base_date < TODAY)
