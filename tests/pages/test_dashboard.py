"""Partner > Dashboard: what is listed, found and filtered, by its address alone."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from html import unescape
from urllib.parse import parse_qs, quote, urlencode, urljoin, urlsplit

import pytest
from sqlalchemy import select

from tests.support.cast import make_client, make_subscription, unit_of_work
from tests.support.forms import shown_to
from webapp import worker
from webapp.domain.ownership import Owner
from webapp.models import (
    Client,
    ContactAssignment,
    Delivery,
    DeliveryState,
    MailKind,
    Partner,
    Subscription,
    User,
    db,
)
from webapp.models.tables import client_table
from webapp.services.lists import clients as client_list
from webapp.services.lists import finding
from webapp.services.reminders import due_index, situations

DASHBOARD = "/partner/dashboard"


@pytest.fixture
def alice(browse, cast, time_machine):
    time_machine.move_to("2027-03-01 12:00:00+00:00", tick=False)
    return browse(cast.alice)


@pytest.fixture
def add(app, cast):
    """Adds clients to Alice's partner."""

    def add_clients(*names, **values):
        with unit_of_work(app):
            partner = db.session.get(Partner, cast.partner)
            for name in names:
                client = make_client(partner, name, **values)
                db.session.add_all([client, make_subscription(client, "Hub", date(2027, 4, 1))])
            situations.refresh(db.session.scalars(select(client_table.c.id)))

    return add_clients


def plain(answer):
    """The words of a page, without tags and special spaces."""
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


def names(answer):
    return re.findall(r'<th scope="row"><a href="[^"]+">([^<]+)</a>', answer.text)


def test_a_client_is_listed_with_what_holds_for_it(alice):
    text = alice.get(DASHBOARD).text
    for shown in ("Acme", "HubSpot", "Alice", "31 Mar 2027", "in 30 days"):
        assert shown in text
    # What is as usual is not said.
    row = text.split("<tbody>")[1]
    assert "pill" not in row
    assert "Reachable" not in row
    assert "1 client" in text
    assert "Foreign" not in text


@pytest.mark.parametrize(("role", "status"), [("bob", 200), ("dana", 403), ("dave", 403)])
def test_it_is_for_the_partners_people(browse, cast, role, status):
    assert browse(getattr(cast, role)).get(DASHBOARD).status_code == status


def test_a_decision_that_was_due_stands_out(app, browse, cast, time_machine):
    with unit_of_work(app):
        subscription = db.session.get(Subscription, cast.subscription)
        subscription.deadline = date(2027, 3, 1)
        due_index.refresh([subscription])
    time_machine.move_to("2027-02-28 12:00:00+00:00", tick=False)
    row = plain(browse(cast.bob).get(DASHBOARD))
    assert "1 Mar 2027 tomorrow renews 31 Mar 2027 28 Feb 2027 Actions" in row
    time_machine.move_to("2027-03-02 12:00:00+00:00", tick=False)
    row = plain(browse(cast.bob).get(DASHBOARD))
    assert "1 Mar 2027 yesterday renews 31 Mar 2027 Overdue Actions" in row


def test_what_renews_by_itself_is_never_overdue(app, browse, cast, time_machine):
    with unit_of_work(app):
        subscription = db.session.get(Subscription, cast.subscription)
        subscription.deadline, subscription.renews_itself = date(2027, 3, 1), True
        due_index.refresh([subscription])
    time_machine.move_to("2027-03-02 12:00:00+00:00", tick=False)
    bob = browse(cast.bob)
    assert "1 Mar 2027 yesterday renews 31 Mar 2027 Actions" in plain(bob.get(DASHBOARD))
    assert names(bob.get(f"{DASHBOARD}?renewal=overdue")) == []
    # Beside one that must be decided it is told apart.
    with unit_of_work(app):
        client = db.session.get(Client, cast.client)
        db.session.add(make_subscription(client, "Hub", date(2027, 3, 1)))
    assert "Overdue" in plain(bob.get(DASHBOARD))
    assert names(bob.get(f"{DASHBOARD}?renewal=overdue")) == ["Acme"]


def test_what_comes_after_an_overdue_decision_is_told(app, browse, cast, time_machine):
    with unit_of_work(app):
        client = db.session.get(Client, cast.client)
        db.session.add(make_subscription(client, "Hub", date(2027, 6, 1)))
    time_machine.move_to("2027-04-02 12:00:00+00:00", tick=False)
    row = plain(browse(cast.bob).get(DASHBOARD))
    assert "31 Mar 2027 2 days ago then 1 Jun 2027 Overdue" in row
    for asked in ("overdue", "60"):
        assert names(browse(cast.bob).get(f"{DASHBOARD}?renewal={asked}")) == ["Acme"]
    assert names(browse(cast.bob).get(f"{DASHBOARD}?renewal=30")) == []


