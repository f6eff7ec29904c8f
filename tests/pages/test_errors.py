"""What was tried in vain is in the log, by ids alone."""

import logging

import pytest

from tests.support.cast import Cast
from webapp.models import User, db
from webapp.pages import guards

HERE = "127.0.0.1"


@pytest.fixture
def refused(caplog):
    """The refusals in the log, each without its beginning."""
    caplog.set_level(logging.WARNING, "webapp.pages.errors")
    return lambda: [one.partition(": ")[2] for one in caplog.messages if one.startswith("refused")]


@pytest.fixture
def login(app):
    """The id of the login that a person is."""

    def find(user_id):
        with app.app_context():
            found = db.session.get_one(User, user_id).membership.login_id
            db.session.remove()
        return found

    return find


def test_what_is_not_for_ones_role_or_organisation(browse, cast: Cast, refused, login):
    bob = browse(cast.bob)
    assert bob.get("/settings/team").status_code == 403
    assert bob.get(f"/partner/clients/{cast.other_client}/renewals").status_code == 404
    who = f"login {login(cast.bob)}, from {HERE}"
    assert refused() == [
        f"GET settings.team {{}}, {who}",
        f"GET clients.renewals {{'client_id': {cast.other_client}}}, {who}",
    ]


def test_what_another_site_or_nobodys_form_sent(app, browse, refused):
    eve = browse()
    assert eve.post("/sign-in", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    app.config["WTF_CSRF_ENABLED"] = True
    assert eve.post("/sign-out").status_code == 400
    who = f"login None, from {HERE}"
    assert refused() == [f"POST signin.sign_in {{}}, {who}", f"POST signin.sign_out {{}}, {who}"]


def test_what_was_tried_too_often(browse, refused):
    eve = browse()
    form = {"email": "nobody@secret.example", "password": "also secret"}
    assert [eve.post("/sign-in", data=form).status_code for _ in range(6)] == [422] * 5 + [429]
    assert refused() == [f"POST signin.sign_in {{}}, login None, from {HERE}"]


def test_neither_strangers_addresses_nor_keys_of_links(browse, refused):
    eve = browse()
    assert eve.get("/nope/secret").status_code == 404
    eve.post("/link/secret", headers={"Origin": "https://evil.example"})
    assert refused() == [f"POST signin.link {{}}, login None, from {HERE}"]


def test_a_breakdown_is_in_the_log(app, browse, caplog, monkeypatch):
    def broken():
        raise ValueError("nobody has thought of this")

    broken.policy = guards.PUBLIC
    monkeypatch.setitem(app.view_functions, "health.healthz", broken)
    answer = browse().get("/healthz")
    assert answer.status_code == 500
    assert "thought of this" not in answer.text
    (record,) = (one for one in caplog.records if one.name == "webapp.pages.errors")
    assert (record.levelname, record.exc_info[0]) == ("ERROR", ValueError)
