"""Client details: owner and why, subscriptions, what comes next, contacts, activity."""

import html
import re
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import update

from tests.mail import letters
from tests.support.cast import let_in, make_subscription, make_user, unit_of_work
from tests.support.forms import shown_in
from webapp import worker
from webapp.domain.facts import NotRenewed
from webapp.domain.ownership import Choice, Owner
from webapp.domain.shown import token_of
from webapp.models import (
    AuditEntry,
    Client,
    ContactAssignment,
    Delivery,
    DeliveryState,
    MailKind,
    Partner,
    Reminder,
    ReminderState,
    Subscription,
    User,
    UserSession,
    db,
)
from webapp.services.clients.ownership import choose_owner
from webapp.services.reminders import due_index, planning
from webapp.services.sending import log as delivery_log
from webapp.typography import plain

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
HTMX = {"HX-Request": "true"}
TABS = ["renewals", "contacts", "activity"]


@pytest.fixture(autouse=True)
def today():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def base(cast):
    return f"/partner/clients/{cast.client}"


def test_the_first_tab_is_renewals(browse, cast, base):
    assert browse(cast.bob).get(base).location == f"{base}/renewals"


@pytest.mark.parametrize("path", ["", "/renewals", "/contacts", "/activity", "/contacts/new"])
def test_who_may(browse, cast, base, path):
    assert browse(cast.bob).get(base + path).status_code in (200, 303)
    assert browse(cast.dana).get(base + path).status_code == 403
    assert browse().get(base + path).location.startswith("/sign-in")
    if path:
        assert browse(cast.charlie).get(base + path).status_code == 404


def test_the_default_owner_says_why(browse, cast, base):
    page = browse(cast.bob).get(f"{base}/renewals").text
    assert "HubSpot: your default" in page
    assert "Your default" in page


def test_each_step_down_of_the_point_of_contact_is_shown(app, browse, cast, base):
    with unit_of_work(app):
        partner = db.session.get(Partner, cast.partner)
        own = make_user(partner, "Former", active=False)
        default = make_user(partner, "Bounced", rejected_reply="550 no such user")
        db.session.add_all([own, default])
        db.session.flush()
        partner.notified_user_id = default.id
        db.session.get(Client, cast.client).contact_id = own.id
    page = browse(cast.bob).get(f"{base}/renewals").text
    assert "Passed over, deactivated: Former" in page
    assert "Passed over, the address was rejected: Bounced" in page
    assert "All admins, since nobody chosen can be reached" in page
    assert "Copy: Alice" in page


def test_the_end_of_each_term_is_told(app, browse, cast, base):
    with unit_of_work(app):
        client = db.session.get_one(Client, cast.client)
        client.partner.deadline_rule_text = "P45D"
        deadline = date(2026, 12, 13)
        facts = {"renews_itself": True, "deadline_by_rule": True}
        db.session.add_all(
            [
                make_subscription(client, "Ahead", date(2027, 1, 27), deadline=deadline, **facts),
                make_subscription(client, "Short", date(2026, 12, 13), term_months=1, **facts),
                # About to move on by itself.
                make_subscription(client, "Over", date(2026, 11, 30), renews_itself=True),
            ]
        )
    page = plain(browse(cast.bob).get(f"{base}/renewals").text)
    table = page.partition("<tbody>")[2].partition("</table>")[0]
    assert (table.count("Renews by itself"), table.count("Must be decided")) == (3, 1)
    assert "By your rule: 45 days before the renewal date" in page
    assert "No decision deadline: your rule is as long as the term" in page
    assert "Amount per term" in page
    assert "Overdue" not in page
    assert "Ahead, renews by itself, decision deadline 13 December 2026" in page
    assert "row: terms longer than 3 months" in page
    # In the schedule of a fresh partner what renews by itself each month has no steps.
    assert "Short, renews" not in page


def test_where_there_are_no_steps_it_is_said(app, browse, cast, base):
    with unit_of_work(app):
        subscription = db.session.get_one(Subscription, cast.subscription)
        subscription.term_months, subscription.renews_itself = 1, True
    alice = browse(cast.alice)
    for page in ("renewals", "renewal-owner"):
        assert "your schedule has no days for this term" in plain(alice.get(f"{base}/{page}").text)


