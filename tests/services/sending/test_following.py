"""Clients follow their partner's settings: at once if they are few, else in steps of a worker."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import create_engine, delete, func, select, text, update

from tests.support.cast import ON_POSTGRESQL, make_client, make_subscription, unit_of_work
from webapp import worker
from webapp.domain.ownership import Choice, Owner
from webapp.models import (
    Client,
    ContactAssignment,
    Delivery,
    DeliveryState,
    MailKind,
    OwnerChange,
    Partner,
    Reminder,
    ReminderEvent,
    ReminderState,
    SettingsChange,
    Subscription,
    User,
    db,
    delivery_reminder,
)
from webapp.services.accounts import membership, partners
from webapp.services.clients import ownership
from webapp.services.reminders import due_index, planning
from webapp.services.sending import checks, following, outbox, relevance, takeover_notes

# Acme and all others renew on 31 March 2027; Acme is the first of them.
RENEWAL = date(2027, 3, 31)
NOW = datetime(2027, 2, 1, 10, tzinfo=UTC)


@pytest.fixture(autouse=True)
def today():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture(autouse=True)
def small_steps(monkeypatch):
    monkeypatch.setattr(following, "IN_SAVE", 2)
    monkeypatch.setattr(following, "IN_STEP", 3)


def populate(app, cast, clients):
    """So many clients of Alice's partner, each with a subscription."""
    with unit_of_work(app):
        partner = db.session.get(Partner, cast.partner)
        partner.sending = True
        added = [make_client(partner, f"Company {number}") for number in range(1, clients)]
        db.session.add_all(make_subscription(client, "Hub", RENEWAL) for client in added)
        db.session.flush()
        due_index.refresh_where(Subscription.id.is_not(None))


def save_steps(app, cast, steps):
    with unit_of_work(app):
        partner, alice = db.session.get(Partner, cast.partner), db.session.get(User, cast.alice)
        wanted = replace(partners.schedule_of(partner), steps_text=f":{steps}/{steps}")
        partners.save_schedule(alice, partner, wanted)


def save_rule(app, cast, rule):
    with unit_of_work(app):
        partner, alice = db.session.get(Partner, cast.partner), db.session.get(User, cast.alice)
        wanted = replace(partners.terms_of(partner), deadline_rule_text=rule)
        partners.save_terms(alice, partner, wanted)


def save_default(app, cast, owner):
    with unit_of_work(app):
        partner, alice = db.session.get(Partner, cast.partner), db.session.get(User, cast.alice)
        partners.save_default(alice, partner, partners.Default(owner, cast.alice))


def take_step(app, cast):
    with unit_of_work(app):
        return following.step(cast.partner)


def look(app, *columns):
    with app.app_context():
        found = db.session.execute(select(*columns)).all()
        db.session.remove()
    return [tuple(row) for row in found]


def days_before(app, cast):
    """How many days before the renewal each client of the partner needs attention next."""
    days = select(Subscription.attention_on).join(Client, Client.id == Subscription.client_id)
    with app.app_context():
        own = days.where(Client.partner_id == cast.partner).order_by(Client.id)
        found = [(RENEWAL - day).days for day in db.session.scalars(own)]
        db.session.remove()
    return found


@pytest.mark.parametrize("clients", [1, 2, 3, 5, 8])
def test_in_the_end_all_have_followed(app, cast, clients):
    populate(app, cast, clients)
    save_steps(app, cast, "20,10")
    at_once = min(clients, 2)
    assert days_before(app, cast) == [20] * at_once + [90] * (clients - at_once)
    while take_step(app, cast):
        pass
    assert days_before(app, cast) == [20] * clients
    assert look(app, SettingsChange) == []


@pytest.mark.parametrize("clients", [1, 8])
def test_a_round_of_the_worker_takes_all_steps(app, cast, clients):
    populate(app, cast, clients)
    save_steps(app, cast, "57")
    counts = worker.once(app)
    assert days_before(app, cast) == [57] * clients
    # Only the other partner's client is due.
    assert counts["planned"] == 1
    save_steps(app, cast, "58,57")
    assert worker.once(app)["planned"] == clients


