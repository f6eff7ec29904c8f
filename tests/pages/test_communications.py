"""Settings > Partners > Communications: by choosing with a script, by Save without."""

import re
from datetime import time

import pytest
from sqlalchemy import select

from tests.support.cast import make_client, unit_of_work
from tests.support.forms import shown_in
from webapp.domain.ownership import Owner
from webapp.domain.steps import DEFAULT_STEPS
from webapp.models import Delivery, Partner, User, db
from webapp.models.tables import client_table
from webapp.services.lists import finding
from webapp.services.reminders import situations

PAGE = "/settings/partners"
HTMX = {"HX-Request": "true"}
ROW = ("up_to", "decided", "renewing")
TWO_ROWS = {"up_to_1": "3", "decided_2": "", "renewing_2": ""}


@pytest.fixture
def alice(browse, cast, time_machine):
    time_machine.move_to("2027-03-01 06:00:00+00:00", tick=False)
    return browse(cast.alice)


def partner(app, cast):
    with app.app_context():
        found = db.session.get(Partner, cast.partner)
        db.session.expunge(found)
    return found


def shown(text, part="default"):
    return shown_in(text, PAGE)[f"{PAGE}/{part}"]


def choice(alice, **values):
    """The two dropdowns as the page has them, with some changed."""
    text = alice.get(PAGE).text
    user = re.search(r'<option selected value="(\d*)">Alice', text)
    stored = {"owner": "vendor", "notified_user_id": user[1] if user else "", "shown": shown(text)}
    return stored | values


def schedule(alice, **values):
    stored = {
        "decided_1": "90, 60, 30, 14, 7, 1",
        "renewing_1": "90, 60, 30, 14, 7, 1",
        "window_opens": "09:00",
        "window_closes": "17:00",
        "window_days": list("01234"),
        "shown": shown(alice.get(PAGE).text, "schedule"),
    }
    return stored | values


def test_the_labels_are_the_articles(alice):
    text = alice.get(PAGE).text
    for label in (
        "Communications",
        "Customer renewal communication owner",
        "Select renewal communication owner",
        "Select partner user to be notified",
        "HubSpot will be the default owner of renewal communication for all clients.",
        "This user will be copied on HubSpot's communications to your clients",
        "1 client follows the default",
        "No client has its own setting",
    ):
        assert label in text


@pytest.mark.parametrize(("who", "status"), [("bob", 403), ("dana", 403), ("dave", 403)])
@pytest.mark.parametrize(
    "path", ["", "/default", "/schedule", "/switches/sending", "/switches/insistent", "/test"]
)
def test_only_admins_of_the_partner_come_here(browse, cast, who, status, path):
    person = browse(getattr(cast, who))
    answer = person.post(PAGE + path) if path else person.get(PAGE)
    assert answer.status_code == status


def test_a_choice_is_saved_and_said_in_place_with_undo(app, alice, cast):
    data = choice(alice, owner="partner")
    answer = alice.post(f"{PAGE}/default", data=data, headers=HTMX)
    assert answer.status_code == 200
    assert answer.text.lstrip().startswith('<div id="default-owner"')
    assert "Saved: Default renewal owner" in answer.text
    assert "You will be the default owner" in answer.text
    assert partner(app, cast).default_owner is Owner.PARTNER
    undo = re.search(r'action="(/undo/\d+)"', answer.text)[1]
    assert alice.post(undo, data={"next": PAGE}).location == PAGE
    assert partner(app, cast).default_owner is Owner.VENDOR


def test_without_a_script_save_leads_back_with_the_same_words(app, alice, cast):
    answer = alice.post(f"{PAGE}/default", data=choice(alice, notified_user_id=str(cast.bob)))
    assert (answer.status_code, answer.location) == (303, PAGE)
    text = alice.get(PAGE).text
    assert "Saved: Notified partner user" in text
    assert "/undo/" in text
    assert partner(app, cast).notified_user_id == cast.bob


@pytest.mark.parametrize("headers", [HTMX, {}])
def test_partner_without_a_user_says_what_is_missing_and_saves_nothing(app, alice, cast, headers):
    data = choice(alice, owner="partner", notified_user_id="")
    answer = alice.post(f"{PAGE}/default", data=data, headers=headers)
    assert answer.status_code == 422
    assert "Choose who is to be notified" in answer.text
    assert '<option selected value="partner">' in answer.text
    stored = partner(app, cast)
    assert (stored.default_owner, stored.notified_user_id) == (Owner.VENDOR, cast.alice)


