"""Commands for partners: the operator's first steps, before anybody can sign in."""

import click
from flask.cli import AppGroup
from sqlalchemy import select

from webapp import i18n
from webapp.cli.shared import as_json, find_partner, print_json, unit_of_work
from webapp.models import Partner, User, db
from webapp.services.accounts import membership, open_doors, partners
from webapp.signin import tokens

language_choice = click.Choice(i18n.CODES)

partner_group = AppGroup("partner", help="Add and list partners; turn their sending on or off.")


@partner_group.command("list")
@as_json
@unit_of_work
def list_partners(as_json: bool) -> None:
    """List the partners: the word by which commands and settings call each, and its name."""
    found = db.session.execute(select(Partner.slug, Partner.name).order_by(Partner.slug)).all()
    if as_json:
        print_json([{"partner": slug, "name": name} for slug, name in found])
        return
    for slug, name in found:
        click.echo(f"{slug}  {name}")


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
    click.echo(way_in(admin, link))


def way_in(user: User, link: str) -> str:
    """Say how somebody comes in who has just been invited."""
    if not open_doors.by_password([user]):
        if open_doors.is_own(user.organisation):
            return f"{user.email} comes in by the organisation's own sign-in."
        return f"{user.email} can't come in, since PORTAL_SIGN_IN lacks password."
    return f"{user.email} sets a password here, within 14 days:\n{link}"


@partner_group.command("sending")
@click.argument("slug")
@click.argument("state", type=click.Choice(["on", "off"]))
@unit_of_work
def set_sending(slug: str, state: str) -> None:
    """Turn sending of the partner SLUG on or off."""
    changed = partners.switch(None, find_partner(slug), "sending", state == "on")
    click.echo(f"Sending is {state}." if changed else f"Sending was {state} before.")
