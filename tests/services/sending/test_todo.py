"""The To-do mail: one a day at most, to whoever is responsible; what is past its date is never silent."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from email import policy
from email.parser import BytesParser
from itertools import product

import pytest
import time_machine
from sqlalchemy import select, union_all, update

from tests.support import renewals
from tests.support.cast import make_client, make_subscription, make_user, unit_of_work
from tests.support.portal import run_at
from webapp.domain.delivery import DeliveryState
from webapp.domain.snapshots import ToDoSnapshot
from webapp.domain.todo import LATER, Rhythm, Section
from webapp.models import (
    Client,
    Delivery,
    InboxMail,
    MailKind,
    Partner,
    Subscription,
    User,
    db,
)
from webapp.services.accounts import membership, people
from webapp.services.lists import todo as page
from webapp.services.lists.todo_query import ToDoQuery
from webapp.services.reminders import due_index, loading
from webapp.services.sending import (
    decisions,
    message_ids,
    relevance,
    sending_again,
    todo,
    todo_facts,
    todo_waiting,
    transitions,
)
from webapp.services.sending.todo_facts import READERS, ToDoReader
from webapp.typography import plain

# Acme's Marketing Hub renews on Wednesday, 31 March 2027, in Warsaw. This is the Monday after, 8:00 there.
MONDAY = datetime(2027, 4, 5, 6, tzinfo=UTC)
WEEK, DAY = timedelta(days=7), timedelta(days=1)


@pytest.fixture
def team(app, cast):
    """The partner sends, and its people get the To-do mail on Mondays from MONDAY on."""
    with unit_of_work(app):
        db.session.execute(update(Partner).where(Partner.id == cast.partner).values(sending=True))
        set_people(cast, todo_at=MONDAY)
    return cast


def set_people(cast, **values):
    ours = User.organisation_id == cast.partner
    db.session.execute(update(User).where(ours).values(**values))


def renewing(cast, day, name, **values):
    """Add a client of Alice's partner with one subscription."""
    contact = values.pop("contact", None)
    partner = db.session.get_one(Partner, cast.partner)
    client = make_client(partner, name)
    db.session.add(client)
    db.session.flush()
    client.contact_id = contact
    subscription = make_subscription(client, "Sales Hub", day, **values)
    db.session.add(subscription)
    db.session.flush()
    due_index.refresh([subscription])
    return subscription


def mails(app, email):
    """The texts of the To-do mails that somebody got, oldest first."""
    read = BytesParser(policy=policy.default).parsebytes
    with app.app_context():
        found = select(InboxMail).where(InboxMail.recipient == email).order_by(InboxMail.id)
        got = [read(mail.message) for mail in db.session.scalars(found)]
    return [
        plain(mail.get_body(("plain",)).get_content())
        for mail in got
        if mail["Subject"].startswith("To do")
    ]


def queued(app, reader):
    """The states of somebody's To-do mails with their revisions."""
    with app.app_context():
        columns = (Delivery.about, Delivery.revision, Delivery.state)
        rows = db.session.execute(
            select(*columns)
            .where(Delivery.kind == MailKind.TO_DO, Delivery.recipient_id == reader)
            .order_by(Delivery.id)
        )
        return [(row.about, row.revision, row.state.value) for row in rows]


ALICE, BOB = "alice@odnowa.example", "bob@odnowa.example"


READ = {
    Section.DECIDE: lambda one, today: True,
    Section.WEEK: lambda one, today: True,
    Section.MONTH: lambda one, today: True,
    # The page looks farther, and shows also what nothing can be done about any more.
    Section.RENEWING: lambda one, today: today <= one.base_date <= today + LATER,
}


def told_to(reader_ids):
    """The renewals of the To-do mail of some people, by section and person."""
    rows = db.session.execute(READERS.where(User.id.in_(reader_ids)).order_by(User.id)).all()
    asked = [(ToDoReader.of(row), MONDAY - WEEK) for row in rows]
    told = todo_facts.snapshots(asked, MONDAY)
    return {
        reader.person.id: {
            section: {(one.client, one.product) for one in getattr(snapshot, section).first}
            for section in READ
        }
        for (reader, _since), snapshot in zip(asked, told, strict=True)
    }


