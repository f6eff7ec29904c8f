"""The client portal: who sees the company, who chooses its contacts, what comes next."""

import re

import pytest
import time_machine
from sqlalchemy import select

from tests.support.cast import Cast, unit_of_work
from tests.support.forms import shown_in, shown_to
from webapp.domain.ownership import Owner
from webapp.domain.recipients import ContactRole
from webapp.domain.shown import token_of
from webapp.models import Client, Partner, User, db
from webapp.services.clients import archiving, contacts
from webapp.services.reminders import situations
from webapp.typography import plain

NOBODY = dict.fromkeys(ContactRole, "")
PAGES = ["/account/company", "/account/company/contacts/new"]


def main(answer) -> str:
    """The page without its frame."""
    return answer.text.split("<main")[1]


def roles(cast: Cast, **others: int | str) -> dict[str, int | str]:
    """Make the fields that the form sends: unchanged, except for some changes."""
    held = {"primary": cast.dana, "billing": cast.dave, "decision_maker": cast.dana}
    return {"shown": token_of(held)} | held | others


def stored(app, cast: Cast) -> dict[str, int | None]:
    with app.app_context():
        return {role.value: user for role, user in contacts.holders(cast.client).items()}


def test_the_article_leads_there(browse, cast: Cast):
    dana = browse(cast.dana)
    assert dana.get("/").location == "/account/company"
    assert dana.get("/account").location == "/account/company"
    page = dana.get("/account/company").text
    for label in ("Account & Billing", "Company & Contacts", "Contact information"):
        assert label in page
    assert "dave@acme.example" in main(dana.get("/account/company"))


def test_who_is_chosen_stands_in_the_dropdowns(browse, cast: Cast):
    page = main(browse(cast.dana).get("/account/company"))
    assert [part.split("<")[0] for part in page.split("<option selected")[1:]] == [
        f' value="{user_id}">{name}'
        for user_id, name in ((cast.dana, "Dana"), (cast.dave, "Dave"), (cast.dana, "Dana"))
    ]


def test_an_admin_chooses(app, browse, cast: Cast):
    dana = browse(cast.dana)
    answer = dana.post("/account/company", data=roles(cast, billing="", primary=cast.dave))
    assert (answer.status_code, answer.location) == (303, "/account/company")
    assert stored(app, cast) == {"primary": cast.dave, "billing": None, "decision_maker": cast.dana}
    assert "Nobody is chosen: Billing contact" in main(dana.get("/account/company"))


def test_a_member_sees_and_does_not_choose(app, browse, cast: Cast):
    dave = browse(cast.dave)
    page = main(dave.get("/account/company"))
    assert "Dana" in page
    assert "<select" not in page
    assert dave.post("/account/company", data=roles(cast, billing="")).status_code == 403
    assert dave.get("/account/company/contacts/new").status_code == 403
    assert stored(app, cast)["billing"] == cast.dave


@pytest.mark.parametrize("page", PAGES)
def test_partner_users_have_no_client_portal(browse, cast: Cast, page):
    assert browse(cast.bob).get(page).status_code == 403
    assert browse().get(page).status_code == 303


@pytest.mark.parametrize("who", ["other_dana", "alice", "nobody"])
def test_a_stranger_is_not_chosen(app, browse, cast: Cast, who):
    form = roles(cast, billing=getattr(cast, who, "nobody"))
    answer = browse(cast.dana).post("/account/company", data=form)
    assert answer.status_code == 422
    assert "Choose an active person of this company." in answer.text
    assert stored(app, cast)["billing"] == cast.dave


def test_two_who_choose_at_once(app, browse, cast: Cast):
    dana = browse(cast.dana)
    dana.post("/account/company", data=roles(cast, billing=cast.dana))
    answer = dana.post("/account/company", data=roles(cast, billing=""))
    assert answer.status_code == 409
    assert stored(app, cast)["billing"] == cast.dana
    # The form keeps the choice, and saving it again overwrites on purpose.
    shown = shown_in(answer.text, "/account/company")["/account/company"]
    again = roles(cast, billing="", shown=shown)
    assert dana.post("/account/company", data=again).status_code == 303
    assert stored(app, cast)["billing"] is None


def test_who_disagrees_about_one_role_leaves_the_others_as_they_are_by_then(
    app, browse, cast: Cast
):
    dana, address = browse(cast.dana), "/account/company"
    for change in ({"primary": cast.dave}, {"primary": cast.dave, "billing": cast.dana}):
        shown = shown_to(dana, address)
        dana.post(address, data=roles(cast, **change, shown=shown))
    answer = dana.post(address, data=roles(cast, billing=""))
    assert answer.status_code == 409
    chosen = re.findall(r'<option selected value="(\d*)">', answer.text)
    assert chosen == [str(cast.dave), "", str(cast.dana)]
    assert len(ContactRole) == len(chosen)


