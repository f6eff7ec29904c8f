"""Bounces: from the return path of each mail to what a report of it changes; with a real SMTP server."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, insert, select, update

from tests.support import reports as samples
from tests.support.cast import assert_situations_are_kept, make_user, unit_of_work
from tests.support.forms import opened
from tests.support.portal import run_at
from webapp.config import load
from webapp.domain.recipients import Reachability, reachability
from webapp.mail import reports, return_paths
from webapp.models import (
    Delivery,
    DeliveryEvent,
    DeliveryState,
    Installation,
    MailKind,
    Partner,
    Reminder,
    ReminderState,
    Subscription,
    User,
    db,
)
from webapp.models.tables import delivery_table, user_table
from webapp.services.erasing import person
from webapp.services.reminders import due_index, loading
from webapp.services.sending import bounces, decisions, relevance
from webapp.services.sending.bounces import ReportOutcome
from webapp.services.sending.decisions import Way

STEP_30 = datetime(2027, 3, 1, 10, tzinfo=UTC)
LATER = STEP_30 + timedelta(minutes=5)
OURS = "bounces@portal.example"


@pytest.fixture
def sending(app, cast, sink):
    """Acme's partner sends through the SMTP sink, and reads bounces. Acme's contacts are Dana and Dave."""
    app.config["PORTAL"] = load(
        {"PORTAL_MAIL_URL": f"{sink.url}?tls=off", "PORTAL_BOUNCE_ADDRESS": OURS}
    )
    with unit_of_work(app):
        db.session.execute(update(Partner).where(Partner.id == cast.partner).values(sending=True))
        due_index.refresh_where(Subscription.client_id == cast.client)
    return cast


@pytest.fixture
def sent(app, sending, sink):
    """The envelopes of what went out on the first day, by reader: to Dana and Dave, and the copy to Alice."""
    run_at(app, STEP_30)
    return {letter.recipients[0].partition("@")[0]: letter for letter in sink.letters}


def come(app, content, to=None):
    """Let a report come in; return its outcome."""
    with unit_of_work(app):
        return bounces.take(reports.read(content, OURS, to), LATER)


def bounced(letter, shape="postfix-unknown-user"):
    return samples.report(shape, letter.sender, letter.recipients[0])


def mails(app, recipient_id):
    """Kind and state of each mail to one person, oldest first."""
    with app.app_context():
        return [
            (mail.kind.value, mail.state.value)
            for mail in db.session.scalars(
                select(Delivery).where(Delivery.recipient_id == recipient_id).order_by(Delivery.id)
            )
        ]


def history(app, recipient_id):
    """The lines of one person's mails from handing over on, each with the server's reply."""
    with app.app_context():
        return db.session.execute(
            select(DeliveryEvent.state, DeliveryEvent.reply)
            .join(Delivery, Delivery.id == DeliveryEvent.delivery_id)
            .where(
                Delivery.recipient_id == recipient_id,
                DeliveryEvent.state != DeliveryState.HANDING_OVER,
            )
            .order_by(DeliveryEvent.id)
        ).all()


def test_each_mail_has_a_return_path_of_its_own_and_keeps_it(app, sending, sink):
    sink.answer = "451 later"
    senders, real = [], sink.handle_DATA

    async def noted(server, session, envelope):
        senders.append((str(envelope.mail_from), envelope.rcpt_tos[0]))
        return await real(server, session, envelope)

    sink.handle_DATA = noted
    run_at(app, STEP_30)
    sink.answer = "250 taken"
    run_at(app, STEP_30 + timedelta(minutes=2))
    assert len(senders) == 6
    assert sorted(senders[:3]) == sorted(senders[3:])
    with app.app_context():
        seed = db.session.scalar(select(Installation.seed))
        for sender, reader in senders:
            path = return_paths.find(OURS, sender)
            mail = db.session.get(Delivery, path.id)
            assert mail.email == reader
            assert return_paths.is_signed(seed, path, mail.message_id)


def test_a_bounce_ends_its_mail_and_the_responsible_is_told_what_to_do(app, sent, sending, sink):
    assert come(app, bounced(sent["dana"])) is ReportOutcome.BOUNCED
    assert mails(app, sending.dana) == [("reminder_client", "bounced")]
    said = "550 5.1.1 <dana@acme.example>: no such user here"
    assert history(app, sending.dana) == [
        (DeliveryState.SENT, "250 taken"),
        (DeliveryState.BOUNCED, said),
    ]
    # The others in the circle stay told.
    assert mails(app, sending.dave) == [("reminder_client", "sent")]
    with app.app_context():
        assert db.session.get(User, sending.dana).rejected_reply == said
        assert_situations_are_kept()
        circle = loading.load_one(sending.client).circle
        assert reachability(circle) is Reachability.AMBER
        state = select(Reminder.state).where(Reminder.step == 30)
        assert db.session.scalar(state) is ReminderState.ISSUED
    run_at(app, LATER)
    assert mails(app, sending.alice) == [("reminder_client", "sent"), ("not_arrived", "sent")]
    told = sink.letters[-1]
    assert told.recipients == ["alice@odnowa.example"]
    assert b"550 5.1.1" in told.content
    assert b"no such user here" in told.content


def test_a_bounced_mail_ended_when_it_bounced_and_the_task_tells_when_it_was_sent(
    app, sent, sending
):
    come(app, bounced(sent["dana"]))
    with app.app_context():
        mail = db.session.scalars(
            select(Delivery).where(Delivery.state == DeliveryState.BOUNCED)
        ).one()
        assert mail.ended_at == LATER
        task = db.session.scalars(
            select(Delivery).where(Delivery.kind == MailKind.NOT_ARRIVED)
        ).one()
        assert datetime.fromisoformat(task.snapshot["sent"]) == STEP_30


def test_a_reminder_that_has_reached_nobody_falls_due_again(app, sent, sending):
    for name in ("dana", "dave"):
        assert come(app, bounced(sent[name])) is ReportOutcome.BOUNCED
    run_at(app, STEP_30 + timedelta(days=1))
    with app.app_context():
        state = select(Reminder.state).where(Reminder.step == 30)
        assert db.session.scalar(state) is ReminderState.BLOCKED
        assert reachability(loading.load_one(sending.client).circle) is Reachability.RED
    kinds = Counter(kind for kind, _state in mails(app, sending.alice))
    assert kinds == {"reminder_client": 1, "not_arrived": 2, "nobody_to_tell": 1}


def test_a_mail_that_was_too_long_can_be_sent_again_to_the_same_address(app, sent, sending):
    assert come(app, bounced(sent["dana"], "postfix-message-size")) is ReportOutcome.BOUNCED
    with app.app_context():
        assert db.session.get(User, sending.dana).rejected_reply is None
        mail = db.session.scalar(select(Delivery).where(Delivery.recipient_id == sending.dana))
        wanted = mail.id in relevance.still_wanted([mail.id], LATER)
        assert decisions.way(mail.state, wanted=wanted, rejected=False) is Way.AGAIN
    with unit_of_work(app):
        mail = db.session.scalar(select(Delivery).where(Delivery.recipient_id == sending.dana))
        decisions.send_again(db.session.get(User, sending.alice), mail, decisions.shown(mail))
    assert mails(app, sending.dana) == [
        ("reminder_client", "superseded"),
        ("reminder_client", "queued"),
    ]


def test_a_mail_that_is_late_gets_a_line_of_history_and_nothing_else(app, sent, sending):
    late = bounced(sent["dana"], "postfix-delayed")
    assert [come(app, late), come(app, late)] == [ReportOutcome.DELAYED, ReportOutcome.REPLAYED]
    assert history(app, sending.dana) == [
        (DeliveryState.SENT, "250 taken"),
        (DeliveryState.SENT, "connect to 127.0.0.1[127.0.0.1]:25: Connection refused"),
    ]
    assert mails(app, sending.dana) == [("reminder_client", "sent")]
    assert mails(app, sending.alice) == [("reminder_client", "sent")]
    # It may still bounce.
    assert come(app, bounced(sent["dana"])) is ReportOutcome.BOUNCED


def test_reports_that_a_mail_is_late_do_not_fill_its_history(app, sent, sending):
    for number in range(20):
        late = bounced(sent["dana"], "postfix-delayed")
        come(app, late.replace(b"[127.0.0.1]:25", b"[192.0.2.%d]:25" % number))
    assert len(history(app, sending.dana)) == 1 + bounces.MOST_DELAYS


def test_what_is_forged_foreign_or_read_before_changes_nothing_and_is_counted(app, sent, sending):
    dana = sent["dana"]
    report = bounced(dana)
    path = return_paths.find(OURS, dana.sender)
    forged = report.replace(path.signature.encode(), b"a" * 16)
    unknown = report.replace(f"+{path.id}.".encode(), b"+999.")
    another = report.replace(f"+{path.id}.".encode(), f"+{path.id % 3 + 1}.".encode())
    assert come(app, forged) is ReportOutcome.FORGED
    assert come(app, another) is ReportOutcome.FORGED
    assert come(app, unknown) is ReportOutcome.FOREIGN
    assert come(app, report, to="somebody@portal.example") is ReportOutcome.FOREIGN
    assert mails(app, sending.dana) == [("reminder_client", "sent")]
    assert come(app, report) is ReportOutcome.BOUNCED
    assert come(app, report) is ReportOutcome.REPLAYED
    assert len(history(app, sending.dana)) == 2
    with app.app_context():
        assert bounces.counts() == {
            ReportOutcome.FORGED: 2,
            ReportOutcome.FOREIGN: 2,
            ReportOutcome.REPLAYED: 1,
        }


def test_a_report_that_is_quicker_than_the_worker_has_to_come_again(app, sent, sending):
    path = return_paths.find(OURS, sent["dana"].sender)
    mine = update(delivery_table).where(delivery_table.c.id == path.id)
    with unit_of_work(app):
        db.session.execute(mine.values(state=DeliveryState.HANDING_OVER, token="mine"))
    assert come(app, bounced(sent["dana"])) is ReportOutcome.EARLY
    with unit_of_work(app):
        db.session.execute(mine.values(state=DeliveryState.SENT, token=None))
    assert come(app, bounced(sent["dana"])) is ReportOutcome.BOUNCED


def test_a_mail_that_nobody_was_sure_of_was_sent_if_it_bounced(app, sent, sending):
    path = return_paths.find(OURS, sent["dana"].sender)
    with unit_of_work(app):
        db.session.execute(
            update(delivery_table)
            .where(delivery_table.c.id == path.id)
            .values(state=DeliveryState.UNCLEAR)
        )
    assert come(app, bounced(sent["dana"])) is ReportOutcome.BOUNCED
    assert [state.value for state, _reply in history(app, sending.dana)][-2:] == ["sent", "bounced"]


def test_a_mail_about_a_bounce_that_bounces_leads_to_no_other(app, sent, sending, sink):
    come(app, bounced(sent["dana"]))
    run_at(app, LATER)
    told = sink.letters[-1]
    assert come(app, bounced(told)) is ReportOutcome.BOUNCED
    with app.app_context():
        kinds = select(func.count()).where(Delivery.kind == MailKind.NOT_ARRIVED)
        assert db.session.scalar(kinds) == 1
        assert db.session.get(User, sending.alice).rejected_reply


def test_a_mail_about_a_bounce_can_be_sent_again(app, sent, sending, sink):
    come(app, bounced(sent["dana"]))
    run_at(app, LATER)
    assert come(app, bounced(sink.letters[-1], "postfix-message-size")) is ReportOutcome.BOUNCED
    with unit_of_work(app):
        told = db.session.scalar(select(Delivery).where(Delivery.kind == MailKind.NOT_ARRIVED))
        decisions.send_again(db.session.get(User, sending.alice), told, decisions.shown(told))
    assert mails(app, sending.alice)[1:] == [
        ("not_arrived", "superseded"),
        ("not_arrived", "queued"),
    ]


def test_pages_show_what_bounced_and_what_is_late(app, sent, sending, browse):
    come(app, bounced(sent["dana"]))
    come(app, bounced(sent["dave"], "postfix-delayed"))
    alice = browse(sending.alice)
    listed = alice.get("/partner/deliveries?state=bounced").text
    assert "550 5.1.1" in listed
    assert "Correct the address first" in listed
    assert "dave@acme.example" not in listed
    renewals = alice.get(f"/partner/clients/{sending.client}/renewals").text
    assert (
        opened(alice, f"/partner/clients/{sending.client}/renewals").count("Still on its way") == 1
    )
    assert "Address rejected: Dana" in renewals


def test_a_copy_that_bounces_is_told_to_whoever_stands_in(app, sent, sending):
    with unit_of_work(app):
        partner = db.session.get(Partner, sending.partner)
        second = make_user(partner, "Anna", admin=True)
        db.session.add(second)
        db.session.flush()
        anna = second.id
    assert come(app, bounced(sent["alice"])) is ReportOutcome.BOUNCED
    assert mails(app, anna) == [("not_arrived", "queued")]
    assert mails(app, sending.alice) == [("reminder_client", "bounced")]


def test_the_words_of_a_server_do_not_bring_an_erased_address_back(app, sent, sending):
    with unit_of_work(app):
        for _step in person.erase_person(None, db.session.get(User, sending.dave)):
            pass
    assert come(app, bounced(sent["dave"])) is ReportOutcome.BOUNCED
    with app.app_context():
        kept = [mail.reply for mail in db.session.scalars(select(Delivery))]
        kept += [str(mail.snapshot) for mail in db.session.scalars(select(Delivery))]
        kept += db.session.scalars(select(DeliveryEvent.reply)).all()
    assert not any("dave@" in (text or "") for text in kept)


def test_exactly_the_right_mails_bounce_once(app, cast):
    """1,000 accepted mails; 50 bounces in six shapes, 5 forged, 10 notes of people who are away; all read twice."""
    app.config["PORTAL"] = load({"PORTAL_BOUNCE_ADDRESS": OURS})
    with unit_of_work(app):
        readers = [f"reader{number}@acme.example" for number in range(1000)]
        people = db.session.scalars(
            insert(user_table).returning(user_table.c.id, sort_by_parameter_order=True),
            [
                {
                    "organisation_id": cast.client,
                    "name": email,
                    "email": email,
                    "email_key": email,
                    "version": 1,
                }
                for email in readers
            ],
        ).all()
        ids = db.session.scalars(
            insert(delivery_table).returning(delivery_table.c.id, sort_by_parameter_order=True),
            [
                {
                    "kind": MailKind.REMINDER_CLIENT,
                    "partner_id": cast.partner,
                    "client_id": cast.client,
                    "day": STEP_30.date(),
                    "recipient_id": person_id,
                    "state": DeliveryState.SENT,
                    "email": email,
                    "language": "en",
                    "snapshot": {},
                    "queued_at": STEP_30,
                    "send_after": STEP_30,
                    "ended_at": STEP_30,
                    "message_id": f"<{email}>",
                }
                for email, person_id in zip(readers, people, strict=True)
            ],
        ).all()
        seed = db.session.scalar(select(Installation.seed))
    paths = [
        return_paths.make(OURS, seed, id, f"<{email}>")
        for id, email in zip(ids, readers, strict=True)
    ]
    mail = list(zip(paths, readers, strict=True))
    right = mail[::20]
    forged = [
        (f"bounces+{id}.{'a' * 16}@portal.example", reader)
        for id, (_, reader) in zip(ids[1:100:20], mail[1:100:20], strict=True)
    ]
    coming = [
        *(samples.report(samples.PERMANENT[number % 6], *one) for number, one in enumerate(right)),
        *(samples.report("postfix-unknown-user", *one) for one in forged),
        *(samples.away_note(number, *one) for number, one in enumerate(mail[2:200:20])),
    ]
    assert (len(right), len(forged), len(coming)) == (50, 5, 65)
    outcomes = Counter(come(app, content) for content in coming * 2)
    assert outcomes == {
        ReportOutcome.BOUNCED: 50,
        ReportOutcome.REPLAYED: 50,
        ReportOutcome.FORGED: 10,
        ReportOutcome.AUTOMATIC: 20,
    }
    with app.app_context():
        found = select(Delivery.email).where(Delivery.state == DeliveryState.BOUNCED)
        assert set(db.session.scalars(found)) == {reader for _path, reader in right}
        lines = select(func.count()).where(DeliveryEvent.state == DeliveryState.BOUNCED)
        assert db.session.scalar(lines) == 50
        told = select(func.count()).where(Delivery.kind == MailKind.NOT_ARRIVED)
        assert db.session.scalar(told) == 50
