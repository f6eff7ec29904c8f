"""Partner > To do: where a partner's people land, what it lists, and what its address says."""

import re
from datetime import date, timedelta
from decimal import Decimal

import pytest

from tests.support.cast import make_client, make_subscription, unit_of_work
from tests.support.forms import shown_in
from webapp.domain.ownership import Owner
from webapp.domain.todo import Section
from webapp.models import Partner, Subscription, db
from webapp.models.tables import client_table
from webapp.services.reminders import due_index, situations

PAGE = "/partner/to-do"
HTMX = {"HX-Request": "true"}
TODAY = date(2027, 3, 10)


@pytest.fixture
def alice(browse, cast, time_machine):
    time_machine.move_to("2027-03-10 12:00:00+00:00", tick=False)
    return browse(cast.alice)


@pytest.fixture
def add(app, cast):
    """Adds a client with one subscription, so many days from now, to Alice's partner; returns the subscription's id."""

    def add_one(name, days, owner=None, **values):
        with unit_of_work(app):
            partner = db.session.get(Partner, cast.partner)
            client = make_client(partner, name, owner=owner)
            values = {"product": "Sales Hub"} | values
            product = values.pop("product")
            one = make_subscription(client, product, TODAY + timedelta(days=days), **values)
            db.session.add_all([client, one])
            db.session.flush()
            due_index.refresh([one])
            situations.refresh(
                db.session.scalars(client_table.select().with_only_columns(client_table.c.id))
            )
            return one.id

    return add_one


