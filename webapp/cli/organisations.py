"""Commands for partners and users: the operator's first steps, before anybody can sign in."""

import click
from flask.cli import AppGroup
from sqlalchemy import select

from webapp import i18n
from webapp.cli.shared import as_json, find_partner, print_json, unit_of_work
from webapp.mail.addresses import name_from
from webapp.models import Client, Organisation, Partner, User, db
from webapp.services.accounts import logins, membership, partners, people, second_factor
from webapp.signin import tokens

language_choice = click.Choice(i18n.CODES)

partner_group = AppGroup("partner", help="Add partners; turn their sending on or off.")
user_group = AppGroup("user", help="Add users; let somebody in who has lost the phone.")


@partner_group.command("add")
@click.argument("name")
@click.option("--admin", "email", required=True, help="The first admin's e-mail address.")
@click.option("--admin-name", help="The first admin's name; otherwise taken from the address.")
@click.option(
    "--language",
    type=language_choice,
    default="en",
    show_default=True,
    help="The language of pages and mails, unless a person chooses another.",
)
@click.option("--time-zone", help="Such as Europe/Warsaw; the default depends on the language.")
@as_json
@unit_of_work
def add_partner(
    name: str,
    email: str,
    admin_name: str | None,
    language: str,
    time_zone: str | None,
    as_json: bool,
) -> None:
    """Add the partner NAME and invite its first admin; print the invitation link."""
    partner = partners.add_partner(
        None,
        name,
        email,
        language,
        time_zone=i18n.LANGUAGES[language].zone if time_zone is None else time_zone,
        admin_name=admin_name,
    )
    assert partner.notified_user_id
    admin = db.session.get_one(User, partner.notified_user_id)
    link = tokens.address(membership.invite(None, admin))
    if as_json:
        print_json({"partner": partner.slug, "email": admin.email, "link": link})
        return
    click.echo(f"Partner {partner.slug} added. Reminders are not sent before sending is turned on.")
    click.echo(f"{admin.email} sets a password here, within 14 days:\n{link}")


@partner_group.command("sending")
@click.argument("slug")
@click.argument("state", type=click.Choice(["on", "off"]))
@unit_of_work
def set_sending(slug: str, state: str) -> None:
    """Turn sending of the partner SLUG on or off."""
    changed = partners.switch(None, find_partner(slug), "sending", state == "on")
    click.echo(f"Sending is {state}." if changed else f"Sending was {state} before.")


@user_group.command("add")
@click.argument("slug", metavar="PARTNER")
@click.argument("email")
@click.option("--name", help="The user's name; otherwise taken from the address.")
@click.option(
    "--client", "client_name", help="Add the user to this client, by name or external ID."
)
@click.option("--admin", is_flag=True, help="Make the user an admin of the organisation.")
@click.option(
    "--language", type=language_choice, help="The user's language; by default the organisation's."
)
@as_json
@unit_of_work
def add_user(
    slug: str,
    email: str,
    name: str | None,
    client_name: str | None,
    admin: bool,
    language: str | None,
    as_json: bool,
) -> None:
    """Add a user to PARTNER, or to one of its clients; print the invitation link."""
    partner = find_partner(slug)
    # An empty name must not add the user to the partner itself.
    organisation: Organisation = (
        partner if client_name is None else find_client(partner, client_name)
    )
    user = people.add_person(
        None,
        organisation,
        name=name_from(email) if name is None else name,
        email=email,
        language=language,
        admin=admin,
    )
    link = tokens.address(membership.invite(None, user))
    if as_json:
        print_json({"organisation": organisation.name, "email": user.email, "link": link})
        return
    click.echo(f"{user.email} sets a password here, within 14 days:\n{link}")


@user_group.command("reset-second-factor")
@click.argument("email")
@unit_of_work
def reset_second_factor(email: str) -> None:
    """Turn off two-step verification for the person who signs in with EMAIL.

    For somebody who has lost phone and recovery codes. First make sure that it is this person who asks.
    """
    login = logins.find(logins.email_key(email))
    if login is None:
        raise click.ClickException(f"Nobody signs in with {email}.")
    second_factor.reset(None, login)
    click.echo(
        f"Two-step verification is off for {login.email}, and everywhere they are signed out."
    )


def find_client(partner: Partner, text: str) -> Client:
    """Find the only client of a partner with this external id or name. Archived ones are left out."""
    found = db.session.scalars(
        select(Client).where(
            Client.partner_id == partner.id,
            Client.archived_at.is_(None),
            (Client.external_id == text) | (Client.name_key == i18n.fold(text)),
        )
    ).all()
    if len(found) != 1:
        raise click.ClickException(f"{len(found)} clients of {partner.slug} are called {text!r}.")
    return found[0]
