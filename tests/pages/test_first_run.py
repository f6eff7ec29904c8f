"""The first steps on pages, and what goes out first: its figures, its days, and that somebody has looked."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from flask import Flask

from tests.support.cast import Cast, unit_of_work
from webapp.models import Partner, Subscription, db
from webapp.pages import first_run
from webapp.services.reminders import due_index
from webapp.typography import plain

NOW = datetime(2027, 1, 4, 10, tzinfo=UTC)
HTMX = {"HX-Request": "true"}
SETTINGS = "/settings/partners"
MAILS = f"{SETTINGS}/first-mails"
BACK = f"{SETTINGS}/first-steps/back"


@pytest.fixture(autouse=True)
def today(app: Flask, cast: Cast) -> Any:
    with time_machine.travel(NOW, tick=False):
        with unit_of_work(app):
            due_index.refresh_where(Subscription.id.is_not(None))
        yield


@pytest.mark.parametrize(
    ("language", "figures"),
    [
        ("en", ["3 mails", "3 people", "Last mail: Monday, 4 January 2027"]),
        ("pl", ["3 wiadomości", "3 osoby", "Ostatnia wiadomość: poniedziałek, 4 stycznia 2027"]),
        ("pt", ["3 e-mails", "3 pessoas", "Último e-mail: segunda-feira, 4 de janeiro de 2027"]),
    ],
)
def test_what_goes_out_first_is_summed_up(
    browse: Any, cast: Cast, language: str, figures: list[str]
) -> None:
    answer = browse(cast.alice, language).get(MAILS, headers=HTMX)
    assert answer.text.lstrip().startswith('<div id="first-mails"')
    assert re.findall(r"<li>([^<]*)", plain(answer.text)) == figures
    assert re.search(r"<p>[^<]* 7 [^<]*:</p>", plain(answer.text))
    assert "Dana" not in answer.text


def test_the_days_come_on_demand_and_on_a_page_of_its_own(browse: Any, cast: Cast) -> None:
    alice = browse(cast.alice)
    days = alice.get(f"{MAILS}?days=1", headers=HTMX).text
    page = alice.get(MAILS).text
    assert "<h1>Who gets what first</h1>" in page
    for text in (days, page):
        assert "Monday, 4 January 2027" in plain(text)
        for said in ("Acme", "To: Dana", "Copy: Alice", "3 mails"):
            assert said in plain(text)
    assert f'href="{MAILS}"' in alice.get(SETTINGS).text


def test_a_later_day_of_sending_is_said_once(browse: Any, cast: Cast) -> None:
    with time_machine.travel(datetime(2027, 1, 9, 10, tzinfo=UTC), tick=False):
        page = plain(browse(cast.alice).get(MAILS).text)
    assert "Saturday, 9 January 2027" in page
    assert page.count("goes out on 11 January 2027") == 1
    assert page.count("To: ") + page.count("Copy: ") == 3


def test_what_comes_later_than_the_first_days_is_said_to(browse: Any, cast: Cast) -> None:
    assert "What goes out in the next 7 days:" in plain(browse(cast.alice).get(MAILS).text)
    with time_machine.travel(datetime(2026, 11, 30, 10, tzinfo=UTC), tick=False):
        page = plain(browse(cast.alice).get(MAILS).text)
    assert "Nothing goes out in the next 7 days. What comes first after them:" in page


def test_no_more_than_some_are_listed_and_the_rest_is_counted(
    browse: Any, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(first_run, "LISTED", 0)
    assert "Clients not listed here: 1" in browse(cast.alice).get(MAILS).text


def test_where_nothing_is_to_come_it_says_so(app: Flask, browse: Any, cast: Cast) -> None:
    with unit_of_work(app):
        db.session.execute(db.update(Subscription).values(cancelled=True))
    assert "No mail is to come" in browse(cast.alice).get(MAILS).text


def test_that_somebody_has_looked_is_kept_and_said(app: Flask, browse: Any, cast: Cast) -> None:
    alice = browse(cast.alice)
    assert "I have looked at this" in alice.get(MAILS, headers=HTMX).text
    answer = alice.post(f"{MAILS}/seen", headers=HTMX)
    assert answer.text.lstrip().startswith('<div id="sending"')
    assert "Noted: you have looked" in answer.text
    assert 'id="first-run" class="box first-run"' in answer.text
    assert "Done: 3/5" in plain(answer.text)
    assert "I have looked at this" not in alice.get(MAILS, headers=HTMX).text
    again = alice.post(f"{MAILS}/seen")
    assert (again.status_code, again.location) == (303, SETTINGS)
    with app.app_context():
        assert db.session.get_one(Partner, cast.partner).first_seen_at == NOW


def test_the_list_stands_there_for_admins_until_it_is_put_away(
    app: Flask, browse: Any, cast: Cast
) -> None:
    alice = browse(cast.alice)
    page = alice.get(SETTINGS).text
    assert "First steps" in page
    assert "Done: 2/5" in plain(page)
    answer = alice.post(f"{SETTINGS}/first-steps", data={"next": SETTINGS})
    assert answer.location == SETTINGS
    page = alice.get(SETTINGS).text
    assert "The list of first steps is put away." in page
    assert "Put this list away" not in page
    with app.app_context():
        assert db.session.get_one(Partner, cast.partner).set_up_at == NOW


@pytest.mark.parametrize("way", ["undo", "settings"])
def test_the_list_that_was_put_away_comes_back(browse: Any, cast: Cast, way: str) -> None:
    alice = browse(cast.alice)
    alice.post(f"{SETTINGS}/first-steps", data={"next": "/partner/to-do"})
    page = alice.get("/partner/to-do" if way == "undo" else SETTINGS).text
    assert "First steps" not in page
    assert (">Undo</button>" if way == "undo" else "Show the first steps again") in page
    assert f'action="{BACK}"' in page
    assert alice.post(BACK, data={"next": "/partner/to-do"}).location == "/partner/to-do"
    page = plain(alice.get("/partner/to-do").text)
    assert "Done: 2/5" in page
    assert "The list of first steps is shown again." in page
    assert "Show the first steps again" not in alice.get(SETTINGS).text


def test_a_list_that_is_all_done_does_not_come_back(app: Flask, browse: Any, cast: Cast) -> None:
    alice = browse(cast.alice)
    with unit_of_work(app):
        partner = db.session.get_one(Partner, cast.partner)
        partner.sending, partner.first_seen_at, partner.set_up_at = True, NOW, NOW
        partner.privacy_url = "https://odnowa.example/privacy"
    alice.post(BACK, data={"next": "/partner/to-do"})
    with app.app_context():
        assert db.session.get_one(Partner, cast.partner).set_up_at == NOW
    assert "All first steps are done." in plain(alice.get("/partner/to-do").text)


@pytest.mark.parametrize(("who", "status"), [("bob", 403), ("dana", 403), ("dave", 403)])
def test_only_admins_of_the_partner_look_and_put_away(
    browse: Any, cast: Cast, who: str, status: int
) -> None:
    person = browse(getattr(cast, who))
    assert person.get(MAILS).status_code == status
    assert person.post(f"{MAILS}/seen").status_code == status
    assert person.post(f"{SETTINGS}/first-steps").status_code == status
    assert person.post(BACK).status_code == status
