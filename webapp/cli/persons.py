"""Commands for what is stored of a person: hand it over as files, or erase it."""

from pathlib import Path

import click
from flask.cli import AppGroup

from webapp.cli.shared import unit_of_work
from webapp.models import User, db
from webapp.models.organisation import users_with_organisations
from webapp.services.erasing import export, person

GOES = """What is erased: name, addresses and job title (a number stands in their place, in the history and in stored
mails, too), the contents of all mails to this person, access, devices, networks and contact roles. Users of the
same login in other organisations stay as they are."""
STAYS = """What stays: when mails went out, with which result, and the SHA-256 of those whose contents were still kept
(proof that they went out), when something was changed, by a number (the organisation's own records), and whatever
lies elsewhere: readers' mailboxes, backups, the mail server's log."""

person_group = AppGroup("person", help="Hand over or erase what is stored of a person.")
organisation = click.option(
    "--organisation",
    "organisation_id",
    type=int,
    help="The organisation's id, if several have this address.",
)


@person_group.command("export")
@click.argument("email")
@organisation
@click.option(
    "--to",
    "folder",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="A new folder for the files.",
)
@unit_of_work
def export_person(email: str, organisation_id: int | None, folder: Path) -> None:
    """Write all that is stored of EMAIL's person into a folder: person.json, and mails as .eml."""
    user = find_person(email, organisation_id)
    try:
        folder.mkdir(mode=0o700, parents=True)
        number = 0
        for name, content in export.files(None, user):
            path = folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
            number += 1
    except OSError as error:
        raise click.ClickException(f"{folder}: {error.strerror}") from None
    counted = "1 file" if number == 1 else f"{number} files"
    click.echo(f"{counted} in {folder}. Mails with a link that lets somebody in are left out.")


@person_group.command("erase")
@click.argument("email")
@organisation
@click.option("--name", "typed", help="The person's name, to confirm; otherwise it is asked for.")
@unit_of_work
def erase_person(email: str, organisation_id: int | None, typed: str | None) -> None:
    """Erase EMAIL's person for good, after the name was typed to confirm."""
    user = find_person(email, organisation_id)
    click.echo(f"{user.name}, {user.email}, {user.organisation.name}\n{GOES}\n{STAYS}")
    if typed is None:
        # Nobody waits for whoever types.
        db.session.rollback()
        typed = click.prompt("This can't be undone. Type the person's name to confirm")
        user = find_person(email, organisation_id)
    person.check(user, typed)
    user_id = user.id
    for _step in person.erase_person(None, user):
        db.session.commit()
    click.echo(f"The person was erased. #{user_id} stands in its place.")


def find_person(email: str, organisation_id: int | None) -> User:
    """Find the only person with an address, in one organisation or in all, or end with an error."""
    found = db.session.scalars(
        users_with_organisations()
        .where(User.email_key == email.strip().casefold(), User.erased_at.is_(None))
        .order_by(User.organisation_id)
    ).all()
    chosen = [one for one in found if organisation_id in (None, one.organisation_id)]
    if len(chosen) == 1:
        return chosen[0]
    if not chosen:
        raise click.ClickException(f"Nobody has the address {email}.")
    known = ", ".join(f"{one.organisation_id} ({one.organisation.name})" for one in chosen)
    raise click.ClickException(f"Several have this address. Choose an --organisation: {known}.")
