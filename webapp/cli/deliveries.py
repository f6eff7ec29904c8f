"""Commands about deliveries, for the operator's monitor."""

from dataclasses import asdict

import click
from flask.cli import AppGroup, with_appcontext

from webapp.cli.shared import as_json, in_one_line, print_json
from webapp.models import revision
from webapp.services.sending import monitoring

deliveries_group = AppGroup("deliveries", help="Report on the mails.")


@deliveries_group.command("counts")
@as_json
@with_appcontext
def counts(as_json: bool) -> None:
    """Count deliveries by state; show since when mail waits, and how worker and mail server are."""
    with in_one_line():
        revision.require()
        states, pulse = monitoring.counts(), monitoring.pulse()
    if as_json:
        print_json({"states": states, **asdict(pulse)})
        return
    for state, count in states.items():
        click.echo(f"{count:8} {state}")
    click.echo(f"mail server: {pulse.mail_server or 'none'}")
    click.echo(f"oldest due mail: {age(pulse.oldest_due_seconds, 'none waits')}")
    click.echo(f"worker: {age(pulse.worker_seen_seconds, 'none has run yet')}")
    if pulse.server_away_seconds is not None:
        click.echo(f"mail server away: since {pulse.server_away_seconds} s: {pulse.server_reply}")
    if pulse.on_hold_seconds is not None:
        click.echo(f"sending on hold: since {pulse.on_hold_seconds} s, after a restore")


def age(seconds: int | None, none: str) -> str:
    return none if seconds is None else f"{seconds} s ago"
