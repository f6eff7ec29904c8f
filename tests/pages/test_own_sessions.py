"""Profile: the list of one's sessions, and signing out there."""

import re

import pytest
from sqlalchemy import select, update

from tests.support.cast import Cast, let_in, make_user, unit_of_work
from webapp.models import Partner, SecurityAction, SecurityEvent, UserSession, db

PROFILE = "/settings/profile"
LIST = f"{PROFILE}/sessions"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def opens(client):
    return client.get(PROFILE).status_code == 200


def ids_in(page):
    return [int(text) for text in re.findall(rf'action="{LIST}/(\d+)"', page)]


@pytest.fixture
def twin(app, cast: Cast):
    """Alice's login as a user of the other partner."""
    with unit_of_work(app):
        renova = db.session.get_one(Partner, cast.other_partner)
        user = make_user(renova, "Alice", email="alice@odnowa.example")
        db.session.add(user)
        db.session.flush()
        let_in(user)
        return user.id


def test_all_sessions_of_the_login_are_listed_and_nobody_elses(app, browse, cast: Cast, twin):
    here, _, there, bob = (browse(id) for id in (cast.alice, cast.alice, twin, cast.bob))
    with unit_of_work(app):
        db.session.execute(update(UserSession).values(agent=FIREFOX, network="192.0.2.7"))
    page = here.get(PROFILE).text
    assert len(ids_in(page)) == 2
    assert (
        page.count("Firefox, Linux · 192.0.2.7") == 5
    )  # three rows, and two buttons that name theirs
    assert page.count("This device") == 1
    assert page.count(">Sign out there<") == 2
    assert page.count('cell-line">Renova') == 1
    assert ids_in(bob.get(PROFILE).text) == []
    assert "Sign out everywhere else" not in bob.get(PROFILE).text
    assert len(ids_in(there.get(PROFILE).text)) == 2


def test_signing_out_there(app, browse, cast: Cast):
    here, there, third = browse(cast.alice), browse(cast.alice), browse(cast.alice)
    session_id = max(ids_in(here.get(PROFILE).text))
    answer = here.post(f"{LIST}/{session_id}")
    assert answer.location == f"{PROFILE}#sessions"
    assert "That device is signed out." in here.get(PROFILE).text
    assert [opens(client) for client in (here, there, third)] == [True, True, False]
    with app.app_context():
        logged = select(SecurityEvent.user_id).where(
            SecurityEvent.action == SecurityAction.SESSION_ENDED
        )
        assert db.session.scalars(logged).all() == [cast.alice]
    # It is over, so there is nothing to end any more.
    assert here.post(f"{LIST}/{session_id}").status_code == 404


def test_signing_out_everywhere_else(browse, cast: Cast, twin):
    here, there, as_twin, bob = (browse(id) for id in (cast.alice, cast.alice, twin, cast.bob))
    assert here.post(LIST).location == f"{PROFILE}#sessions"
    assert [opens(client) for client in (here, there, as_twin, bob)] == [True, False, False, True]


def test_nobody_signs_somebody_else_out(app, browse, cast: Cast):
    bob, alice = browse(cast.bob), browse(cast.alice)
    with app.app_context():
        session_id = db.session.scalars(
            select(UserSession.id).where(UserSession.user_id == cast.bob)
        ).one()
    assert alice.post(f"{LIST}/{session_id}").status_code == 404
    assert opens(bob)
