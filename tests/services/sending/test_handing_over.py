"""The fate of mails when servers reject, break or die; with a real SMTP server."""

import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from email import message_from_bytes, policy
from hashlib import sha256
from threading import Thread

import pytest
import time_machine
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

from tests.support import run
from tests.support.cast import (
    assert_situations_are_kept,
    make_client,
    make_subscription,
    make_user,
    unit_of_work,
)
from tests.support.outage import Outage
from tests.support.portal import run_at
from webapp import worker
from webapp.config import load
from webapp.domain.recipients import ContactRole
from webapp.domain.retention import DataKind
from webapp.mail import opening, smtp
from webapp.models import (
    Client,
    ContactAssignment,
    Delivery,
    DeliveryMessage,
    DeliveryState,
    MailKind,
    Partner,
    Reminder,
    ReminderState,
    Subscription,
    Trouble,
    User,
    db,
)
from webapp.models.transactions import writing
from webapp.services.erasing import retention
from webapp.services.reminders import due_index, situations
from webapp.services.sending import breaker, handing_over

STEP_30 = datetime(2027, 3, 1, 10, tzinfo=UTC)


def outcome(app, recipient_id):
    """State, attempts and the server's reply of each delivery to one person, oldest first."""
    with app.app_context():
        rows = db.session.scalars(
            select(Delivery).where(Delivery.recipient_id == recipient_id).order_by(Delivery.id)
        )
        return [(row.state.value, row.attempts, row.reply) for row in rows]


def test_the_wire_has_one_recipient_and_the_headers_the_whole_circle(app, sending, sink):
    run_at(app, STEP_30)
    assert [letter.recipients for letter in sink.letters] == [
        ["dana@acme.example"],
        ["alice@odnowa.example"],
    ]
    for letter in sink.letters:
        headers = message_from_bytes(letter.content, policy=policy.default)
        assert str(headers["To"]) == "Dana <dana@acme.example>"
        assert str(headers["Cc"]) == "Alice <alice@odnowa.example>"
    assert sink.conversations == 1


def test_a_rejected_address_ends_as_rejected_and_the_partner_is_told(app, sending, sink):
    sink.refuse["dana@acme.example"] = "550 no such person"
    run_at(app, STEP_30)
    assert outcome(app, sending.dana) == [("rejected", 1, "550 no such person")]
    with app.app_context():
        assert db.session.get(User, sending.dana).rejected_reply == "550 no such person"
    run_at(app, STEP_30 + timedelta(minutes=1))
    with app.app_context():
        assert db.session.scalar(select(Reminder.state).where(Reminder.step == 30)) == "blocked"
    # Alice had her copy today: the task waits for tomorrow.
    run_at(app, STEP_30 + timedelta(days=1))
    assert [letter.recipients for letter in sink.letters] == [["alice@odnowa.example"]] * 2


def test_all_clients_with_a_rejected_address_are_seen_to_have_it(app, sending, sink):
    """One person may be the contact of several clients, even of several partners."""
    with unit_of_work(app):
        other = db.session.get(User, sending.other_dana)
        other.email = other.email_key = "dana@acme.example"
        role = ContactRole.PRIMARY
        db.session.add(
            ContactAssignment(client_id=sending.other_client, role=role, user_id=other.id)
        )
        situations.refresh([sending.client, sending.other_client])
    sink.refuse["dana@acme.example"] = "550 no such person"
    run_at(app, STEP_30)
    with app.app_context():
        assert_situations_are_kept()
        kept = select(Client.situation).where(Client.id.in_((sending.client, sending.other_client)))
        assert set(db.session.scalars(kept)) == {"id0r"}
        db.session.remove()


def test_a_message_that_is_rejected_flags_no_address(app, sending, sink):
    """The content of one partner's mails must not silence the addresses of another one's clients."""
    sink.answer = "554 5.6.0 looks like spam"
    run_at(app, STEP_30)
    assert outcome(app, sending.dana) == [("rejected", 1, "554 5.6.0 looks like spam")]
    run_at(app, STEP_30 + timedelta(minutes=1))
    with app.app_context():
        assert db.session.scalars(select(User.rejected_reply)).unique().all() == [None]
        # Rejected is its end: a person may have it sent again, nothing repeats by itself.
        assert db.session.scalar(select(Reminder.state).where(Reminder.step == 30)) == "issued"
        assert db.session.scalars(select(Delivery.state).distinct()).all() == ["rejected"]