def test_another_change_begins_from_the_first_client_again(app, cast):
    populate(app, cast, 6)
    save_steps(app, cast, "20")
    take_step(app, cast)
    save_steps(app, cast, "30")
    assert days_before(app, cast) == [30, 30, 20, 20, 20, 90]
    while take_step(app, cast):
        pass
    assert days_before(app, cast) == [30] * 6


@pytest.mark.parametrize("clients", [3, 40])
def test_a_save_takes_as_many_statements_with_many_clients(app, cast, statements, clients):
    populate(app, cast, clients)
    with statements() as log:
        save_steps(app, cast, "20")
        save_default(app, cast, Owner.PARTNER)
    assert len(log) == 32


def test_nothing_is_planned_for_a_partner_whose_clients_still_follow(app, cast):
    populate(app, cast, 4)
    save_steps(app, cast, "90,58")
    # Another partner's client is due at the same time.
    with unit_of_work(app):
        assert sum(planning.plan(NOW)) == 1
    while take_step(app, cast):
        pass
    with unit_of_work(app):
        assert sum(planning.plan(NOW)) == 4
    rows = look(app, Reminder.step, Reminder.client_id)
    assert {step for step, client in rows if client == cast.client} == {90, 58}


class Killed(BaseException):
    """Stands for kill -9."""


@pytest.mark.parametrize("killed_at", range(6))
def test_a_worker_that_is_killed_leaves_the_rest_to_the_next(app, cast, monkeypatch, killed_at):
    populate(app, cast, 9)
    save_steps(app, cast, "20")
    save_default(app, cast, Owner.PARTNER)
    commit, left = worker.commit, [killed_at]

    def commit_or_die():
        if not left[0]:
            raise Killed
        left[0] -= 1
        commit()

    monkeypatch.setattr(worker, "commit", commit_or_die)
    with pytest.raises(Killed):
        worker.once(app)
    monkeypatch.setattr(worker, "commit", commit)
    worker.once(app)
    assert days_before(app, cast) == [20] * 9
    assert look(app, OwnerChange.owner_before) == [(Owner.VENDOR,)] * 9
    assert look(app, SettingsChange) == []


def test_new_steps_alone_change_no_owner_and_wake_nobody(app, cast):
    populate(app, cast, 4)
    block(app, cast)
    save_steps(app, cast, "90,20")
    while take_step(app, cast):
        pass
    assert look(app, OwnerChange) == look(app, ReminderEvent) == []


def queue(app, cast):
    """The mails of the step of 90 days, for all clients of all partners."""
    with unit_of_work(app):
        list(planning.plan(NOW))
        outbox.issue_due(NOW)


def of_partner(app, cast, column):
    """The values of a column of the reminders, or the mails, of the partner's clients."""
    known = [
        id for id, partner in look(app, Client.id, Client.partner_id) if partner == cast.partner
    ]
    return {
        value for value, client in look(app, column, column.class_.client_id) if client in known
    }


@pytest.mark.parametrize("steps", ["", "91,14", "14"])
def test_what_waits_by_a_step_that_is_taken_out_ends_and_comes_back_with_it(app, cast, steps):
    populate(app, cast, 6)
    queue(app, cast)
    (step,) = of_partner(app, cast, Reminder.step) - {90}
    assert of_partner(app, cast, Delivery.state) == {DeliveryState.QUEUED}
    save_steps(app, cast, steps)
    while take_step(app, cast):
        pass
    assert DeliveryState.QUEUED not in of_partner(app, cast, Delivery.state)
    assert of_partner(app, cast, Reminder.state) == {ReminderState.SUPERSEDED}
    save_steps(app, cast, f"{step},14")
    while take_step(app, cast):
        pass
    queue(app, cast)
    assert DeliveryState.QUEUED in of_partner(app, cast, Delivery.state)
    assert ReminderState.DUE not in of_partner(app, cast, Reminder.state)