@pytest.mark.parametrize("standing_in", [False, True])
def test_the_mail_and_the_page_have_the_same_renewals(
    app, team, monkeypatch, time_machine, standing_in
):
    """Of each person: responsible, standing in for nobody, or having asked for a reminder."""
    time_machine.move_to(MONDAY, tick=False)
    for module in (todo_waiting, todo_facts, page):
        monkeypatch.setattr(module, "MOST", 500)
    monkeypatch.setattr(page, "ROOM", 5000)
    monkeypatch.setattr(todo_facts, "told_renewals", first_of_all)
    with unit_of_work(app):
        today = MONDAY.date()
        renewals.many(team, today)
        partner = db.session.get_one(Partner, team.partner)
        if standing_in:
            refused = db.session.scalars(select(User).filter_by(name="Refused")).one()
            partner.notified_user_id = refused.id
            db.session.flush()
        told, lines = told_to([team.alice, team.bob]), 0
        for reader in (db.session.get_one(User, id) for id in (team.alice, team.bob)):
            shown = page.load(partner, reader, ToDoQuery(mine=True)).groups
            for group in shown:
                if group.section in READ:
                    fits = READ[group.section]
                    rows = {(one.client_id, one.product) for one in group.rows if fits(one, today)}
                    assert told[reader.id][group.section] == rows, (reader.name, group.section)
                    lines += len(rows)
        assert lines == sum(len(rows) for mail in told.values() for rows in mail.values()) > 50


def first_of_all():
    """The statement of the mail with all lines of each section."""
    return todo_waiting.first_of(union_all(*todo_waiting.renewals()), "base_date", "id")


@pytest.mark.parametrize(
    ("asker", "contact", "told"),
    [
        # Whoever asked, and whoever is responsible; each once.
        ("bob", None, {"alice", "bob"}),
        ("alice", None, {"alice"}),
        ("bob", "bob", {"bob"}),
        ("alice", "bob", {"alice", "bob"}),
    ],
)
def test_a_reminder_comes_on_its_day_and_until_then_it_is_put_off(app, team, asker, contact, told):
    with unit_of_work(app):
        set_people(team, todo_rhythm=Rhythm.DAILY)
        db.session.execute(update(Subscription).values(cancelled=True, open_choice=None))
        contact_id = getattr(team, contact) if contact else None
        one = renewing(team, date(2027, 4, 2), "Later", contact=contact_id)
        one.remind_on, one.remind_user_id = date(2027, 4, 7), getattr(team, asker)
    for day in range(3):
        run_at(app, MONDAY + day * DAY)
        got = {name for name, email in (("alice", ALICE), ("bob", BOB)) if mails(app, email)}
        assert got == (told if day == 2 else set())
    line = "- Later: Sales Hub, renewal date 2 April 2027 (5 days ago) · Reminder: 7 April 2027"
    for name in told:
        [text] = mails(app, {"alice": ALICE, "bob": BOB}[name])
        assert text.count(line) == 1
        assert "Needs a decision (1)" in text


def test_a_mail_of_before_there_was_a_page_is_read():
    line = {"client": 3, "product": "Hub", "base_date": "2027-04-01"}
    stored = {
        "version": 2,
        "recipient": "Alice",
        "time_zone": "Europe/Warsaw",
        "clients": [],
        "partner": {"id": 1, "name": "Odnowa"},
        "since": "2027-03-29T06:00:00+00:00",
        "past": {"count": 1, "first": [line | {"by_deadline": False, "renews_itself": False}]},
        "week": {"count": 0, "first": []},
        "month": {"count": 2, "first": [line | {"by_deadline": True, "renews_itself": True}]},
        "not_arrived": {"count": 0, "first": []},
    }
    read = ToDoSnapshot.from_json(stored)
    assert (read.decide.count, read.month.count, read.renewing.count) == (1, 2, 0)
    assert read.decide.first[0].remind_on is None
    assert ToDoSnapshot.from_json(read.to_json()) == read