@pytest.mark.parametrize(
    "values", [{"owner": "nobody"}, {"notified_user_id": "999"}, {"notified_user_id": "x"}]
)
def test_what_is_no_option_is_refused(alice, values):
    answer = alice.post(f"{PAGE}/default", data=choice(alice, **values), headers=HTMX)
    assert answer.status_code == 422
    assert "Choose one of the options." in answer.text


def test_the_second_of_two_tabs_sees_what_was_chosen(app, alice, cast):
    data = choice(alice)
    alice.post(f"{PAGE}/default", data=data | {"owner": "partner"})
    answer = alice.post(
        f"{PAGE}/default", data=data | {"notified_user_id": str(cast.bob)}, headers=HTMX
    )
    assert answer.status_code == 409
    assert "perhaps in another window" in answer.text
    assert "Default renewal owner" in answer.text
    assert partner(app, cast).notified_user_id == cast.alice
    again = data | {"notified_user_id": str(cast.bob), "shown": shown(answer.text)}
    assert alice.post(f"{PAGE}/default", data=again, headers=HTMX).status_code == 200
    assert partner(app, cast).notified_user_id == cast.bob


def test_the_same_choice_twice_is_success(alice):
    data = choice(alice, owner="partner")
    for _ in range(2):
        assert alice.post(f"{PAGE}/default", data=data, headers=HTMX).status_code == 200


def test_own_settings_are_counted(app, alice, cast):
    with unit_of_work(app):
        stored = db.session.get(Partner, cast.partner)
        db.session.add_all(make_client(stored, f"Own {n}", owner=Owner.VENDOR) for n in range(2))
        situations.refresh(db.session.scalars(select(client_table.c.id)))
    text = alice.get(PAGE).text
    assert "2 clients have their own setting" in text


def test_the_schedule_is_saved(app, alice, cast):
    data = schedule(
        alice, decided_1="7 45", renewing_1="", window_opens="08:30", window_days=["5", "0"]
    )
    answer = alice.post(f"{PAGE}/schedule", data=data, headers=HTMX)
    assert answer.status_code == 200
    stored = partner(app, cast)
    assert (stored.steps_text, stored.window_opens) == (":45,7/", time(8, 30))
    assert stored.window_days == "05"
    assert 'value="45, 7"' in answer.text


def test_rows_of_steps_are_saved_in_the_order_of_their_terms(app, alice, cast):
    rows = {
        "up_to_1": "12",
        "decided_1": "60",
        "renewing_1": "",
        "up_to_2": " 1 ",
        "decided_2": "3; 1",
        "renewing_2": "",
        "decided_3": "90",
        "renewing_3": "30",
    }
    answer = alice.post(f"{PAGE}/schedule", data=schedule(alice, **rows), headers=HTMX)
    assert answer.status_code == 200
    assert partner(app, cast).steps_text == "1:3,1/;12:60/;:90/30"
    assert fields_of(answer.text)["up_to_1"] == "1"


def fields_of(text):
    """The texts in the fields of the rows, by their names."""
    names = r'<input[^>]*name="((?:up_to|decided|renewing)_\d)"'
    return {
        found[1]: re.search(r'value="([^"]*)"', found[0])[1]
        for found in re.finditer(names + r"[^>]*>", text)
    }


@pytest.mark.parametrize("headers", [HTMX, {}])
def test_a_row_is_added_and_removed_with_what_was_typed_and_nothing_is_saved(
    app, alice, cast, headers
):
    def press(**button):
        answer = alice.post(f"{PAGE}/schedule", data=data | button, headers=headers)
        assert answer.status_code == 200
        return answer.text

    before = partner(app, cast).steps_text
    data = schedule(alice, decided_1="soon", renewing_1="", window_opens="08:30")
    added = press(add_row="1")
    assert fields_of(added) == {
        "up_to_1": "",
        "decided_1": "",
        "renewing_1": "",
        "decided_2": "soon",
        "renewing_2": "",
    }
    assert re.search(r'<input[^>]* autofocus [^>]*id="up_to_1"', added)
    assert '<option selected value="08:30">' in added
    assert "Nothing was saved yet" not in added
    data |= {"up_to_1": "3", "decided_1": "7", "decided_2": "soon", "renewing_2": ""}
    removed = press(remove_row="1")
    assert fields_of(removed) == {"decided_1": "soon", "renewing_1": ""}
    assert re.search(r'id="add_row"[^>]*autofocus', removed)
    assert partner(app, cast).steps_text == before