@pytest.mark.parametrize("reply", ["451 later", "421 busy"])
def test_a_server_that_says_later_is_asked_again_with_the_same_bytes(app, sending, sink, reply):
    sink.refuse["dana@acme.example"] = reply
    run_at(app, STEP_30)
    assert outcome(app, sending.dana)[0][:2] == ("queued", 1)
    with app.app_context():
        first = db.session.scalar(
            select(DeliveryMessage.content)
            .join(Delivery, Delivery.id == DeliveryMessage.delivery_id)
            .where(Delivery.recipient_id == sending.dana)
        )
    sink.refuse.clear()
    run_at(app, STEP_30 + timedelta(minutes=2))
    assert outcome(app, sending.dana)[0][:2] == ("sent", 2)
    assert sink.letters[-1].recipients == ["dana@acme.example"]
    assert sink.letters[-1].content.strip() == first.strip()


def test_after_three_days_of_trying_it_has_failed(app, sending, sink):
    sink.refuse["dana@acme.example"] = "451 later"
    for hours in range(0, 120, 5):
        run_at(app, STEP_30 + timedelta(hours=hours))
    state, attempts, _ = outcome(app, sending.dana)[0]
    assert state == "failed"
    assert attempts >= 5


def test_a_line_that_drops_after_the_final_dot_is_unclear_and_not_sent_twice(app, sending, sink):
    sink.hang_up = True
    run_at(app, STEP_30)
    sink.hang_up = False
    run_at(app, STEP_30 + timedelta(minutes=20))
    assert outcome(app, sending.dana)[0][0] == "unclear"
    assert ["dana@acme.example"] not in [letter.recipients for letter in sink.letters]


def test_insistent_partners_have_an_unclear_mail_resent_once(app, sending, sink):
    with unit_of_work(app):
        db.session.execute(update(Partner).values(insistent=True))
    sink.hang_up = True
    run_at(app, STEP_30)
    run_at(app, STEP_30 + timedelta(minutes=1))
    run_at(app, STEP_30 + timedelta(minutes=2))
    assert outcome(app, sending.dana)[0][:2] == ("unclear", 2)


def test_a_dead_server_is_not_hammered(app, sending, sink):
    app.config["PORTAL"] = load({"PORTAL_MAIL_URL": "smtp://127.0.0.1:9?tls=off"})
    counts = run_at(app, STEP_30)
    # One mail knocks; the other one is given back as if it had never been in hand.
    assert (counts["queued"], counts["away"]) == (1, 1)
    assert [attempts for _, attempts, _ in outcome(app, sending.dana)] == [1]
    assert [attempts for _, attempts, _ in outcome(app, sending.alice)] == [0]
    with app.app_context():
        tried = db.session.scalars(select(Delivery.first_tried_at).order_by(Delivery.id)).all()
    assert [moment is None for moment in tried] == [False, True]


def test_a_mail_that_cannot_be_written_holds_up_no_other(app, sending, sink):
    evening = datetime(2027, 3, 1, 20, tzinfo=UTC)
    run_at(app, evening)
    with unit_of_work(app):
        # Such an address can't be entered; it stands for whatever makes writing fail.
        db.session.execute(
            update(Delivery)
            .where(Delivery.recipient_id == sending.dana)
            .values(resends=1, snapshot={})
        )
    run_at(app, evening + timedelta(hours=13))
    assert [letter.recipients for letter in sink.letters] == [["alice@odnowa.example"]]
    assert outcome(app, sending.dana)[0][0] == "queued"


def test_a_mail_that_an_earlier_version_queued_goes_out_as_it_is(app, sending, sink):
    evening = datetime(2027, 3, 1, 20, tzinfo=UTC)
    run_at(app, evening)
    with unit_of_work(app):
        for mail in db.session.scalars(select(Delivery)):
            first = {key: mail.snapshot[key] for key in mail.snapshot.keys() - {"version", "test"}}
            mail.snapshot = first | {"refused": first.pop("rejected")}
    run_at(app, evening + timedelta(hours=13))
    assert len(sink.letters) == 2
    for person in (sending.dana, sending.alice):
        assert [state for state, _, _ in outcome(app, person)] == ["sent"]


