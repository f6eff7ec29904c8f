"""portal init, partner, user: what the operator does before anybody can sign in."""

import json

import pytest
from sqlalchemy import select

from tests.support.cast import BASE_URL, Cast, dump, make_client, unit_of_work
from tests.support.two_step import turn_on
from webapp.models import AuditEntry, Client, LinkPurpose, Partner, User, db
from webapp.signin import tokens


@pytest.fixture
def run(app):
    """Run a command: ``run("partner", "add", …)``; gives its result."""
    return lambda *arguments: app.test_cli_runner().invoke(args=arguments)


def in_database(app, query):
    with app.app_context():
        return db.session.scalars(query).one()


def test_init_may_be_run_again(run):
    for _ in range(2):
        result = run("init")
        assert (result.exit_code, result.output) == (0, "The database is ready.\n")


def test_init_puts_names_into_the_alphabets_of_today(run, app, cast):
    with unit_of_work(app):
        partner = db.session.get(Partner, cast.partner)
        zuk = make_client(partner, "Żuk", sort_key="zuk")
        db.session.add_all([make_client(partner, "Zzz"), zuk])
    assert run("init").exit_code == 0
    names = select(Client.name).where(Client.partner_id == cast.partner).order_by(Client.sort_key)
    with app.app_context():
        assert db.session.scalars(names).all() == ["Acme", "Zzz", "Żuk"]
        # It is nobody's change: forms that are open stay valid.
        assert db.session.scalars(select(Client.version).distinct()).all() == [1]


def test_partners_by_the_words_that_commands_call_them(run, cast):
    assert run("partner", "list").output == "odnowa  Odnowa\nrenova  Renova\n"
    found = json.loads(run("partner", "list", "--json").output)
    assert found[0] == {"partner": "odnowa", "name": "Odnowa"}


def test_a_partner_and_the_invitation_of_its_admin(run, app):
    result = run("partner", "add", "Odnowa", "--admin", "ana@odnowa.example", "--language", "pl")
    assert result.exit_code == 0, result.output
    partner = in_database(app, select(Partner))
    assert (partner.slug, partner.language, partner.time_zone, partner.sending) == (
        *("odnowa", "pl", "Europe/Warsaw"),
        False,
    )
    address = result.output.splitlines()[-1]
    assert address.startswith(f"{BASE_URL}/link/")
    with app.app_context():
        link = tokens.read(address.rpartition("/")[2])
        assert link
        assert (link.user.email, link.user.admin, link.purpose) == (
            *("ana@odnowa.example", True),
            LinkPurpose.INVITATION,
        )


def test_a_partner_as_json(run):
    result = run("partner", "add", "Łódź & Co", "--admin", "ana@lodz.example", "--json")
    report = json.loads(result.output)
    assert report.keys() == {"partner", "email", "link"}
    assert (report["partner"], report["email"]) == ("lodz-co", "ana@lodz.example")


ADMIN = ("--admin", "ana@odnowa.example")
# Bytes that are no text, as Python hands them on from the command line.
NO_TEXT = "\udcff"


def look_refused(result, exit_code, said):
    """Look whether a command has answered in one sentence."""
    # Anything but SystemExit would be shown as a traceback.
    assert (result.exit_code, type(result.exception)) == (exit_code, SystemExit)
    assert said in result.output
    assert result.output.splitlines()[-1].startswith("Error: ")
    if exit_code == 1:
        assert len(result.output.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "exit_code", "said"),
    [
        ((" ", *ADMIN), 1, "Name: Fill this in."),
        (("x" * 201, *ADMIN), 1, "Name: Use at most 200 characters."),
        (("a\nb", *ADMIN), 1, "Name: Remove line breaks and control characters."),
        ((NO_TEXT, *ADMIN), 1, "Name: Remove line breaks and control characters."),
        (("Odnowa", "--admin", "nobody"), 1, "E-mail: An e-mail address has one @"),
        (("Odnowa", "--admin", ""), 1, "E-mail: An e-mail address has one @"),
        (("Odnowa", "--admin", "żółw@odnowa.example"), 1, "E-mail: Before the @, use only"),
        (("Odnowa", *ADMIN, "--admin-name", ""), 1, "Admin name: Fill this in."),
        (("Odnowa", *ADMIN, "--admin-name", "a\tb"), 1, "Admin name: Remove line breaks"),
        (
            ("Odnowa", *ADMIN, "--time-zone", "Mars/Base"),
            1,
            "Time zone: There is no such time zone.",
        ),
        (("Odnowa", *ADMIN, "--time-zone", ""), 1, "Time zone: There is no such time zone."),
        (("Odnowa", *ADMIN, "--language", "de"), 2, "--language"),
        (("Odnowa",), 2, "--admin"),
    ],
)
def test_what_cannot_be_a_partner_is_said_and_nothing_is_written(
    run, app, arguments, exit_code, said
):
    look_refused(run("partner", "add", *arguments), exit_code, said)
    with app.app_context():
        assert db.session.scalar(select(Partner.id)) is None
        assert db.session.scalar(select(AuditEntry.id)) is None