def test_subscriptions_with_their_dates_and_actions(app, browse, cast, base):
    with unit_of_work(app):
        client = db.session.get(Client, cast.client)
        near = make_subscription(
            client,
            "Sales Hub",
            date(2026, 12, 13),
            term_months=1,
            deadline=date(2026, 12, 11),
            amount="450.00",
            currency="PLN",
        )
        gone = make_subscription(client, "Old Hub", date(2026, 12, 20), cancelled=True)
        db.session.add_all([near, gone])
        db.session.flush()
        near_id, gone_id = near.id, gone.id
    page = browse(cast.bob).get(f"{base}/renewals").text
    for text in (
        "13 Dec 2026",
        "in 12 days",
        "1 month",
        "Decision deadline: 11 Dec 2026",
        "450.00",
    ):
        assert text in page
    for action in ("edit", "renewed", "cancelled"):
        assert f"/partner/subscriptions/{near_id}/{action}" in page
        assert f"/partner/subscriptions/{gone_id}/{action}" not in page
    assert page.index("Sales Hub") < page.index("Marketing Hub") < page.index("Old Hub")


def test_what_somebody_left_about_a_subscription(app, browse, cast, base):
    with unit_of_work(app):
        client = db.session.get(Client, cast.client)
        hub = db.session.get_one(Subscription, cast.subscription)
        hub.note, hub.remind_on, hub.remind_user_id = (
            "Wait\nfor <May>",
            date(2026, 12, 15),
            cast.bob,
        )
        facts = {"cancelled": True, "reason": NotRenewed.PRICE}
        db.session.add(make_subscription(client, "Old Hub", date(2026, 12, 20), **facts))
    page = plain(browse(cast.alice).get(f"{base}/renewals").text)
    for text in ("Put off until: 15 December 2026 · Bob", "Wait\nfor &lt;May&gt;", "Price"):
        assert text in page
    for action in ("renewed", "cancelled", "remind", "note"):
        address = f"/partner/subscriptions/{cast.subscription}/{action}"
        assert f'href="{address}" hx-get="{address}" hx-target="#dialog"' in page


@pytest.mark.parametrize(
    ("deadline", "itself", "told"),
    [
        (None, False, "Decision deadline 31 Mar 2027 same as renewal Must be decided"),
        (date(2026, 12, 11), False, "Decision deadline 11 Dec 2026 in 10 days Must be decided"),
        # Nobody has to decide.
        (None, True, "Decision deadline – Renews by itself"),
        (date(2026, 12, 11), True, "Decision deadline 11 Dec 2026 in 10 days Renews by itself"),
    ],
)
def test_the_strip_tells_the_day_that_decides(app, browse, cast, base, deadline, itself, told):
    with unit_of_work(app):
        subscription = db.session.get_one(Subscription, cast.subscription)
        subscription.deadline, subscription.renews_itself = deadline, itself
    strip, _pills = strip_of(browse(cast.bob).get(f"{base}/renewals").text)
    assert told in strip


@pytest.mark.parametrize("tab", TABS)
def test_a_dialog_from_the_strip_answers_with_what_it_changed(app, browse, cast, base, tab):
    alice = browse(cast.alice)
    # On the Renewals tab that is where the owner stands.
    opener = "edit-owner" if tab == "renewals" else "next-step"
    page = alice.get(f"{base}/{tab}").text
    assert page.count("Edit renewal owner") == 1
    opened = re.search(rf'id="{opener}" href="([^"]+)"', page)[1]
    dialog = alice.get(html.unescape(opened), headers=HTMX).text
    part = "renewals" if tab == "renewals" else "client-strip"
    assert f'hx-target="#{part}"' in dialog
    fields = dict(re.findall(r'name="(next|shown)"[^>]* value="([^"]*)"', dialog))
    form = fields | {"choice": "partner", "contact_id": cast.bob}
    saved = alice.post(f"{base}/renewal-owner", data=form, headers=HTMX)
    strip, _pills = strip_of(saved.text)
    assert "Renewal owner Partner Own setting Bob" in strip
    assert ("Renewal owner saved" in strip) == (part == "client-strip")
    assert saved.text.count("Renewal owner saved") == 1
    assert 'id="client-facts"' in saved.text
    undo = re.search(r'action="(/undo/\d+)"', saved.text)[1]
    assert alice.post(undo, data={"next": f"{base}/{tab}#{part}"}).location == f"{base}/{tab}"