def test_adding_a_contact(app, browse, cast: Cast):
    dana = browse(cast.dana)
    form = {"name": "Zofia Żuk", "email": "zofia@acme.example", "language": "pl"}
    assert dana.post("/account/company/contacts/new", data=form).status_code == 303
    assert "Zofia Żuk" in main(dana.get("/account/company"))
    twice = dana.post("/account/company/contacts/new", data=form)
    assert twice.status_code == 422
    assert "already has this address" in twice.text
    assert 'value="Zofia Żuk"' in twice.text
    with app.app_context():
        zofia = db.session.scalars(select(User).where(User.name == "Zofia Żuk")).one()
        assert (zofia.language, zofia.admin, zofia.organisation_id) == ("pl", False, cast.client)


def test_editing_a_contact(app, browse, cast: Cast):
    dana = browse(cast.dana)
    address = f"/account/company/contacts/{cast.dave}"
    form = {"name": "David", "email": "dave@acme.example", "job_title": "", "language": ""}
    form["shown"] = shown_to(dana, address)
    assert dana.post(address, data=form).status_code == 303
    assert dana.post(address, data=form).status_code == 303
    late = dana.post(address, data=form | {"name": "Davy"})
    assert late.status_code == 409
    assert "<del>Dave</del>" in late.text
    form["shown"] = shown_in(late.text, address)[address]
    assert dana.post(address, data=form | {"name": ""}).status_code == 422
    assert dana.post(address, data=form | {"name": "Davy"}).status_code == 303
    assert dana.get(f"/account/company/contacts/{cast.other_dana}").status_code == 404


@time_machine.travel("2027-01-05 08:00+00:00", tick=False)
def test_what_comes_next_when_the_vendor_owns(app, browse, cast: Cast):
    with unit_of_work(app):
        db.session.get(Partner, cast.partner).sending = True
    page = main(browse(cast.dana).get("/account/company"))
    assert "What you will receive next" in page
    assert "Marketing Hub, renewal date 31 March 2027" in page
    assert "To: Dave" in page
    # It is the partner's business who gets a copy there.
    assert "Alice" not in page


@time_machine.travel("2027-01-05 08:00+00:00", tick=False)
def test_nothing_is_promised_while_the_partner_sends_nothing(browse, cast: Cast):
    assert "No reminder is planned" in main(browse(cast.dana).get("/account/company"))


@pytest.mark.parametrize(
    ("day", "told"),
    [
        ("2027-03-31", "unless it is renewed, it ends on 31 March 2027 today"),
        ("2027-04-05", "unless it was renewed, it ended on 31 March 2027 5 days ago"),
    ],
)
def test_a_day_that_has_passed_is_told_as_past(browse, cast: Cast, day, told):
    with time_machine.travel(f"{day} 08:00+00:00", tick=False):
        page = plain(main(browse(cast.dana).get("/account/company")))
    assert told in " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_who_looks_after_it_when_the_partner_owns(app, browse, cast: Cast):
    with unit_of_work(app):
        db.session.get(Client, cast.client).owner = Owner.PARTNER
    page = main(browse(cast.dana).get("/account/company"))
    assert "Who looks after your renewals" in page
    assert "alice@odnowa.example" in page


def test_statements_don_t_grow_with_the_list(app, browse, cast: Cast, statements):
    dana = browse(cast.dana)
    with statements() as few:
        dana.get("/account/company")
    with unit_of_work(app):
        acme = db.session.get(Client, cast.client)
        for number in range(50):
            email = f"p{number}@acme.example"
            db.session.add(
                User(organisation=acme, name=f"Person {number}", email=email, email_key=email)
            )
    with statements() as many:
        dana.get("/account/company")
    assert len(few) == len(many) <= 8


@pytest.mark.parametrize(
    ("language", "labels"),
    [
        ("pl", ["Konto i rozliczenia", "Firma i kontakty", "Informacje kontaktowe"]),
        ("pt", ["Conta e faturamento", "Empresa e contatos", "Informações de contato"]),
    ],
)
def test_labels_of_the_article(browse, cast: Cast, language, labels):
    page = browse(cast.dana, language).get("/account/company").text
    assert [label for label in labels if label not in page] == []
    assert len(ContactRole) == page.count('class="form-select"')


@pytest.mark.parametrize(
    ("owner", "chosen", "answer"),
    [
        (Owner.VENDOR, True, "Reminders go to these people from now on."),
        (Owner.VENDOR, False, "Now nobody can be told about your renewals."),
        (Owner.PARTNER, True, "At present your partner writes to you itself"),
    ],
)
def test_what_saved_contacts_mean_is_said(app, browse, cast, owner, chosen, answer):
    with unit_of_work(app):
        db.session.get(Client, cast.client).owner = owner
    dana = browse(cast.dana)
    data = roles(cast, billing=cast.dana) if chosen else roles(cast, **NOBODY, confirmed="1")
    assert dana.post("/account/company", data=data).status_code == 303
    page = main(dana.get("/account/company"))
    assert answer in page
    assert (
        "Saved: " + ("Billing contact." if chosen else "Primary contact, Billing contact") in page
    )