@pytest.mark.parametrize(
    ("arguments", "exit_code", "said"),
    [
        (("odnowa", ""), 1, "E-mail: An e-mail address has one @"),
        (
            ("odnowa", "Alice@odnowa.example"),
            1,
            "E-mail: Somebody in this organisation already has",
        ),
        (("odnowa", "frank@odnowa.example", "--name", " "), 1, "Name: Fill this in."),
        (("odnowa", "frank@odnowa.example", "--name", "x" * 201), 1, "Name: Use at most 200"),
        (("odnowa", "frank@odnowa.example", "--language", ""), 2, "--language"),
        # An empty variable of a script must not make a client's user one of the partner.
        (("odnowa", "frank@odnowa.example", "--client", ""), 1, "0 clients of odnowa"),
        (("odnowa", "frank@odnowa.example", "--client", NO_TEXT), 2, "This is not text"),
        (("", "frank@odnowa.example"), 1, "There is no partner ''."),
        ((NO_TEXT, "frank@odnowa.example"), 2, "This is not text"),
    ],
)
def test_who_cannot_be_a_user_is_said_and_nothing_is_written(
    run, app, cast, arguments, exit_code, said
):
    before = dump(app)
    look_refused(run("user", "add", *arguments), exit_code, said)
    assert dump(app) == before


@pytest.mark.parametrize("host", ["", NO_TEXT])
def test_a_host_that_cannot_be_listened_at(run, host):
    result = run("serve", "--host", host, "--port", "8999")
    assert result.exit_code in (1, 2)
    assert type(result.exception) is SystemExit
    assert "Error: " in result.output


def test_sending_is_turned_on_and_off(run, app, cast):
    partner = select(Partner.sending).where(Partner.id == cast.partner)
    assert run("partner", "sending", "odnowa", "on").output == "Sending is on.\n"
    assert in_database(app, partner) is True
    assert run("partner", "sending", "odnowa", "on").output == "Sending was on before.\n"
    assert run("partner", "sending", "odnowa", "off").exit_code == 0
    assert in_database(app, partner) is False


@pytest.mark.settings(mail_url="inbox:")
def test_sending_to_nobody_is_not_turned_on(run, app, cast):
    result = run("partner", "sending", "odnowa", "on")
    assert result.exit_code == 1
    assert result.output == (
        "Error: Sending: No mail server is set up, so mails would reach nobody. "
        "Whoever runs the portal must set PORTAL_MAIL_URL first.\n"
    )
    assert in_database(app, select(Partner.sending).where(Partner.id == cast.partner)) is False


def test_an_unknown_partner_is_named_with_those_there_are(run, cast):
    result = run("partner", "sending", "nobody", "on")
    assert result.exit_code == 1
    assert "odnowa, renova" in result.output


def test_a_user_of_a_partner_and_one_of_a_client(run, app, cast):
    colleague = run("user", "add", "odnowa", "frank@odnowa.example", "--name", "Frank")
    contact = run(
        *("user", "add", "odnowa", "grace@acme.example", "--client", "ACME", "--admin", "--json")
    )
    assert (colleague.exit_code, contact.exit_code) == (0, 0)
    assert json.loads(contact.output)["organisation"] == "Acme"
    frank = in_database(app, select(User).where(User.name == "Frank"))
    grace = in_database(app, select(User).where(User.email == "grace@acme.example"))
    assert (frank.organisation_id, frank.admin) == (cast.partner, False)
    assert (grace.organisation_id, grace.admin) == (cast.client, True)


def test_a_client_of_another_partner_is_not_found(run, app, cast):
    foreign = in_database(app, select(Client.name).where(Client.id == cast.other_client))
    result = run("user", "add", "odnowa", "grace@acme.example", "--client", foreign)
    assert result.exit_code == 1
    assert "0 clients of odnowa" in result.output


def test_an_operator_lets_somebody_in_who_has_lost_the_phone(run, app, cast: Cast):
    turn_on(app, cast.bob)
    done = run("user", "reset-second-factor", "BOB@odnowa.example")
    assert done.exit_code == 0
    assert done.output.startswith("Two-step verification is off for bob@odnowa.example")
    again = run("user", "reset-second-factor", "bob@odnowa.example")
    assert (again.exit_code, "without two-step verification" in again.output) == (1, True)
    unknown = run("user", "reset-second-factor", "nobody@odnowa.example")
    assert (unknown.exit_code, "Nobody signs in with" in unknown.output) == (1, True)
