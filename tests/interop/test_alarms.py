"""What Prometheus says of the documents' alarms, and when it raises them (promtool, its own program)."""

import subprocess
from pathlib import Path

import pytest
import yaml

from tests.scale.conftest import UNITS
from tools.debian import UNPACKED

PROMTOOL = UNPACKED / "prometheus" / "usr" / "bin" / "promtool"
ALARMS = UNITS / "alerts.yml"
MONITOR = "a token of the monitor that is long"
# Of each alarm: a figure, its values every minute for two hours as promtool writes them, and whether it is raised.
DAYS = [
    ("PortalDown", 'up{job="renewal-portal"}', "0x120", True),
    ("PortalDown", 'up{job="renewal-portal"}', "1x120", False),
    ("PortalNoWorker", "portal_worker_seen_timestamp_seconds", "0x120", True),
    ("PortalNoWorker", "portal_worker_seen_timestamp_seconds", "0+60x120", False),
    ("PortalMailServerAway", "portal_mail_server_away_timestamp_seconds", "0x60 4000x60", True),
    ("PortalMailServerAway", "portal_mail_server_away_timestamp_seconds", "4000x60 0x60", False),
    ("PortalMailsLate", "portal_oldest_due_seconds", "0+60x120", True),
    ("PortalMailsLate", "portal_oldest_due_seconds", "1800x120", False),
    ("PortalOnHold", "portal_sending_on_hold", "0x100 1x20", True),
    ("PortalOnHold", "portal_sending_on_hold", "0x120", False),
    ("PortalMailsUnclear", 'portal_deliveries{state="unclear",kind="invitation"}', "1x120", True),
    ("PortalMailsUnclear", 'portal_deliveries{state="unclear",kind="invitation"}', "0x120", False),
    (
        "PortalMailsFailed",
        'portal_deliveries{state="failed",kind="invitation"}',
        "4x100 5x20",
        True,
    ),
    ("PortalMailsFailed", 'portal_deliveries{state="failed",kind="invitation"}', "5x120", False),
    ("PortalMailsRefused", 'portal_deliveries{state="bounced",kind="test"}', "4x100 24x20", True),
    ("PortalMailsRefused", 'portal_deliveries{state="rejected",kind="test"}', "0x100 9x20", False),
    ("PortalSignInsFail", 'portal_sign_ins_last_hour{result="failed"}', "101x120", True),
    ("PortalSignInsFail", 'portal_sign_ins_last_hour{result="failed"}', "100x120", False),
]


def promtool(*arguments: str | Path, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run([PROMTOOL, *arguments], input=given, capture_output=True, text=True)


def test_each_alarm_is_raised_when_it_should_be(tmp_path):
    """Each case looks at its alarm alone, and asks only whether it is raised, not with which labels."""
    rules = yaml.safe_load(ALARMS.read_text())["groups"][0]["rules"]
    assert {rule["alert"] for rule in rules} == {name for name, *_ in DAYS}
    tests = [
        {
            "interval": "1m",
            "input_series": [{"series": series, "values": values}],
            "promql_expr_test": [
                {
                    "expr": f'count(ALERTS{{alertname="{name}",alertstate="firing"}}) > 0 or vector(0)',
                    "eval_time": "2h",
                    "exp_samples": [{"labels": "{}", "value": int(raised)}],
                }
            ],
        }
        for name, series, values, raised in DAYS
    ]
    cases = tmp_path / "cases.yml"
    cases.write_text(yaml.safe_dump({"rule_files": [str(ALARMS)], "tests": tests}))
    checked = promtool("test", "rules", cases)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.settings(monitor_token=MONITOR)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_figures_are_such_as_prometheus_wants(app):
    headers = {"Authorization": f"Bearer {MONITOR}"}
    text = app.test_client().get("/metrics", headers=headers).get_data(as_text=True)
    checked = promtool("check", "metrics", given=text)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")
