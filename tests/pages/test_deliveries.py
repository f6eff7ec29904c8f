"""Partner > Deliveries: the list, its filters, and the decisions about some mails."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine

from tests.support.cast import make_client, make_user, unit_of_work
from webapp.domain.shown import token_of
from webapp.models import (
    AuditEntry,
    Client,
    Delivery,
    DeliveryState,
    MailKind,
    Partner,
    Reminder,
    ReminderState,
    User,
    db,
)
from webapp.services.clients import archiving
from webapp.services.lists import deliveries as delivery_list
from webapp.services.lists import finding
from webapp.services.lists.deliveries import DeliveryQuery

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
PAGE = "/partner/deliveries"
HTMX = {"HX-Request": "true"}

# The token beside a mail that nobody has decided about.
AS_FOUND = token_of({"state": "unclear", "resends": 0})


@pytest.fixture(autouse=True)
def today():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def add(app, cast):
    """Adds one mail to Dana about Acme's renewal, with what is to differ; returns its id."""

    def one(**values):
        with unit_of_work(app):
            reminder = db.session.query(Reminder).filter_by(client_id=cast.client).one_or_none()
            reminder = reminder or Reminder(
                subscription_id=cast.subscription,
                client_id=cast.client,
                base_date=date(2027, 3, 31),
                step=30,
                cycle=1,
                due_on=date(2027, 3, 1),
                state=ReminderState.ISSUED,
                planned_at=NOW,
            )
            count = db.session.query(Delivery).count()
            plain = {
                "kind": MailKind.REMINDER_CLIENT,
                "partner_id": cast.partner,
                "client_id": cast.client,
                "day": date(2027, 3, 1),
                "recipient_id": cast.dana,
                "revision": count + 1,
                "state": DeliveryState.SENT,
                "email": "dana@acme.example",
                "language": "pl",
                "snapshot": {},
                "queued_at": NOW,
                "send_after": NOW,
                "send_before": datetime(2027, 4, 1, tzinfo=UTC),
                "ended_at": NOW,
                "reply": "250 ok",
            }
            mail = Delivery(**(plain | values), reminders=[reminder])
            db.session.add(mail)
            db.session.get_one(User, mail.recipient_id).told_by_id = mail.partner_id
            db.session.flush()
            return mail.id

    return one


def state_of(app, delivery_id):
    with app.app_context():
        return db.session.get(Delivery, delivery_id).state


def test_the_menu_leads_here_and_nothing_yet_says_what_will_be_here(browse, cast):
    bob = browse(cast.bob)
    assert f'href="{PAGE}"' in bob.get("/partner/dashboard").text
    page = bob.get(PAGE).text
    assert "No mails yet" in page
    assert "No mails<" in page


def test_who_may(browse, cast, add):
    mail = add(state=DeliveryState.UNCLEAR)
    assert browse(cast.dana).get(PAGE).status_code == 403
    assert browse().get(PAGE).location.startswith("/sign-in")
    for decision in ("again", "arrived", "missed"):
        path = f"{PAGE}/{mail}/{decision}"
        assert browse(cast.charlie).post(path).status_code == 404
        assert browse(cast.dana).post(path).status_code == 403
        assert browse().post(path).location.startswith("/sign-in")


def test_a_mail_with_all_that_is_known_of_it(browse, cast, add):
    add()
    page = browse(cast.bob).get(PAGE).text
    for text in (
        "1 mail<",
        "Dana",
        "dana@acme.example",
        "Acme",
        "Reminder to the client",
        "Polski",
        "Sent",
        "1 Mar 2027, 13:00 CET",
        f"/partner/clients/{cast.client}/renewals",
    ):
        assert text in page
    assert browse(cast.charlie).get(PAGE).text.count("Dana") == 0


def test_what_nobody_knows_stands_on_top_with_two_buttons(browse, cast, add):
    unclear = add(state=DeliveryState.UNCLEAR)
    add(recipient_id=cast.dave, email="dave@acme.example")
    page = browse(cast.bob).get(PAGE).text
    assert page.index("Not sure: decide") < page.index("dana@acme") < page.index("dave@acme")
    assert page.count("dana@acme") == 1
    assert f"{PAGE}/{unclear}/again" in page
    assert f"{PAGE}/{unclear}/arrived" in page
    assert "It did not arrive" not in page