def test_a_client_that_nobody_hears_about(app, browse, cast, base):
    with unit_of_work(app):
        db.session.query(ContactAssignment).delete()
    page = browse(cast.bob).get(f"{base}/renewals").text
    assert "Nobody to tell" in page
    assert "Task mail to: Alice" in page
    assert "Not chosen at the client: Primary contact, Billing contact, Decision maker" in page


def test_sending_off_is_said_to_each_by_what_they_can_do(app, browse, cast, base):
    assert "Turn sending on in the settings" in browse(cast.alice).get(f"{base}/renewals").text
    member = browse(cast.bob).get(f"{base}/renewals").text
    assert "An admin of your organisation can turn it on." in member
    assert "/settings/partners" not in member
    with unit_of_work(app):
        db.session.get(Partner, cast.partner).sending = True
    assert "Sending is off" not in browse(cast.alice).get(f"{base}/renewals").text


def add_mails(app, cast, count):
    """Reminders that went out, each as one mail to Dana."""
    with unit_of_work(app):
        client = db.session.get(Client, cast.client)
        for number in range(count):
            subscription = make_subscription(client, f"Product {number}", date(2027, 2, 1))
            db.session.add(subscription)
            db.session.flush()
            day = date(2026, 11, 1)
            reminder = Reminder(
                subscription_id=subscription.id,
                client_id=client.id,
                base_date=date(2027, 2, 1),
                step=90,
                cycle=1,
                due_on=day,
                state=ReminderState.ISSUED if number % 2 else ReminderState.BLOCKED,
                planned_at=NOW,
            )
            delivery = Delivery(
                kind=MailKind.REMINDER_CLIENT,
                partner_id=cast.partner,
                client_id=client.id,
                day=day,
                recipient_id=cast.dana,
                revision=number + 1,
                state=DeliveryState.REJECTED,
                email="dana@acme.example",
                language="pt",
                snapshot=letters.snapshot().to_json(),
                queued_at=NOW,
                send_after=NOW,
                ended_at=NOW,
                reply="550 <mailbox> unavailable",
                reminders=[reminder],
            )
            db.session.add_all([reminder, delivery])
            db.session.flush()
            delivery_log.add([delivery.id], delivery.state, NOW, reply=delivery.reply)


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "fragment"])
def test_mails_so_far_show_what_became_of_them(app, browse, cast, base, headers):
    add_mails(app, cast, 1)
    bob = browse(cast.bob)
    page = bob.get(f"{base}/renewals").text
    assert "Blocked: nobody to tell" in page
    assert "Product 0, renewal date 1 February 2027" in page
    assert "Rejected" in page
    assert "550" not in page
    # The day that was planned: its mails went out a month later.
    assert "Reminder due on 1 Nov 2026" in plain(page)
    way = re.search(r'hx-get="([^"]+/reminders/\d+)"', page)[1]
    for user_id in (cast.charlie, cast.dana):
        assert browse(user_id).get(way).status_code in (403, 404)
    opened = bob.get(way, headers=headers).text
    assert "90 days before" in opened
    assert "1 Dec 2026, 13:00 CET" in opened
    assert "550 &lt;mailbox&gt; unavailable" in opened
    assert ("<h1>Reminder due on 1 November 2026</h1>" in plain(opened)) == (not headers)