def test_a_queued_mail_that_cannot_be_read_is_written_anew(app, sending, sink):
    evening = datetime(2027, 3, 1, 20, tzinfo=UTC)
    run_at(app, evening)
    with unit_of_work(app):
        db.session.execute(update(Delivery).values(snapshot={"version": 99}))
    run_at(app, evening + timedelta(hours=13))
    assert len(sink.letters) == 2
    assert [state for state, _, _ in outcome(app, sending.dana)] == ["superseded", "sent"]


def test_a_claim_that_was_not_finished_comes_back(app, sending, sink):
    run_at(app, datetime(2027, 3, 1, 20, tzinfo=UTC))
    morning = datetime(2027, 3, 2, 9, tzinfo=UTC)
    with time_machine.travel(morning, tick=False), unit_of_work(app):
        assert handing_over.claim(morning, 1)
    run_at(app, morning + timedelta(minutes=1))
    assert len(sink.letters) == 1
    with unit_of_work(app):
        db.session.execute(
            update(Delivery).where(Delivery.state == DeliveryState.CLAIMED).values(lease_until=1)
        )
    run_at(app, morning + timedelta(minutes=11))
    assert sorted(letter.recipients[0] for letter in sink.letters) == [
        "alice@odnowa.example",
        "dana@acme.example",
    ]


def test_a_worker_that_lost_its_claim_sends_nothing(app, sending, sink):
    run_at(app, datetime(2027, 3, 1, 20, tzinfo=UTC))
    morning = datetime(2027, 3, 2, 9, tzinfo=UTC)
    with unit_of_work(app):
        claim = handing_over.claim(morning)[0]
        db.session.execute(update(Delivery).values(token=None, state=DeliveryState.QUEUED))
    with app.app_context(), db.engine.connect() as connection:
        opened = opening.open_transport(app.config["PORTAL"])
        with pytest.raises(handing_over.LostClaim):
            handing_over.hand_over(claim, opened, connection)
        opened.close()
    assert sink.letters == []


KILLED = """
import os, signal, sys
from webapp.app import create_app
from webapp.config import load
from webapp.mail import smtp
from webapp import worker
import time_machine
from datetime import UTC, datetime

place = sys.argv[1]
original = smtp.SmtpTransport.send

def send(self, envelope, message, before_data):
    def and_die():
        if place == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        before_data()
        os.kill(os.getpid(), signal.SIGKILL)
    return original(self, envelope, message, and_die)

smtp.SmtpTransport.send = send
with time_machine.travel(datetime(2027, 3, 1, 10, tzinfo=UTC), tick=False):
    worker.once(create_app(load()))
"""


@pytest.mark.parametrize(
    ("place", "ends"), [("before", "sent"), ("after", "unclear")], ids=["claimed", "handing over"]
)
def test_a_killed_worker_loses_nothing_and_repeats_nothing(
    app, sending, sink, tmp_path, place, ends
):
    settings = {
        "PORTAL_DATABASE_URL": app.config["SQLALCHEMY_DATABASE_URI"],
        "PORTAL_MAIL_URL": f"{sink.url}?tls=off",
        "PORTAL_INSTANCE_PATH": str(tmp_path),
        "PORTAL_SECRET_KEY": app.config["SECRET_KEY"],
    }
    process = subprocess.run(
        [sys.executable, "-c", KILLED, place], env=run.environment(**settings), check=False
    )
    assert process.returncode == -signal.SIGKILL
    with unit_of_work(app):
        db.session.execute(
            update(Delivery).where(Delivery.lease_until.is_not(None)).values(lease_until=1)
        )
    run_at(app, STEP_30 + timedelta(minutes=11))
    assert outcome(app, sending.dana)[0][0] == ends
    got = [letter.recipients[0] for letter in sink.letters]
    assert len(got) == len(set(got))
    assert "alice@odnowa.example" in got


def test_an_owner_who_changes_before_the_claim_changes_the_mail(app, sending, sink):
    evening = datetime(2027, 3, 1, 20, tzinfo=UTC)
    run_at(app, evening)
    with unit_of_work(app):
        db.session.get(Client, sending.client).owner = "partner"
    run_at(app, evening + timedelta(hours=13))
    assert [letter.recipients for letter in sink.letters] == [["alice@odnowa.example"]]
    assert outcome(app, sending.dana)[0][0] == "superseded"