def test_send_again_and_back_to_the_same_list(app, browse, cast, add):
    unclear = add(state=DeliveryState.UNCLEAR)
    bob = browse(cast.bob)
    page = bob.get(f"{PAGE}?recipient=dana").text
    action = re.search(rf'action="({PAGE}/{unclear}/again[^"]*)"', page)[1]
    assert action.endswith("?recipient=dana")
    answer = bob.post(action, data={"shown": AS_FOUND})
    assert (answer.status_code, answer.location) == (303, f"{PAGE}?recipient=dana")
    assert "On its way again to: Dana" in bob.get(answer.location).text
    assert state_of(app, unclear) is DeliveryState.QUEUED
    assert bob.post(action, data={"shown": AS_FOUND}).status_code == 303


def test_it_arrived(app, browse, cast, add):
    unclear = add(state=DeliveryState.UNCLEAR)
    bob = browse(cast.bob)
    answer = bob.post(f"{PAGE}/{unclear}/arrived", data={"shown": AS_FOUND})
    assert answer.location == PAGE
    page = bob.get(PAGE).text
    assert "Noted as arrived: Dana" in page
    assert "Not sure: decide" not in page
    assert state_of(app, unclear) is DeliveryState.SENT
    with app.app_context():
        assert db.session.query(AuditEntry.action).all() == [("delivery.arrived",)]
    assert "Mail noted as arrived: Dana" in bob.get(f"/partner/clients/{cast.client}/activity").text


def test_a_decision_is_said_in_its_row_and_undone_from_there(app, browse, cast, add):
    unclear = add(state=DeliveryState.UNCLEAR)
    bob = browse(cast.bob)
    page = bob.get(bob.post(f"{PAGE}/{unclear}/arrived", data={"shown": AS_FOUND}).location).text
    row = page.split(f'<tr id="delivery-{unclear}"')[1].split("</tr>")[0]
    assert "Noted as arrived: Dana" in row
    assert 'hx-target="#deliveries"' in row
    undo, back = re.search(
        r'action="(/undo/[0-9]+)".*?name="next" value="([^"]*)"', row, re.DOTALL
    ).groups()
    assert back == f"{PAGE}#delivery-{unclear}"
    page = bob.get(bob.post(undo, data={"next": back}).location).text
    assert "Undone: " in page.split(f'<tr id="delivery-{unclear}"')[1].split("</tr>")[0]
    assert state_of(app, unclear) is DeliveryState.UNCLEAR


def test_too_late_to_send_again(app, browse, cast, add):
    unclear = add(state=DeliveryState.UNCLEAR, send_before=NOW - timedelta(hours=1))
    bob = browse(cast.bob)
    assert "It did not arrive" in bob.get(PAGE).text
    answer = bob.post(f"{PAGE}/{unclear}/again", data={"shown": AS_FOUND})
    assert answer.status_code == 422
    assert "This mail can&#39;t be sent again" in answer.text
    assert bob.post(f"{PAGE}/{unclear}/missed", data={"shown": AS_FOUND}).status_code == 303
    assert state_of(app, unclear) is DeliveryState.TOO_LATE


@pytest.mark.parametrize("decision", ["again", "missed"])
def test_somebody_else_has_decided(app, browse, cast, add, decision):
    unclear = add(state=DeliveryState.UNCLEAR)
    browse(cast.alice).post(f"{PAGE}/{unclear}/arrived", data={"shown": AS_FOUND})
    answer = browse(cast.bob).post(f"{PAGE}/{unclear}/{decision}", data={"shown": AS_FOUND})
    assert answer.status_code == 409
    assert "Changed by: Alice, 1 Mar 2027, 13:00 CET" in answer.text
    assert "Mail noted as arrived: Dana" in answer.text
    assert state_of(app, unclear) is DeliveryState.SENT


@pytest.mark.parametrize("shown", [{}, {"shown": "x"}])
def test_a_form_that_does_not_say_what_was_shown_decides_nothing(app, browse, cast, add, shown):
    unclear = add(state=DeliveryState.UNCLEAR)
    assert browse(cast.bob).post(f"{PAGE}/{unclear}/again", data=shown).status_code == 409
    assert state_of(app, unclear) is DeliveryState.UNCLEAR


def test_a_refused_address_is_to_be_corrected_first(app, browse, cast, add):
    add(state=DeliveryState.REJECTED, reply="550 no such person")
    with unit_of_work(app):
        db.session.get(User, cast.dana).rejected_reply = "550 no such person"
    page = browse(cast.bob).get(PAGE).text
    assert "550 no such person" in page
    assert "Correct the address first" in page
    assert f"/partner/clients/{cast.client}/contacts/{cast.dana}/edit" in page
    assert "Send again" not in page
    with unit_of_work(app):
        db.session.get(User, cast.dana).rejected_reply = None
    assert "Send again" in browse(cast.bob).get(PAGE).text