@pytest.mark.parametrize("tab", TABS)
@pytest.mark.parametrize("count", [0, 49])
def test_statements(app, browse, cast, base, statements, tab, count):
    add_mails(app, cast, count)
    with unit_of_work(app):
        client, alice = db.session.get(Client, cast.client), db.session.get(User, cast.alice)
        for number in range(count + 1):
            choice = Choice.PARTNER if number % 2 else Choice.VENDOR
            choose_owner(alice, client, choice, cast.bob)
            db.session.add(make_user(client, f"Person {number}"))
    alice = browse(cast.alice)
    with statements() as log:
        assert alice.get(f"{base}/{tab}").status_code == 200
    assert len(log) <= 7, log


def test_each_mails_way_from_the_plan_to_the_result(app, browse, cast, base):
    with unit_of_work(app):
        db.session.get(Partner, cast.partner).sending = True
        due_index.refresh_where(Subscription.client_id == cast.client)
    for moment in ("2027-01-30 10:00", "2027-03-01 10:00"):
        with time_machine.travel(f"{moment}+00:00", tick=False):
            worker.once(app)
    with time_machine.travel("2027-03-02 10:00+00:00", tick=False):
        bob = browse(cast.bob)
        lines = bob.get(f"{base}/renewals").text
        assert '1 Mar 2027 <span class="meta">· 3 of 3 sent</span>' in " ".join(
            plain(lines).split()
        )
        ways = re.findall(r'hx-get="([^"]+/reminders/\d+)"', lines)
        opened = " ".join(bob.get(way, headers=HTMX).text for way in ways)
        page = " ".join(re.sub(r"<[^>]+>", " ", opened).split())
    assert (
        "30 days before 1 Mar 2027, 11:00 CET Planned Mails queued"
        " Dana Sent Reminder to the client : Dana · Primary contact, Decision maker · English"
        " 1 Mar 2027, 11:00 CET Queued Handed over Sent ·"
    ) in page
    # A Saturday: the mails waited for Monday.
    assert (
        "30 Jan 2027, 11:00 CET Planned Mails queued 1 Mar 2027, 11:00 CET Superseded by a newer one"
    ) in page
    assert "30 Jan 2027, 11:00 CET Queued 1 Mar 2027, 11:00 CET Superseded" in page
    assert page.index("30 days before") < page.index("60 days before")


def test_one_person_is_not_flooded_with_invitations(browse, cast, base):
    bob = browse(cast.bob)
    codes = [bob.post(f"{base}/contacts/{cast.dave}/invite").status_code for _ in range(6)]
    assert codes == [303] * 5 + [429]
    assert bob.post(f"{base}/contacts/{cast.dana}/invite").status_code == 303


def test_strangers_use_up_no_invitations(browse, cast, base):
    path = f"{base}/contacts/{cast.dave}/invite"
    charlie = browse(cast.charlie)
    assert {charlie.post(path).status_code for _ in range(6)} == {404}
    assert browse(cast.bob).post(path).status_code == 303


def test_a_renewal_that_is_settled_is_folded_up(app, browse, cast, base):
    add_mails(app, cast, 1)
    with unit_of_work(app):
        product = db.session.query(Subscription).filter_by(product="Product 0").one()
        product.renewal_date = date(2028, 2, 1)
    page = browse(cast.bob).get(f"{base}/renewals").text
    assert "Earlier: Product 0, renewal date 1 February 2027" in page
    assert "None yet about the present dates" in page


@pytest.mark.parametrize(
    ("renewal", "text"),
    [
        (date(2026, 11, 30), "No reminder is to come: the date has passed."),
        (date(2026, 12, 20), "No reminder is to come before the present date."),
    ],
)
def test_why_nothing_is_to_come(app, browse, cast, base, renewal, text):
    with unit_of_work(app):
        subscription = db.session.get(Subscription, cast.subscription)
        subscription.renewal_date, subscription.steps_from = renewal, date(2027, 1, 1)
    assert text in browse(cast.bob).get(f"{base}/renewals").text
    assert text in browse(cast.bob).get(f"{base}/renewal-owner").text


