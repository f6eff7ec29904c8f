"""Partner > Deliveries > Send all of these again, and the command that does the same; with a real SMTP server."""

import json
import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from threading import Barrier, Thread

import pytest
import time_machine
from sqlalchemy import select, update

from tests.support.cast import make_client, make_subscription, make_user, unit_of_work
from tests.support.portal import run_at
from tests.support.smtp import smtp_sink
from webapp.domain.recipients import ContactRole
from webapp.models import (
    AuditEntry,
    ContactAssignment,
    Delivery,
    DeliveryState,
    Partner,
    Subscription,
    User,
    db,
)
from webapp.services.reminders import due_index
from webapp.services.sending import sending_again

STEP_30 = datetime(2027, 3, 1, 10, tzinfo=UTC)
LATER = STEP_30 + timedelta(hours=1)
LIST = "/partner/deliveries?state=rejected"
PAGE = "/partner/deliveries/again?state=rejected"


@pytest.fixture
def sink(app):
    with smtp_sink() as running:
        app.config["PORTAL"] = replace(app.config["PORTAL"], mail_url=f"{running.url}?tls=off")
        yield running


@pytest.fixture
def rejected(app, cast, sink):
    """Rejects the reminders of so many clients beside Acme, each with a contact Zoe, for what they say."""

    def reject(clients=0):
        with unit_of_work(app):
            partner = db.session.get_one(Partner, cast.partner)
            partner.sending = True
            for number in range(clients):
                client = make_client(partner, f"Client {number}")
                zoe = make_user(client, "Zoe", email=f"zoe@client{number}.example")
                db.session.add_all(
                    [client, make_subscription(client, "Hub", date(2027, 3, 31)), zoe]
                )
                db.session.flush()
                role = ContactRole.PRIMARY
                assignment = ContactAssignment(client_id=client.id, role=role, user_id=zoe.id)
                db.session.add(assignment)
            db.session.flush()
            due_index.refresh_where(Subscription.client_id != cast.other_client)
        sink.answer = "554 5.6.0 looks like spam"
        run_at(app, STEP_30)
        sink.answer = "250 taken"
        assert sink.letters == []
        return states(app, cast)["rejected"]

    return reject


def states(app, cast):
    with app.app_context():
        own = select(Delivery.state).where(Delivery.partner_id == cast.partner)
        return Counter(state.value for state in db.session.scalars(own))


@pytest.fixture
def at_one():
    with time_machine.travel(LATER, tick=False):
        yield


def token_on(page):
    return re.search(r'name="shown" value="([^"]*)"', page)[1]


@pytest.mark.usefixtures("at_one")
def test_all_go_out_once_however_often_it_is_clicked(app, browse, cast, sink, rejected):
    assert rejected(clients=2) == 7
    bob = browse(cast.bob)
    assert 'href="/partner/deliveries/again?state=rejected"' in bob.get(LIST).text
    page = bob.get(PAGE).text
    assert "7 mails go out again" in page
    token = token_on(page)
    for said in ("7 mails are on their way again", "Nothing left to send"):
        answer = bob.post(PAGE, data={"shown": token})
        assert (answer.status_code, answer.location) == (303, LIST)
        assert said in bob.get(LIST).text
    assert states(app, cast) == {"superseded": 7, "queued": 7}
    run_at(app, LATER + timedelta(minutes=1))
    sent = Counter(letter.recipients[0] for letter in sink.letters)
    # Alice has her copy about each of the three clients.
    assert sent.pop("alice@odnowa.example") == 3
    assert sorted(sent) == sorted(
        ["dana@acme.example", "dave@acme.example", "zoe@client0.example", "zoe@client1.example"]
    )
    assert set(sent.values()) == {1}
    with app.app_context():
        again = db.session.query(AuditEntry).filter_by(action="delivery.sent_again").all()
        assert len(again) == len({entry.subject_id for entry in again}) == 7
        assert {(entry.actor_id, entry.organisation_id) for entry in again} == {
            (cast.bob, cast.partner)
        }


@pytest.mark.usefixtures("at_one")
def test_what_can_not_go_out_stays_and_is_counted(app, browse, cast, rejected):
    rejected(clients=2)
    with unit_of_work(app):
        zoes = db.session.query(User).filter_by(name="Zoe").order_by(User.id).all()
        zoes[0].rejected_reply = "550 no such person"
        db.session.execute(
            update(Subscription)
            .where(Subscription.client_id == zoes[1].organisation_id)
            .values(renewal_date=date(2028, 3, 31))
        )
        # Dave is no contact any more.
        db.session.query(ContactAssignment).filter_by(user_id=cast.dave).delete()
    bob = browse(cast.bob)
    page = bob.get(PAGE).text
    assert "3 mails go out again" in page
    assert "1 mail won't go out: its address was rejected" in page
    assert "3 mails won't go out: it is too late" in page
    bob.post(PAGE, data={"shown": token_on(page)})
    assert states(app, cast) == {"superseded": 3, "queued": 3, "rejected": 4}
    assert "None of these mails can go out again" in bob.get(PAGE).text