def test_what_is_past_its_date_is_told_each_week_to_whoever_is_responsible(app, team):
    run_at(app, MONDAY - timedelta(minutes=1))
    assert mails(app, ALICE) == []
    run_at(app, MONDAY)
    run_at(app, MONDAY + DAY)
    [text] = mails(app, ALICE)
    assert "- Acme: Marketing Hub, renewal date 31 March 2027 (5 days ago)" in text
    assert mails(app, BOB) == []
    run_at(app, MONDAY + WEEK)
    assert len(mails(app, ALICE)) == 2
    assert queued(app, team.alice) == [
        ("day 2027-04-05", 1, "sent"),
        ("day 2027-04-12", 1, "sent"),
    ]


def test_sections_go_by_the_day_and_mark_what_renews_by_itself(app, team):
    monday = date(2027, 4, 5)
    with unit_of_work(app):
        renewing(team, monday, "A today")
        renewing(team, monday + timedelta(days=7), "B week", renews_itself=True)
        renewing(team, monday + timedelta(days=8), "C month")
        renewing(team, monday + timedelta(days=60), "D month", deadline=date(2027, 5, 5))
        renewing(team, monday + timedelta(days=31), "E later")
        renewing(team, monday - DAY, "F cancelled", cancelled=True)
    run_at(app, MONDAY)
    [text] = mails(app, ALICE)
    parts = text.replace("\r\n", "\n").split("\n\n")
    assert "Due within 7 days (1)" in parts
    assert "Due within 30 days (2)" in parts
    assert "Renews by itself within 30 days (1)" in parts
    assert "- A today: Sales Hub, renewal date 5 April 2027 (today)" in parts
    assert "- B week: Sales Hub, renews by itself on 12 April 2027 (in 7 days)" in parts
    assert (
        "- C month: Sales Hub, renewal date 13 April 2027 (in 8 days)\n"
        "- D month: Sales Hub, decision deadline 5 May 2027 (in 30 days)" in parts
    )
    assert "E later" not in text
    assert "F cancelled" not in text


def test_nothing_to_say_is_no_mail_and_the_next_moment_is_stored(app, team):
    with unit_of_work(app):
        db.session.execute(update(Subscription).values(cancelled=True, open_choice=None))
    run_at(app, MONDAY)
    with app.app_context():
        assert db.session.get_one(User, team.alice).todo_at == MONDAY + WEEK
    assert queued(app, team.alice) == []


def test_no_mail_while_the_partner_does_not_send(app, team):
    with unit_of_work(app):
        db.session.execute(update(Partner).values(sending=False))
    run_at(app, MONDAY)
    assert queued(app, team.alice) == []
    with app.app_context():
        assert db.session.get_one(User, team.alice).todo_at == MONDAY + WEEK


@pytest.mark.parametrize(
    ("rhythm", "told"),
    [(Rhythm.WEEKLY, [1, 1, 2]), (Rhythm.DAILY, [1, 2, 9]), (Rhythm.OFF, [1, 1, 2])],
)
def test_a_rhythm_says_how_often_and_what_is_past_cannot_be_switched_off(app, team, rhythm, told):
    with unit_of_work(app):
        set_people(team, todo_rhythm=rhythm)
    counts = []
    for day in range(9):
        run_at(app, MONDAY + day * DAY)
        counts.append(len(mails(app, ALICE)))
    assert [counts[0], counts[1], counts[8]] == told


def test_switched_off_it_does_not_tell_what_is_only_due(app, team):
    with unit_of_work(app):
        set_people(team, todo_rhythm=Rhythm.OFF)
        db.session.execute(update(Subscription).values(cancelled=True, open_choice=None))
        renewing(team, date(2027, 4, 7), "Soon")
    run_at(app, MONDAY)
    assert queued(app, team.alice) == []
    run_at(app, MONDAY + WEEK)
    assert "- Soon: Sales Hub, renewal date 7 April 2027 (5 days ago)" in mails(app, ALICE)[0]


