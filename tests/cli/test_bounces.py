"""portal bounces: what a mail server's pipe hands over, and the exit code by which it knows whether to come again."""

import json
from datetime import UTC, datetime

import pytest
from sqlalchemy import insert, select, text

from tests.support import reports as samples
from tests.support.cast import unit_of_work
from webapp.cli.bounces import TRY_AGAIN
from webapp.config import load
from webapp.mail import reports, return_paths
from webapp.models import Delivery, DeliveryState, Installation, MailKind, db
from webapp.models.tables import delivery_table

OURS = "bounces@portal.example"
DANA = "dana@acme.example"


@pytest.fixture
def path(app, cast):
    """The return path of a mail to Dana that was sent."""
    app.config["PORTAL"] = load({"PORTAL_BOUNCE_ADDRESS": OURS})
    now = datetime.now(UTC)
    with unit_of_work(app):
        id = db.session.scalar(
            insert(delivery_table).returning(delivery_table.c.id),
            {
                "kind": MailKind.INVITATION,
                "recipient_id": cast.dana,
                "state": DeliveryState.SENT,
                "email": DANA,
                "language": "en",
                "snapshot": {},
                "queued_at": now,
                "send_after": now,
                "ended_at": now,
                "message_id": "<one@portal.example>",
            },
        )
        seed = db.session.scalar(select(Installation.seed))
    return return_paths.make(OURS, seed, id, "<one@portal.example>")


def read(app, content, *options):
    return app.test_cli_runner().invoke(args=["bounces", "read", *options], input=content)


def state(app):
    with app.app_context():
        return db.session.scalar(select(Delivery.state))


def test_a_report_is_read_from_the_standard_input(app, path):
    result = read(app, samples.report("exim-unknown-user", path, DANA), "--to", path)
    assert (result.exit_code, result.stdout) == (0, "bounced\n")
    assert state(app) is DeliveryState.BOUNCED
    # An invitation is about no client: the page of the person shows it, and nobody gets a mail.
    with app.app_context():
        assert db.session.scalars(select(Delivery.kind)).all() == [MailKind.INVITATION]


def test_what_changes_nothing_is_taken_all_the_same(app, path):
    assert read(app, b"").stdout == "foreign\n"
    assert read(app, samples.away_note(0, path, DANA)).stdout == "automatic\n"
    forged = samples.report("qmail", "bounces+1.aaaaaaaaaaaaaaaa@portal.example", DANA)
    result = read(app, forged)
    assert (result.exit_code, result.stdout) == (0, "forged\n")
    assert state(app) is DeliveryState.SENT
    counted = app.test_cli_runner().invoke(args=["bounces", "counts", "--json"])
    assert json.loads(counted.stdout) == {"forged": 1, "foreign": 1, "replayed": 0}
    lines = app.test_cli_runner().invoke(args=["bounces", "counts"]).stdout.split()
    assert lines == ["1", "forged", "1", "foreign", "0", "replayed"]


def test_a_message_of_any_length_is_taken_to_its_end(app, path):
    report = samples.report("qmail", path, DANA) + b"x" * (3 * reports.MOST_BYTES)
    assert read(app, report).stdout == "bounced\n"


@pytest.mark.parametrize(
    "prevent",
    [
        "UPDATE delivery SET state = 'handing_over'",
        "UPDATE installation SET held_at = '2026-11-29 08:00:00'",
        "DROP TABLE tally",
        "UPDATE alembic_version SET version_num = '9999'",
    ],
)
def test_what_can_be_read_later_alone_is_kept_by_the_mail_server(app, path, prevent):
    forged = samples.report("qmail", "bounces+1.aaaaaaaaaaaaaaaa@portal.example", DANA)
    content = forged if "tally" in prevent else samples.report("qmail", path, DANA)
    with unit_of_work(app):
        db.session.execute(text(prevent))
    result = read(app, content)
    assert result.exit_code == TRY_AGAIN == 75
    assert state(app) is not DeliveryState.BOUNCED


def test_without_an_address_for_bounces_nothing_is_lost(app, path):
    app.config["PORTAL"] = load({})
    result = read(app, samples.report("qmail", path, DANA))
    assert result.exit_code == TRY_AGAIN
    assert "PORTAL_BOUNCE_ADDRESS is not set" in result.stderr
