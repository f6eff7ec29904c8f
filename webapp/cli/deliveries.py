"""Commands about deliveries, for the operator's monitor."""

from dataclasses import asdict

import click
from flask.cli import AppGroup, with_appcontext

from webapp.cli.shared import as_json, find_partner, in_one_line, print_json, unit_of_work
from webapp.domain.delivery import IN_VAIN, DeliveryState
from webapp.models import db, revision
from webapp.services.lists import deliveries as delivery_list
from webapp.services.lists.deliveries import DeliveryQuery
from webapp.services.sending import monitoring, sending_again

deliveries_group = AppGroup("deliveries", help="Report on the mails, or send some again.")


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


@deliveries_group.command("again")
@click.option("--partner", "slug", required=True, help="The partner's short name.")
@click.option(
    "--state",
    type=click.Choice([state.value for state in sorted(IN_VAIN)]),
    help="Only mails that ended so; otherwise all that surely did not arrive.",
)
@click.option("--apply", is_flag=True, help="Send them; otherwise it is a dry run.")
@as_json
@unit_of_work
def again(slug: str, state: str | None, apply: bool, as_json: bool) -> None:
    """Send again all mails of a partner that ended without arriving and are still wanted, as the page does."""
    partner = find_partner(slug)
    ids = [
        id
        for chosen in ([DeliveryState(state)] if state else sorted(IN_VAIN))
        for id in delivery_list.find_in_vain(partner, DeliveryQuery(state=chosen))
    ]
    prospect = sending_again.look(ids)
    sent = 0
    while apply and (some := sending_again.send(None, ids)):
        db.session.commit()
        sent += some
    if as_json:
        going = {"can_go": len(prospect.mails), "more": prospect.more, "sent": sent}
        print_json(going | {"rejected": prospect.rejected, "over": prospect.over})
        return
    going_text = f"{len(prospect.mails)}{' or more' if prospect.more else ''}"
    click.echo(f"{sent} on their way again" if apply else f"{going_text} can go out again")
    click.echo(f"{prospect.rejected} stay: the address was rejected")
    click.echo(f"{prospect.over} stay: too late, or not needed any more")
    if not apply:
        click.echo("Dry run: nothing was sent. Add --apply.")


def age(seconds: int | None, none: str) -> str:
    return none if seconds is None else f"{seconds} s ago"
