"""Commands for users: add them, end their access, and let in who can't come in otherwise."""

import click
from flask.cli import AppGroup
from sqlalchemy import select

from webapp import i18n
from webapp.cli.organisations import language_choice, way_in
from webapp.cli.persons import find_person, organisation
from webapp.cli.shared import as_json, find_partner, print_json, unit_of_work
from webapp.mail.addresses import name_from
from webapp.models import Client, Organisation, Partner, db
from webapp.services.accounts import doors, logins, membership, people, second_factor
from webapp.signin import tokens

user_group = AppGroup("user", help="Add users, end their access; let in who can't come in.")


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
    click.echo(way_in(user, link))


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


@user_group.command("link")
@click.argument("email")
@organisation
@as_json
@unit_of_work
def make_link(email: str, organisation_id: int | None, as_json: bool) -> None:
    """Print a link by which EMAIL's person signs in once, within 15 minutes, even if doors are stuck.

    First make sure that it is this person who asks. The person's mailbox is told.
    """
    user = find_person(email, organisation_id)
    link = tokens.address(doors.let_in_once(user))
    if as_json:
        print_json({"organisation": user.organisation.name, "email": user.email, "link": link})
        return
    click.echo(f"{user.name} signs in here, once, within 15 minutes:\n{link}")


@user_group.command("unlink")
@click.argument("email")
@organisation
@unit_of_work
def unlink(email: str, organisation_id: int | None) -> None:
    """Forget who comes in as EMAIL's person by the organisation's own sign-in.

    The next one who signs in there with this address is linked anew. Sessions that began so end.
    """
    user = find_person(email, organisation_id)
    if not doors.unlink(user):
        raise click.ClickException(f"Nobody comes in as {user.email} by another sign-in.")
    click.echo(f"The link of {user.email} is forgotten.")


@user_group.command("deactivate")
@click.argument("email")
@organisation
@unit_of_work
def deactivate(email: str, organisation_id: int | None) -> None:
    """End EMAIL's access, sessions and mails at once. Nothing about the person is deleted."""
    user = find_person(email, organisation_id)
    was_active = user.active
    membership.deactivate(None, user)
    click.echo(f"{user.email} is deactivated." if was_active else f"{user.email} was so before.")


@user_group.command("activate")
@click.argument("email")
@organisation
@unit_of_work
def activate(email: str, organisation_id: int | None) -> None:
    """Give EMAIL's person access and mails back."""
    user = find_person(email, organisation_id)
    was_active = user.active
    membership.activate(None, user)
    click.echo(f"{user.email} was so before." if was_active else f"{user.email} is active.")


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