def test_after_an_outage_of_weeks_there_is_one_mail(app, team):
    run_at(app, MONDAY + 3 * WEEK + 2 * DAY)
    assert queued(app, team.alice) == [("day 2027-04-28", 1, "sent")]
    with app.app_context():
        assert db.session.get_one(User, team.alice).todo_at == MONDAY + 4 * WEEK


def test_long_lists_are_cut_and_lead_to_the_page(app, team):
    with unit_of_work(app):
        for number in range(todo_facts.MOST + 2):
            renewing(team, date(2027, 4, 1), f"Many {number:02}")
    run_at(app, MONDAY)
    [text] = mails(app, ALICE)
    assert "Needs a decision (53)" in text
    assert text.count("- Many") == todo_facts.MOST - 1
    assert "- And 3 more: http://portal.test/partner/to-do?mine=1&section=decide" in text


def add_mail(cast, name, state, ended_at):
    """Add a reminder to somebody of Acme that has come to an end."""
    reader = make_user(db.session.get_one(Client, cast.client), name)
    db.session.add(reader)
    db.session.flush()
    db.session.add(
        Delivery(
            kind=MailKind.REMINDER_CLIENT,
            partner_id=cast.partner,
            client_id=cast.client,
            recipient_id=reader.id,
            email=reader.email,
            language="en",
            snapshot={},
            queued_at=ended_at,
            send_after=ended_at,
            ended_at=ended_at,
            state=DeliveryState(state),
        )
    )


@pytest.mark.parametrize("state", ["rejected", "failed", "bounced", "unclear", "sent"])
def test_mails_that_did_not_arrive_since_the_period_before_are_told(app, team, state):
    with unit_of_work(app):
        db.session.execute(update(Subscription).values(cancelled=True, open_choice=None))
        add_mail(team, "Old", state, MONDAY - WEEK - DAY)
        add_mail(team, "New", state, MONDAY - WEEK + DAY)
    run_at(app, MONDAY)
    if state == "sent":
        assert mails(app, ALICE) == []
        return
    [text] = mails(app, ALICE)
    assert "Mails that did not arrive (1)" in text
    assert "- Acme: Reminder to the client (New): " in text


@pytest.mark.parametrize("end", [DeliveryState.TOO_LATE, DeliveryState.FAILED])
def test_what_a_mail_in_vain_had_told_is_told_by_the_next(app, team, end):
    run_at(app, MONDAY)
    with unit_of_work(app):
        add_mail(team, "Lost", "failed", MONDAY + DAY)
    with unit_of_work(app):
        assert sum(todo.issue(MONDAY + WEEK)) == 1
    with unit_of_work(app):
        delivery = db.session.scalars(select(Delivery).filter_by(about="day 2027-04-12")).one()
        mine = transitions.columns.id == delivery.id
        transitions.bring_all(DeliveryState.QUEUED, end, MONDAY + WEEK, mine)
    run_at(app, MONDAY + 2 * WEEK)
    assert "- Acme: Reminder to the client (Lost): " in mails(app, ALICE)[-1]
    run_at(app, MONDAY + 3 * WEEK)
    assert "(Lost)" not in mails(app, ALICE)[-1]


def test_two_rounds_at_once_queue_one(app, team):
    with unit_of_work(app):
        readers = todo.due(MONDAY)
        todo.issue_to(readers, MONDAY)
        # As another worker does that had loaded them before.
        assert todo.issue_to(readers, MONDAY) == 0
    assert queued(app, team.alice) == [("day 2027-04-05", 1, "queued")]


def change(app, person, moment, **pace):
    with time_machine.travel(moment, tick=False), unit_of_work(app):
        reader = db.session.get_one(User, person)
        people.edit_person(reader, reader, **pace)
        return reader.todo_at


