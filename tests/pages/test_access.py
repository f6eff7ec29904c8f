"""Profile > Access: a token is shown once, after one has shown who it is, and is one's own to revoke."""

import re
from datetime import UTC, datetime, timedelta

import time_machine
from sqlalchemy import select

from tests.support.cast import Cast
from tests.support.forms import shown_to
from webapp.models import AccessToken, Opens, db
from webapp.services.accounts import access_tokens

PAGE = "/settings/profile/access"
FORM = {"name": "Reports", "opens": "api", "days": "30"}


def make(person, **values):
    return person.post(PAGE, data=FORM | {"shown": shown_to(person, PAGE)} | values)


def token_on(page):
    return re.search(r'id="token" value="(rp_[\w-]{43})"', page).group(1)


def opens(app, token):
    with app.app_context():
        return access_tokens.find(token, [Opens.API]) is not None


def test_a_token_is_shown_once(app, browse, cast: Cast):
    bob = browse(cast.bob)
    assert "You have none." in bob.get(PAGE).text
    answer = make(bob)
    token = token_on(answer.text)
    assert answer.headers["Cache-Control"] == "no-store"
    assert opens(app, token)
    listed = bob.get(PAGE).text
    assert "Reports" in listed
    assert "Not yet" in listed
    assert token not in listed


def test_sending_the_form_again_makes_no_other(app, browse, cast: Cast):
    bob = browse(cast.bob)
    form = FORM | {"shown": shown_to(bob, PAGE)}
    token = token_on(bob.post(PAGE, data=form).text)
    again = bob.post(PAGE, data=form)
    assert again.status_code == 422
    assert "Each is shown only once." in again.text
    assert token not in again.text
    with app.app_context():
        assert len(db.session.scalars(select(AccessToken)).all()) == 1
    # On purpose it can be sent, from the page that says so.
    shown = re.search(r'name="shown"[^>]*value="([^"]*)"', again.text).group(1)
    assert bob.post(PAGE, data=form | {"shown": shown}).status_code == 200


def test_it_is_made_only_by_who_has_shown_who_it_is(app, browse, cast: Cast):
    bob = browse(cast.bob)
    shown = shown_to(bob, PAGE)
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=16), tick=False):
        answer = bob.post(PAGE, data=FORM | {"shown": shown})
    assert (answer.status_code, answer.location[:16]) == (303, "/sign-in/confirm")
    with app.app_context():
        assert db.session.scalars(select(AccessToken)).all() == []


def test_it_is_revoked_at_once_by_its_user_alone(app, browse, cast: Cast):
    bob, alice = browse(cast.bob), browse(cast.alice)
    token = token_on(make(bob).text)
    (address,) = re.findall(rf'action="({PAGE}/\d+)"', bob.get(PAGE).text)
    assert alice.post(address).status_code == 404
    assert opens(app, token)
    assert bob.post(address).status_code == 303
    assert not opens(app, token)
    assert "gets no answer any more" in bob.get(PAGE).text
    assert bob.post(address).status_code == 404


def test_people_of_clients_have_none(browse, cast: Cast):
    dana = browse(cast.dana)
    assert dana.get(PAGE).status_code == 403
    assert PAGE not in dana.get("/settings/profile").text
    assert PAGE in browse(cast.bob).get("/settings/profile").text


def test_too_many_are_refused_with_a_reason(browse, cast: Cast, monkeypatch):
    monkeypatch.setattr(access_tokens, "MOST", 1)
    bob = browse(cast.bob)
    make(bob)
    answer = make(bob)
    assert answer.status_code == 422
    assert "Revoke one that is not needed." in answer.text


# --- Calendars ------------------------------------------------------------------------------------------------------


def address_on(page):
    return re.search(
        r'id="address" value="(http://portal\.test/calendar/rp_[\w-]{43}\.ics)"', page
    )[1]


def test_the_address_of_a_calendar_is_shown_once(browse, cast: Cast):
    bob = browse(cast.bob)
    page = make(bob, opens="calendar_all").text
    address = address_on(page)
    assert f'href="{address.replace("http:", "webcal:")}"' in page
    calendar = browse().get(address.removeprefix("http://portal.test"))
    assert calendar.status_code == 200
    assert "all clients" in calendar.text
    listed = bob.get(PAGE).text
    assert "Calendar: all clients" in listed
    assert "/calendar/" not in listed


def test_the_calendar_of_a_client_is_made_from_its_page(browse, cast: Cast):
    bob = browse(cast.bob)
    page = f"{PAGE}?client={cast.client}"
    assert (
        f'href="{page}#new-token-title"' in bob.get(f"/partner/clients/{cast.client}/renewals").text
    )
    assert re.search(
        r'<option[^>]* selected[^>]*value="calendar_client"|'
        r'value="calendar_client"[^>]*selected[^>]*>Calendar: Acme<',
        bob.get(page).text,
    )
    form = FORM | {"opens": "calendar_client", "shown": shown_to(bob, page)}
    address = address_on(bob.post(page, data=form).text)
    calendar = browse().get(address.removeprefix("http://portal.test"))
    assert "Renewal Portal: Acme" in calendar.text


def test_without_a_client_there_is_no_calendar_of_one(browse, cast: Cast):
    bob = browse(cast.bob)
    for page in (PAGE, f"{PAGE}?client=x", f"{PAGE}?client="):
        assert "calendar_client" not in bob.get(page).text
        form = FORM | {"opens": "calendar_client", "shown": shown_to(bob, page)}
        assert bob.post(page, data=form).status_code == 422


def test_the_calendar_of_another_partners_client_is_not_made(app, browse, cast: Cast):
    bob = browse(cast.bob)
    page = f"{PAGE}?client={cast.other_client}"
    form = FORM | {"opens": "calendar_client", "shown": shown_to(bob, PAGE)}
    assert bob.get(page).status_code == 404
    assert bob.post(page, data=form).status_code == 404
    with app.app_context():
        assert db.session.scalars(select(AccessToken)).all() == []
