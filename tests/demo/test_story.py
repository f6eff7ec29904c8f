"""The demo: what its data shows, and that it keeps away from real data."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from tests.support.cast import assert_days_are_kept, assert_words_are_kept, settings
from webapp import worker
from webapp.app import create_app
from webapp.config import SettingError
from webapp.demo import clock, people, story
from webapp.domain.access import Role
from webapp.domain.facts import MailKind, NotRenewed
from webapp.domain.ownership import Choice, Owner
from webapp.domain.recipients import ContactRole, Reachability, reachability
from webapp.domain.terms import DeadlineRule
from webapp.domain.todo import Section
from webapp.models import (
    Client,
    Delivery,
    DeliveryState,
    InboxMail,
    Installation,
    Partner,
    Subscription,
    User,
    db,
)
from webapp.models.organisation import NO_DECISION
from webapp.services import installation, runtime
from webapp.services.lists import todo
from webapp.services.lists.todo import ToDoQuery
from webapp.services.reminders import loading

pytestmark = pytest.mark.settings(demo=True)


def test_the_demo(context):
    """One load, since it lives through a month, for all that the demo promises."""
    story.load(lambda server: worker.once(context, transport=server), datetime.now(UTC).date())

    shows_each_state()
    is_a_world_of_its_own()
    assert_words_are_kept()
    assert_days_are_kept()
    story.clear()
    assert installation.is_empty()
    assert not installation.is_marked()


def shows_each_state():
    today = datetime.now(UTC).date()
    partners = db.session.scalars(select(Partner)).all()
    clients = db.session.scalars(select(Client)).all()
    known = loading.load([client.id for client in clients])
    assert len(partners) >= 3
    assert len(clients) >= 60
    assert {partner.language for partner in partners} == {"en", "pl", "pt"}
    assert {partner.sending for partner in partners} == {True, False}
    assert {(one.owner.owner, one.owner.own) for one in known.values()} == {
        (owner, own) for owner in Owner for own in (True, False)
    }
    assert {one.choice for one in known.values()} == set(Choice)
    assert {reachability(one.circle) for one in known.values()} == set(Reachability)
    assert any(one.circle.missing == (ContactRole.BILLING,) for one in known.values())
    assert any(one.circle.rejected for one in known.values())
    assert any(not person.active for one in known.values() for person in one.contact.passed_over)
    states = set(db.session.scalars(select(Delivery.state)))
    assert states >= {
        *(DeliveryState.SENT, DeliveryState.BOUNCED),
        *(DeliveryState.UNCLEAR, DeliveryState.REJECTED),
    }
    told = select(Delivery.snapshot).where(
        Delivery.kind == MailKind.TO_DO, Delivery.state == DeliveryState.SENT
    )
    assert any(snapshot["decide"]["count"] for snapshot in db.session.scalars(told))
    dates = {client.first_decision_on for client in clients}
    assert today + timedelta(days=3) in dates
    assert min(dates) < today
    assert NO_DECISION in dates
    subscriptions = db.session.scalars(select(Subscription)).all()
    assert any(one.cancelled for one in subscriptions)
    assert any(one.deadline for one in subscriptions)
    assert any(one.cycle == 2 for one in subscriptions)
    assert {one.term_months for one in subscriptions} == {1, 3, 12, 24}
    assert any(one.renews_itself and one.cycle == 2 for one in subscriptions)
    assert any(one.renews_itself and one.cycle == 1 for one in subscriptions)
    assert {partner.deadline_rule for partner in partners} == {DeadlineRule(days=45), None}
    assert {one.deadline_by_rule for one in subscriptions if one.deadline} == {True, False}
    assert {one.currency for one in subscriptions} == {"PLN", "BRL", "EUR", "GBP", None}
    assert {one.reason for one in subscriptions} == {
        *(NotRenewed.PRICE, NotRenewed.OTHER_PRODUCT, NotRenewed.CLOSED),
        None,
    }
    assert any(one.note and not one.cancelled for one in subscriptions)
    assert all(client.phone for client in clients)
    for partner in partners:
        admin = db.session.get_one(User, partner.notified_user_id)
        waiting = todo.load(partner, admin, ToDoQuery())
        assert {group.section for group in waiting.groups} == set(Section)


def is_a_world_of_its_own():
    assert installation.is_marked()
    assert runtime.now().date() == datetime.now(UTC).date()
    assert all(email.endswith(".example") for email in db.session.scalars(select(User.email)))
    accounts = people.accounts()
    assert {one.role for one in accounts} == set(Role)
    assert {one.language for one in accounts} == {"en", "pl", "pt"}
    assert len({one.email for one in accounts}) < len(accounts), (
        "nobody is in several organisations"
    )
    # The inbox keeps mails for thirty days.
    since = runtime.now() - timedelta(days=29)
    taken = select(Delivery.id).where(
        Delivery.state.in_((DeliveryState.SENT, DeliveryState.BOUNCED, DeliveryState.UNCLEAR)),
        Delivery.first_tried_at > since,
    )
    there = select(InboxMail.id).where(InboxMail.received_at > since)
    assert len(db.session.scalars(taken).all()) == len(db.session.scalars(there).all()) > 0


def test_the_clock_moves_day_by_day(context):
    today = runtime.now().date()
    days = []

    def work():
        days.append(runtime.now().date())
        return {"sent": int(len(days) == 2)}

    assert clock.move(3, work) == (3, 1)
    assert days == [today + timedelta(days=day) for day in (1, 2, 3)]
    assert runtime.now().hour == clock.WORKING_HOUR.hour
    days.clear()
    assert clock.move(30, work, until_sent=True) == (2, 1)
    assert runtime.now().date() == today + timedelta(days=5)


def test_without_anything_to_send_the_clock_stays(context):
    assert clock.move_to_next_mail(no_work) == (0, 0)


def no_work():
    raise AssertionError("nothing is to come")


def test_the_clock_moves_to_the_next_mail_of_a_partner_that_sends(context, cast):
    subscription = db.session.get_one(Subscription, cast.subscription)
    assert clock.move_to_next_mail(no_work) == (0, 0)
    db.session.get_one(Partner, cast.partner).sending = True
    db.session.flush()
    days = iter(({}, {"sent": 0}, {"sent": 2}))
    assert clock.move_to_next_mail(lambda: next(days)) == (3, 2)
    subscription.cancelled = True
    db.session.flush()
    assert clock.move_to_next_mail(no_work) == (0, 0)


def test_only_demo_data_is_ever_deleted(context, cast):
    with pytest.raises(SettingError):
        story.clear()
    assert not installation.is_empty()


def test_demo_mode_refuses_a_database_with_real_data(context, cast, tmp_path):
    url = context.config["SQLALCHEMY_DATABASE_URI"]
    db.session.remove()
    with pytest.raises(SettingError, match="real data"):
        create_app(settings(tmp_path, url, demo=True))
    db.session.get_one(Installation, 1).demo = True
    db.session.commit()
    other = create_app(settings(tmp_path, url, demo=True))
    with other.app_context():
        db.engine.dispose()


def test_outside_demo_data_nobody_is_offered(context, cast):
    assert people.accounts() == []
