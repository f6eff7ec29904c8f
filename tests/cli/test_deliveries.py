"""portal deliveries counts and /readyz: what a monitor reads."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text, update

from tests.support.cast import unit_of_work
from webapp.models import Delivery, DeliveryState, Installation, Partner, db
from webapp.services.sending import mail_server

NOTHING = dict.fromkeys((state.value for state in DeliveryState), 0)


@pytest.fixture
def counts(app):
    def run():
        result = app.test_cli_runner().invoke(args=["deliveries", "counts", "--json"])
        assert result.exit_code == 0, result.output
        return json.loads(result.output)

    return run


@pytest.fixture
def invited(app, cast):
    """One invitation waits since an hour; a worker was seen a minute ago."""
    app.test_cli_runner().invoke(args=["user", "add", "odnowa", "frank@odnowa.example"])
    now = datetime.now(UTC)
    with unit_of_work(app):
        db.session.execute(update(Delivery).values(send_after=now - timedelta(hours=1)))
        db.session.execute(update(Installation).values(worker_seen_at=now - timedelta(minutes=1)))
    return cast


def test_an_empty_portal(counts):
    assert counts() == {
        "states": NOTHING,
        "mail_server": "mail.test:587",
        "oldest_due_seconds": None,
        "worker_seen_seconds": None,
        "server_away_seconds": None,
        "server_reply": None,
        "on_hold_seconds": None,
    }


MONITOR = "a token of the monitor that is long"


@pytest.mark.settings(monitor_token=MONITOR)
def test_ages_and_counts(counts, invited, browse):
    found = counts()
    assert found["states"] == NOTHING | {"queued": 1}
    assert 3600 <= found["oldest_due_seconds"] < 3660
    assert 60 <= found["worker_seen_seconds"] < 120
    ready = browse().get("/readyz", headers={"Authorization": f"Bearer {MONITOR}"})
    assert ready.status_code == 200
    assert ready.json.keys() == {"ready", *found} - {"states"}
    assert 3600 <= ready.json["oldest_due_seconds"] < 3660


@pytest.mark.parametrize(
    "other_settings", [{"monitor_token": MONITOR}, {"monitor_token": ""}], ids=["token", "none"]
)
@pytest.mark.parametrize(
    "given",
    [
        "",
        "Bearer",
        "Bearer ",
        f"Bearer {MONITOR}x",
        f"Basic {MONITOR}",
        "Bearer \xff",
        "Basic \xff",
        MONITOR,
    ],
)
def test_a_stranger_learns_yes_or_no(invited, browse, given):
    answer = browse().get("/readyz", headers={"Authorization": given})
    assert (answer.status_code, answer.json) == (200, {"ready": True})


def test_what_a_partner_holds_back_is_not_due(app, counts, invited):
    with unit_of_work(app):
        db.session.execute(update(Delivery).values(partner_id=invited.partner))
    assert counts()["oldest_due_seconds"] is None
    with unit_of_work(app):
        db.session.execute(update(Partner).values(sending=True))
    assert counts()["oldest_due_seconds"] >= 3600


def test_in_words(app, invited):
    output = app.test_cli_runner().invoke(args=["deliveries", "counts"]).output
    assert "       1 queued\n" in output
    assert "worker: 6" in output


@pytest.mark.settings(monitor_token=MONITOR)
def test_a_mail_server_that_is_away(app, counts, cast, browse):
    with unit_of_work(app):
        mail_server.note_away("554 5.7.1 <dana@acme.example> refused", "dana@acme.example")
        long_ago = datetime.now(UTC) - timedelta(hours=1)
        db.session.execute(update(Installation).values(away_since=long_ago))
    ready = browse().get("/readyz", headers={"Authorization": f"Bearer {MONITOR}"})
    assert ready.status_code == 200
    for said in (counts(), ready.json):
        assert 3600 <= said["server_away_seconds"] < 3660
        assert said["server_reply"] == "554 5.7.1 <…> refused"
    output = app.test_cli_runner().invoke(args=["deliveries", "counts"]).output
    assert "mail server away: since 36" in output
    assert "s: 554 5.7.1 <…> refused\n" in output


def test_without_tables_nothing_is_ready(app, browse):
    with unit_of_work(app):
        db.session.execute(text("ALTER TABLE installation RENAME TO gone"))
    answer = browse().get("/readyz")
    assert (answer.status_code, answer.json) == (503, {"ready": False})
    result = app.test_cli_runner().invoke(args=["deliveries", "counts"])
    assert result.exit_code == 1
    assert "portal init" in result.output
