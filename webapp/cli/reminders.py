"""Commands for reminders: show who would get what and why, and send what is due."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from threading import Event, Thread
from typing import Any

import click
from flask import current_app
from flask.cli import AppGroup, with_appcontext
from sqlalchemy import select

from webapp import typography, worker
from webapp.cli.output import unbroken
from webapp.cli.shared import as_json, find_partner, in_one_line, print_json, say, unit_of_work
from webapp.domain.facts import ClientFacts
from webapp.domain.reminders import DayPlan, Item, PlannedMail, day_plans
from webapp.labels import codes, renewal_words
from webapp.models import Client, DeliveryState, Partner, db, revision
from webapp.services import installation, runtime
from webapp.services.reminders import loading

reminders_group = AppGroup("reminders", help="Show who would get which reminder; send what is due.")
# More day plans than any client has within the longest term.
ALL_PLANS = 10_000
CHUNK = 500


@dataclass(frozen=True, slots=True)
class Line:
    """One mail that would go out, or a day plan with nobody to tell."""

    client: ClientFacts
    plan: DayPlan
    mail: PlannedMail


@reminders_group.command("show")
@click.option(
    "--on", "day", type=click.DateTime(["%Y-%m-%d"]), required=True, help="Today or a day to come."
)
@click.option("--partner", "slug", help="Only clients of this partner.")
@as_json
@unit_of_work
def show(day: datetime, slug: str | None, as_json: bool) -> None:
    """Show who would get what on a day, and why: mails that fall due or go out on it."""
    now = runtime.now()
    if day.date() < now.date():
        raise click.BadParameter(f"{day.date()} is past.", param_hint="--on")
    lines = list(mails_on(day.date(), now, None if slug is None else find_partner(slug)))
    if as_json:
        print_json([as_json_line(line) for line in lines])
        return
    for line in lines:
        say(as_text(line))
    click.echo(f"{len(lines)} mails." if lines else "Nobody gets a reminder on this day.")


def mails_on(day: date, now: datetime, partner: Partner | None) -> Iterator[Line]:
    """Yield the mails of day plans that fall due on a day, or go out on it after a closed window."""
    query = (
        select(Client.id)
        .where(Client.archived_at.is_(None))
        .order_by(Client.partner_id, Client.sort_key, Client.id)
    )
    if partner is not None:
        query = query.where(Client.partner_id == partner.id)
    ids = list(db.session.scalars(query))
    for start in range(0, len(ids), CHUNK):
        chunk = ids[start : start + CHUNK]
        known = loading.load(chunk)
        for client in (known[client_id] for client_id in chunk):
            for plan in day_plans(client, now, ALL_PLANS):
                for mail in plan.mails:
                    if day in (plan.day, mail.day):
                        yield Line(client, plan, mail)


def as_json_line(line: Line) -> dict[str, Any]:
    """Turn a line into its JSON form."""
    person = line.mail.recipient.person
    return {
        "client": line.client.name,
        "partner": line.client.partner.name,
        "due": line.plan.day,
        "owner": line.client.owner.owner.value,
        "own_setting": line.client.owner.own,
        "kind": line.mail.kind.value,
        "name": person.name,
        "email": person.email,
        "language": person.language,
        "place": line.mail.recipient.place.value,
        "reasons": [reason.value for reason in line.mail.recipient.reasons],
        "missing": [role.value for role in line.plan.circle.missing],
        "send_at": line.mail.send_at.isoformat(timespec="minutes"),
        "sending": line.client.partner.sending,
        "subscriptions": [
            {
                "product": item.subscription.product,
                "renewal_date": item.subscription.renewal_date,
                "days_before": item.step,
                "row": dict(
                    zip(
                        ("terms_longer_than", "terms_up_to"),
                        line.client.limits(item.subscription),
                        strict=True,
                    )
                ),
                "renews_itself": item.subscription.renews_itself,
            }
            for item in line.mail.items
        ],
    }


def as_text(line: Line) -> str:
    """Write a line for people: client and owner, who gets what, why and when."""
    recipient, person = line.mail.recipient, line.mail.recipient.person
    why = "set for this client" if line.client.owner.own else "default"
    about = "\n".join(f"    {item_as_text(line.client, item)}" for item in line.mail.items)
    reasons = codes.reasons(recipient.reasons)
    held = "" if line.client.partner.sending else ", held back: sending is off"
    return (
        f"{line.client.name} (owner: {line.client.owner.owner.value}, {why})\n"
        f"  {recipient.place.value}: {person.name} <{person.email}> [{person.language}] as {reasons}\n"
        f"  {codes.MAIL_KINDS[line.mail.kind]}:\n{about}\n"
        f"  from {typography.local_time(line.mail.send_at, person.time_zone, 'en')}{held}"
    )


def item_as_text(client: ClientFacts, item: Item) -> str:
    """Write what a mail is about: the product with its date, the step, and the row of steps that has it."""
    about = item.subscription
    ends = renewal_words.ENDS[about.renews_itself]
    row = renewal_words.row(client.limits(about))
    return f"{about.product} ({about.renewal_date}, {ends}): {renewal_words.days_before(item.step)}, {row}"


@reminders_group.command("send")
@as_json
@with_appcontext
@unbroken()
def send(as_json: bool) -> None:
    """Plan what is due and send it in a single round."""
    one_round(as_json)


@click.command("worker")
@click.option("--once", is_flag=True, help="Run a single round.")
@as_json
@with_appcontext
@unbroken()
def worker_command(once: bool, as_json: bool) -> None:
    """Plan and send, round after round, until stopped."""
    if once:
        one_round(as_json)
        return
    with in_one_line():
        # Each round asks, too. This tells the person who starts the worker at once.
        installation.refuse_other_data()
        revision.require()
    with until_told() as stopped:
        click.echo("The worker runs. Stop it with Ctrl+C; a mail in hand is finished first.")
        worker.run(current_app._get_current_object(), stopped)  # type: ignore[attr-defined]


def one_round(as_json: bool) -> None:
    with in_one_line(), until_told() as stopped:
        counts = worker.once(current_app._get_current_object(), stopped)  # type: ignore[attr-defined]
    if as_json:
        print_json(dict(counts))
        return
    told = ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count)
    click.echo(told or "Nothing was due.")
    if counts[DeliveryState.SENT.value] and not runtime.settings().delivers:
        click.echo(
            "No mail server is set up (PORTAL_MAIL_URL): this was kept in the installation, and reached nobody."
        )


@contextmanager
def until_told() -> Iterator[Event]:
    """Yield an event that SIGTERM or Ctrl+C sets, so that the mail in hand is finished before the end."""
    stopped = Event()

    def stop(*_: Any) -> None:
        # In a thread: the signal may interrupt our own wait for this event, which holds its lock.
        Thread(target=stopped.set).start()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