@pytest.mark.parametrize("tab", TABS)
def test_who_is_hard_to_reach_has_the_day_of_the_next_mail(app, browse, cast, base, tab):
    bob = browse(cast.bob)
    assert "Mail at risk: " not in bob.get(f"{base}/{tab}").text
    with unit_of_work(app):
        db.session.query(ContactAssignment).filter_by(user_id=cast.dave).delete()
    page = bob.get(f"{base}/{tab}").text
    assert "The only one who is told: Dana" in page
    assert "Mail at risk: " not in page
    with unit_of_work(app):
        db.session.get(User, cast.dana).rejected_reply = "550 no such user"
    assert "Mail at risk: 31 December 2026" in bob.get(f"{base}/{tab}").text


def strip_of(page):
    """The header strip as text, and its pills."""
    strip = page.partition('id="client-strip"')[2].partition("</section>")[0]
    text = " ".join(html.unescape(re.sub(r"<[^>]+>", " ", strip.partition(">")[2])).split())
    return plain(text), re.findall(r'<span class="pill[^"]*">([^<]+)', strip)


@pytest.mark.parametrize("tab", TABS)
def test_the_strip_tells_the_next_renewal_and_offers_the_next_step(app, browse, cast, base, tab):
    with unit_of_work(app):
        client = db.session.get_one(Client, cast.client)
        facts = {"deadline": date(2026, 12, 13), "amount": "1200.00", "currency": "EUR"}
        db.session.add(make_subscription(client, "Sales Hub", date(2027, 1, 31), **facts))
    text, pills = strip_of(browse(cast.bob).get(f"{base}/{tab}").text)
    assert text == (
        "Next renewal 31 Jan 2027 in 61 days Sales Hub Decision deadline 13 Dec 2026 in 12 days Must be decided"
        " Amount per term €1,200.00 1 year Renewal owner HubSpot Default Alice"
        + ("" if tab == "renewals" else " Edit renewal owner")
    )
    assert pills == []


@pytest.mark.parametrize("tab", TABS)
def test_an_overdue_renewal_comes_first_and_is_to_be_decided(app, browse, cast, base, tab):
    with unit_of_work(app):
        subscription = db.session.get_one(Subscription, cast.subscription)
        subscription.deadline = date(2026, 11, 30)
        # Sooner, but it moves on by itself.
        itself = make_subscription(
            subscription.client, "Blog", date(2026, 11, 29), renews_itself=True
        )
        db.session.add(itself)
    page = browse(cast.bob).get(f"{base}/{tab}").text
    text, pills = strip_of(page)
    assert pills == ["Overdue"]
    assert "Decision deadline 30 Nov 2026 yesterday Overdue Must be decided" in text
    assert text.endswith("Alice Renewed")
    assert f'id="next-step" href="/partner/subscriptions/{cast.subscription}/renewed' in page


def test_the_strip_says_what_is_wrong(app, browse, cast, base):
    with unit_of_work(app):
        db.session.get(User, cast.dana).rejected_reply = "550 no such user"
    text, pills = strip_of(browse(cast.bob).get(f"{base}/renewals").text)
    assert pills == ["At risk"]
    assert text.endswith(
        "At risk Address rejected: Dana The only one who is told: Dave Mail at risk: 31 December 2026"
    )


def test_a_client_without_subscriptions_has_a_strip_all_the_same(app, browse, cast, base):
    with unit_of_work(app):
        db.session.query(Subscription).filter_by(client_id=cast.client).delete()
    text, _pills = strip_of(browse(cast.bob).get(f"{base}/renewals").text)
    assert text.startswith("Next renewal – No subscriptions Renewal owner HubSpot")


def test_what_is_not_renewed_runs_on_and_nothing_is_to_renew(app, browse, cast, base):
    with unit_of_work(app):
        db.session.query(Subscription).filter_by(client_id=cast.client).update({"cancelled": True})
    text, _pills = strip_of(browse(cast.bob).get(f"{base}/renewals").text)
    assert text.startswith("Next renewal – Nothing to renew Renewal owner HubSpot")


def test_contacts_with_roles_and_the_one_that_is_missing(app, browse, cast, base):
    with unit_of_work(app):
        db.session.get(User, cast.dave).active = False
    page = browse(cast.bob).get(f"{base}/contacts").text
    assert "dana@acme.example" in page
    assert "Not chosen at the client: Billing contact" in page
    assert "Deactivated" in page
    assert "<select" not in page


