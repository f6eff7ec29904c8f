"""Who gets what first, over all clients of a partner: few are looked at one by one, many by the days of their steps."""

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import update

from tests.support.cast import make_client, make_subscription, unit_of_work
from webapp import worker
from webapp.models import Partner, Subscription, db
from webapp.models.organisation import NO_DECISION
from webapp.services.reminders import due_index
from webapp.services.sending import first_mails as first
from webapp.services.sending.first_mails import (
    NEAREST_STEPS,
    NEXT_STEPS,
    first_mails,
    first_plans,
    next_clients,
)

NOW = datetime(2027, 1, 4, 10, tzinfo=UTC)


@pytest.fixture(autouse=True)
def today():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture(params=[True, False], ids=["many", "few"])
def listed(app, cast, request):
    """The names and days of the first mails, found in either way."""

    def find(limit=10):
        with unit_of_work(app):
            due_index.refresh_where(Subscription.id.is_not(None))
            ids = next_clients(cast.partner, NOW, limit, NO_DECISION, many=request.param)
            return [(client.name, str(plan.day)) for client, plan in first_plans(ids, NOW)]

    return find


def add(app, cast, name, *days):
    """A client whose subscriptions renew so many days from now."""
    with unit_of_work(app):
        partner = db.session.get(Partner, cast.partner)
        client = make_client(partner, name)
        for number, after in enumerate(days):
            renewal = NOW.date() + timedelta(days=after)
            db.session.add(make_subscription(client, f"Hub {number}", renewal))


def test_the_nearest_step_of_any_subscription_counts(app, cast, listed):
    # Acme's 90 days' step is due already.
    add(app, cast, "In three days", 200, 93)
    add(app, cast, "Later", 100, 400)
    assert listed() == [
        ("Acme", "2027-01-04"),
        ("In three days", "2027-01-07"),
        ("Later", "2027-01-14"),
    ]


def test_no_more_than_asked_for_and_each_client_once(app, cast, listed):
    for number in range(4):
        add(app, cast, f"Company {number}", *range(95, 101))
    assert [name for name, _ in listed(3)] == ["Acme", "Company 0", "Company 1"]
    assert len(listed()) == 5


def test_clients_without_a_step_to_come_take_nobodys_place(app, cast, listed):
    for number in range(3):
        add(app, cast, f"Past {number}", -3)
    add(app, cast, "Later", 95)
    with unit_of_work(app):
        acme = Subscription.client_id == cast.client
        db.session.execute(update(Subscription).where(acme).values(cancelled=True))
    assert listed(1) == [("Later", "2027-01-09")]


def test_ends_of_terms_take_nobodys_place(app, cast, listed):
    """All their steps were told, and planning looks at them on the day after."""
    add(app, cast, "Later", 95)
    for number in range(2):
        add(app, cast, f"Near {number}", *range(2, 2 + NEAREST_STEPS))
    with unit_of_work(app):
        told = Subscription.renewal_date < NOW.date() + timedelta(days=80)
        db.session.execute(update(Subscription).where(told).values(renews_itself=True))
        db.session.execute(update(Partner).values(steps_text=":90/"))
    assert listed(2) == [("Acme", "2027-01-04"), ("Later", "2027-01-09")]


def test_the_steps_of_other_partners_take_nobodys_place(app, cast, listed):
    """Also when all that are looked at first are theirs."""
    add(app, cast, "Later", 95)
    with unit_of_work(app):
        stranger = make_client(db.session.get(Partner, cast.other_partner), "Stranger")
        renewal = NOW.date() + timedelta(days=91)
        db.session.add_all(
            make_subscription(stranger, f"Hub {number}", renewal)
            for number in range(max(NEAREST_STEPS, NEXT_STEPS) + 1)
        )
    assert listed() == [("Acme", "2027-01-04"), ("Later", "2027-01-09")]


def test_a_mail_that_waits_already_comes_first(app, cast):
    with unit_of_work(app):
        due_index.refresh_where(Subscription.client_id == cast.client)
    worker.once(app)
    with unit_of_work(app):
        gone = update(Subscription).values(attention_on=None)
        db.session.execute(gone.where(Subscription.client_id == cast.client))
        found = first_mails(cast.partner, NOW, many=False)
    assert [(client.name, plan.day) for client, plan in found.plans] == [("Acme", date(2027, 1, 4))]


def total(app, cast, *, many=False):
    with unit_of_work(app):
        due_index.refresh_where(Subscription.id.is_not(None))
        return first_mails(cast.partner, NOW, many=many)


@pytest.mark.parametrize("many", [False, True])
def test_the_first_days_are_summed_up(app, cast, many):
    add(app, cast, "In three days", 93)
    add(app, cast, "In a week", 97)
    add(app, cast, "Later", 98)
    found = total(app, cast, many=many)
    # Acme's mails go to Dana and Dave, with a copy to Alice; at the others is nobody, so Alice is told.
    assert [(client.name, len(plan.mails)) for client, plan in found.plans] == [
        ("Acme", 3),
        ("In three days", 1),
        ("In a week", 1),
    ]
    assert (found.mails, found.people, found.blocked) == (5, 3, 2)
    assert (found.last, found.more) == (date(2027, 1, 11), False)
    assert [(day.day, len(plans)) for day, plans in found.by_day(2)] == [(4, 1), (7, 1)]


def test_where_nothing_goes_out_for_days_the_next_plans_are_summed_up(app, cast):
    with unit_of_work(app):
        acme = Subscription.client_id == cast.client
        db.session.execute(update(Subscription).where(acme).values(cancelled=True))
    add(app, cast, "Later", 110)
    found = total(app, cast)
    assert [(client.name, str(plan.day)) for client, plan in found.plans] == [
        ("Later", "2027-01-24")
    ]


def test_nothing_comes_of_nothing(app, cast):
    with unit_of_work(app):
        db.session.execute(update(Subscription).values(cancelled=True))
    found = total(app, cast)
    assert (found.plans, found.mails, found.people, found.blocked) == ([], 0, 0, 0)


def test_of_too_many_clients_only_some_are_summed_up(app, cast, monkeypatch):
    monkeypatch.setattr(first, "MOST_CLIENTS", 2)
    for number in range(3):
        add(app, cast, f"Company {number}", 95)
    found = total(app, cast)
    assert (len(found.plans), found.more) == (2, True)