def test_messages_are_kept_until_long_after_the_renewal(app, sending, sink):
    run_at(app, STEP_30)
    with app.app_context():
        stored = db.session.scalars(select(DeliveryMessage)).all()
        renewal = db.session.get_one(Subscription, sending.subscription).renewal_date
        assert [one.renewal_on for one in stored] == [renewal] * 2
        digests = sorted(sha256(letter.content).hexdigest() for letter in sink.letters)
        assert sorted(one.sha256 for one in stored) == digests
    end = datetime.combine(renewal, STEP_30.timetz()) + timedelta(days=400)
    for moment, gone in ((end - timedelta(days=1), 0), (end, 2)):
        with time_machine.travel(moment, tick=False), unit_of_work(app):
            assert retention.forget(DataKind.MESSAGE) == gone
    with app.app_context():
        stored = db.session.scalars(select(DeliveryMessage)).all()
        assert {one.content for one in stored} == {None}
        assert sorted(one.sha256 for one in stored) == digests


def test_a_mail_whose_bytes_were_removed_is_not_written_anew(app, sending, sink):
    """Else its SHA-256 would be another's."""
    run_at(app, STEP_30)
    with unit_of_work(app):
        db.session.execute(update(DeliveryMessage).values(content=None))
        waiting = {"state": DeliveryState.QUEUED, "ended_at": None}
        db.session.execute(update(Delivery).values(waiting))
    run_at(app, STEP_30 + timedelta(minutes=1))
    with app.app_context():
        mails = db.session.scalars(select(Delivery)).all()
        assert {(one.state, one.reply) for one in mails} == {
            (DeliveryState.QUEUED, Trouble.UNWRITABLE.value)
        }
    assert len(sink.letters) == 2


def test_what_nobody_thought_of_stops_one_mail_and_no_other(app, sending, sink, monkeypatch):
    address = smtp.address

    def broken(connection, envelope):
        answer = address(connection, envelope)
        if envelope.recipient == "dana@acme.example":
            raise UnicodeError("nobody has thought of this")
        return answer

    monkeypatch.setattr(smtp, "address", broken)
    run_at(app, STEP_30)
    assert [letter.recipients for letter in sink.letters] == [["alice@odnowa.example"]]
    assert outcome(app, sending.dana) == [("queued", 1, Trouble.BROKE)]


def test_a_claim_left_behind_when_the_next_step_has_gone_out_is_superseded(app, sending, sink):
    run_at(app, datetime(2027, 3, 1, 20, tzinfo=UTC))
    morning = datetime(2027, 3, 2, 9, tzinfo=UTC)
    with time_machine.travel(morning, tick=False), unit_of_work(app):
        assert handing_over.claim(morning)
    step_14 = datetime(2027, 3, 17, 10, tzinfo=UTC)
    run_at(app, step_14)
    with unit_of_work(app):
        db.session.execute(
            update(Delivery).where(Delivery.lease_until.is_not(None)).values(lease_until=1)
        )
    run_at(app, step_14 + timedelta(minutes=1))
    assert len(sink.letters) == 2
    assert [state for state, _, _ in outcome(app, sending.dana)] == ["superseded", "sent"]
    with app.app_context():
        states = dict(db.session.execute(select(Reminder.step, Reminder.state)).all())
    assert (states[30], states[14]) == (ReminderState.SUPERSEDED, ReminderState.ISSUED)


def put_everybody_off(app, sending, sink, clients, reply="451 4.7.1 greylisted"):
    """The three contacts of so many clients get "later"; then comes Zoe's turn."""
    with unit_of_work(app):
        partner = db.session.get(Partner, sending.partner)
        for number in range(clients):
            client = make_client(partner, f"Putoff{number}")
            db.session.add_all([client, make_subscription(client, "Hub", date(2027, 3, 31))])
            for role in ContactRole:
                person = add_contact(client, role, f"{role.value}{number}")
                sink.refuse[person.email] = reply
        last = make_client(partner, "Last")
        db.session.add_all([last, make_subscription(last, "Hub", date(2027, 3, 31))])
        add_contact(last, ContactRole.PRIMARY, "Zoe")
        due_index.refresh_where(Subscription.id.is_not(None))


def add_contact(client, role, name):
    person = make_user(client, name)
    db.session.add(person)
    db.session.flush()
    db.session.add(ContactAssignment(client_id=client.id, role=role, user_id=person.id))
    db.session.flush()
    return person


def recipients(sink):
    return {letter.recipients[0] for letter in sink.letters}


