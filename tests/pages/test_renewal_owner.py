"""The dialog "Edit renewal owner": preview, saving, what stands against it, and two people at once."""

from datetime import date
from urllib.parse import quote

import pytest
import time_machine

from tests.support.below import everywhere
from tests.support.cast import make_subscription, make_user, unit_of_work
from tests.support.forms import shown_in, shown_to
from webapp.domain.ownership import Owner
from webapp.domain.shown import token_of
from webapp.models import AuditEntry, Client, Partner, Subscription, db

# The dialog's token for a client that follows the default.
UNSET = token_of({"owner": None, "contact_id": None})
HTMX = {"HX-Request": "true"}
# 90 days before the cast's renewal date is 31 December 2026, a Thursday.
NOW = "2026-12-01 12:00"


@pytest.fixture(autouse=True)
def today():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def dialog(cast):
    return f"/partner/clients/{cast.client}/renewal-owner"


def stored(app, cast):
    with app.app_context():
        client = db.session.get(Client, cast.client)
        return client.owner, client.contact_id, client.owner_version


def entries(app):
    with app.app_context():
        return db.session.query(AuditEntry).count()


def test_the_dialog_shows_the_choices_and_who_gets_what(browse, cast, dialog):
    page = browse(cast.alice).get(dialog).text
    for text in ("Use default", "Now: HubSpot", "HubSpot", "Partner", "Use default: Alice"):
        assert text in page
    assert "31 December 2026" in page
    assert "To: Dana" in page
    assert "Primary contact, Decision maker · English" in page
    assert "Copy: Alice" in page


@everywhere
def test_htmx_gets_the_form_alone(browse, cast, dialog):
    answer = browse(cast.alice).get(dialog, headers=HTMX)
    assert answer.text.lstrip().startswith("<form")
    assert "HX-Request" in answer.headers["Vary"]


def test_the_preview_follows_the_choice_and_saves_nothing(app, browse, cast, dialog):
    query = {"choice": "partner", "contact_id": cast.bob}
    fragment = browse(cast.alice).get(f"{dialog}/preview", query_string=query, headers=HTMX).text
    assert "To: Bob" in fragment
    assert "Dana" not in fragment
    assert "<form" not in fragment
    assert stored(app, cast) == (None, None, 1)


def test_without_a_script_the_preview_is_the_page_with_the_input_kept(browse, cast, dialog):
    query = {"choice": "partner", "contact_id": cast.bob, "shown": UNSET}
    page = browse(cast.alice).get(f"{dialog}/preview", query_string=query).text
    assert "<h1>Acme</h1>" in page
    assert 'checked id="choice-2"' in page
    assert f'<option selected value="{cast.bob}">Bob</option>' in page
    assert "To: Bob" in page


@pytest.mark.parametrize("query", ["choice=nobody", "contact_id=nobody", "contact_id=-1"])
def test_a_preview_of_what_is_no_option_is_400(browse, cast, dialog, query):
    assert browse(cast.alice).get(f"{dialog}/preview?{query}").status_code == 400


@everywhere
def test_saving_without_a_script(app, browse, cast, dialog):
    alice = browse(cast.alice)
    answer = alice.post(dialog, data={"choice": "partner", "contact_id": "", "shown": UNSET})
    assert (answer.status_code, answer.location) == (
        303,
        f"/partner/clients/{cast.client}/renewals",
    )
    assert stored(app, cast) == (Owner.PARTNER, None, 2)
    page = alice.get(answer.location).text
    assert "Renewal owner saved" in page
    assert "Partner: set for this client by Alice, 1 December 2026" in page
    assert "/undo/" in page


@everywhere
def test_saving_by_htmx_answers_with_the_panel_and_the_facts(browse, cast, dialog):
    form = {"choice": "partner", "contact_id": cast.bob, "shown": UNSET}
    answer = browse(cast.alice).post(dialog, data=form, headers=HTMX)
    assert answer.status_code == 200
    assert answer.text.lstrip().startswith('<div class="stack" id="renewals">')
    assert 'id="client-facts" hx-swap-oob="true"' in answer.text
    assert 'id="status"' not in answer.text
    assert 'class="said" role="status"' in answer.text
    assert "To: Bob" in answer.text


@everywhere
def test_opened_from_the_dashboard_it_answers_with_the_row(browse, cast, dialog):
    alice = browse(cast.alice)
    row, page = f"client-{cast.client}", "/partner/dashboard?owner=own"
    opened = alice.get(f"{dialog}?next={quote(page)}", headers=HTMX)
    assert f'hx-target="#{row}"' in opened.text
    form = {"choice": "partner", "contact_id": cast.bob, "shown": UNSET, "next": f"{page}#{row}"}
    answer = alice.post(dialog, data=form, headers=HTMX)
    assert answer.text.lstrip().startswith(f'<tr id="{row}">')
    assert "Renewal owner saved" in answer.text
    assert f'hx-select="#{row}"' in answer.text
    # Without a script one goes back to the page.
    again = form | {"choice": "vendor", "shown": shown_to(alice, dialog)}
    assert alice.post(dialog, data=again).location == page


@everywhere
def test_undo_puts_it_back(app, browse, cast, dialog):
    alice = browse(cast.alice)
    alice.post(dialog, data={"choice": "partner", "contact_id": cast.bob, "shown": UNSET})
    with app.app_context():
        entry_id = db.session.query(AuditEntry.id).scalar()
    alice.post(f"/undo/{entry_id}", data={"next": dialog})
    assert stored(app, cast) == (None, None, 3)