@pytest.mark.parametrize("state", [DeliveryState.FAILED, DeliveryState.UNCLEAR])
def test_a_mail_that_did_not_arrive_is_not_wanted_once_its_step_is_gone(app, cast, state):
    populate(app, cast, 2)
    queue(app, cast)
    with unit_of_work(app):
        db.session.execute(update(Delivery).values(state=state))
    for steps, wanted in (("60,14", True), ("14", False)):
        save_steps(app, cast, steps)
        with unit_of_work(app):
            ids = db.session.scalars(
                select(Delivery.id).where(Delivery.client_id == cast.client)
            ).all()
            assert relevance.still_wanted(ids, NOW) == (set(ids) if wanted else set())


def test_a_blocked_reminder_ends_with_its_step(app, cast):
    populate(app, cast, 6)
    block(app, cast)
    save_steps(app, cast, "20")
    while take_step(app, cast):
        pass
    assert of_partner(app, cast, Reminder.state) == {ReminderState.SUPERSEDED}


def test_a_mail_whose_step_is_gone_is_not_claimed_before_its_client_has_followed(app, cast):
    populate(app, cast, 6)
    queue(app, cast)
    with unit_of_work(app):
        partner = db.session.get(Partner, cast.partner)
        partner.steps_text = ":/"
    with unit_of_work(app):
        mails = db.session.scalars(
            select(Delivery).where(Delivery.partner_id == cast.partner)
        ).all()
        assert checks.still_right(mails, NOW) == []
    assert of_partner(app, cast, Delivery.state) == {DeliveryState.SUPERSEDED}
    # Those that nobody can be told of end once their clients follow.
    assert of_partner(app, cast, Reminder.state) == {
        ReminderState.SUPERSEDED,
        ReminderState.BLOCKED,
    }


def block(app, cast):
    """A blocked reminder of each client."""
    with unit_of_work(app):
        for subscription in db.session.scalars(select(Subscription)):
            db.session.add(
                Reminder(
                    subscription_id=subscription.id,
                    client_id=subscription.client_id,
                    base_date=RENEWAL,
                    step=90,
                    cycle=1,
                    due_on=RENEWAL - timedelta(days=90),
                    state=ReminderState.BLOCKED,
                    planned_at=NOW,
                )
            )


def of_bob(app, cast):
    with unit_of_work(app):
        membership.activate(db.session.get(User, cast.alice), db.session.get(User, cast.bob))


@pytest.mark.parametrize(
    "change", [lambda app, cast: save_default(app, cast, Owner.PARTNER), of_bob]
)
def test_blocked_reminders_of_all_clients_are_woken_by_whoever_made_the_change(app, cast, change):
    populate(app, cast, 6)
    block(app, cast)
    with unit_of_work(app):
        db.session.get(User, cast.bob).active = False
    change(app, cast)
    while take_step(app, cast):
        pass
    states = look(app, Reminder.state)
    # The other partner's stays.
    assert states.count((ReminderState.DUE,)) == 6
    assert states.count((ReminderState.BLOCKED,)) == 1
    assert (
        look(app, ReminderEvent.state, ReminderEvent.actor_id)
        == [(ReminderState.DUE, cast.alice)] * 6
    )


# What is remembered of the last of five clients, whose choice is made before, amid or after the change of
# the default from vendor to partner; and the effective owner in the end.
AMID = [
    ((), (), "vendor", "partner"),
    ((Choice.VENDOR,), (), None, "vendor"),
    ((Choice.PARTNER,), (), None, "partner"),
    ((), (Choice.VENDOR,), "vendor", "vendor"),
    ((), (Choice.PARTNER,), "vendor", "partner"),
    ((), (Choice.VENDOR, Choice.INHERIT), "vendor", "partner"),
    ((Choice.PARTNER,), (Choice.INHERIT,), "partner", "partner"),
    ((Choice.VENDOR,), (Choice.INHERIT,), "vendor", "partner"),
]