def test_a_refused_colleague_is_corrected_by_an_admin(app, browse, cast, add):
    add(state=DeliveryState.REJECTED, recipient_id=cast.bob)
    with unit_of_work(app):
        db.session.get(User, cast.bob).rejected_reply = "550 gone"
    assert f"/settings/team/{cast.bob}" in browse(cast.alice).get(PAGE).text
    assert "An admin must correct the address first" in browse(cast.bob).get(PAGE).text


def test_what_was_told_otherwise_is_not_sent_again(browse, cast, add):
    add(state=DeliveryState.FAILED)
    add()
    assert "Nothing left to send" in browse(cast.bob).get(PAGE).text


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("state=rejected", {"dave@acme.example"}),
        ("state=unclear", {"dana@acme.example"}),
        ("client=lodz", {"lukasz@lodz.example"}),
        ("recipient=łukasz", {"lukasz@lodz.example"}),
        ("recipient=LUKASZ", {"lukasz@lodz.example"}),
        ("recipient=dave+ACME", {"dave@acme.example"}),
        ("recipient=david", {"dave@acme.example"}),
        ("recipient=dave.old", {"dave@acme.example"}),
        ("recipient=@kłódź.example", {"lukasz@lodz.example"}),
        ("recipient=KŁÓDŹ", {"lukasz@lodz.example"}),
        ("client=lodz&recipient=lukasz", {"lukasz@lodz.example"}),
        ("client=lodz&recipient=dave", set()),
        ("days=7", {"dana@acme.example", "lukasz@lodz.example"}),
        (
            "days=30&state=nonsense",
            {"dana@acme.example", "lukasz@lodz.example", "dave@acme.example"},
        ),
        ("recipient=nobody", set()),
    ],
)
@pytest.mark.parametrize("most", [1_000, 0])
def test_filters(app, browse, cast, add, monkeypatch, asked, found, most):
    """Whether a search finds few clients and people or more than are counted, the mails are the same."""
    monkeypatch.setattr(finding, "MOST_COUNTED", most)
    add(state=DeliveryState.UNCLEAR)
    old = NOW - timedelta(days=10)
    add(
        state=DeliveryState.REJECTED,
        recipient_id=cast.dave,
        email="dave@acme.example",
        queued_at=old,
    )
    with unit_of_work(app):
        lodz = make_client(db.session.get(Partner, cast.partner), "Łódź")
        lukasz = make_user(lodz, "Łukasz", email="lukasz@xn--kd-5ja92amj.example")
        db.session.add(lukasz)
        db.session.flush()
        client_id, user_id = lodz.id, lukasz.id
        dave = db.session.get_one(User, cast.dave)
        dave.name, dave.earlier_emails = "David", "dave.old@acme.example"
    add(client_id=client_id, recipient_id=user_id, email="lukasz@lodz.example")
    page = browse(cast.bob).get(f"{PAGE}?{asked}").text
    shown = set(re.findall(r"[a-z]+@[a-z]+\.example", page))
    assert shown == found
    assert ("No mail matches" in page) is not bool(found)


@pytest.mark.parametrize(("most", "total"), [(5, 5), (4, 5), (2, 3)])
def test_all_mails_of_the_clients_that_a_search_finds_are_counted(
    app, cast, add, monkeypatch, most, total
):
    monkeypatch.setattr(finding, "MOST_COUNTED", most)
    for _ in range(4):
        add()
    add(state=DeliveryState.UNCLEAR)
    with app.app_context():
        partner = db.session.get_one(Partner, cast.partner)
        page = delivery_list.load(partner, DeliveryQuery(client="acme"))
    assert (page.total, len(page.rows), len(page.unclear)) == (total, 4, 1)


def test_pages_meet_and_the_fragment_is_alone(app, browse, cast, add, monkeypatch):
    monkeypatch.setattr(delivery_list, "PAGE", 2)
    for number in range(5):
        add(email=f"mail{number}@acme.example")
    bob = browse(cast.bob)
    path, seen = PAGE, []
    while path:
        page = bob.get(path, headers=HTMX).text
        assert page.lstrip().startswith('<div id="deliveries"')
        seen += re.findall(r"(mail\d)@", page)
        link = re.search(r'rel="next" href="([^"]*)"', page)
        path, last = (link[1] if link else None), page
    assert seen == ["mail4", "mail3", "mail2", "mail1", "mail0"]
    back = bob.get(re.search(r'rel="prev" href="([^"]*)"', last)[1]).text
    assert re.findall(r"(mail\d)@", back) == ["mail2", "mail1"]
    assert "5 mails" in back


