"""The day that steps count back from is the same in the rules, on an object and in SQL."""

from datetime import date

import pytest
from sqlalchemy import select

from tests.support.cast import Cast, make_subscription
from webapp.domain import schedule
from webapp.models import Client, Subscription, db

RENEWAL = date(2027, 5, 31)


@pytest.mark.usefixtures("context")
@pytest.mark.parametrize("deadline", [None, date(2027, 4, 30), RENEWAL])
def test_the_base_date_in_sql_is_the_rules(cast: Cast, deadline: date | None) -> None:
    client = db.session.get_one(Client, cast.client)
    subscription = make_subscription(client, "Hub", RENEWAL, deadline=deadline)
    db.session.add(subscription)
    db.session.flush()
    expected = schedule.base_date(RENEWAL, deadline)
    assert subscription.base_date == expected
    found = select(Subscription.base_date).where(Subscription.product == "Hub")
    assert db.session.scalars(found).all() == [expected]
    same_day = select(Subscription.id).where(Subscription.base_date == expected)
    assert db.session.scalars(same_day).all() == [subscription.id]