@pytest.mark.parametrize("twice", [False, True])
@pytest.mark.parametrize(("first", "amid", "before", "after"), AMID)
def test_the_owner_before_is_right_whatever_is_chosen_amid_the_steps(
    app, cast, first, amid, before, after, twice
):
    populate(app, cast, 5)
    last = max(id for id, partner in look(app, Client.id, Client.partner_id) if partner == 1)

    def choose(choices):
        for choice in choices:
            with unit_of_work(app):
                client = db.session.get(Client, last)
                ownership.choose_owner(db.session.get(User, cast.alice), client, choice, None)

    choose(first)
    with unit_of_work(app):
        db.session.execute(delete(OwnerChange))
    save_default(app, cast, Owner.PARTNER)
    choose(amid)
    if twice:
        save_default(app, cast, Owner.VENDOR)
        take_step(app, cast)
        save_default(app, cast, Owner.PARTNER)
    while take_step(app, cast):
        pass
    remembered = {
        id: owner.value for id, owner in look(app, OwnerChange.client_id, OwnerChange.owner_before)
    }
    assert remembered.get(last) == before
    with app.app_context():
        client = db.session.get(Client, last)
        assert (client.owner or client.partner.default_owner).value == after


def tell(app, cast):
    """A reminder of each client has gone out already."""
    block(app, cast)
    with unit_of_work(app):
        db.session.execute(update(Reminder).values(state=ReminderState.ISSUED))
        for reminder in db.session.scalars(select(Reminder)).all():
            mail = Delivery(
                kind=MailKind.REMINDER_CLIENT,
                partner_id=cast.partner,
                client_id=reminder.client_id,
                day=date(2026, 12, 31),
                recipient_id=cast.dana,
                email="dana@acme.example",
                language="en",
                snapshot={"recipient": "Dana"},
                state=DeliveryState.SENT,
                queued_at=NOW,
                send_after=NOW,
            )
            db.session.add(mail)
            db.session.flush()
            db.session.execute(
                delivery_reminder.insert().values(delivery_id=mail.id, reminder_id=reminder.id)
            )


def issue(app, minutes):
    with unit_of_work(app):
        return sum(takeover_notes.issue(NOW + timedelta(minutes=minutes)))


def test_no_note_goes_out_before_all_clients_have_followed(app, cast):
    populate(app, cast, 5)
    tell(app, cast)
    save_default(app, cast, Owner.PARTNER)
    assert issue(app, 11) == 0
    while take_step(app, cast):
        pass
    assert issue(app, 11) == 1
    assert look(app, OwnerChange) == []


def test_a_note_tells_of_so_many_clients_at_most(app, cast, monkeypatch):
    monkeypatch.setattr(takeover_notes, "MOST_CLIENTS", 2)
    populate(app, cast, 5)
    tell(app, cast)
    save_default(app, cast, Owner.PARTNER)
    while take_step(app, cast):
        pass
    assert issue(app, 11) == 3


def test_changes_that_need_no_note_are_forgotten_in_chunks(app, cast, monkeypatch):
    monkeypatch.setattr(takeover_notes, "CHUNK", 2)
    populate(app, cast, 5)
    save_default(app, cast, Owner.PARTNER)
    while take_step(app, cast):
        pass
    with unit_of_work(app):
        assert list(takeover_notes.issue(NOW + timedelta(minutes=11))) == [0, 0, 0]
    assert look(app, OwnerChange) == []