def test_who_is_put_off_holds_up_nobody(app, sending, sink):
    put_everybody_off(app, sending, sink, 3)
    counts = run_at(app, STEP_30)
    assert (counts["queued"], counts["away"]) == (9, 0)
    assert "zoe@last.example" in recipients(sink)


def test_a_server_that_puts_everybody_off_is_left_alone_for_a_while(app, sending, sink):
    put_everybody_off(app, sending, sink, 8)
    sink.refuse["alice@odnowa.example"] = "451 4.7.1 greylisted"
    counts = run_at(app, STEP_30)
    assert counts["away"] == 1
    assert counts["queued"] <= breaker.ENOUGH + 1
    assert "zoe@last.example" not in recipients(sink)
    # The next round begins with those whom nobody has tried.
    counts = run_at(app, STEP_30)
    assert counts["away"] == 0
    assert "zoe@last.example" in recipients(sink)


@pytest.mark.parametrize(
    "reply", ["554 5.7.1 Relay access denied", "553 5.7.1 Sender address rejected: not owned"]
)
def test_a_server_that_is_set_wrong_ends_no_mail(app, sending, sink, reply):
    put_everybody_off(app, sending, sink, 5, reply)
    for person in ("dana@acme.example", "alice@odnowa.example"):
        sink.refuse[person] = reply
    counts = run_at(app, STEP_30)
    assert (counts["queued"], counts["away"]) == (breaker.ENOUGH_REFUSALS, 1)
    assert sink.letters == []
    states = select(Delivery.state).where(Delivery.partner_id == sending.partner).distinct()
    with app.app_context():
        assert db.session.scalars(states).all() == ["queued"]
        assert db.session.scalars(select(User.rejected_reply)).unique().all() == [None]
    # Once it is set right, all go out.
    sink.refuse.clear()
    run_at(app, STEP_30 + timedelta(minutes=2))
    with app.app_context():
        assert db.session.scalars(states).all() == ["sent"]


def test_a_policy_that_refuses_all_of_a_round_is_the_servers_trouble(app, sending, sink):
    reply = "554 5.7.1 Client host rejected"
    sink.refuse = dict.fromkeys(["dana@acme.example", "alice@odnowa.example"], reply)
    counts = run_at(app, STEP_30)
    assert (counts["queued"], counts["away"]) == (2, 1)
    assert outcome(app, sending.dana) == [("queued", 1, reply)]


def test_a_policy_that_refuses_one_reader_holds_up_nobody(app, sending, sink):
    sink.refuse["dana@acme.example"] = "550 5.7.1 members of the list only"
    counts = run_at(app, STEP_30)
    assert (counts["queued"], counts["sent"], counts["away"]) == (1, 1, 0)


@pytest.fixture
def outage(app, sending, monkeypatch):
    """Of a database, in a portal whose claims last 20 seconds."""
    app.config["PORTAL"] = replace(app.config["PORTAL"], mail_timeout=30, lease_seconds=20)
    return Outage(app, monkeypatch)


@pytest.mark.parametrize("rests", [1, 3])
@pytest.mark.parametrize(
    ("step", "reply", "ends"),
    [("DATA", None, "sent"), ("RCPT", "550 no such person", "rejected")],
)
def test_what_the_server_said_outlives_a_database_that_is_away(
    app, sending, sink, outage, rests, step, reply, ends
):
    sink.refuse = {"dana@acme.example": reply} if reply else {}
    sink.upon[step] = outage.begin
    outage.rests = rests
    run_at(app, STEP_30)
    assert outage.moment == rests * worker.STORE_AGAIN
    assert [state for state, *_ in outcome(app, sending.dana)] == [ends]
    sent = [letter.recipients[0] for letter in sink.letters]
    assert sent == [*(["dana@acme.example"] if ends == "sent" else []), "alice@odnowa.example"]


def test_a_database_that_is_away_before_the_message_puts_the_mail_off(app, sending, sink, outage):
    sink.upon["RCPT"] = outage.begin
    outage.rests = 1
    counts = run_at(app, STEP_30)
    assert (counts["queued"], counts["sent"]) == (1, 1)
    run_at(app, STEP_30 + timedelta(minutes=2))
    assert len(sink.letters) == 2
    assert [state for state, *_ in outcome(app, sending.dana)] == ["sent"]


