"""Commands for the demo: its data, its people, its clock."""

import re
from dataclasses import asdict

import click
from flask import Flask, current_app
from flask.cli import AppGroup, with_appcontext

from webapp import worker
from webapp.cli.shared import as_json, in_one_line, make_tables, print_json, unit_of_work
from webapp.demo import clock as demo_clock
from webapp.demo import inbox, people, story
from webapp.mail.transport import Transport
from webapp.models import db
from webapp.services import installation, runtime

demo_group = AppGroup("demo", help="Demo data, its people and its clock.")


def round_of_work(transport: Transport | None = None) -> dict[str, int]:
    """Run one round of the worker, in an application context of its own."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    return worker.once(app, transport=transport)


@demo_group.command("load")
@click.option("--reset", is_flag=True, help="Delete the demo data that is there, and start over.")
@with_appcontext
def load(reset: bool) -> None:
    """Fill an empty database with demo data. A database that has them is left as it is."""
    with in_one_line():
        installation.refuse_other_data()
        make_tables()
    fill(reset)


@unit_of_work
def fill(reset: bool) -> None:
    """Load the demo data, unless it is there already and may stay."""
    if installation.is_marked() and reset:
        story.clear()
        db.session.commit()
    if installation.is_marked():
        click.echo("The demo data is there.")
    else:
        story.load(round_of_work, runtime.now().date())
        click.echo("Demo data loaded.")
    print_accounts()


@demo_group.command("accounts")
@as_json
@unit_of_work
def show_accounts(as_json: bool) -> None:
    """Show who can sign in."""
    if not as_json:
        print_accounts()
        return
    wanted = ("email", "password", "name", "role", "organisation", "language")
    print_json([{key: asdict(person)[key] for key in wanted} for person in people.accounts()])


def print_accounts() -> None:
    """Print a table of who can sign in."""
    accounts = people.accounts()
    widest = max((len(person.email) for person in accounts), default=0)
    for person in accounts:
        click.echo(
            f"{person.email:{widest}}  {person.role:14}  {person.name}, {person.organisation}"
        )
    if accounts:
        click.echo(f"Everybody's password: {people.PASSWORD}")


@demo_group.command("clock")
@click.argument("move", required=False, metavar="[+DAYS|next]")
@as_json
@unit_of_work
def clock(move: str | None, as_json: bool) -> None:
    """Show the demo's date, or move it: by days (+1, +30), or to the next event.

    The worker runs day by day. Only business time moves, never sessions or links.
    """
    if move == "next":
        demo_clock.move_to_next_mail(round_of_work)
    elif move is not None:
        # The length is checked first, since int() takes neither every digit nor any number of them.
        days = int(move) if re.fullmatch(r"\+?[0-9]{1,4}", move) else 0
        if not 1 <= days <= demo_clock.FARTHEST_MOVE:
            raise click.BadParameter(f"say next, or +1 to +{demo_clock.FARTHEST_MOVE}")
        demo_clock.move(days, round_of_work)
    today, mails = runtime.now().date(), inbox.count()
    if as_json:
        print_json({"date": today, "mails": mails})
    else:
        click.echo(f"{today}, {mails} mails in the inbox")