def test_mails_to_decide_about_are_said(app, browse, cast, monkeypatch):
    assert "not sure" not in browse(cast.bob).get(DASHBOARD).text
    with unit_of_work(app):
        db.session.add(
            Delivery(
                kind=MailKind.REMINDER_CLIENT,
                partner_id=cast.partner,
                client_id=cast.client,
                recipient_id=cast.dana,
                state=DeliveryState.UNCLEAR,
                email="dana@acme.example",
                language="en",
                snapshot={},
                queued_at=datetime.now(UTC),
                send_after=datetime.now(UTC),
            )
        )
    assert "1 mail is not sure" in browse(cast.bob).get(DASHBOARD).text
    assert "not sure" not in browse(cast.charlie).get(DASHBOARD).text
    monkeypatch.setattr(finding, "MOST_COUNTED", 0)
    assert "More than 0 mails are not sure" in browse(cast.bob).get(DASHBOARD).text


def test_signed_out_one_signs_in_first(browse, cast):
    answer = browse().get(DASHBOARD)
    assert (answer.status_code, answer.location) == (303, "/sign-in?next=/partner/dashboard")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?q=lodz", ["Łódź"]),
        ("?owner=partner", ["Own"]),
        ("?owner=own", ["Own"]),
        ("?renewal=30", ["Acme"]),
        ("?renewal=overdue", []),
        ("?reach=red", ["Łódź"]),
        ("?sort=-renewal", ["Own", "Łódź", "Acme"]),
        ("?q=%00&owner=x&reach=x&renewal=7&sort=x&after=x", ["Acme", "Łódź", "Own"]),
        ("?after=99999999999999999999", ["Acme", "Łódź", "Own"]),
    ],
)
def test_all_state_is_in_the_address(alice, add, query, found):
    add("Łódź")
    add("Own", owner=Owner.PARTNER)
    assert names(alice.get(DASHBOARD + query)) == found


def test_what_was_asked_stays_in_the_controls(alice):
    text = alice.get(f"{DASHBOARD}?q=Ac+me&owner=partner&renewal=60&sort=renewal").text
    assert 'value="Ac me"' in text
    assert '<option value="partner" selected>' in text
    assert '<option value="60" selected>' in text
    assert '<option value="renewal" selected>' in text
    assert "No client matches" in text


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("", "This page is empty now"),
        ("q=acme&", "This page is empty now"),
        ("q=zzz&", "No client"),
    ],
)
def test_a_page_past_the_end_says_so(alice, cast, asked, said):
    page = alice.get(f"{DASHBOARD}?{asked}after={cast.client}").text
    assert said in page.split('<div class="empty">')[1]


def test_htmx_gets_the_list_alone_and_the_count(alice):
    answer = alice.get(f"{DASHBOARD}?q=ac&owner=&reach=", headers={"HX-Request": "true"})
    assert answer.text.lstrip().startswith('<div id="clients">')
    assert 'id="clients-count" hx-swap-oob' in answer.text
    assert "HX-Request" in answer.headers["Vary"]
    assert answer.headers["HX-Push-Url"] == f"{DASHBOARD}?q=ac"


def test_pages_are_links(alice, add, monkeypatch):
    monkeypatch.setattr(client_list, "PAGE", 2)
    add("Beta", "Gamma", "Zeta")
    first = alice.get(f"{DASHBOARD}?owner=vendor")
    assert names(first) == ["Acme", "Beta"]
    following = re.search(r'rel="next" href="([^"]+)"', first.text)[1].replace("&amp;", "&")
    assert "owner=vendor" in following
    second = alice.get(following)
    assert names(second) == ["Gamma", "Zeta"]
    assert 'rel="next"' not in second.text
    back = re.search(r'rel="prev" href="([^"]+)"', second.text)[1].replace("&amp;", "&")
    assert names(alice.get(back)) == ["Acme", "Beta"]


def test_a_partner_without_clients_is_told_what_to_do(app, browse, cast):
    with unit_of_work(app):
        partner = db.session.get(Partner, cast.other_partner)
        db.session.get(User, cast.charlie).organisation = partner
    text = browse(cast.charlie).get(f"{DASHBOARD}?q=none").text
    assert "No clients" in text