def test_there_are_five_rows_at_most(alice):
    data = schedule(alice) | {f"{name}_{n}": "5" for n in range(1, 6) for name in ROW}
    answer = alice.post(f"{PAGE}/schedule", data=data | {"add_row": "1"}, headers=HTMX)
    assert len(fields_of(answer.text)) == 14
    assert "Add a row" not in answer.text
    fewer = alice.post(f"{PAGE}/schedule", data=data | {"remove_row": "2"}, headers=HTMX)
    assert len(fields_of(fewer.text)) == 11
    assert "Add a row" in fewer.text


def test_what_holds_at_the_end_of_terms_is_saved_with_undo(app, alice, cast):
    data = {
        "renews_itself": "1",
        "deadline_unit": "M",
        "deadline_count": "3",
        "shown": shown(alice.get(PAGE).text, "terms"),
    }
    answer = alice.post(f"{PAGE}/terms", data=data, headers=HTMX)
    assert answer.text.lstrip().startswith('<div id="terms"')
    assert "Saved: " in answer.text
    stored = partner(app, cast)
    assert (stored.renews_itself, stored.deadline_rule_text) == (True, "P3M")
    undo = re.search(r'action="(/undo/\d+)"', answer.text)[1]
    assert alice.post(undo, data={"next": PAGE}).location == PAGE
    assert partner(app, cast).deadline_rule_text is None


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"deadline_count": ""}, "Write a number of days from 1 to 365"),
        ({"deadline_count": "366"}, "Write a number of days from 1 to 365"),
        ({"deadline_unit": "M", "deadline_count": "25"}, "or of months from 1 to 24."),
        ({"renews_itself": "2"}, "Choose one of the options."),
        ({"deadline_unit": "Y"}, "Choose one of the options."),
    ],
)
def test_a_rule_that_cannot_be_is_said_at_the_field(app, alice, cast, values, message):
    data = {
        "renews_itself": "0",
        "deadline_unit": "D",
        "deadline_count": "45",
        "shown": shown(alice.get(PAGE).text, "terms"),
    }
    answer = alice.post(f"{PAGE}/terms", data=data | values, headers=HTMX)
    assert answer.status_code == 422
    assert message in answer.text
    assert partner(app, cast).deadline_rule_text is None


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"decided_1": "soon"}, "Write numbers of days from 0 to 730"),
        ({"renewing_1": "731"}, "Write numbers of days from 0 to 730"),
        (TWO_ROWS | {"up_to_1": ""}, "Write a number of months from 1 to 120."),
        (TWO_ROWS | {"up_to_1": "121"}, "Write a number of months from 1 to 120."),
        (TWO_ROWS | {"decided_3": "", "up_to_2": "03"}, "Another row is already for terms up to"),
        ({"window_opens": "09:17"}, "Choose one of the options."),
        ({"window_closes": "08:00"}, "The window must close later than it opens."),
        ({"window_days": []}, "Choose at least one weekday."),
        ({"window_days": ["9"]}, "Choose at least one weekday."),
    ],
)
def test_a_bad_schedule_is_said_at_the_field_and_kept(app, alice, cast, values, message):
    data = schedule(alice, **{"decided_1": "5"} | values)
    answer = alice.post(f"{PAGE}/schedule", data=data, headers=HTMX)
    assert answer.status_code == 422
    assert message in answer.text
    assert partner(app, cast).steps == DEFAULT_STEPS
    if "decided_1" not in values:
        assert 'value="5"' in answer.text


def test_many_clients_are_not_counted_to_the_last(app, alice, cast, monkeypatch):
    with unit_of_work(app):
        odnowa = db.session.get(Partner, cast.partner)
        db.session.add_all(make_client(odnowa, f"Company {number}") for number in range(3))
        for number in range(3):
            db.session.add(make_client(odnowa, f"Own {number}", owner=Owner.VENDOR))
        situations.refresh(db.session.scalars(select(client_table.c.id)))
    monkeypatch.setattr(finding, "MOST_COUNTED", 2)
    text = alice.get(PAGE).text
    assert "More than 2 clients follow the default" in text
    assert "More than 2 clients have their own setting" in text


@pytest.mark.settings(mail_url="inbox:")
@pytest.mark.parametrize(
    ("language", "reason"),
    [
        ("en", "No mail server is set up, so mails would reach nobody."),
        ("pl", "Nie skonfigurowano serwera pocztowego, więc wiadomości nie dotarłyby do nikogo."),
        ("pt", "Nenhum servidor de e-mail está configurado, por isso os e-mails não chegariam"),
    ],
)
def test_sending_to_nobody_is_refused_with_the_reason(app, browse, cast, language, reason):
    alice = browse(cast.alice, language)
    on = {"on": "1", "shown": shown(alice.get(PAGE).text, "switches/sending")}
    for headers in ({}, HTMX):
        answer = alice.post(f"{PAGE}/switches/sending", data=on, headers=headers)
        assert answer.status_code == 422
        assert reason in answer.text
    assert not partner(app, cast).sending