@pytest.mark.parametrize(
    "in_use",
    [
        "SELECT id FROM client WHERE id = :client FOR UPDATE",
        "UPDATE subscription SET product = 'Other' WHERE client_id = :client",
        "UPDATE client SET owner = 'vendor' WHERE id = :client",
        # What the foreign key of a new subscription asks for.
        "SELECT id FROM client WHERE id = :client FOR KEY SHARE",
    ],
)
@ON_POSTGRESQL
def test_a_client_that_is_in_use_and_those_after_it_follow_later(app, cast, database_url, in_use):
    populate(app, cast, 5)
    own = sorted(id for id, partner in look(app, Client.id, Client.partner_id) if partner == 1)
    engine = create_engine(database_url)
    with engine.begin() as other:
        other.execute(text(in_use), {"client": own[3]})
        save_steps(app, cast, "20")
        assert take_step(app, cast)
        assert not take_step(app, cast)
        assert days_before(app, cast) == [20, 20, 20, 90, 90]
    engine.dispose()
    assert take_step(app, cast)
    assert days_before(app, cast) == [20] * 5


@ON_POSTGRESQL
def test_all_have_followed_only_once_nobody_adds_a_client(app, cast, database_url):
    """Somebody who began before the save may have worked out dates by the old steps."""
    engine = create_engine(database_url)
    with engine.begin() as other:
        key_of_new_client = text("SELECT id FROM partner WHERE id = :id FOR KEY SHARE")
        other.execute(key_of_new_client, {"id": cast.partner})
        save_steps(app, cast, "20")
        assert not take_step(app, cast)
        assert look(app, func.count(SettingsChange.partner_id)) == [(1,)]
    engine.dispose()
    assert take_step(app, cast)
    assert look(app, SettingsChange) == []


def test_contacts_of_a_client_still_release_its_reminders_at_once(app, cast):
    populate(app, cast, 3)
    block(app, cast)
    with unit_of_work(app):
        dana = db.session.get(User, cast.dana)
        dana.active = False
        db.session.execute(delete(ContactAssignment))
        membership.activate(None, dana)
    assert look(app, Reminder.state).count((ReminderState.DUE,)) == 1
    assert look(app, SettingsChange) == []


def deadlines(app, cast):
    """The deadlines of the partner's subscriptions, client by client."""
    rows = select(Subscription.deadline).join(Client, Client.id == Subscription.client_id)
    with app.app_context():
        own = rows.where(Client.partner_id == cast.partner).order_by(Client.id)
        found = list(db.session.scalars(own))
        db.session.remove()
    return found


def by_rule(app, **values):
    """Let all subscriptions follow the rule of their partners, of which there is none yet."""
    with unit_of_work(app):
        db.session.execute(update(Subscription).values(deadline_by_rule=True, **values))


# (the rule, the deadline of 31 March 2027 by it, the first day of attention)
RULES = [
    ("P45D", date(2027, 2, 14), 135),
    ("P1M", date(2027, 2, 28), 121),
    # As long as the term: none.
    ("P12M", None, 90),
    (None, None, 90),
]


@pytest.mark.parametrize(("rule", "deadline", "days"), RULES)
def test_deadlines_follow_the_rule_in_steps(app, cast, rule, deadline, days):
    populate(app, cast, 5)
    by_rule(app)
    # One has its own date, which no rule moves.
    own = date(2027, 3, 1)
    with unit_of_work(app):
        subscription = db.session.get(Subscription, cast.subscription)
        subscription.deadline, subscription.deadline_by_rule = own, False
        due_index.refresh([subscription])
    save_rule(app, cast, rule)
    assert deadlines(app, cast)[2:] == [None] * 3
    while take_step(app, cast):
        pass
    with app.app_context():
        rows = db.session.scalars(
            select(Subscription)
            .join(Client, Client.id == Subscription.client_id)
            .where(Client.partner_id == cast.partner)
            .order_by(Subscription.client_id)
        ).all()
        first, *others = rows
        assert (first.deadline, first.client.first_decision_on) == (own, own)
        for row in others:
            assert row.deadline == deadline
            assert row.client.first_decision_on == (deadline or RENEWAL)
            assert row.attention_on == RENEWAL - timedelta(days=days)
            assert row.version == (2 if deadline else 1)
        # The other partner's has no rule to follow.
        other = db.session.get(Subscription, cast.other_subscription)
        assert (other.deadline, other.version) == (None, 1)
        db.session.remove()


