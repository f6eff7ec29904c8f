"""Upcoming renewals: a small page for a frame, and the same as a part of a page of the intranet."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest

from tests.support.cast import make_client, make_subscription, unit_of_work
from webapp.domain.ownership import Owner
from webapp.models import Client, Partner, Subscription, db
from webapp.services.lists import calendar
from webapp.services.reminders import due_index

HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def today(time_machine):
    time_machine.move_to("2027-03-01 12:00:00+00:00", tick=False)


@pytest.fixture
def add(app, cast):
    """Adds clients with subscriptions to Alice's partner: their renewal dates, or those and their deadlines."""

    def add_client(name, *dates, **values):
        with unit_of_work(app):
            partner = db.session.get(Partner, cast.partner)
            client = make_client(partner, name, **values)
            for number, (renewal, deadline) in enumerate(dates):
                made = make_subscription(client, f"Hub {number}", renewal, deadline=deadline)
                db.session.add(made)
            db.session.add(client)
            db.session.flush()
            return client.id

    return add_client


def rows(answer):
    """The words of each renewal on the page."""
    items = re.findall(r"<li>(.*?)</li>", answer.text, re.DOTALL)
    return [" ".join(re.sub(r"<[^>]+>", " ", item).split()) for item in items]


def test_next_renewals_are_shown_by_their_decision(browse, cast, add):
    add("Zeta", (date(2027, 6, 30), date(2027, 3, 20)))
    add("Beta", (date(2027, 3, 2), None), owner=Owner.PARTNER)
    assert rows(browse(cast.bob).get("/upcoming")) == [
        "Beta Hub 0, renewal date 2 March 2027 tomorrow · Renewal owner: Partner",
        "Zeta Hub 0, decision deadline 20 March 2027 in 19 days · Renewal owner: HubSpot",
        "Acme Marketing Hub, renewal date 31 March 2027 in 30 days · Renewal owner: HubSpot",
    ]


def test_only_the_next_ten_are_shown(browse, cast, add):
    for number in range(12):
        add(f"Company {number:02}", (date(2027, 3, 2) + timedelta(days=number), None))
    shown = rows(browse(cast.bob).get("/upcoming"))
    assert len(shown) == calendar.NEXT == 10
    assert [one[:10] for one in shown] == [f"Company {number:02}" for number in range(10)]


def test_later_renewals_of_a_client_with_an_overdue_one_are_shown(browse, cast, add):
    """The overdue decision itself is on the dashboard. The client's first two decisions are past, and not its third."""
    add("Late", (date(2027, 1, 1), None), (date(2027, 2, 1), None), (date(2027, 3, 4), None))
    assert rows(browse(cast.bob).get("/upcoming"))[0] == (
        "Late Hub 2, renewal date 4 March 2027 in 3 days · Renewal owner: HubSpot"
    )


@pytest.mark.parametrize("archived", [True, False], ids=["archived", "cancelled"])
def test_what_ended_is_not_shown(app, browse, cast, add, archived):
    gone = add("Gone", (date(2027, 3, 5), None))
    with unit_of_work(app):
        client = db.session.get(Client, gone)
        if archived:
            client.archived_at = datetime(2027, 2, 1, tzinfo=UTC)
        else:
            for one in db.session.query(Subscription).filter_by(client_id=gone):
                one.cancelled = True
        due_index.refresh_clients([gone])
    assert "Gone" not in browse(cast.bob).get("/upcoming").text


def test_page_has_no_menus_and_its_links_open_a_tab(browse, cast):
    answer = browse(cast.bob).get("/upcoming")
    assert "<nav" not in answer.text
    assert "<h1" in answer.text
    links = re.findall(r"<a ([^>]+)>", answer.text)
    assert len(links) == 2
    assert all('target="_blank" rel="noopener"' in link for link in links)


def test_part_for_another_page_is_a_section_alone(browse, cast):
    answer = browse(cast.bob).get("/upcoming", headers=HTMX)
    assert answer.text.startswith('<section id="upcoming"')
    assert "<h2" in answer.text
    assert "<html" not in answer.text
    assert "target=" not in answer.text


def test_signed_out_one_is_asked_to_sign_in(browse, cast):
    page = browse().get("/upcoming")
    assert page.status_code == 200
    assert 'href="/sign-in?next=/upcoming"' in page.text
    assert "Acme" not in page.text
    part = browse().get("/upcoming", headers=HTMX)
    assert part.status_code == 401
    assert part.text.startswith('<section id="upcoming"')
    assert 'href="/sign-in"' in part.text
    assert "HX-Redirect" not in part.headers


def test_clients_have_no_such_page(browse, cast):
    assert browse(cast.dana).get("/upcoming").status_code == 403


def test_page_speaks_its_readers_language(browse, cast):
    assert "Nadchodzące odnowienia" in browse(cast.bob, "pl").get("/upcoming").text
    assert "Próximas renovações" in browse().get("/upcoming?lang=pt").text


def test_nothing_ahead_is_said(browse, cast, time_machine):
    time_machine.move_to("2030-03-01 12:00:00+00:00", tick=False)
    assert "There are no upcoming renewals." in browse(cast.bob).get("/upcoming").text