def test_mails_stand_below_their_client_and_day(browse, cast, add):
    add(day=date(2027, 2, 28))
    add(recipient_id=cast.dave, state=DeliveryState.REJECTED)
    add()
    add()
    groups = browse(cast.bob).get(PAGE).text.split('<tr class="group">')[1:]
    lines = [re.sub(r"\s+", " ", re.sub("<[^>]*>", "", group)).strip() for group in groups]
    assert lines[0].startswith("Acme 1 Mar 2027 Sent: 2 Rejected: 1 Dana")
    # Of one mail its own line says what became of it.
    assert lines[1].startswith("Acme 28 Feb 2027 Dana")


def test_no_group_goes_on_on_another_page(browse, cast, add, monkeypatch):
    monkeypatch.setattr(delivery_list, "PAGE", 4)
    # The third one is longer than a page.
    for day, mails in enumerate((3, 2, 5, 1), start=1):
        for number in range(mails):
            add(day=date(2027, 3, day), email=f"mail{day}{number}@acme.example")
    bob = browse(cast.bob)

    def walk(path, rel):
        while path:
            page = bob.get(path).text
            yield path, re.findall(r"(mail\d\d)@", page)
            link = re.search(rf'rel="{rel}" href="([^"]*)"', page)
            path = link and link[1]

    forth = list(walk(PAGE, "next"))
    assert [len(mails) for _path, mails in forth] == [1, 4, 3, 3]
    back = list(walk(forth[-1][0], "prev"))
    assert [len(mails) for _path, mails in back] == [3, 2, 4, 2]
    seen = [mail for _path, mails in forth for mail in mails]
    assert [mail for _path, mails in reversed(back) for mail in mails] == seen
    assert len(set(seen)) == 11


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("?after=1", "This page is empty now"),
        ("?after=1&recipient=dave", "This page is empty now"),
        ("?after=1&recipient=nobody", "No mail matches"),
    ],
)
def test_a_page_past_the_end_leads_to_the_first(browse, cast, add, asked, said):
    add(email="dave@acme.example", recipient_id=cast.dave)
    page = browse(cast.bob).get(PAGE + asked).text
    empty = page.split('<div class="empty">')[1]
    assert said in empty
    first = f"{PAGE}{asked.replace('after=1', '').replace('?&', '?').rstrip('?')}"
    assert f'href="{first if "now" in said else PAGE}"' in empty


@pytest.mark.parametrize("count", [1, 3])
def test_statements(browse, cast, add, statements, count):
    for number in range(count):
        for state in (DeliveryState.UNCLEAR, DeliveryState.FAILED, DeliveryState.SENT):
            add(state=state, email=f"{state.value}{number}@acme.example")
    bob = browse(cast.bob)
    with statements() as log:
        assert bob.get(PAGE).status_code == 200
    assert len(log) == 4, log


def test_all_that_is_not_sure_is_within_reach(browse, cast, add, monkeypatch):
    monkeypatch.setattr(delivery_list, "PAGE", 2)
    alice = browse(cast.alice)
    add(state=DeliveryState.UNCLEAR)
    add(state=DeliveryState.UNCLEAR)
    page = alice.get(PAGE).text
    assert "Show all mails that are not sure" not in page
    assert "2 mails" in page
    add(state=DeliveryState.UNCLEAR)
    assert "Show all mails that are not sure" in alice.get(PAGE).text
    assert "Next page" in alice.get(f"{PAGE}?state=unclear").text


def test_what_waits_while_sending_is_off_is_held_back(app, browse, cast, add):
    add(state=DeliveryState.QUEUED, ended_at=None, reply=None)
    alice = browse(cast.alice)
    assert "held back: sending is off" in alice.get(PAGE).text
    with unit_of_work(app):
        db.session.get(Partner, cast.partner).sending = True
    assert "goes out from" in alice.get(PAGE).text


def test_mails_of_an_archived_client_are_found_by_its_status_alone(app, browse, cast, add):
    add(state=DeliveryState.UNCLEAR)
    with unit_of_work(app):
        archiving.archive(db.session.get(User, cast.alice), db.session.get(Client, cast.client))
    bob = browse(cast.bob)
    for address in (PAGE, f"{PAGE}?state=unclear", f"{PAGE}?client=acme", f"{PAGE}?recipient=dana"):
        assert "dana@acme.example" not in bob.get(address).text
    assert "not sure" not in bob.get("/partner/dashboard").text
    for address in ("", "&client=acme", "&recipient=dana", "&state=unclear", "&days=7"):
        page = bob.get(f"{PAGE}?status=archived{address}").text
        assert "dana@acme.example" in page
        # It may still be noted what became of it, but nothing goes out.
        assert "It arrived" in page
        assert "Send again" not in page
        assert "Not sure: decide" not in page