def plain(html):
    """The words of a page, without tags and special spaces."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).replace("&#39;", "'").split())


def sections(answer):
    """The clients of each section, in the order of the page."""
    parts = re.findall(r'aria-labelledby="section-(\w+)"(.*?)</section>', answer.text, re.DOTALL)
    return {name: re.findall(r'<th scope="row"><a [^>]+>([^<]+)</a>', part) for name, part in parts}


def rows(answer):
    return [name for names in sections(answer).values() for name in names]


def bar_of(answer, month):
    """What the bar of a month says of itself."""
    found = re.search(
        rf'id="bar-{month}".*?<span class="visually-hidden">(.*?)</span>', answer.text, re.DOTALL
    )
    return found and plain(found[1])


def test_a_partners_people_land_there(browse, cast):
    for person in (cast.alice, cast.bob):
        assert browse(person).get("/").location == PAGE
    assert browse(cast.dana).get("/").location == "/account/company"
    assert browse().get("/").location == "/sign-in"


@pytest.mark.parametrize(
    ("role", "status"), [("alice", 200), ("bob", 200), ("dana", 403), ("dave", 403)]
)
def test_it_is_for_the_partners_people(browse, cast, role, status):
    assert browse(getattr(cast, role)).get(PAGE).status_code == status


def test_the_menu_and_the_bar_lead_to_the_same_pages(alice):
    page = alice.get(PAGE).text
    bar = re.findall(r'class="top-bar-item top-bar-page" href="([^"]+)"[^>]*>([^<]+)', page)
    menu = re.search(r'id="partner-menu">(.*?)</details>', page, re.DOTALL)[1]
    assert re.findall(r'<a href="([^"]+)"[^>]*>([^<]+)', menu) == bar
    assert bar[:3] == [
        (PAGE, "To do"),
        ("/partner/dashboard", "Dashboard"),
        ("/partner/deliveries", "Deliveries"),
    ]
    assert re.findall(r'href="([^"]+)" aria-current="page"', page) == [PAGE, PAGE]


def test_each_renewal_stands_in_its_section(alice, add):
    add("Past", -3)
    add("Soon", 5)
    add("Far", 100)
    add("Itself", 20, renews_itself=True)
    add("Beyond", 200)
    assert sections(alice.get(PAGE)) == {
        "decide": ["Past"],
        "week": ["Soon"],
        "month": ["Acme"],
        "later": ["Far"],
        "renewing": ["Itself"],
    }


def test_a_line_has_what_one_decides_by(alice, add):
    add("Past", -3, deadline=TODAY - timedelta(days=20), amount=Decimal("9600"), currency="PLN")
    page = alice.get(PAGE).text
    line = plain(re.search(r'<tr id="item-\d+">(.*?)Client details', page, re.DOTALL)[1])
    assert line.startswith("Past Sales Hub")
    for shown in ("18 Feb", "20 days ago", "7 Mar", "PLN 9,600.00", "HubSpot", "Alice", "None"):
        assert shown in line
    for name in ("Renewed", "Not renewed", "Remind me on …", "Note", "Edit renewal owner"):
        assert name in line


@pytest.mark.parametrize(("deadline", "told"), [(None, "same day"), (TODAY, "15 Mar")])
def test_the_renewal_date_is_told_or_is_the_same_day(alice, add, deadline, told):
    item = add("Acme Two", 5, deadline=deadline)
    line = alice.get(PAGE).text.partition(f'id="item-{item}"')[2].partition("</tr>")[0]
    assert plain(re.split("<td[^>]*>", line)[2]) == told


def test_what_leads_away_from_a_line_leads_back_to_it(alice, add):
    item = add("Past", -3)
    page = alice.get(f"{PAGE}?owner=vendor").text
    there = (
        f"/partner/subscriptions/{item}/renewed?next=/partner/to-do%3Fowner%3Dvendor%23item-{item}"
    )
    assert page.count(f'href="{there}"') == 2
    assert '<tbody hx-boost:inherited="true" hx-target:inherited="#dialog"' in page


def test_another_partners_renewals_are_not_there(browse, cast, time_machine):
    time_machine.move_to("2027-03-10 12:00:00+00:00", tick=False)
    assert rows(browse(cast.charlie).get(PAGE)) == ["Foreign"]


def test_filters_narrow_and_can_be_taken_back(alice, add):
    add("Past", -3, owner=Owner.PARTNER)
    add("Soon", 5, product="Hub")
    for address, left in (
        ("owner=partner", ["Past"]),
        ("owner=vendor", ["Soon", "Acme"]),
        ("product=Hub", ["Soon"]),
        ("month=2027-03", ["Past", "Soon", "Acme"]),
        ("month=2027-04", []),
        ("figure=past", ["Past"]),
        ("section=week", ["Soon"]),
        ("only=nobody", ["Soon"]),
        ("figure=past&owner=vendor", []),
        # Nonsense narrows nothing.
        ("owner=x&month=2027-13&only=x&figure=x&bars=%00&section=x", ["Past", "Soon", "Acme"]),
    ):
        assert rows(alice.get(f"{PAGE}?{address}")) == left, address
    page = alice.get(f"{PAGE}?owner=partner&month=2027-03&bars=PLN").text
    chosen = re.search(r'<p class="chosen".*?</p>', page, re.DOTALL)[0]
    assert "Renewal owner: Partner" in plain(chosen)
    assert "Renews in: March 2027" in plain(chosen)
    assert re.findall(r'href="([^"]+)"', chosen) == [
        f"{PAGE}?month=2027-03&amp;bars=PLN",
        f"{PAGE}?owner=partner&amp;bars=PLN",
        PAGE,
    ]


def test_without_filters_none_is_to_be_taken_back(alice):
    assert 'class="chosen"' not in alice.get(PAGE).text


def test_the_figures_count_and_lead_on(alice, add):
    add("Past", -3, amount=Decimal("100.40"), currency="PLN")
    add("Also past", -1, amount=Decimal("1000"), currency="EUR")
    add("Soon", 5, amount=Decimal("200"), currency="PLN")
    page = alice.get(PAGE).text
    figures = [plain(one) for one in re.findall(r'<a class="figure".*?</a>', page, re.DOTALL)]
    assert figures == [
        "2 Past its date, undecided no more reminders are sent about these",
        "2 To be decided this month until 31 Mar 2027",
        "PLN 300 €1,000 Renews this quarter Jan–Mar 2027 · per term, as entered · 1 without an amount",
    ]
    for figure in ("past", "month", "quarter"):
        assert f'id="figure-{figure}" href="{PAGE}?figure={figure}"' in page
        # Chosen, it is marked, and leads back.
        chosen = alice.get(f"{PAGE}?figure={figure}").text
        assert f'id="figure-{figure}" href="{PAGE}" hx-get="{PAGE}" aria-current="true"' in chosen


def test_a_figure_or_a_bar_shows_as_many_as_it_says_whatever_was_chosen_before(alice, add):
    add("Past", -3, owner=Owner.PARTNER)
    add("Also past", -1, product="Hub")
    others = "mine=1&owner=partner&product=Sales+Hub&only=wrong&section=decide"
    page = alice.get(f"{PAGE}?{others}").text
    for part, there, found in (
        ("figure-past", f"{PAGE}?figure=past", ["Past", "Also past"]),
        ("bar-2027-03", f"{PAGE}?month=2027-03", ["Past", "Also past", "Acme"]),
    ):
        assert f'id="{part}" href="{there}"' in page
        assert rows(alice.get(there)) == found
    # One that is chosen is taken back, and the others stay.
    page = alice.get(f"{PAGE}?owner=partner&figure=past").text
    assert f'id="figure-past" href="{PAGE}?owner=partner" ' in page


def test_a_figure_of_sums_counts_where_nothing_has_an_amount(alice):
    page = alice.get(PAGE).text
    assert (
        "1 Renews this quarter Jan–Mar 2027 · per term, as entered · 1 without an amount"
        in plain(page)
    )


def test_the_bars_tell_of_each_owner_and_lead_to_the_month(alice, add):
    add("One", 30, owner=Owner.PARTNER)
    add("Two", 31)
    page = alice.get(PAGE)
    assert bar_of(page, "2027-03") == "March 2027: 1 (Partner: 0, HubSpot: 1)"
    assert bar_of(page, "2027-04") == "April 2027: 2 (Partner: 1, HubSpot: 1)"
    assert bar_of(page, "2027-05") is None
    assert "May 2027: 0" in plain(page.text)
    assert f'href="{PAGE}?month=2027-04"' in page.text
    assert page.text.count('fill="url(#hatch)"') == 3  # with the legend's


def test_the_bars_show_sums_in_one_currency(alice, add):
    add("One", 30, owner=Owner.PARTNER, amount=Decimal("1200.50"), currency="PLN")
    add("Two", 31, amount=Decimal("300"), currency="PLN")
    add("Three", 31, amount=Decimal("7"), currency="EUR")
    page = alice.get(f"{PAGE}?bars=PLN")
    assert bar_of(page, "2027-04") == (
        "April 2027: PLN 1,500.50 (Partner: PLN 1,200.50, HubSpot: PLN 300.00)"
    )
    assert ">1.5k</text>" in page.text
    # Links keep it.
    assert f'href="{PAGE}?month=2027-04&amp;bars=PLN"' in page.text
    assert re.findall(r'id="measure-(\w+)"', page.text) == ["count", "PLN", "EUR"]
    # A currency that nothing has is none.
    assert bar_of(alice.get(f"{PAGE}?bars=JPY"), "2027-04").startswith("April 2027: 3 ")


def test_a_month_without_the_currency_is_a_link_all_the_same(alice, add):
    add("One", 30, amount=Decimal("1200.50"), currency="PLN")
    add("Two", 70, amount=Decimal("7"), currency="EUR")
    page = alice.get(f"{PAGE}?bars=PLN&month=2027-05")
    assert rows(page) == ["Two"]
    assert bar_of(page, "2027-05") == "May 2027: PLN 0.00"
    assert '<a class="bar" id="bar-2027-05" ' in page.text
    chosen = re.findall(r'id="bar-([\d-]+)"[^>]* aria-current="true"', page.text)
    assert chosen == ["2027-05"]
    # A month that was chosen and has nothing leads back, and any other is no link.
    page = alice.get(f"{PAGE}?month=2027-06")
    assert bar_of(page, "2027-06") == "June 2027: 0"
    assert bar_of(page, "2027-07") is None


def test_the_table_says_what_the_bars_say(alice, add):
    add("One", 30, owner=Owner.PARTNER)
    page = alice.get(PAGE).text
    table = re.search(r"As a table.*?</table>", page, re.DOTALL)[0]
    months = [plain(row) for row in re.findall(r"<tr>(.*?)(?=<tr>|</tbody>)", table, re.DOTALL)]
    assert months[0] == "Month Partner HubSpot Both"
    assert months[1:4] == ["March 2027 0 1 1", "April 2027 1 0 1", "May 2027 0 0 0"]
    assert len(months) == 13


def test_nothing_to_do_is_said_with_what_comes_next(app, cast, alice):
    with unit_of_work(app):
        one = db.session.get(Subscription, cast.subscription)
        one.renewal_date = date(2027, 9, 30)
        due_index.refresh([one])
    text = plain(alice.get(PAGE).text)
    assert "Nothing to do Nothing needs a decision now. Next: 30 September 2027." in text
    assert "No renewals" in text


def test_nothing_to_do_without_any_subscription_leads_on(app, cast, alice):
    with unit_of_work(app):
        one = db.session.get(Subscription, cast.subscription)
        one.cancelled = True
        due_index.refresh([one])
    page = alice.get(PAGE).text
    assert "Renewals will be listed here once your clients have subscriptions." in page


def test_filters_that_match_nothing_say_so(alice):
    page = alice.get(f"{PAGE}?owner=partner").text
    assert "No renewal matches" in page
    assert "Nothing to do" not in page


def test_htmx_gets_the_queue_and_the_figures(alice):
    answer = alice.get(f"{PAGE}?owner=vendor&product=&month=", headers=HTMX)
    assert answer.headers["HX-Push-Url"] == f"{PAGE}?owner=vendor"
    assert answer.text.lstrip().startswith('<div id="queue">')
    assert re.search(
        r'<section class="overview" id="figures"[^>]*hx-swap-oob="outerHTML"', answer.text
    )
    assert "<h1" not in answer.text
    assert "hx-swap-oob" not in alice.get(PAGE).text


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("pl", ("Do zrobienia", "Po terminie, bez decyzji", "W ciągu 30 dni", "mar 2027")),
        ("pt", ("A fazer", "Decisões atrasadas", "Em até 30 dias", "mar. 2027")),
    ],
)
def test_it_speaks_the_readers_language(browse, cast, time_machine, language, words):
    time_machine.move_to("2027-03-10 12:00:00+00:00", tick=False)
    text = plain(browse(cast.alice, language).get(PAGE).text)
    for word in words:
        assert word in text


# --- Decisions in the row -------------------------------------------------------------------------------------------


def decide(browser, item, what, page=PAGE, headers=HTMX, **form):
    """Open a dialog from a row, and save it."""
    address = f"/partner/subscriptions/{item}/{what}"
    back = {"next": f"{page}#item-{item}"}
    dialog = browser.get(address, query_string=back, headers=headers)
    assert dialog.status_code == 200
    data = back | {"shown": shown_in(dialog.text, address)[address]} | form
    return browser.post(address, data=data, headers=headers)


NONE = {section.value: "0" for section in Section}


def numbers(answer):
    """The numbers that an answer has for the headings of sections."""
    found = re.findall(r'id="section-(\w+)-count" hx-swap-oob="innerHTML">(.*?)<', answer.text)
    return dict(found)


def test_a_decided_row_makes_room_for_its_message(alice, add):
    item = add("Past", -3, amount=Decimal("100"), currency="PLN")
    answer = decide(alice, item, "renewed", term_months="12", amount="100", currency="PLN")
    row = re.match(rf'\s*<tr id="item-{item}">.*?(?=<section)', answer.text, re.DOTALL)[0]
    assert plain(row) == "Renewed until 7 March 2028: Past · Sales Hub Undo"
    assert 'role="status"' in row
    figures = answer.text[len(row) :]
    assert 'hx-swap-oob="outerHTML"' in figures
    assert "0 Past its date, undecided" in plain(figures)
    assert numbers(answer) == NONE | {"month": "1"}
    assert '<p id="queue-count" hx-swap-oob="innerHTML">1 renewal</p>' in figures


def test_a_row_that_still_waits_stays_with_its_message(alice, add):
    item = add("Past", -3)
    answer = decide(alice, item, "note", note="Wait & see")
    row = plain(answer.text.partition("<section")[0])
    assert "Wait &amp; see Note saved: Past · Sales Hub Undo 7 Mar 3 days ago" in row
    assert "Wait &amp; see" in alice.get(PAGE).text


def test_what_is_put_off_says_so_and_moves(alice, add):
    item = add("Past", -3)
    answer = decide(alice, item, "remind", quick="2027-03-17")
    assert (
        plain(answer.text.partition("<section")[0])
        == "Put off until 17 March 2027, which is after its date (7 March 2027): Past · Sales Hub Undo"
    )
    assert numbers(answer) == NONE | {"month": "1", "put_off": "1"}
    page = alice.get(PAGE)
    assert sections(page) == {"month": ["Acme"], "put_off": ["Past"]}
    assert "Reminder: 17 Mar, Alice" in plain(page.text)


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "Bob (deactivated)"),
        ("pl", "Bob (konto dezaktywowane)"),
        ("pt", "Bob (conta desativada)"),
    ],
)
def test_a_reminder_of_somebody_who_left_says_so(app, browse, cast, alice, add, language, said):
    item = add("Past", -3)
    decide(browse(cast.bob), item, "remind", quick="2027-03-17")
    alice.post(f"/settings/team/{cast.bob}/active", data={"active": "0"})
    alice = browse(cast.alice, language)
    with app.app_context():
        client_id = db.session.get_one(Subscription, item).client_id
    for page in (PAGE, f"/partner/clients/{client_id}/renewals"):
        assert said in plain(alice.get(page).text)


def test_undo_finds_the_row_where_it_was(alice, add):
    item = add("Past", -3)
    answer = decide(alice, item, "cancelled", page=f"{PAGE}?owner=vendor")
    undo = re.search(r'action="(/undo/\d+)"', answer.text)[1]
    assert f'hx-target="#item-{item}" hx-select="#item-{item}"' in answer.text
    there = f"{PAGE}?owner=vendor#item-{item}"
    answer = alice.post(undo, data={"next": there})
    assert (answer.status_code, answer.location) == (303, f"{PAGE}?owner=vendor")
    row = re.search(
        rf'<tr id="item-{item}">(.*?)</th>|<tr id="item-{item}">(.*?)<td',
        alice.get(there).text,
        re.DOTALL,
    )
    assert "Undone: Sales Hub" in row[0]


def test_the_picture_and_the_filters_outlast_a_decision(alice, add):
    item = add("Past", -3, amount=Decimal("100"), currency="PLN")
    address = f"{PAGE}?owner=vendor&bars=PLN"
    answer = decide(alice, item, "note", page=address, note="x")
    assert f'href="{PAGE}?figure=past&amp;bars=PLN"' in answer.text
    assert re.search(r'id="measure-PLN"[^>]*aria-current="true"', answer.text)
    assert f"next=/partner/to-do%3Fowner%3Dvendor%26bars%3DPLN%23item-{item}" in answer.text
    assert numbers(answer) == NONE | {"decide": "1", "month": "1"}
    answer = decide(alice, item, "note", page=f"{PAGE}?section=decide&after={item}", note="y")
    assert numbers(answer) == {"decide": "1"}


def test_without_a_script_one_is_back_at_the_row(alice, add):
    item = add("Past", -3)
    answer = decide(alice, item, "note", headers={}, note="x")
    assert (answer.status_code, answer.location) == (303, PAGE)
    page = alice.get(PAGE).text
    row = page[page.index(f'id="item-{item}"') :]
    assert "Note saved: Past · Sales Hub" in plain(row[: row.index("</details>")])


def test_without_a_script_a_row_that_is_gone_leaves_its_message_at_the_queue(alice, add):
    item = add("Past", -3)
    address = f"{PAGE}?month=2027-03"
    answer = decide(alice, item, "cancelled", page=address, headers={})
    assert (answer.status_code, answer.location) == (303, address)
    page = alice.get(address).text
    assert f'id="item-{item}"' not in page
    message = page.partition('<div id="queue">')[2].partition("<section")[0]
    assert "Not renewed: Past · Sales Hub Undo" in plain(message)
    assert "autofocus" in message
    # Undo leads back to the row.
    assert f'value="{PAGE}?month=2027-03#item-{item}"' in message
    assert 'hx-target="#queue" hx-select="#queue"' in message
    assert "autofocus" not in alice.get(address).text


def test_the_owner_is_edited_from_the_row(cast, alice):
    address = f"/partner/clients/{cast.client}/renewal-owner"
    back = {"next": f"{PAGE}#item-{cast.subscription}"}
    dialog = alice.get(address, query_string=back, headers=HTMX)
    data = back | {
        "shown": shown_in(dialog.text, address)[address],
        "choice": "partner",
        "contact_id": str(cast.bob),
    }
    row = alice.post(address, data=data, headers=HTMX).text.partition("<section")[0]
    assert f'<tr id="item-{cast.subscription}">' in row
    assert "Renewal owner saved (client: Acme)" in plain(row)
    assert "Partner Bob" in plain(row)
