"""/metrics: what Prometheus reads with the monitor's token, and the alarms that are raised by it."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import update

from tests.support.cast import Cast, unit_of_work
from webapp.models import Delivery, DeliveryState, Installation, Tally, User, db
from webapp.services.accounts import membership

MONITOR = "a token of the monitor that is long"
ALARMS = Path(__file__).parents[2] / "docs" / "deploy" / "alerts.yml"
monitored = pytest.mark.settings(monitor_token=MONITOR)


@pytest.fixture
def figures(browse):
    """Read the figures, by their names and labels' values."""

    def read(**headers):
        answer = browse().get("/metrics", headers={"Authorization": f"Bearer {MONITOR}"} | headers)
        assert answer.status_code == 200
        return {
            (sample.name, *sorted(sample.labels.values())): sample.value
            for family in text_string_to_metric_families(answer.get_data(as_text=True))
            for sample in family.samples
        }

    return read


@monitored
def test_an_installation_in_figures(app, cast: Cast, browse, figures):
    at = datetime.now(UTC) - timedelta(minutes=30)
    with unit_of_work(app):
        for user_id in (cast.bob, cast.dave):
            membership.invite(None, db.session.get_one(User, user_id))
        first = db.session.query(Delivery).first()
        first.state = DeliveryState.BOUNCED
        db.session.execute(update(Delivery).values(send_after=at))
        db.session.execute(update(Installation).values(worker_seen_at=at, held_at=at))
        db.session.add(Tally(name="bounce_forged", count=5))
    browse().post("/sign-in", data={"email": "bob@odnowa.example", "password": "wrong"})
    found = figures()
    told = {name: value for name, value in found.items() if value}
    assert 1800 <= told.pop(("portal_oldest_due_seconds",)) < 1860
    assert told == {
        ("portal_deliveries", "bounced", "invitation"): 1,
        ("portal_deliveries", "invitation", "queued"): 1,
        ("portal_worker_seen_timestamp_seconds",): pytest.approx(at.timestamp(), abs=1),
        ("portal_sending_on_hold",): 1,
        ("portal_sign_ins_last_hour", "failed"): 1,
        ("portal_bounce_reports_refused", "forged"): 5,
    }
    assert ("portal_mail_server_away_timestamp_seconds",) in found


@monitored
def test_it_takes_as_many_statements_however_much_there_is(app, cast: Cast, figures, statements):
    with statements() as empty:
        figures()
    with unit_of_work(app):
        membership.invite(None, db.session.get_one(User, cast.dave))
        db.session.add(Tally(name="bounce_forged", count=5))
    with statements() as log:
        figures()
    assert [one.split()[0] for one in log] == ["SELECT"] * 5
    assert log == empty


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "other_settings", [{"monitor_token": MONITOR}, {"monitor_token": ""}], ids=["token", "none"]
)
@pytest.mark.parametrize("given", ["", "Bearer ", f"Bearer {MONITOR}x", f"Basic {MONITOR}"])
def test_for_strangers_there_is_nothing_here(browse, given):
    assert browse().get("/metrics", headers={"Authorization": given}).status_code == 404


@monitored
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_alarms_are_raised_by_figures_that_are_there(browse):
    headers = {"Authorization": f"Bearer {MONITOR}"}
    text = browse().get("/metrics", headers=headers).get_data(as_text=True)
    families = {one.name: one.samples for one in text_string_to_metric_families(text)}
    used = set()
    for rule in (
        rule for group in yaml.safe_load(ALARMS.read_text())["groups"] for rule in group["rules"]
    ):
        assert rule.keys() >= {"alert", "expr", "labels", "annotations"}
        for name, _, labels in re.findall(r"\b(portal_\w+)(\{(.*?)\})?", rule["expr"]):
            used.add(name)
            for label, _, values in re.findall(r'(\w+)(=~?)"([^"]+)"', labels):
                present = {sample.labels.get(label) for sample in families[name]}
                assert set(values.split("|")) <= present, rule["alert"]
    # Refused reports are for whoever looks: a stranger can send any number.
    assert used == families.keys() - {"portal_bounce_reports_refused"}