@pytest.mark.parametrize("more", [0, 49])
def test_one_row_and_fifty_take_the_same_few_statements(alice, add, statements, more):
    add(*(f"Client {number}" for number in range(more)))
    with statements() as log:
        assert len(names(alice.get(f"{DASHBOARD}?reach=green&q=c&owner=vendor"))) <= 50
    assert len([line for line in log if line.startswith("SELECT")]) <= 5


def next_mails(answer):
    """The days of the next mails, in the order of the rows."""
    rows = answer.text.split("<tbody>")[1].split("<tr ")[1:]
    return [re.search(r">([^<\n]*)", row.split("<td")[5])[1] for row in rows]


def test_the_next_mail_has_its_day(app, alice, cast, add):
    add("Lodz")
    with unit_of_work(app):
        db.session.query(Subscription).filter_by(product="Hub").update(
            {"renewal_date": date(2027, 6, 30)}
        )
        due_index.refresh_where(Subscription.client_id.is_not(None))
    # 90 days before. A step of Acme's has fallen due already.
    assert next_mails(alice.get(DASHBOARD)) == ["1 Mar 2027", "1 Apr 2027"]
    # Past the date no step is told any more, whether a worker has seen that or not.
    with unit_of_work(app):
        db.session.query(Subscription).filter_by(id=cast.subscription).update(
            {"deadline": date(2027, 2, 28), "attention_on": date(2027, 2, 21)}
        )
    assert next_mails(alice.get(DASHBOARD)) == ["", "1 Apr 2027"]
    # The day after a date is none on which a mail goes out.
    with unit_of_work(app):
        db.session.query(Partner).update({"steps_text": ":/"})
        due_index.refresh_where(Subscription.client_id.is_not(None))
    assert next_mails(alice.get(DASHBOARD)) == ["", ""]


@pytest.mark.parametrize(
    ("amounts", "shown"),
    [
        ([], []),
        ([("9600", "PLN")], ["PLN 9,600.00"]),
        # Whatever is decided on one day is added up.
        ([("1200.5", "EUR"), ("0.25", "EUR")], ["€1,200.75"]),
        ([("1", "PLN"), ("999999999999.99", "EUR")], ["€999,999,999,999.99", "PLN 1.00"]),
    ],
)
def test_the_amount_is_that_of_the_next_decision(app, browse, cast, amounts, shown):
    with unit_of_work(app):
        acme = db.session.get(Client, cast.client)
        db.session.get(Subscription, cast.subscription).renewal_date = date(2027, 5, 1)
        for number, (amount, currency) in enumerate(amounts or [(None, None)]):
            day, decimal = date(2027, 4, 1), amount and Decimal(amount)
            values = {"amount": decimal, "currency": currency}
            db.session.add(make_subscription(acme, f"Hub {number}", day, **values))
        later = make_subscription(acme, "Later", date(2027, 4, 2), amount=7, currency="PLN")
        db.session.add(later)
        due_index.refresh_where(Subscription.client_id == cast.client)
    text = browse(cast.bob).get(DASHBOARD).text
    cell = text.split("<tbody>")[1].split("<td")[4].partition(">")[2]
    assert [
        part.strip().replace("\xa0", " ") for part in cell.split("<br>") if part.strip()
    ] == shown


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "Nothing to renew"), ("pl", "Nic do odnowienia"), ("pt", "Nada a renovar")],
)
def test_what_is_not_renewed_is_no_lack_of_a_subscription(app, browse, cast, language, said):
    with unit_of_work(app):
        db.session.get_one(Subscription, cast.subscription).cancelled = True
        due_index.refresh_where(Subscription.client_id == cast.client)
    assert said in plain(browse(cast.alice, language).get(DASHBOARD))


def test_only_what_is_wrong_has_a_colour(app, browse, cast, time_machine):
    time_machine.move_to("2027-04-02 12:00:00+00:00", tick=False)
    page = browse(cast.bob).get(DASHBOARD)
    assert re.findall(r'class="pill ([^"]*)"', page.text.split("<tbody>")[1]) == ["pill-bad"]
    assert "Overdue" in page.text
    with unit_of_work(app):
        db.session.get(Subscription, cast.subscription).renewal_date = date(2027, 6, 1)
        db.session.get(User, cast.dave).rejected_reply = "550 no such user"
        db.session.flush()
        due_index.refresh_where(Subscription.client_id == cast.client)
        situations.refresh([cast.client])
    page = browse(cast.bob).get(DASHBOARD)
    assert re.findall(r'class="pill ([^"]*)"', page.text.split("<tbody>")[1]) == ["pill-warn"]


