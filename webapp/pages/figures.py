"""The figures of an installation in the shapes of Prometheus: each is a gauge, read by a fixed number of statements.

docs/operating.md explains them, and docs/deploy/alerts.yml raises alarms by them.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from webapp.models import SecurityAction
from webapp.services import runtime
from webapp.services.lists import security
from webapp.services.sending import bounces, claims, monitoring

# What is told of sign-ins, by the actions of the security log.
SIGN_INS = {
    SecurityAction.SIGNED_IN: "succeeded",
    SecurityAction.SIGN_IN_FAILED: "failed",
    SecurityAction.LOCKED: "locked",
}
LAST_HOUR = timedelta(hours=1)


class Figures(Collector):
    """A collector in the sense of the library. It works in an application context."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield deliveries()
        yield from flow()
        yield sign_ins()
        yield refused_reports()


def gauge(name: str, help: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"portal_{name}", help, value=value)


def deliveries() -> GaugeMetricFamily:
    family = GaugeMetricFamily(
        "portal_deliveries", "Mails by their state and kind.", labels=["state", "kind"]
    )
    for (state, kind), count in monitoring.counts_by_kind().items():
        family.add_metric([state.value, kind.value], count)
    return family


def flow() -> Iterator[GaugeMetricFamily]:
    """Yield what tells whether mail flows; a moment that never was is 0, as is customary."""
    now = runtime.now()
    due, health = claims.oldest_due(now), monitoring.health()
    yield gauge(
        "oldest_due_seconds",
        "The age of the oldest mail that could go out now; 0 if none waits.",
        monitoring.age(due, now) or 0,
    )
    yield gauge(
        "worker_seen_timestamp_seconds",
        "A worker's last sign of life; it gives one in each round.",
        moment(health.worker_seen_at),
    )
    yield gauge(
        "mail_server_away_timestamp_seconds",
        "Since when the mail server can't be used; 0 if it can.",
        moment(health.away_since),
    )
    yield gauge(
        "sending_on_hold",
        "1 while nothing is sent, since the database is older than what was sent.",
        health.held_at is not None,
    )


def moment(at: datetime | None) -> float:
    return at.timestamp() if at else 0


def sign_ins() -> GaugeMetricFamily:
    family = GaugeMetricFamily(
        "portal_sign_ins_last_hour", "Sign-ins within the last hour.", labels=["result"]
    )
    counted = security.count_since(datetime.now(UTC) - LAST_HOUR, SIGN_INS)
    for action, result in SIGN_INS.items():
        family.add_metric([result], counted.get(action, 0))
    return family


def refused_reports() -> GaugeMetricFamily:
    family = GaugeMetricFamily(
        "portal_bounce_reports_refused",
        "Reports of bounces that were refused, by the reason, since the installation was made.",
        labels=["reason"],
    )
    for reason, count in bounces.counts().items():
        family.add_metric([reason.value], count)
    return family