@pytest.mark.usefixtures("at_one")
def test_who_saw_other_mails_is_shown_those_of_now(app, browse, cast, rejected):
    rejected(clients=1)
    bob = browse(cast.bob)
    page = bob.get(PAGE).text
    with unit_of_work(app):
        db.session.get_one(User, cast.dana).rejected_reply = "550 no such person"
    answer = bob.post(PAGE, data={"shown": token_on(page)})
    assert answer.status_code == 409
    assert "The numbers show how things stand now" in answer.text
    assert "4 mails go out again" in answer.text
    assert states(app, cast) == {"rejected": 5}
    assert bob.post(PAGE, data={"shown": token_on(answer.text)}).status_code == 303
    assert states(app, cast)["queued"] == 4


def test_two_people_at_the_same_moment(app, browse, cast, sink, rejected):
    rejected(clients=3)
    start = Barrier(2)
    with time_machine.travel(LATER, tick=False):
        pages = [browse(cast.alice), browse(cast.bob)]
        token = token_on(pages[0].get(PAGE).text)

        def click(page):
            start.wait()
            page.post(PAGE, data={"shown": token})

        threads = [Thread(target=click, args=(page,)) for page in pages]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert states(app, cast) == {"superseded": 9, "queued": 9}
    run_at(app, LATER + timedelta(minutes=1))
    assert len(sink.letters) == 9


@pytest.mark.usefixtures("at_one")
def test_others_do_not_get_at_them(app, browse, cast, rejected):
    rejected()
    assert browse(cast.dana).get(PAGE).status_code == 403
    charlie = browse(cast.charlie)
    page = charlie.get(PAGE).text
    assert "None of these mails can go out again" in page
    charlie.post(PAGE, data={"shown": ""})
    assert states(app, cast) == {"rejected": 3}


@pytest.mark.usefixtures("at_one")
def test_filters_narrow_it_and_lists_of_other_ends_have_no_button(app, browse, cast, rejected):
    rejected(clients=1)
    bob = browse(cast.bob)
    assert "2 mails go out again" in bob.get(f"{PAGE}&client=client").text
    for state in ("sent", "unclear", "", "rejected&status=archived"):
        assert "Send all of these again" not in bob.get(f"/partner/deliveries?state={state}").text
        page = bob.get(f"/partner/deliveries/again?state={state}").text
        assert "None of these mails can go out again" in page


@pytest.mark.usefixtures("at_one")
def test_more_bounced_mails_than_fit_at_once_follow(app, browse, cast, rejected, monkeypatch):
    monkeypatch.setattr(sending_again, "MOST", 2)
    rejected(clients=1)
    with unit_of_work(app):
        db.session.execute(update(Delivery).values(state=DeliveryState.BOUNCED))
    bob, bounced = browse(cast.bob), PAGE.replace("rejected", "bounced")
    for going in ("2 mails go", "2 mails go", "1 mail goes"):
        page = bob.get(bounced).text
        assert f"{going} out again" in page
        assert ("There are more." in page) is going.startswith("2")
        bob.post(bounced, data={"shown": token_on(page)})
    assert states(app, cast) == {"superseded": 5, "queued": 5}


@pytest.mark.usefixtures("at_one")
@pytest.mark.parametrize("clients", [1, 4])
def test_statements(browse, cast, statements, rejected, clients):
    rejected(clients)
    bob = browse(cast.bob)

    def counted(log):
        # SQLite takes new mails one by one where their ids are asked for.
        return len([one for one in log if not one.startswith("INSERT INTO delivery (")])

    with statements() as log:
        page = bob.get(PAGE).text
    assert counted(log) == 7, log
    with statements() as log:
        assert bob.post(PAGE, data={"shown": token_on(page)}).status_code == 303
    assert counted(log) == 28, log


@pytest.mark.usefixtures("at_one")
def test_the_command(app, cast, rejected):
    rejected(clients=1)

    def again(*arguments):
        arguments = ["deliveries", "again", "--partner", "odnowa", *arguments]
        result = app.test_cli_runner().invoke(args=arguments)
        assert result.exit_code == 0, result.output
        return result.output

    nothing = {"can_go": 0, "more": False, "sent": 0, "rejected": 0, "over": 0}
    assert "5 can go out again\n" in again()
    assert json.loads(again("--state", "failed", "--json")) == nothing
    assert json.loads(again("--json")) == nothing | {"can_go": 5}
    assert states(app, cast) == {"rejected": 5}
    with unit_of_work(app):
        dana = Delivery.recipient_id == cast.dana
        db.session.execute(update(Delivery).where(dana).values(state=DeliveryState.FAILED))
    assert json.loads(again("--state", "failed", "--json")) == nothing | {"can_go": 1}
    assert "5 on their way again\n" in again("--apply")
    assert json.loads(again("--apply", "--json")) == nothing
    assert states(app, cast) == {"superseded": 5, "queued": 5}