@pytest.mark.parametrize("before", [Rhythm.WEEKLY, Rhythm.DAILY])
@pytest.mark.parametrize("after", Rhythm)
def test_another_pace_brings_no_second_mail_on_the_day(app, team, before, after):
    with unit_of_work(app):
        set_people(team, todo_rhythm=before)
    run_at(app, MONDAY)
    hour = timedelta(hours=1)
    assert change(app, team.alice, MONDAY, todo_rhythm=after, todo_hour=9) == MONDAY + hour
    run_at(app, MONDAY + hour)
    assert len(mails(app, ALICE)) == 1
    following = MONDAY + hour + (DAY if after is Rhythm.DAILY else WEEK)
    run_at(app, following)
    assert len(mails(app, ALICE)) == 2


def test_another_weekday_never_makes_it_wait_longer_than_a_week(app, team):
    run_at(app, MONDAY)
    assert change(app, team.alice, MONDAY + DAY, todo_weekday=4) == MONDAY + 4 * DAY
    run_at(app, MONDAY + 4 * DAY)
    assert len(mails(app, ALICE)) == 2
    run_at(app, MONDAY + WEEK)
    assert len(mails(app, ALICE)) == 2


def test_a_mail_that_is_late_over_midnight_does_not_stand_for_the_next(app, team):
    sunday = MONDAY + timedelta(days=6, hours=15)
    with unit_of_work(app):
        set_people(team, todo_weekday=6, todo_hour=23, todo_at=sunday)
    run_at(app, sunday + timedelta(hours=2))
    run_at(app, sunday + WEEK)
    assert queued(app, team.alice) == [
        ("day 2027-04-11", 1, "sent"),
        ("day 2027-04-18", 1, "sent"),
    ]


def test_after_an_outage_it_waits_for_its_hour(app, team):
    """However seldom rounds are: it waits in the queue, and the next one sends it."""
    run_at(app, MONDAY + 2 * DAY - timedelta(hours=5))
    assert queued(app, team.alice) == [("day 2027-04-07", 1, "queued")]
    with app.app_context():
        assert db.session.get_one(User, team.alice).todo_at == MONDAY + WEEK
        mail = db.session.scalars(select(Delivery).where(Delivery.kind == MailKind.TO_DO)).one()
        assert mail.send_after == MONDAY + 2 * DAY
    run_at(app, MONDAY + 3 * DAY - timedelta(hours=5))
    assert queued(app, team.alice) == [("day 2027-04-07", 1, "sent")]


def issue_unsent(app):
    """Queue the mails, and hand nothing over yet."""
    with unit_of_work(app):
        assert sum(todo.issue(MONDAY)) == 1


def test_what_changed_before_it_goes_out_is_told_right(app, team):
    issue_unsent(app)
    with unit_of_work(app):
        renewing(team, date(2027, 4, 2), "Late")
    run_at(app, MONDAY + timedelta(minutes=1))
    assert queued(app, team.alice) == [
        ("day 2027-04-05", 1, "superseded"),
        ("day 2027-04-05", 2, "sent"),
    ]
    [text] = mails(app, ALICE)
    assert "- Late: " in text


def test_what_was_decided_before_it_goes_out_is_not_told(app, team):
    issue_unsent(app)
    with unit_of_work(app):
        db.session.execute(update(Subscription).values(cancelled=True, open_choice=None))
    run_at(app, MONDAY + timedelta(minutes=1))
    assert queued(app, team.alice) == [("day 2027-04-05", 1, "cancelled")]


def test_somebody_else_is_responsible_by_now(app, team):
    issue_unsent(app)
    with unit_of_work(app):
        db.session.get_one(Client, team.client).contact_id = team.bob
    run_at(app, MONDAY + timedelta(minutes=1))
    assert queued(app, team.alice) == [("day 2027-04-05", 1, "cancelled")]