def test_a_double_click_saves_once(app, browse, cast, dialog):
    alice = browse(cast.alice)
    form = {"choice": "partner", "contact_id": "", "shown": UNSET}
    answers = [alice.post(dialog, data=form, headers=HTMX) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert "Renewal owner saved" in answers[1].text
    assert stored(app, cast) == (Owner.PARTNER, None, 2)
    assert entries(app) == 1


def test_nothing_different_is_said_and_leaves_no_trace(app, browse, cast, dialog):
    form = {"choice": "inherit", "contact_id": "", "shown": UNSET}
    answer = browse(cast.alice).post(dialog, data=form, headers=HTMX)
    assert "it is like this already" in answer.text
    assert entries(app) == 0


def test_of_two_people_the_second_sees_who_changed_what(app, browse, cast, dialog):
    first = {"choice": "partner", "contact_id": cast.bob, "shown": UNSET}
    browse(cast.alice).post(dialog, data=first)
    bob = browse(cast.bob)
    second = {"choice": "vendor", "contact_id": "", "shown": UNSET}
    answer = bob.post(dialog, data=second, headers=HTMX)
    assert answer.status_code == 409
    assert "Changed by: Alice, 1 Dec 2026" in answer.text
    assert "Renewal owner: <del>Default</del>" in answer.text
    assert "<strong>Bob</strong>" in answer.text
    assert 'checked id="choice-1"' in answer.text
    assert stored(app, cast) == (Owner.PARTNER, cast.bob, 2)
    # Saving again is a deliberate second step.
    second["shown"] = shown_in(answer.text, dialog)[dialog]
    assert bob.post(dialog, data=second).status_code == 303
    assert stored(app, cast) == (Owner.VENDOR, None, 3)


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ({"choice": "both"}, "Choose one of the options."),
        ({"contact_id": "999999"}, "Choose one of the options."),
        ({"choice": "partner", "contact_id": ""}, "Partner as owner needs a point of contact."),
    ],
)
def test_bad_input_is_said_at_the_field_and_kept(app, browse, cast, dialog, form, text):
    with unit_of_work(app):
        db.session.get(Partner, cast.partner).notified_user_id = None
    whole = {"choice": "vendor", "contact_id": str(cast.bob), "shown": UNSET} | form
    answer = browse(cast.alice).post(dialog, data=whole, headers=HTMX)
    assert answer.status_code == 422
    assert text in answer.text
    if "choice" not in form:
        assert 'checked id="choice-1"' in answer.text
    assert stored(app, cast) == (None, None, 1)


def test_a_stranger_as_contact_is_refused(app, browse, cast, dialog):
    form = {"choice": "partner", "contact_id": cast.charlie, "shown": UNSET}
    assert browse(cast.alice).post(dialog, data=form).status_code == 422
    assert stored(app, cast) == (None, None, 1)


@pytest.mark.parametrize("shown", ["", "x", "²", UNSET[:10]])
def test_what_was_never_shown_is_a_conflict(app, browse, cast, dialog, shown):
    form = {"choice": "partner", "contact_id": "", "shown": shown}
    assert browse(cast.alice).post(dialog, data=form).status_code == 409
    assert stored(app, cast) == (None, None, 1)


def test_a_deactivated_contact_is_said_and_no_option(app, browse, cast, dialog):
    with unit_of_work(app):
        former = make_user(db.session.get(Partner, cast.partner), "Former", active=False)
        db.session.add(former)
        db.session.flush()
        db.session.get(Client, cast.client).contact_id = former.id
    page = browse(cast.alice).get(dialog).text
    assert "The point of contact chosen so far is deactivated: Former." in page
    assert ">Former</option>" not in page


def test_a_client_without_subscriptions_says_so(app, browse, cast, dialog):
    with unit_of_work(app):
        db.session.get(Subscription, cast.subscription).cancelled = True
    page = browse(cast.alice).get(dialog).text
    assert "No reminder is to come" in page


@pytest.mark.parametrize("path", ["", "/preview"])
def test_who_may(browse, cast, dialog, path):
    assert browse(cast.bob).get(dialog + path).status_code == 200
    assert browse(cast.charlie).get(dialog + path).status_code == 404
    assert browse(cast.dana).get(dialog + path).status_code == 403
    assert browse().get(dialog + path).status_code == 303


def test_a_stranger_saves_nothing(app, browse, cast, dialog):
    form = {"choice": "partner", "contact_id": "", "shown": UNSET}
    assert browse(cast.charlie).post(dialog, data=form).status_code == 404
    assert browse(cast.dana).post(dialog, data=form).status_code == 403
    assert stored(app, cast) == (None, None, 1)


def add_subscriptions(app, cast, count):
    with unit_of_work(app):
        client = db.session.get(Client, cast.client)
        db.session.add_all(
            make_subscription(client, f"Product {number}", date(2027, 5, 1 + number % 28))
            for number in range(count)
        )


@pytest.mark.parametrize("more", [0, 49])
def test_statements(app, browse, cast, dialog, statements, more):
    add_subscriptions(app, cast, more)
    alice = browse(cast.alice)
    with statements() as log:
        alice.get(dialog, headers=HTMX)
    assert len(log) <= 4, log
    form = {"choice": "partner", "contact_id": cast.bob, "shown": UNSET}
    with statements() as log:
        alice.post(dialog, data=form, headers=HTMX)
    assert len(log) <= 11, log