def mails(app, cast):
    """The mails about Acme in each state."""
    with app.app_context():
        states = select(Delivery.state).where(Delivery.client_id == cast.client)
        found = Counter(state.value for state in db.session.scalars(states))
        db.session.remove()
    return found


def reminders(app, cast):
    """The reminders of Acme: base date, step, state."""
    with app.app_context():
        rows = db.session.scalars(
            select(Reminder).where(Reminder.client_id == cast.client).order_by(Reminder.id)
        )
        found = [(row.base_date, row.step, row.state.value) for row in rows]
        db.session.remove()
    return found


def plan_and_issue(app):
    with unit_of_work(app):
        sum(planning.plan(NOW))
        outbox.issue_due(NOW)


def test_a_moved_deadline_moves_reminders_and_queued_mails_as_an_edit_does(app, cast):
    populate(app, cast, 1)
    by_rule(app)
    plan_and_issue(app)
    old, new = RENEWAL, date(2027, 2, 28)
    planned = [(old, 60, "issued"), (old, 90, "superseded")]
    assert (reminders(app, cast), mails(app, cast)) == (planned, {"queued": 3})
    save_rule(app, cast, "P1M")
    ended = [(old, 60, "superseded"), (old, 90, "superseded")]
    assert (reminders(app, cast), mails(app, cast)) == (ended, {"superseded": 3})
    plan_and_issue(app)
    moved = [(new, 30, "issued"), (new, 90, "superseded"), (new, 60, "superseded")]
    assert reminders(app, cast) == ended + moved
    assert mails(app, cast) == {"superseded": 3, "queued": 3}

    # The rule is taken back: the old date's newest reminder wakes.
    save_rule(app, cast, None)
    plan_and_issue(app)
    assert reminders(app, cast)[0] == (old, 60, "issued")
    assert reminders(app, cast)[2] == (new, 30, "superseded")
    assert mails(app, cast) == {"superseded": 6, "queued": 3}


def test_a_moved_deadline_ends_what_put_its_decision_off(app, cast):
    """Else one that is over by now would not be among those to decide."""
    populate(app, cast, 2)
    by_rule(app)
    own = select(Subscription).filter_by(partner_id=cast.partner).order_by(Subscription.id)
    with unit_of_work(app):
        moved, same = db.session.scalars(own)
        same.deadline_by_rule = False
        for one in (moved, same):
            one.remind_on, one.remind_user_id = date(2027, 3, 1), cast.bob
    save_rule(app, cast, "P3M")
    with app.app_context():
        assert [(one.remind_on, one.remind_user_id) for one in db.session.scalars(own)] == [
            (None, None),
            (date(2027, 3, 1), cast.bob),
        ]


def test_steps_of_a_moved_deadline_start_today_if_a_mail_went_out(app, cast):
    populate(app, cast, 2)
    by_rule(app)
    with unit_of_work(app):
        sum(planning.plan(NOW))
    with unit_of_work(app):
        db.session.execute(delete(Reminder).where(Reminder.client_id != cast.client))
        due_index.refresh_where(Subscription.id.is_not(None))
    with unit_of_work(app):
        outbox.issue_due(NOW)
        sent = update(Delivery).where(Delivery.client_id == cast.client)
        db.session.execute(sent.values(state=DeliveryState.SENT))
    save_rule(app, cast, "P1M")
    with app.app_context():
        rows = db.session.scalars(
            select(Subscription)
            .where(Subscription.deadline.is_not(None))
            .order_by(Subscription.client_id)
        )
        found = [(row.steps_from, row.attention_on) for row in rows]
        db.session.remove()
    assert found == [(NOW.date(), date(2027, 2, 14)), (None, date(2026, 11, 30))]