def test_adding_a_contact(app, browse, cast, base):
    bob = browse(cast.bob)
    form = {"name": " Żaneta ", "email": "zaneta@acme.example", "language": "pl"}
    assert bob.post(f"{base}/contacts/new", data=form).location == f"{base}/contacts"
    page = bob.get(f"{base}/contacts").text
    assert "Added: Żaneta" in page
    assert "Polski" in page


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ({"name": ""}, "Fill this in."),
        ({"email": "dana@acme.example"}, "Somebody in this organisation already has this address."),
        ({"language": "xx"}, "Choose one of the options."),
    ],
)
def test_a_contact_that_can_not_be_added(app, browse, cast, base, form, text):
    whole = {"name": "Żaneta", "email": "zaneta@acme.example", "language": ""} | form
    answer = browse(cast.bob).post(f"{base}/contacts/new", data=whole)
    assert answer.status_code == 422
    assert text in answer.text
    assert whole["email"] in answer.text
    with app.app_context():
        assert db.session.query(User).filter_by(name="Żaneta").count() == 0


@pytest.fixture
def edit(browse, cast, base):
    """Posts the form about Dave as somebody does who has just opened it."""

    def post(person_id=None, **values):
        person, path = browse(person_id or cast.bob), f"{base}/contacts/{cast.dave}/edit"
        opened = shown_in(person.get(path).text, path)
        plain = {"name": "Dave", "email": "dave@acme.example", "language": ""}
        return person.post(path, data={"shown": opened.get(path, "")} | plain | values)

    return post


def test_a_contact_has_a_phone_and_a_note(app, browse, cast, base, edit):
    bob, page = browse(cast.bob), f"{base}/contacts"
    assert edit(phone="+48 22 777 (12)", note="Reads\r\n\r\n\r\n mails on Fridays").location == page
    shown = bob.get(page).text
    assert 'href="tel:+482277712">+48 22 777 (12)</a>' in shown
    assert "Reads\n\nmails on Fridays" in html.unescape(shown)
    changes = html.unescape(re.sub(r"<[^>]+>", "", bob.get(f"{base}/activity").text))
    assert re.search(r"Phone: –\s+now: \+48 22 777 \(12\)", changes)
    assert edit(phone="call me").status_code == 422
    assert edit(note="x" * 1001).status_code == 422
    # A form that does not have them changes nothing of them.
    edit(name="David")
    with app.app_context():
        dave = db.session.get_one(User, cast.dave)
        assert (dave.name, dave.phone) == ("David", "+48 22 777 (12)")


def test_no_page_of_a_client_tells_its_partners_note(app, browse, cast, base, edit):
    """Not even where somebody at the partner was quicker, or to whoever guesses it and asks the token of a form."""
    dana, address = browse(cast.dana), f"/settings/team/{cast.dave}"
    shown = shown_in(dana.get(address).text, address)[address]
    edit(name="David", phone="22 777", note="Pays late")
    guess = token_of({"note": "Pays late"})
    form = {"name": "Davy", "email": "dave@acme.example", "job_title": "", "language": ""}
    late = dana.post(address, data=form | {"admin": "", "note": "Mine", "shown": shown})
    assert late.status_code == 409
    assert "<del>Dave</del>" in late.text
    again = shown_in(late.text, address)[address]
    assert dana.post(address, data=form | {"admin": "", "note": "Mine", "shown": again}).location
    assert guess in browse(cast.bob).get(f"{base}/contacts/{cast.dave}/edit").text
    pages = [
        "/settings/team",
        address,
        "/account/company",
        f"/account/company/contacts/{cast.dave}",
    ]
    for page in (late.text, *(dana.get(page).text for page in pages)):
        assert "Pays late" not in page
        assert guess not in page
        assert 'name="note"' not in page
    assert all("22 777" in dana.get(page).text for page in pages)
    edit(name="Davy", note="Pays late, but pays")
    with app.app_context():
        noted = db.session.scalars(db.select(AuditEntry.id).order_by(AuditEntry.id.desc())).first()
    assert dana.post(f"/undo/{noted}").status_code in (403, 404)
    with app.app_context():
        dave = db.session.get_one(User, cast.dave)
        assert (dave.name, dave.note) == ("Davy", "Pays late, but pays")


