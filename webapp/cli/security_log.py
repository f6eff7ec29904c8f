"""The command ``portal security-log``: what happened, for the operator and for other programs."""

import json
from datetime import UTC, datetime

import click
from flask.cli import with_appcontext

from webapp.cli.shared import in_one_line
from webapp.models import revision
from webapp.services.lists import security


@click.command("security-log")
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]),
    help="Only what happened since then, in UTC, such as 2026-03-31 or 2026-03-31T09:00.",
)
@click.option("--organisation", type=int, help="Only that of one organisation, by its id.")
@click.option("--json", "as_json", is_flag=True, help="Print each line as a JSON object.")
@with_appcontext
def security_log_command(since: datetime | None, organisation: int | None, as_json: bool) -> None:
    """Print the security log, oldest first: no passwords, no tokens, nothing that strangers typed."""
    with in_one_line():
        revision.require()
        begin = since.replace(tzinfo=UTC) if since else None
        for line in security.every(begin, organisation):
            click.echo(json.dumps(line, ensure_ascii=False) if as_json else in_words(line))


def in_words(line: dict[str, object]) -> str:
    """Write a line for people: when, what, and whatever else is known of it."""
    rest = [
        f"{key}={value}" for key, value in line.items() if key not in ("at", "action") and value
    ]
    return "  ".join([str(line["at"]), str(line["action"]), *rest])