def test_the_row_menu_leads_into_the_dialog_and_back_to_the_row(alice, cast):
    text = alice.get(f"{DASHBOARD}?sort=renewal").text
    menu = text.split('aria-label="Actions: Acme"')[1].split("</details>")[0]
    links = re.findall(r'<a href="([^"]+)"[^>]*>([^<]+)</a>', menu)
    assert [words for _address, words in links] == [
        "Client details",
        "Edit renewal owner",
        "Edit client",
    ]
    here = "/partner/dashboard?sort=renewal"
    # They are named from the list.
    led = [urljoin(DASHBOARD, unescape(address)) for address, _words in links]
    assert [alice.get(address).status_code for address in led] == [200] * 3
    address = led[1]
    assert parse_qs(urlsplit(address).query) == {"next": [here]}
    assert f'name="next" value="{here}#client-{cast.client}"' in alice.get(address).text


def test_a_blocked_reminder_stands_out_today_as_on_the_clients_own_page(app, alice, cast):
    with unit_of_work(app):
        db.session.query(ContactAssignment).delete()
        situations.refresh([cast.client])
        db.session.query(Partner).update({"sending": True})
        due_index.refresh_where(Subscription.client_id == cast.client)
    worker.once(app)
    assert next_mails(alice.get(DASHBOARD)) == ["1 Mar 2027"]
    assert "Nobody to tell" in alice.get(DASHBOARD).text.split("<tbody>")[1]
    assert (
        "Mail at risk: 1 March 2027" in alice.get(f"/partner/clients/{cast.client}/renewals").text
    )


def test_an_owner_saved_from_the_row_is_seen_there_with_an_undo(alice, cast):
    here, part = f"{DASHBOARD}?owner=vendor", f"client-{cast.client}"
    path = f"/partner/clients/{cast.client}/renewal-owner"
    opened = f"{path}?{urlencode({'next': here})}"
    values = {"choice": "partner", "contact_id": cast.bob, "shown": shown_to(alice, path, opened)}
    values["next"] = f"{here}#{part}"
    headers = {"HX-Request": "true", "HX-Current-URL": f"http://localhost{here}"}
    answer = alice.post(path, data=values, headers=headers)
    assert answer.status_code == 200
    row = answer.text.strip()
    assert row.startswith(f'<tr id="{part}">')
    assert row.count("<tr") == 1
    assert plain(answer).startswith(
        "Acme Renewal owner saved (client: Acme) Undo Partner Own setting"
    )
    # The row leads back to the same list.
    assert f'next={quote(here)}" hx-boost' in row
    undo, back = re.search(
        r'action="(/undo/\d+)".*?name="next" value="([^"]+)"', row, re.DOTALL
    ).groups()
    assert unescape(back) == f"{here}#{part}"
    # Undo leads to the page, of which htmx takes the row.
    headers["HX-Request-Type"] = "full"
    answer = alice.post(undo, data={"next": back}, headers=headers, follow_redirects=True)
    row = answer.text.split(f'<tr id="{part}">')[1]
    assert 'class="said"' in row
    assert "Own setting" not in row


def test_without_a_script_the_saved_dialog_leads_back_to_the_row(alice, cast):
    here = f"{DASHBOARD}?sort=renewal"
    path = f"/partner/clients/{cast.client}/renewal-owner"
    values = {"choice": "vendor", "contact_id": "", "next": f"{here}#client-{cast.client}"}
    values["shown"] = shown_to(alice, path)
    answer = alice.post(path, data=values)
    assert (answer.status_code, answer.location) == (303, here)
    row = alice.get(answer.location).text.split("<tbody>")[1]
    # The message there has the focus.
    assert "autofocus" in row.split("Renewal owner saved (client: Acme)")[0]


def test_the_search_tells_whose_people_it_finds(alice):
    assert (
        'placeholder="Client, its people, city, product or ID"'
        in alice.get(f"{DASHBOARD}?q=dana").text
    )
    assert "Acme" in plain(alice.get(f"{DASHBOARD}?q=dana"))
    assert "Acme" not in plain(alice.get(f"{DASHBOARD}?q=alice"))


def test_a_row_of_another_partner_is_not_found(app, cast):
    with app.app_context():
        partner = db.session.get(Partner, cast.partner)
        assert client_list.load_one(partner, cast.client).name == "Acme"
        assert client_list.load_one(partner, cast.other_client) is None