def test_nothing_to_save_is_said_without_an_undo(browse, cast: Cast):
    dana = browse(cast.dana)
    assert dana.post("/account/company", data=roles(cast)).status_code == 303
    page = main(dana.get("/account/company"))
    assert "Nothing to save" in page
    assert "/undo/" not in page


def test_leaving_nobody_is_confirmed_before_and_undone_after(app, browse, cast: Cast):
    dana, before = browse(cast.dana), stored(app, cast)
    answer = dana.post("/account/company", data=roles(cast, **NOBODY))
    assert answer.status_code == 422
    assert "nobody at your company can be told about its renewals" in answer.text
    assert stored(app, cast) == before
    # The form keeps what was chosen, and its other button sends it once more.
    assert re.findall(r'<option selected value="(\d*)">', answer.text) == ["", "", ""]
    again = roles(cast, **NOBODY) | sent_by("Save all the same", answer.text)
    again["shown"] = shown_in(answer.text, "/account/company")["/account/company"]
    assert dana.post("/account/company", data=again).status_code == 303
    assert stored(app, cast) == dict.fromkeys(ContactRole)
    page = main(dana.get("/account/company"))
    assert "Now nobody can be told about your renewals." in page
    undo = re.search(r'action="(/undo/\d+)"', page)[1]
    assert dana.post(undo, data={"next": "/account/company"}).location == "/account/company"
    assert stored(app, cast) == before
    assert dana.post(undo).status_code == 409


def sent_by(button: str, page: str) -> dict[str, str]:
    """Return the field that a button of a page sends."""
    tag = re.search(rf"<button ([^>]*)>{button}</button>", page)[1]
    return {re.search(r'name="(\w+)"', tag)[1]: re.search(r'value="(\w+)"', tag)[1]}


@pytest.mark.parametrize("hindrance", ["rejected_reply", "inactive"])
def test_leaving_only_who_cannot_be_told_is_confirmed_too(app, browse, cast: Cast, hindrance):
    with unit_of_work(app):
        dave = db.session.get_one(User, cast.dave)
        if hindrance == "inactive":
            dave.active = False
        else:
            dave.rejected_reply = "550 unknown"
        situations.refresh_person(dave)
    data = roles(cast, primary="", decision_maker="")
    dana = browse(cast.dana)
    assert dana.post("/account/company", data=data).status_code == 422
    assert dana.post("/account/company", data=data | {"confirmed": "1"}).status_code == 303


def test_who_was_nobody_before_is_not_asked(app, browse, cast: Cast):
    dana = browse(cast.dana)
    data = roles(cast, **NOBODY)
    dana.post("/account/company", data=data | {"confirmed": "1"})
    data["shown"] = shown_to(dana, "/account/company")
    assert dana.post("/account/company", data=data).status_code == 303


def test_only_the_clients_admins_undo_what_it_decides(app, browse, cast: Cast):
    dana = browse(cast.dana)
    dana.post("/account/company", data=roles(cast, billing=""))
    undo = re.search(r'action="(/undo/\d+)"', dana.get("/account/company").text)[1]
    codes = {
        who: browse(getattr(cast, who)).post(undo).status_code
        for who in ("alice", "bob", "dave", "charlie", "other_dana")
    }
    assert codes == {"alice": 403, "bob": 403, "dave": 403, "charlie": 404, "other_dana": 404}
    assert stored(app, cast)["billing"] is None
    # So the partner's page offers none.
    activity = browse(cast.alice).get(f"/partner/clients/{cast.client}/activity").text
    assert "Contacts assigned" in activity
    assert "/undo/" not in activity


def test_an_undo_that_was_overtaken_says_by_whom(app, browse, cast: Cast):
    dana = browse(cast.dana)
    dana.post("/account/company", data=roles(cast, billing=""))
    undo = re.search(r'action="(/undo/\d+)"', dana.get("/account/company").text)[1]
    shown = shown_to(dana, "/account/company")
    dana.post("/account/company", data=roles(cast, billing=cast.dana, shown=shown))
    answer = dana.post(undo)
    assert answer.status_code == 409
    assert "Changed by you" in answer.text
    assert stored(app, cast)["billing"] == cast.dana


def test_the_people_of_an_archived_client_are_shut_out(app, browse, cast: Cast):
    with unit_of_work(app):
        alice, acme = db.session.get_one(User, cast.alice), db.session.get_one(Client, cast.client)
        archiving.archive(alice, acme)
    assert browse(cast.dana).get("/account/company").location.startswith("/sign-in")