def test_a_refused_address_is_corrected(app, browse, cast, base, edit):
    with unit_of_work(app):
        db.session.get(User, cast.dave).rejected_reply = "550 <gone>"
    bob = browse(cast.bob)
    assert f"/contacts/{cast.dave}/edit" in bob.get(f"{base}/contacts").text
    assert "550 &lt;gone&gt;" in bob.get(f"{base}/contacts/{cast.dave}/edit").text
    answer = edit(email="david@acme.example", language="pl")
    assert answer.location == f"{base}/contacts"
    with app.app_context():
        dave = db.session.get(User, cast.dave)
        assert (dave.email, dave.language) == ("david@acme.example", "pl")
        assert dave.rejected_reply is None


def test_a_refused_address_that_is_right_is_tried_again(app, browse, cast, base, edit):
    path = f"{base}/contacts/{cast.dave}/edit"
    assert "The address is right" not in browse(cast.bob).get(path).text
    with unit_of_work(app):
        db.session.get(User, cast.dave).rejected_reply = "550 5.1.1 no such user"
    assert "The address is right" in browse(cast.bob).get(path).text
    assert edit(address_right="y").location == f"{base}/contacts"
    assert "Rejection of the address" in browse(cast.bob).get(f"{base}/activity").text
    with app.app_context():
        assert db.session.get(User, cast.dave).rejected_reply is None


def test_the_address_of_who_has_signed_in_is_their_own(app, cast, edit):
    with unit_of_work(app):
        let_in(db.session.get_one(User, cast.dave))
    answer = edit(email="david@acme.example")
    assert answer.status_code == 422
    assert "only an admin of their organisation can change it" in answer.text
    assert "david@acme.example" in answer.text


def test_a_change_of_a_contact_meanwhile_is_a_conflict(app, cast, edit):
    answer = edit(name="David", shown="x")
    assert answer.status_code == 409
    assert "This has changed meanwhile" in answer.text
    with app.app_context():
        assert db.session.get(User, cast.dave).name == "Dave"


def test_only_this_clients_people_can_be_corrected(browse, cast, base):
    for person_id in (cast.bob, cast.other_dana):
        assert browse(cast.alice).get(f"{base}/contacts/{person_id}/edit").status_code == 404
    assert browse(cast.charlie).get(f"{base}/contacts/{cast.dave}/edit").status_code == 404
    assert browse(cast.dana).get(f"{base}/contacts/{cast.dave}/edit").status_code == 403


def test_inviting_a_contact(app, browse, cast, base):
    bob = browse(cast.bob)
    assert bob.post(f"{base}/contacts/{cast.dave}/invite").status_code == 303
    page = bob.get(f"{base}/contacts").text
    assert "Invitation on its way to: dave@acme.example" in page
    assert "Invite again" in page
    with app.app_context():
        assert db.session.query(Delivery).filter_by(kind=MailKind.INVITATION).count() == 1


def test_who_makes_a_clients_first_admin_is_asked_again(app, browse, cast, base):
    alice, bob = browse(cast.alice), browse(cast.bob)
    with unit_of_work(app):
        db.session.get(User, cast.dana).admin = False
        db.session.execute(update(UserSession).values(proved_at=NOW - timedelta(minutes=16)))
    path = f"{base}/contacts/{cast.dave}/invite"
    assert bob.post(path).location == f"{base}/contacts"
    assert alice.post(path).location.startswith("/sign-in/confirm?next=")
    with unit_of_work(app):
        assert db.session.query(Delivery).count() == 0
        db.session.get(User, cast.dana).admin = True
    assert alice.post(path).location == f"{base}/contacts"
    with app.app_context():
        assert not db.session.get(User, cast.dave).admin