def test_a_mail_of_the_period_before_is_too_late_when_the_next_is_due(app, team):
    issue_unsent(app)
    run_at(app, MONDAY + WEEK)
    assert queued(app, team.alice) == [
        ("day 2027-04-05", 1, "too_late"),
        ("day 2027-04-12", 1, "sent"),
    ]


def ended(app, team, state):
    issue_unsent(app)
    with unit_of_work(app):
        delivery = db.session.scalars(select(Delivery)).one()
        before = DeliveryState.QUEUED
        transitions.bring_all(before, state, MONDAY, transitions.columns.id == delivery.id)
        return delivery.id


@pytest.mark.parametrize("at_once", [False, True])
def test_sent_again_it_says_what_is_true_now(app, team, at_once):
    delivery_id = ended(app, team, DeliveryState.FAILED)
    with time_machine.travel(MONDAY + DAY, tick=False), unit_of_work(app):
        renewing(team, date(2027, 4, 2), "Late")
        delivery, alice = (
            db.session.get_one(Delivery, delivery_id),
            db.session.get_one(User, team.alice),
        )
        if at_once:
            assert sending_again.send(alice, [delivery_id]) == 1
        else:
            decisions.send_again(alice, delivery, decisions.shown(delivery))
    run_at(app, MONDAY + DAY)
    assert queued(app, team.alice) == [
        ("day 2027-04-05", 1, "superseded"),
        ("day 2027-04-05", 2, "sent"),
    ]
    [text] = mails(app, ALICE)
    assert "- Late: " in text


def test_sent_again_it_is_over_with_the_next_period_or_with_nothing_to_say(app, team):
    delivery_id = ended(app, team, DeliveryState.FAILED)
    with app.app_context():
        assert relevance.still_wanted([delivery_id], MONDAY + DAY) == {delivery_id}
        assert relevance.still_wanted([delivery_id], MONDAY + WEEK) == set()
    with time_machine.travel(MONDAY + DAY, tick=False), unit_of_work(app):
        db.session.execute(update(Subscription).values(cancelled=True, open_choice=None))
        assert sending_again.send(db.session.get_one(User, team.alice), [delivery_id]) == 0
    assert queued(app, team.alice) == [("day 2027-04-05", 1, "failed")]


def test_a_lost_mail_gets_the_same_message_id_again(app, team):
    made = []
    for _life in range(2):
        issue_unsent(app)
        with unit_of_work(app):
            delivery = db.session.scalars(select(Delivery)).one()
            made.append(message_ids.of([delivery])[delivery.id])
            db.session.delete(delivery)
            set_people(team, todo_at=MONDAY)
    assert made[0] == made[1]


def test_moments_follow_zone_and_access(app, team):
    with time_machine.travel(MONDAY, tick=False), unit_of_work(app):
        alice, bob = (db.session.get_one(User, id) for id in (team.alice, team.bob))
        membership.deactivate(alice, bob)
        assert bob.todo_at is None
        membership.activate(alice, bob)
        assert bob.todo_at == MONDAY + WEEK
        people.edit_person(alice, bob, time_zone="America/Sao_Paulo")
        assert bob.todo_at == datetime(2027, 4, 5, 11, tzinfo=UTC)
        carol = people.add_person(
            alice, alice.organisation, name="Carol", email="carol@odnowa.example"
        )
        assert carol.todo_at == MONDAY + WEEK
        client = db.session.get_one(Client, team.client)
        erin = people.add_person(alice, client, name="Erin", email="erin@acme.example")
        membership.deactivate(alice, erin)
        membership.activate(alice, erin)
        assert erin.todo_at is None


STATES = ("none", "active", "inactive", "rejected")


def person(organisation, name, state, **values) -> User | None:
    if state == "none":
        return None
    user = make_user(organisation, name, **values)
    user.active = state != "inactive"
    user.rejected_reply = "no" if state == "rejected" else None
    db.session.add(user)
    db.session.flush()
    return user