def test_what_can_not_be_stored_before_the_lease_ends_is_not_guessed(app, sending, sink, outage):
    sink.upon["DATA"] = outage.begin
    with pytest.raises(OperationalError):
        run_at(app, STEP_30)
    assert outage.moment == 21 * worker.STORE_AGAIN
    outage.end()
    with unit_of_work(app):
        db.session.execute(
            update(Delivery).where(Delivery.lease_until.is_not(None)).values(lease_until=1)
        )
    run_at(app, STEP_30 + timedelta(minutes=20))
    assert [state for state, *_ in outcome(app, sending.dana)] == ["unclear"]
    assert [letter.recipients[0] for letter in sink.letters] == [
        "dana@acme.example",
        "alice@odnowa.example",
    ]


def test_three_days_of_trying_begin_with_the_first_real_try(app, sending, sink):
    run_at(app, datetime(2027, 3, 1, 20, tzinfo=UTC))
    morning = datetime(2027, 3, 2, 9, tzinfo=UTC)
    with time_machine.travel(morning, tick=False), unit_of_work(app):
        taken = handing_over.claim(morning)
        handing_over.give_back(taken[:1], morning)
        # The other one's worker dies.
        db.session.execute(update(Delivery).where(Delivery.id == taken[1].id).values(lease_until=1))
    sink.refuse = dict.fromkeys(["dana@acme.example", "alice@odnowa.example"], "451 greylisted")
    run_at(app, morning + timedelta(days=6))
    for person in (sending.dana, sending.alice):
        assert outcome(app, person) == [("queued", 1, "451 greylisted")]


def test_the_last_try_comes_at_the_last_useful_moment(app, sending, sink):
    """The base date is 31 March; in Warsaw it ends at 22:00 UTC."""
    sink.refuse["dana@acme.example"] = "451 later"
    with unit_of_work(app):
        db.session.execute(
            update(Partner).values(window_days="0123456", window_closes=time(23, 59))
        )
    moment = datetime(2027, 3, 31, 18, tzinfo=UTC)
    mine = Delivery.recipient_id == sending.dana
    while outcome(app, sending.dana)[-1:] == [] or outcome(app, sending.dana)[-1][0] == "queued":
        run_at(app, moment)
        # Nothing is tried before the mail's next moment, so the rounds until then need not be lived through.
        with app.app_context():
            waits = db.session.scalars(select(Delivery.send_after).where(mine)).all()
        moment = max(moment + timedelta(minutes=1), *waits)
        assert moment < datetime(2027, 3, 31, 22, 1, tzinfo=UTC)
    assert outcome(app, sending.dana)[-1][0] == "failed"
    assert moment >= datetime(2027, 3, 31, 21, 59, tzinfo=UTC)


def test_two_refused_at_the_same_moment_leave_a_task(app, cast, sink):
    """Each worker alone would think that the other one's reader is being told."""
    app.config["PORTAL"] = load({"PORTAL_MAIL_URL": f"{sink.url}?tls=off"})
    with unit_of_work(app):
        db.session.execute(update(Partner).where(Partner.id == cast.partner).values(sending=True))
        due_index.refresh_where(Subscription.client_id == cast.client)
    run_at(app, datetime(2027, 3, 1, 20, tzinfo=UTC))
    morning = datetime(2027, 3, 2, 9, tzinfo=UTC)
    for address in ("dana@acme.example", "dave@acme.example"):
        sink.refuse[address] = "550 no such person"
    in_hand = []
    for _ in range(3):
        with unit_of_work(app):
            in_hand += handing_over.claim(morning, 1)

    def settle(claim, meanwhile):
        token = writing.set(True)
        with app.app_context(), db.engine.connect() as connection:
            opened = opening.open_transport(app.config["PORTAL"])
            outcome = handing_over.hand_over(claim, opened, connection)
            opened.close()
            handing_over.store(claim, outcome, connection, morning)
            meanwhile()
            db.session.commit()
            db.session.remove()
        writing.reset(token)

    first, second, copy = in_hand
    settle(copy, lambda: None)
    other = Thread(target=settle, args=(second, lambda: None))

    def start_the_other():
        other.start()
        # It must wait for this one's commit; without a lock it would be through by then.
        other.join(0.5)

    with time_machine.travel(morning, tick=False):
        settle(first, start_the_other)
        other.join()
    run_at(app, morning + timedelta(days=1))
    with app.app_context():
        kinds = set(db.session.scalars(select(Delivery.kind)))
        assert MailKind.NOBODY_TO_TELL in kinds
