"""The first steps of a partner, each told by a fact."""

from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import update

from tests.support.cast import Cast, unit_of_work
from webapp.models import Client, Partner, User, db
from webapp.services.accounts import first_run, mail_texts, partners, people
from webapp.services.accounts.first_run import FirstStep
from webapp.services.accounts.mail_texts import CompanyData
from webapp.services.clients import clients
from webapp.services.clients.clients import ClientDetails

NOW = datetime(2027, 1, 4, 10, tzinfo=UTC)
PRIVACY = "https://odnowa.example/privacy"


def progress(app: Flask, cast: Cast) -> set[FirstStep]:
    """The steps that are done, of a list that is shown."""
    with app.app_context():
        found = first_run.progress(db.session.get_one(Partner, cast.partner))
        assert list(found) in ([], list(FirstStep))
        return {step for step, done in found.items() if done}


def prepare(app: Flask, cast: Cast, **values: object) -> None:
    with unit_of_work(app):
        partner = db.session.get_one(Partner, cast.partner)
        for name, value in values.items():
            setattr(partner, name, value)


def test_a_step_is_done_when_its_fact_is_there(app: Flask, cast: Cast) -> None:
    assert progress(app, cast) == {FirstStep.CLIENTS, FirstStep.TEAM}
    prepare(app, cast, privacy_url=PRIVACY)
    assert progress(app, cast) == {FirstStep.CLIENTS, FirstStep.TEAM, FirstStep.MAIL}
    with unit_of_work(app):
        db.session.execute(update(User).where(User.id == cast.bob).values(active=False))
        db.session.execute(update(Client).values(archived_at=NOW))
    assert progress(app, cast) == {FirstStep.MAIL}


@pytest.mark.settings(mail_url="inbox:")
def test_mails_that_reach_nobody_are_not_complete(app: Flask, cast: Cast) -> None:
    prepare(app, cast, privacy_url=PRIVACY)
    assert FirstStep.MAIL not in progress(app, cast)


def test_the_first_look_counts(app: Flask, cast: Cast) -> None:
    for moment in (NOW, NOW.replace(day=5)):
        with time_machine.travel(moment, tick=False), unit_of_work(app):
            first_run.see(db.session.get_one(Partner, cast.partner))
    with app.app_context():
        partner = db.session.get_one(Partner, cast.partner)
        assert (partner.first_seen_at, partner.set_up_at) == (NOW, None)
    assert FirstStep.SEEN in progress(app, cast)


@pytest.mark.parametrize("last", ["sending", "look"])
def test_the_last_step_ends_the_list(app: Flask, cast: Cast, last: str) -> None:
    prepare(app, cast, privacy_url=PRIVACY)
    steps = ["look", "sending"] if last == "sending" else ["sending", "look"]
    for step in steps:
        with time_machine.travel(NOW, tick=False), unit_of_work(app):
            partner = db.session.get_one(Partner, cast.partner)
            assert partner.set_up_at is None
            if step == "look":
                first_run.see(partner)
            else:
                partners.switch(db.session.get_one(User, cast.alice), partner, "sending", True)
    with app.app_context():
        assert db.session.get_one(Partner, cast.partner).set_up_at == NOW
    assert progress(app, cast) == set()


def test_what_is_all_done_is_not_shown(app: Flask, cast: Cast) -> None:
    """Whatever was done last."""
    prepare(app, cast, first_seen_at=NOW, sending=True)
    assert FirstStep.SENDING in progress(app, cast)
    prepare(app, cast, privacy_url=PRIVACY)
    assert progress(app, cast) == set()


@pytest.mark.parametrize("last", ["company", "person", "client"])
def test_whatever_is_the_last_step_ends_the_list(app: Flask, cast: Cast, last: str) -> None:
    prepare(app, cast, first_seen_at=NOW, sending=True, privacy_url=PRIVACY)
    with unit_of_work(app):
        partner = db.session.get_one(Partner, cast.partner)
        if last == "company":
            partner.privacy_url = None
            db.session.flush()
            mail_texts.save_company(None, partner, CompanyData(None, None, PRIVACY))
        elif last == "person":
            db.session.execute(update(User).where(User.id == cast.bob).values(active=False))
            people.add_person(None, partner, name="Beth", email="beth@odnowa.example")
        else:
            db.session.execute(update(Client).values(archived_at=NOW))
            clients.add_client(None, partner, ClientDetails("New"))
        assert partner.set_up_at is not None


def test_a_list_that_was_put_away_asks_nothing(app: Flask, cast: Cast, statements: Any) -> None:
    with time_machine.travel(NOW, tick=False), unit_of_work(app):
        first_run.put_away(db.session.get_one(Partner, cast.partner))
    with app.app_context():
        partner = db.session.get_one(Partner, cast.partner)
        with statements() as log:
            assert first_run.progress(partner) == {}
    assert log == []