def test_sending_is_turned_on_and_off_on_top(app, alice, cast):
    text = alice.get(PAGE).text
    assert "Sending is off" in text
    assert text.index("Turn sending on") < text.index("Who gets what first")
    assert text.index("Who gets what first") < text.index("Select renewal communication owner")
    on = {"on": "1", "shown": shown(text, "switches/sending")}
    answer = alice.post(f"{PAGE}/switches/sending", data=on, headers=HTMX)
    assert "Sending is on" in answer.text
    assert partner(app, cast).sending
    off = {"on": "0", "shown": shown(answer.text, "switches/sending")}
    assert alice.post(f"{PAGE}/switches/sending", data=off).location == PAGE
    assert not partner(app, cast).sending


def test_each_section_has_a_link_on_top(alice):
    text = alice.get(PAGE).text
    links = re.search(r'<nav class="section-links".*?</nav>', text, re.DOTALL)[0]
    for anchor in re.findall(r'href="#([^"]+)"', links):
        assert f'<h2 id="{anchor}"' in text
    assert links.count("<li>") == text.count('<section class="section"')


@pytest.mark.parametrize(("who", "status"), [("bob", 403), ("charlie", 404), ("dana", 404)])
def test_only_who_may_change_it_may_undo_it(app, alice, browse, cast, who, status):
    data = choice(alice, owner="partner")
    answer = alice.post(f"{PAGE}/default", data=data, headers=HTMX)
    undo = re.search(r'action="(/undo/\d+)"', answer.text)[1]
    assert browse(getattr(cast, who)).post(undo).status_code == status
    assert partner(app, cast).default_owner is Owner.PARTNER


def test_an_undo_that_comes_too_late_is_told_who_changed_what(app, alice, browse, cast):
    answer = alice.post(f"{PAGE}/default", data=choice(alice, owner="partner"), headers=HTMX)
    undo = re.search(r'action="(/undo/\d+)"', answer.text)[1]
    with unit_of_work(app):
        db.session.get(User, cast.bob).admin = True
    bob = browse(cast.bob)
    bob.post(f"{PAGE}/default", data=choice(bob, owner="vendor"), headers=HTMX)
    late = alice.post(undo)
    assert late.status_code == 409
    for text in ("Changed by: Bob", "<del>Partner</del>", "<strong>HubSpot</strong>"):
        assert text in late.text
    assert partner(app, cast).default_owner is Owner.VENDOR


def test_what_is_not_sure_is_held_or_sent_again(app, alice, cast):
    text, address = alice.get(PAGE).text, f"{PAGE}/switches/insistent"
    assert '<input aria-describedby="on-0-text"' in text
    resend = {"on": "1", "shown": shown(text, "switches/insistent")}
    answer = alice.post(address, data=resend, headers=HTMX)
    assert answer.text.lstrip().startswith('<div id="insistent"')
    assert partner(app, cast).insistent
    undo = re.search(r'action="(/undo/\d+)"', answer.text)[1]
    assert alice.post(undo, data={"next": PAGE}).location == PAGE
    assert not partner(app, cast).insistent
    assert alice.post(address, data=resend | {"on": "maybe"}).status_code == 422
    assert alice.post(f"{PAGE}/switches/name", data=resend).status_code == 404


def test_a_test_mail_to_oneself(app, alice, cast):
    data = {"kind": "nobody_to_tell", "language": "pt"}
    answer = alice.post(f"{PAGE}/test", data=data, headers=HTMX)
    assert "Test mail on its way to: alice@odnowa.example" in answer.text
    assert alice.post(f"{PAGE}/test", data=data).location == PAGE
    with app.app_context():
        mails = db.session.query(Delivery.kind, Delivery.language, Delivery.recipient_id).all()
    assert mails == [("nobody_to_tell", "pt", cast.alice)] * 2


@pytest.mark.parametrize(
    "values", [{"kind": "newsletter"}, {"kind": ""}, {"language": "xx"}, {"language": ""}]
)
def test_a_test_mail_of_no_kind_or_language_is_refused(app, alice, values):
    data = {"kind": "reminder_client", "language": "pl"} | values
    answer = alice.post(f"{PAGE}/test", data=data, headers=HTMX)
    assert answer.status_code == 422
    assert "Choose one of the options." in answer.text
    with app.app_context():
        assert db.session.query(Delivery).count() == 0