def test_the_responsible_people_are_those_of_the_rule(app, team):
    """Each state of the client's own contact with each of the default one, as the rule says and as SQL does."""
    with unit_of_work(app):
        partner = db.session.get_one(Partner, team.partner)
        db.session.execute(update(Subscription).values(cancelled=True, open_choice=None))
        person(partner, "Zoe", "active", admin=True)
        person(partner, "Yan", "rejected", admin=True)
        for default, own in product(STATES, STATES):
            standard = person(partner, f"standard {default} {own}", default)
            contact = person(partner, f"own {default} {own}", own)
            partner.notified_user_id = standard.id if standard else None
            renewal = renewing(
                team, date(2027, 4, 1), f"{default} {own}", contact=contact.id if contact else None
            )
            db.session.flush()
            client = loading.load_one(renewal.client_id)
            rows = db.session.execute(READERS.where(User.organisation_id == partner.id)).all()
            readers: Sequence[ToDoReader] = [ToDoReader.of(row) for row in rows]
            asked = [(reader, MONDAY - WEEK) for reader in readers]
            told = [
                reader.person.id
                for reader, snapshot in zip(
                    readers, todo_facts.snapshots(asked, MONDAY), strict=True
                )
                if isinstance(snapshot, ToDoSnapshot)
                and client.id in {named.id for named in snapshot.clients}
            ]
            assert told == [one.id for one in client.contact.people], (default, own)
            db.session.execute(
                update(Subscription)
                .where(Subscription.id == renewal.id)
                .values(cancelled=True, open_choice=None)
            )


def test_when_nobody_responsible_can_be_reached_all_others_are_told(app, team):
    with unit_of_work(app):
        db.session.execute(update(User).where(User.id == team.alice).values(rejected_reply="no"))
        assert todo_facts.unheard() == [("odnowa", True)]
    run_at(app, MONDAY)
    assert mails(app, ALICE) == []
    [text] = mails(app, BOB)
    assert "- Acme: Marketing Hub" in text
    with unit_of_work(app):
        set_people(team, rejected_reply="no")
        assert todo_facts.unheard() == [("odnowa", False)]
    run_at(app, MONDAY + WEEK)
    assert len(mails(app, BOB)) == 1


@pytest.mark.parametrize("role", ["contact", "default", "admin"])
def test_one_responsible_person_who_can_be_reached_is_enough(app, team, role):
    with unit_of_work(app):
        db.session.execute(update(User).where(User.id == team.alice).values(rejected_reply="no"))
        if role == "contact":
            db.session.get_one(Client, team.client).contact_id = team.bob
        elif role == "default":
            db.session.get_one(Partner, team.partner).notified_user_id = team.bob
        else:
            db.session.get_one(User, team.bob).admin = True
    with unit_of_work(app):
        assert todo_facts.unheard() == []


def test_an_admin_who_is_also_a_contact_gets_both_in_one_mail(app, team):
    with unit_of_work(app):
        db.session.execute(update(Partner).values(notified_user_id=None))
        renewing(team, date(2027, 4, 1), "Own", contact=team.alice)
        renewing(team, date(2027, 3, 1), "Bob's", contact=team.bob)
    run_at(app, MONDAY)
    [text] = mails(app, ALICE)
    assert text.index("- Acme: ") < text.index("- Own: ")
    assert "Needs a decision (2)" in text
    assert "Bob's" not in text


def test_statements_do_not_grow_with_people_and_clients(app, team, statements):
    def issued(moment):
        with statements() as log, unit_of_work(app):
            assert list(todo.issue(moment))
        # Where ids come back in order, SQLite has one INSERT for each row.
        return [one for one in log if not one.startswith("INSERT")]

    few = issued(MONDAY)
    with unit_of_work(app):
        partner = db.session.get_one(Partner, team.partner)
        for number in range(5):
            reader = person(partner, f"Many {number}", "active", todo_at=MONDAY)
            renewing(team, date(2027, 4, 1), f"Client {number}", contact=reader.id)
    assert len(issued(MONDAY + WEEK)) == len(few)
