"""The subscriptions of a client: added and edited."""

import re
from datetime import date
from decimal import Decimal

import pytest

from tests.support.cast import unit_of_work
from tests.support.forms import shown_to
from webapp.models import Client, Subscription, db
from webapp.typography import plain


def form(**values):
    facts = {
        "product": "Sales Hub",
        "term_months": "12",
        "renewal_date": "2027-05-31",
        "deadline": "2027-04-16",
        "amount": "1 234,50",
        "currency": "PLN",
    }
    return facts | values


def stored(app, subscription_id):
    with app.app_context():
        found = db.session.get(Subscription, subscription_id)
        db.session.expunge(found)
    return found


def undo_of(page):
    return re.search(r'action="(/undo/\d+)"', page)[1]


def test_one_is_added(app, browse, cast):
    alice = browse(cast.alice)
    url = f"/partner/clients/{cast.client}/subscriptions/new"
    assert alice.get(url).status_code == 200
    answer = alice.post(url, data=form())
    assert (answer.status_code, answer.location) == (
        303,
        f"/partner/clients/{cast.client}/renewals",
    )
    assert "Sales Hub" in alice.get(answer.location).text
    with unit_of_work(app):
        added = db.session.query(Subscription).filter_by(product="Sales Hub").one()
        assert (added.amount, added.deadline) == (Decimal("1234.50"), date(2027, 4, 16))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"product": ""}, "Fill this in."),
        ({"product": "marketing HUB"}, "already has a subscription of this product"),
        ({"renewal_date": ""}, "Fill this in."),
        ({"renewal_date": "05/31/2027"}, "Write a date such as 31/12/2026, between"),
        ({"renewal_date": "2027-02-30"}, "There is no such day in the calendar."),
        ({"deadline": "2027-06-01"}, "be after the renewal date."),
        ({"term_months": "7"}, "Choose one of the options."),
        ({"amount": "a lot"}, "Write an amount such as 1200 or 1200.50."),
        ({"currency": ""}, "Choose the currency of the amount."),
        ({"currency": "ZZZ"}, "Choose one of the options."),
    ],
)
def test_bad_input_is_said_at_the_field_and_kept(app, browse, cast, values, message):
    url = f"/partner/clients/{cast.client}/subscriptions/new"
    answer = browse(cast.alice).post(url, data=form(**values))
    assert answer.status_code == 422
    assert message in answer.text
    if "amount" not in values:
        assert 'value="1 234,50"' in answer.text
    with unit_of_work(app):
        assert db.session.query(Subscription).filter_by(client_id=cast.client).count() == 1


@pytest.mark.parametrize(
    ("language", "typed", "shown", "words"),
    [
        ("en", "3/4/2027", "03/04/2027", "3 April 2027"),
        ("pl", "3.4.2027", "03.04.2027", "3 kwietnia 2027"),
        ("pl", "03 / 04 / 2027", "03.04.2027", "3 kwietnia 2027"),
        ("pt", "1-4-2027", "01/04/2027", "1º de abril de 2027"),
        ("pt", "2027-04-01", "01/04/2027", "1º de abril de 2027"),
    ],
)
def test_a_day_is_typed_and_shown_as_the_pages_language_has_it(
    app, browse, cast, language, typed, shown, words
):
    alice = browse(cast.alice)
    url = f"/partner/subscriptions/{cast.subscription}/edit"
    alice.get(f"{url}?lang={language}")
    fields = form(renewal_date=typed, deadline="", shown=shown_to(alice, url))
    # The words stand beside what was typed, also where another field is refused.
    refused = plain(alice.post(url, data=fields | {"product": ""}).text)
    assert f'value="{typed}"' in refused
    assert f">{words}</output>" in refused
    assert alice.post(url, data=fields).status_code == 303
    page = plain(alice.get(url).text)
    assert f'value="{shown}"' in page
    assert f">{words}</output>" in page


def test_a_day_to_be_typed_tells_its_form(browse, cast):
    url = f"/partner/clients/{cast.client}/subscriptions/new"
    page = browse(cast.alice).get(f"{url}?lang=pl").text
    assert 'aria-describedby="renewal_date-words"' in page
    assert 'aria-describedby="deadline-help deadline-words"' in page
    assert plain(page).count(">Na przykład: 31.12.2026</output>") == 2


