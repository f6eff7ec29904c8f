"""Settings > Mail texts: saved by Save, with Undo; the preview is the mail."""

import pytest

from tests.support.cast import unit_of_work
from tests.support.forms import shown_in
from webapp.i18n import CODES
from webapp.models import Partner, db
from webapp.services.accounts import mail_texts
from webapp.services.accounts.mail_texts import Texts

PAGE = "/settings/mail-texts"
HTMX = {"HX-Request": "true"}
MISSING = "no link to your privacy notice yet"


@pytest.fixture
def alice(browse, cast):
    return browse(cast.alice)


def sent(person, part, **values):
    """The fields of a form as it is opened now, with some filled in."""
    return values | {"shown": shown_in(person.get(PAGE).text, PAGE)[f"{PAGE}/{part}"]}


def stored(app, cast):
    with unit_of_work(app):
        return mail_texts.texts_of(db.session.get(Partner, cast.partner))


@pytest.mark.parametrize("who", ["bob", "dana", "dave"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("GET", "/pl/reminder_client"),
        ("GET", "/pl/reminder_client/html"),
        ("POST", "/company"),
        ("POST", "/pl"),
    ],
)
def test_only_admins_of_the_partner_come_here(browse, cast, who, method, path):
    person = browse(getattr(cast, who))
    assert person.open(PAGE + path, method=method).status_code == 403


def test_the_sidebar_leads_here(alice):
    assert f'href="{PAGE}"' in alice.get("/settings/partners").text


def test_it_asks_for_the_privacy_notice_until_it_is_there(alice):
    assert MISSING in alice.get(PAGE).text
    assert MISSING in alice.get("/settings/partners").text
    fields = sent(alice, "company", privacy_url="https://odnowa.example/privacy")
    answer = alice.post(f"{PAGE}/company", data=fields, follow_redirects=True)
    assert MISSING not in answer.text
    assert "Saved: Privacy notice" in answer.text
    assert MISSING not in alice.get("/settings/partners").text


def test_texts_are_saved_and_undone(app, cast, alice):
    fields = sent(alice, "pl", introduction="Dwa\r\nwiersze", signature="")
    answer = alice.post(f"{PAGE}/pl", data=fields, headers=HTMX)
    assert answer.status_code == 200
    assert "Saved: Polski (Introduction)" in answer.text
    assert "Standard text for: Signature" in answer.text
    assert stored(app, cast)["pl"] == Texts("Dwa\nwiersze", None)
    undo = answer.text.partition('action="/undo/')[2].partition('"')[0]
    alice.post(f"/undo/{undo}", data={"next": PAGE})
    assert stored(app, cast)["pl"] == Texts()


def test_a_missing_language_says_so(alice):
    fields = sent(alice, "pl", introduction="Wstęp", signature="Podpis")
    alice.post(f"{PAGE}/pl", data=fields)
    text = alice.get(PAGE).text
    assert text.count("Own text") == 1
    assert text.count("Nothing of your own goes out in this language yet.") == 2
    preview = alice.get(f"{PAGE}/pt/reminder_client").text
    assert "Nothing of your own goes out in this language yet." in preview


@pytest.mark.parametrize("headers", [{}, HTMX])
@pytest.mark.parametrize(
    ("part", "fields", "message"),
    [
        ("pl", {"introduction": "a\nb\u200bc"}, "Remove the invisible character from line 2."),
        ("pl", {"signature": "x" * 501}, "Use at most 500 characters."),
        ("company", {"privacy_url": "javascript:alert(1)"}, "Write a web address such as"),
        ("company", {"reply_to": "answers"}, "An e-mail address has one @"),
    ],
)
def test_bad_input_is_answered_beside_its_field(app, cast, alice, headers, part, fields, message):
    answer = alice.post(f"{PAGE}/{part}", data=sent(alice, part, **fields), headers=headers)
    assert answer.status_code == 422
    assert message in answer.text
    assert set(stored(app, cast).values()) == {Texts()}


def test_who_was_too_late_keeps_the_input_and_sees_what_was_quicker(app, cast, alice):
    late = sent(alice, "pl", introduction="Mine", signature="")
    with unit_of_work(app):
        partner = db.session.get(Partner, cast.partner)
        mail_texts.save_texts(None, partner, "pl", Texts("Theirs"))
    answer = alice.post(f"{PAGE}/pl", data=late)
    assert answer.status_code == 409
    assert "Theirs" in answer.text
    assert ">\r\nMine</textarea>" in answer.text or ">Mine</textarea>" in answer.text
    again = late | {"shown": shown_in(answer.text, PAGE)[f"{PAGE}/pl"]}
    assert alice.post(f"{PAGE}/pl", data=again).status_code == 303
    assert stored(app, cast)["pl"] == Texts("Mine", None)


def test_the_preview_is_the_mail_in_a_frame_that_can_do_nothing(alice):
    fields = sent(alice, "pl", introduction="Nasz <b>wstęp</b>", signature="Podpis")
    alice.post(f"{PAGE}/pl", data=fields)
    page = alice.get(f"{PAGE}/pl/reminder_client").text
    assert "Nasz &lt;b&gt;wstęp&lt;/b&gt;" in page
    assert f'src="{PAGE}/pl/reminder_client/html"' in page
    html = alice.get(f"{PAGE}/pl/reminder_client/html")
    assert "Nasz &lt;b&gt;wstęp&lt;/b&gt;" in html.text
    assert html.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")


@pytest.mark.parametrize("language", CODES)
def test_the_page_around_a_preview_stays_in_its_own_language(alice, language):
    page = alice.get(f"{PAGE}/{language}/reminder_client?lang=en").text
    assert '<span class="top-bar-wide" lang="en">English</span>' in page


@pytest.mark.parametrize("path", ["/xx", "/xx/reminder_client", "/pl/invitation", "/pl/x/html"])
def test_there_is_nothing_for_other_languages_and_kinds(alice, path):
    answer = alice.post(PAGE + path) if path == "/xx" else alice.get(PAGE + path)
    assert answer.status_code == 404
