"""Saving: a mail too many is refused by forms and by buttons alike, in words and to machines."""

import pytest
from sqlalchemy import func, select

from tests.support.cast import Cast
from tests.support.forms import shown_to
from webapp.domain.mail_limits import LIMITS, Errand
from webapp.models import Delivery, Link, User, db


def counts(app) -> tuple[int, ...]:
    with app.app_context():
        return tuple(
            db.session.scalar(select(func.count()).select_from(model))
            for model in (User, Link, Delivery)
        )


def codes_of(post, times):
    return [post(number).status_code for number in range(times)]


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "This mailbox has reached its hourly limit for such mails. Try again in"),
        ("pl", "Wyczerpano godzinowy limit takich wiadomości do tej skrzynki."),
        ("pt", "Este endereço já recebeu o máximo de e-mails desse tipo permitido por hora."),
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_forty_invitations_to_one_mailbox(app, browse, cast: Cast, language, said):
    alice, most = browse(cast.alice, language), LIMITS[Errand.INVITATION].mailbox

    def invite(number):
        form = {"name": "T", "email": f"target+{number}@victim.example", "admin": ""}
        return alice.post("/settings/team/new", data=form)

    assert codes_of(invite, 40) == [303] * most + [429] * (40 - most)
    people, links, mails = counts(app)
    refused = invite(41)
    assert said in refused.text
    assert 'value="target+41@victim.example"' in refused.text
    assert 0 < int(refused.headers["Retry-After"]) <= 3600
    # Nothing is half-written.
    assert counts(app) == (people, links, mails)
    assert (links, mails) == (most, most)


def test_sixty_test_mails(app, browse, cast: Cast):
    alice, most = browse(cast.alice), LIMITS[Errand.TEST].mailbox

    def send(number):
        form = {"kind": "reminder_client", "language": "en"}
        return alice.post("/settings/partners/test", data=form)

    assert codes_of(send, 60) == [303] * most + [429] * (60 - most)
    assert counts(app)[2] == most
    assert "This mailbox has reached" in send(61).text


def test_twenty_changes_of_ones_address(app, browse, cast: Cast):
    dave, most = browse(cast.dave), LIMITS[Errand.ADDRESS_NOTICE].mailbox

    def change(number):
        form = {"name": "Dave", "email": f"{number}@victim.example", "language": ""}
        shown = shown_to(dave, "/settings/profile")
        return dave.post("/settings/profile", data=form | {"time_zone": "", "shown": shown})

    assert codes_of(change, 20) == [303] * most + [429] * (20 - most)
    # Each of them two mails: to the new address, and to the old one.
    assert counts(app)[1:] == (2 * most, 2 * most)


@pytest.mark.parametrize("who", ["alice", "bob"])
def test_a_button_leads_to_a_page_that_says_why(app, browse, cast: Cast, who):
    reader, most = browse(getattr(cast, who)), LIMITS[Errand.INVITATION].mailbox
    address = f"/partner/clients/{cast.client}/contacts/{cast.dave}/invite"
    assert codes_of(lambda _: reader.post(address), 8) == [303] * most + [429] * (8 - most)
    before = counts(app)
    refused = reader.post(address)
    assert "Too many mails in a short time" in refused.text
    assert "Try again in 60 min." in refused.text
    assert int(refused.headers["Retry-After"]) > 3000
    assert counts(app) == before


def test_what_a_button_did_before_it_was_refused_is_undone(app, browse, cast: Cast):
    """The open invitation stays as it is, if a member may not send the one that would replace it."""
    with app.app_context():
        db.session.get_one(User, cast.dana).admin = False
        db.session.commit()
    address = f"/partner/clients/{cast.client}/contacts/{cast.dave}/invite"
    browse(cast.alice).post(address)
    with app.app_context():
        db.session.get_one(User, cast.dave).admin = False
        db.session.commit()
    assert browse(cast.bob).post(address).status_code == 303
    with app.app_context():
        assert db.session.scalars(select(Link.used_at)).all() == [None]