def test_an_edit_is_saved_and_a_stale_one_is_not(app, browse, cast):
    url = f"/partner/subscriptions/{cast.subscription}/edit"
    bob = browse(cast.bob)
    shown = shown_to(bob, url)
    assert browse(cast.alice).post(url, data=form(shown=shown)).status_code == 303
    answer = bob.post(url, data=form(shown=shown, product="Content Hub"))
    assert answer.status_code == 409
    assert "Changed by: Alice" in answer.text
    assert 'value="Content Hub"' in answer.text
    assert stored(app, cast.subscription).product == "Sales Hub"


PAGES = ["edit", "renewed", "cancelled", "remind", "note"]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(("who", "status"), [("charlie", 404), ("dana", 403)])
def test_a_stranger_never_sees_or_changes_anything(app, browse, cast, page, who, status):
    person = browse(getattr(cast, who))
    url = f"/partner/subscriptions/{cast.subscription}/{page}"
    assert person.get(url).status_code == status
    assert person.post(url, data=form(shown="")).status_code == status
    assert stored(app, cast.subscription).version == 1


def test_a_strangers_client_gets_no_subscription(browse, cast):
    url = f"/partner/clients/{cast.other_client}/subscriptions/new"
    assert browse(cast.alice).post(url, data=form()).status_code == 404


def set_rule(app, cast, rule):
    with unit_of_work(app):
        db.session.get_one(Client, cast.client).partner.deadline_rule_text = rule


def test_the_end_of_the_term_is_chosen(app, browse, cast):
    alice = browse(cast.alice)
    url = f"/partner/subscriptions/{cast.subscription}/edit"
    page = alice.get(url).text
    assert re.search(r'checked id="renews_itself-0"', page)
    data = form(shown=shown_to(alice, url), renews_itself="1")
    assert alice.post(url, data=data | {"renews_itself": "2"}).status_code == 422
    assert alice.post(url, data=data).status_code == 303
    assert stored(app, cast.subscription).renews_itself
    assert re.search(r'checked id="renews_itself-1"', alice.get(url).text)
    activity = alice.get(f"/partner/clients/{cast.client}/activity").text
    assert "At the end of the term" in activity


def test_a_new_one_has_the_partners_defaults(app, browse, cast):
    alice = browse(cast.alice)
    url = f"/partner/clients/{cast.client}/subscriptions/new"
    page = alice.get(url).text
    assert 'checked id="renews_itself-0"' in page
    assert "deadline_by_rule" not in page
    set_rule(app, cast, "P3M")
    with unit_of_work(app):
        db.session.get_one(Client, cast.client).partner.renews_itself = True
    page = plain(alice.get(url).text)
    assert 'checked id="renews_itself-1"' in page
    assert "By your rule: 3 months before the renewal date" in page
    assert re.search(r'<input[^>]*checked[^>]*name="deadline_by_rule"', page)
    answer = alice.post(url, data=form(deadline="", deadline_by_rule="y", renews_itself="1"))
    assert answer.status_code == 303
    with unit_of_work(app):
        added = db.session.query(Subscription).filter_by(product="Sales Hub").one()
        assert (added.deadline, added.deadline_by_rule) == (date(2027, 2, 28), True)
        assert added.renews_itself


def test_a_deadline_is_of_its_own_or_by_the_rule(app, browse, cast):
    set_rule(app, cast, "P45D")
    alice = browse(cast.alice)
    url = f"/partner/subscriptions/{cast.subscription}/edit"
    both = form(shown=shown_to(alice, url), deadline_by_rule="y")
    answer = alice.post(url, data=both)
    assert answer.status_code == 422
    assert "Choose one of the two" in answer.text
    assert 'value="2027-04-16"' in answer.text
    assert alice.post(url, data=both | {"deadline": ""}).status_code == 303
    assert stored(app, cast.subscription).deadline == date(2027, 4, 16)
    # The day by the rule is none that somebody typed, so that saving again changes nothing.
    page = alice.get(url).text
    assert 'value="16/04/2027"' not in page
    again = both | {"deadline": "", "shown": shown_to(alice, url)}
    assert "Nothing to save" in alice.post(url, data=again, follow_redirects=True).text
    # Without a rule it may be left, and is not offered any more then.
    set_rule(app, cast, None)
    assert "By your rule: none at present" in plain(alice.get(url).text)
    left = form(shown=shown_to(alice, url), deadline="")
    assert alice.post(url, data=left).status_code == 303
    assert not stored(app, cast.subscription).deadline_by_rule
    assert "deadline_by_rule" not in alice.get(url).text