def test_only_a_person_of_this_client_can_be_invited(app, browse, cast, base):
    alice = browse(cast.alice)
    assert alice.post(f"{base}/contacts/{cast.other_dana}/invite").status_code == 404
    assert alice.post(f"{base}/contacts/{cast.bob}/invite").status_code == 404
    with unit_of_work(app):
        db.session.get(User, cast.dave).active = False
    answer = alice.post(f"{base}/contacts/{cast.dave}/invite", follow_redirects=True)
    assert "This person is deactivated. Activate them first." in answer.text
    with app.app_context():
        assert db.session.query(Delivery).count() == 0


def test_activity_in_words_with_undo(app, browse, cast, base):
    with unit_of_work(app):
        client, alice = db.session.get(Client, cast.client), db.session.get(User, cast.alice)
        entry_id = choose_owner(alice, client, Choice.PARTNER, cast.bob).id
    bob = browse(cast.bob)
    page = bob.get(f"{base}/activity").text
    assert "Renewal owner changed" in page
    assert re.search(r"1.December.2026.*Alice · <time[^>]*>13:00.CET", page, re.DOTALL)
    assert f"/undo/{entry_id}" in page
    answer = bob.post(f"/undo/{entry_id}", data={"next": f"{base}/activity"})
    assert answer.location == f"{base}/activity"
    page = bob.get(f"{base}/activity").text
    assert "Undone" in page
    assert f"/undo/{entry_id}" not in page
    with app.app_context():
        client = db.session.get(Client, cast.client)
        assert (client.owner, client.contact_id) == (None, None)


def test_the_portal_is_the_author_of_a_roll_and_undo_says_what_it_means(app, browse, cast, base):
    with unit_of_work(app):
        subscription = db.session.get(Subscription, cast.subscription)
        subscription.renews_itself = True
        due_index.refresh([subscription])
        assert sum(planning.plan(datetime(2027, 4, 1, 10, tzinfo=UTC))) == 1
    bob = browse(cast.bob)
    page = bob.get(f"{base}/activity").text
    assert "Subscription renewed by itself: Marketing Hub" in page
    assert re.search(r"1.April.2027.*Renewal Portal · <time[^>]*>12:00.CEST", page, re.DOTALL)
    assert "Operator" not in page
    entry_id = re.search(r'action="/undo/(\d+)"', page)[1]
    answer = bob.post(f"/undo/{entry_id}", follow_redirects=True)
    said = "Undone: Marketing Hub (Renewal date), client: Acme. It doesn't renew by itself any more"
    assert said in html.unescape(answer.text)
    with app.app_context():
        subscription = db.session.get(Subscription, cast.subscription)
        assert (subscription.renewal_date, subscription.renews_itself) == (date(2027, 3, 31), False)


def test_older_activity_is_one_link_away(app, browse, cast, base):
    with unit_of_work(app):
        client, alice = db.session.get(Client, cast.client), db.session.get(User, cast.alice)
        for number in range(31):
            choice = Choice.PARTNER if number % 2 else Choice.VENDOR
            choose_owner(alice, client, choice, None)
        newest = db.session.query(AuditEntry.id).order_by(AuditEntry.id.desc()).limit(30)
        before = min(row.id for row in newest)
        assert client.owner is Owner.VENDOR
    bob = browse(cast.bob)
    assert f"{base}/activity?before={before}" in bob.get(f"{base}/activity").text
    older = bob.get(f"{base}/activity?before={before}").text
    assert older.count("<strong>Renewal owner changed") == 1
    assert "Older" not in older


def test_a_client_without_subscriptions_offers_the_next_step(app, browse, cast, base):
    with unit_of_work(app):
        db.session.query(Subscription).filter_by(client_id=cast.client).delete()
    page = browse(cast.bob).get(f"{base}/renewals").text
    assert "No subscriptions" in page
    assert f"{base}/subscriptions/new" in page


def test_a_domain_is_shown_with_the_letters_of_its_language(app, browse, cast, base):
    with unit_of_work(app):
        db.session.get(Client, cast.client).domain = "xn--w-uga1v8h.example"
    page = browse(cast.bob).get(f"{base}/renewals").text
    assert "żółw.example" in page
    assert "xn--" not in page
