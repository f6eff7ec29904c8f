"""Whatever is changed amid the steps in which clients follow settings, it ends as if all had followed at once."""

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from tests.proof.database import begin_anew, keep, new_portal
from tests.support import cast as support
from tests.support.cast import make_client, make_subscription, unit_of_work
from tests.support.proof import TIMES
from webapp.domain.ownership import Choice, Owner
from webapp.domain.steps import farthest
from webapp.domain.terms import deadline_by
from webapp.models import Client, OwnerChange, Partner, Reminder, SettingsChange, Subscription, db
from webapp.services.accounts import partners
from webapp.services.clients import clients, ownership, subscriptions
from webapp.services.reminders import planning
from webapp.services.sending import following, takeover_notes

RENEWAL = date(2027, 3, 31)
NOW = datetime(2027, 1, 4, 10, tzinfo=UTC)
CLIENTS = 5


class Killed(BaseException):
    """Stands for kill -9."""


class Portal(RuleBasedStateMachine):
    """One partner whose settings change, and clients whose owners are chosen meanwhile.

    ``told``: the owner that the responsible people know of. ``young``: clients that were added while others
    still followed; they are as good as told.
    """

    app = None

    def __init__(self):
        super().__init__()
        begin_anew(self.app)
        self.patches = pytest.MonkeyPatch()
        self.patches.setattr(following, "IN_SAVE", 1)
        self.patches.setattr(following, "IN_STEP", 2)
        with self.change():
            self.told = {client.id: Owner.VENDOR for client in db.session.scalars(select(Client))}
        self.young = set()

    def teardown(self):
        try:
            while self.following():
                self.worker_takes_a_step()
            self.all_is_as_if_it_had_been_at_once()
        finally:
            self.patches.undo()

    def change(self):
        return unit_of_work(self.app)

    def following(self):
        with self.change():
            return db.session.scalar(select(SettingsChange.partner_id)) is not None

    def client(self, number):
        ids = db.session.scalars(select(Client.id).order_by(Client.id)).all()
        return db.session.get(Client, ids[number % len(ids)])

    @rule(steps=st.sampled_from(("90,60", "30", "100,7", "14,1")))
    def steps_change(self, steps):
        with self.change():
            partner = db.session.scalar(select(Partner))
            wanted = replace(partners.schedule_of(partner), steps_text=f":{steps}/{steps}")
            partners.save_schedule(None, partner, wanted)

    @rule(text=st.sampled_from((None, "P45D", "P2M", "P12M")))
    def rule_changes(self, text):
        with self.change():
            partner = db.session.scalar(select(Partner))
            partners.save_terms(None, partner, partners.Terms(False, text))

    @rule(owner=st.sampled_from(Owner))
    def default_changes(self, owner):
        with self.change():
            partner = db.session.scalar(select(Partner))
            wanted = partners.Default(owner, partner.notified_user_id)
            partners.save_default(None, partner, wanted)

    @rule(number=st.integers(0, 9), choice=st.sampled_from(Choice))
    def owner_is_chosen(self, number, choice):
        with self.change():
            ownership.choose_owner(None, self.client(number), choice, None)

    @rule(by_rule=st.booleans())
    def client_is_added(self, by_rule):
        amid = self.following()
        with self.change():
            partner = db.session.scalar(select(Partner))
            client = clients.add_client(None, partner, clients.ClientDetails("New"))
            details = subscriptions.SubscriptionDetails(
                "Hub", 12, RENEWAL, deadline_by_rule=by_rule
            )
            subscriptions.add_subscription(None, client, details)
            self.told[client.id] = partner.default_owner
            if amid:
                self.young.add(client.id)

    @rule(number=st.integers(0, 9), days=st.integers(0, 3))
    def date_moves(self, number, days):
        with self.change():
            client = self.client(number)
            subscription = db.session.scalars(
                select(Subscription).where(Subscription.client_id == client.id)
            ).first()
            moved = replace(
                subscriptions.details_of(subscription),
                renewal_date=RENEWAL + timedelta(days=days),
            )
            subscriptions.edit_subscription(None, subscription, moved)

    @rule()
    def worker_takes_a_step(self):
        with self.change():
            following.step(db.session.scalar(select(Partner.id)))

    @rule()
    def worker_is_killed_amid_a_step(self):
        with suppress(Killed), self.change():
            following.step(db.session.scalar(select(Partner.id)))
            db.session.flush()
            db.session.rollback()
            raise Killed

    @rule()
    def notes_go_out(self):
        """Nothing was sent before, so all changes are forgotten; none is while clients still follow."""
        amid = self.following()
        with self.change():
            list(takeover_notes.issue(NOW + timedelta(minutes=11)))
            if not amid:
                self.told = self.effective()

    @precondition(lambda self: self.following())
    @rule()
    def planning_leaves_them_alone(self):
        with self.change():
            assert list(planning.plan(NOW + timedelta(days=400))) == []

    def effective(self):
        return {
            client.id: client.owner or client.partner.default_owner
            for client in db.session.scalars(select(Client))
        }

    @precondition(lambda self: not self.following())
    @invariant()
    def all_is_as_if_it_had_been_at_once(self):
        with self.change():
            before = dict(
                db.session.execute(select(OwnerChange.client_id, OwnerChange.owner_before)).all()
            )
            effective = self.effective()
            remembered = {id: before.get(id, owner) for id, owner in effective.items()}
            for id in self.young:
                self.told[id] = remembered[id]
            self.young.clear()
            assert remembered == self.told
            partner = db.session.scalar(select(Partner))
            days = timedelta(days=farthest(partner.steps))
            for subscription in db.session.scalars(select(Subscription)):
                renewal, anchor = subscription.renewal_date, subscription.anchor_day
                rule = partner.deadline_rule if subscription.deadline_by_rule else None
                assert subscription.deadline == deadline_by(rule, renewal, 12, anchor)
                assert subscription.attention_on == subscription.base_date - days
            assert db.session.scalar(select(Reminder.id)) is None


@pytest.fixture
def machine(tmp_path):
    """The machine on an SQLite file of its own, which each example begins with anew."""
    app = new_portal(tmp_path)
    with unit_of_work(app):
        partner = support.make_partner("Odnowa", sending=True)
        db.session.add(partner)
        for number in range(CLIENTS):
            client = make_client(partner, f"Client {number}")
            day = RENEWAL - timedelta(days=90)
            by_rule = {"attention_on": day, "deadline_by_rule": number % 2 == 0}
            db.session.add(make_subscription(client, "Hub", RENEWAL, **by_rule))
        alice = support.make_user(partner, "Alice", admin=True)
        db.session.add(alice)
        db.session.flush()
        partner.notified_user_id = alice.id
    keep(app)
    return type("Portal", (Portal,), {"app": app})


def test_clients_follow_as_if_all_had_been_at_once(machine):
    with time_machine.travel(NOW, tick=False):
        run_state_machine_as_test(
            machine, settings=settings(max_examples=20 * TIMES, stateful_step_count=20)
        )
