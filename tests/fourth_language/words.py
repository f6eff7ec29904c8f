"""The fourth language wherever it is more than texts: lists, names, choices, commands."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from tests.fourth_language.reading import CLOSES, CODE, OPENS
from tests.support.cast import Cast, make_client, unit_of_work
from webapp import config, i18n
from webapp.domain.cells import Problem
from webapp.domain.recipients import ContactRole
from webapp.domain.rows import ListError
from webapp.models import (
    Client,
    ContactAssignment,
    Delivery,
    MailKind,
    Partner,
    Subscription,
    User,
    db,
)
from webapp.services.imports import table
from webapp.services.sending import sample_mails

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
LIST = f"""Company name,Country/Region,Preferred language,Product,Renewal date,Term,Subscription status,\
Name,Email,Contact roles
Smørrebrød,Tyskland,da-DK,Hub,31.12.2027,P1Y,Opsagt,Åse,aase@smor.example,{OPENS}primary contact{CLOSES}
Ærø Færge,De Forenede Stater,da,Hub,2027-12-31,P1Y,aktiv,Bo,bo@aero.example,
"""


@pytest.fixture
def portal(app: Flask, cast: Cast) -> Any:
    """Run a command beside the cast."""
    return lambda *arguments: app.test_cli_runner().invoke(args=arguments)


def test_check_calls_it_complete(portal: Any) -> None:
    result = portal("check")
    assert result.exit_code == 0, result.output
    assert "complete: pl, pt, da" in result.output


def test_commands_and_settings_have_it(app: Flask, portal: Any) -> None:
    added = portal("partner", "add", "Fornyet", "--admin", "bo@fornyet.example", "--language", CODE)
    assert added.exit_code == 0, added.output
    with app.app_context():
        partner = db.session.scalars(select(Partner).where(Partner.name == "Fornyet")).one()
        assert (partner.language, partner.time_zone) == (CODE, "Europe/Copenhagen")
    assert config.load({"PORTAL_LANGUAGE": CODE}).language == CODE
    assert "da 31.12.2026" in " ".join(portal("import", "--help").output.split())


def test_its_browsers_get_it_and_its_people_choose_it(app: Flask, cast: Cast, browse: Any) -> None:
    page = browse().get("/sign-in", headers={"Accept-Language": "da-DK,en;q=0.5"})
    assert page.headers["Content-Language"] == "da"
    assert '<html lang="da"' in page.text
    assert f"{OPENS}Sign in{CLOSES}" in page.text
    alice = browse(cast.alice)
    assert alice.get("/settings/profile").text.count(">Dansk<") == 2
    assert alice.post("/language", data={"language": CODE}).status_code == 303
    with app.app_context():
        assert db.session.get_one(User, cast.alice).language == CODE


def test_a_list_in_its_words(app: Flask, portal: Any, tmp_path: Path) -> None:
    path = tmp_path / "kunder.csv"
    path.write_text(LIST, encoding="utf-8")
    result = portal("import", str(path), "--partner", "odnowa", "--dates", CODE, "--apply")
    assert result.exit_code == 0, result.output
    with app.app_context():
        facts = (
            select(Client.name, Client.country, Subscription.renewal_date, Subscription.cancelled)
            .join(Subscription.client)
            .where(Client.language == CODE)
            .order_by(Client.sort_key)
        )
        day = date(2027, 12, 31)
        assert db.session.execute(facts).all() == [
            ("Smørrebrød", "DE", day, True),
            ("Ærø Færge", "US", day, False),
        ]
        held = (
            select(User.name, ContactAssignment.role)
            .join(ContactAssignment.user)
            .join(Client, Client.id == ContactAssignment.client_id)
            .where(Client.language == CODE)
        )
        assert db.session.execute(held).all() == [
            ("Åse", ContactRole.PRIMARY),
        ]
        db.session.remove()


def test_the_encoding_of_its_lists_is_advised(app: Flask) -> None:
    with pytest.raises(ListError) as error:
        table.decode("Firma\nSmørrebrød på Ærø\n".encode("cp1252"))
    (fault,) = error.value.faults
    assert (fault.problem, fault.values["guess"]) == (Problem.GUESSED_ENCODING, "cp1252")


def test_names_stand_in_its_alphabet_and_in_the_others(app: Flask, cast: Cast, browse: Any) -> None:
    names = ["Acme", "Ądecka", "Bo", "Café", "Cafézz", "Zen", "Żuk", "Ære", "Ø", "Åse"]
    keys = [i18n.sort_key(name) for name in names]
    assert keys == sorted(set(keys))
    # Stored before the language was there.
    with unit_of_work(app):
        partner = db.session.get_one(Partner, cast.partner)
        db.session.add_all(
            [make_client(partner, "Åse", sort_key="ase"), make_client(partner, "Zen")]
        )
    assert app.test_cli_runner().invoke(args=["init"]).exit_code == 0
    page = browse(cast.alice).get("/partner/dashboard").text
    assert page.index("Acme") < page.index("Zen") < page.index("Åse")


def test_its_money_is_in_test_mails(app: Flask, cast: Cast) -> None:
    with unit_of_work(app):
        alice, partner = (
            db.session.get_one(User, cast.alice),
            db.session.get_one(Partner, cast.partner),
        )
        sample_mails.send(alice, partner, MailKind.REMINDER_CLIENT, CODE)
    with app.app_context():
        snapshot = db.session.scalars(select(Delivery.snapshot)).one()
        db.session.remove()
    assert snapshot["subscriptions"][0]["currency"] == "DKK"
