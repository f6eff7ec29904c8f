"""The log for operators: one record a line, in UTC, as text or JSON; it opens nothing and tells no address."""

import json
import logging
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from sqlalchemy import insert, update

from tests.support.cast import SECRET, Cast, unit_of_work
from tests.support.portal import run_at
from tests.support.smtp import smtp_sink
from webapp import logs
from webapp.models import Partner, Subscription, User, UserSession, db
from webapp.pages import guards
from webapp.services.accounts import logins, membership, resets
from webapp.services.reminders import due_index
from webapp.signin import password, tokens

STEP_30 = datetime(2027, 3, 1, 10, tzinfo=UTC)


@pytest.fixture
def written(app):
    """What stands in the log, whose handler writes here meanwhile."""
    (handler,) = logging.getLogger("webapp").handlers
    stream, before = StringIO(), handler.setStream(StringIO())
    handler.setStream(stream)
    yield lambda: stream.getvalue().splitlines()
    handler.setStream(before)


def test_a_line_says_when_how_grave_and_where(written):
    logging.getLogger("webapp.worker").warning("tired")
    (line,) = written()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ WARNING webapp\.worker \[-\] tired", line)


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\u2028", "\x85", "\x0b"])
def test_no_text_makes_up_a_record(written, end):
    made_up = f"reply{end}2027-01-01T00:00:00Z ERROR webapp [-] made up"
    log = logging.getLogger("webapp.worker")
    log.warning("the server said %s", made_up)
    try:
        raise ValueError(made_up)
    except ValueError:
        log.exception("broke")
    records = [line for line in written() if re.match(r"\d{4}-", line)]
    assert [line.partition("] ")[2] for line in records] == ["the server said reply", "broke"]


def test_moments_are_not_those_of_the_machines_zone():
    record = logging.LogRecord("webapp", logging.INFO, "", 1, "x", (), None)
    record.created, record.request_id = 0.0, "-"
    assert (
        logs.RecordLines(logs.LINE, logs.MOMENT).format(record).startswith("1970-01-01T00:00:00Z ")
    )


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("550 5.1.1 <dana@acme.example>: unknown", "550 5.1.1 <(address)>: unknown"),
        ("""o'hara@x.example, "a b"@x.example""", "(address), (address)"),
        ("ŻÓŁĆ@żółć.example is full", "(address) is full"),
        ("no amqp://guest:**@queue.example/ there", "no amqp://guest:**@queue.example/ there"),
        ("broke a rule\nDETAIL:  Key (email)=(x) is there.\n[SQL: …]", "broke a rule\n[SQL: …]"),
    ],
)
def test_addresses_and_values_of_rows_are_left_out(said, kept):
    assert logs.discreet(said) == kept


@pytest.mark.settings(log_format="json")
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_json_line_has_what_its_message_names(written, browse, cast: Cast):
    answer = browse(cast.bob).get("/settings/team")
    line = json.loads(written()[-1])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("at"))
    assert (line.pop("request_id"), line.pop("message")[:17]) == (
        answer.headers["X-Request-ID"],
        "refused with 403:",
    )
    assert type(line.pop("login")) is int
    assert line == {
        "level": "WARNING",
        "logger": "webapp.pages.errors",
        "code": 403,
        "method": "GET",
        "route": "settings.team",
        "ids": {},
        "network": "127.0.0.1",
    }


# What somebody knows, types or holds, none of which may stand in a log.
TYPED, WRONG, AT_THE_SERVER = "correct horse battery", "a wrong password", "the-server's-password"
NOBODY = "nobody@elsewhere.example"


def break_a_rule():
    """A breakdown whose error has a row's values: of its statement, and of PostgreSQL's own."""
    values = {"key_hash": "the-hash-of-a-key", "network": NOBODY, "kept": {"password": WRONG}}
    db.session.execute(insert(UserSession), values)


break_a_rule.policy = guards.PUBLIC


@pytest.mark.settings(log_format="json", log_level="DEBUG")
def test_a_busy_run_writes_json_without_secrets_or_addresses(
    app, browse, cast: Cast, written, monkeypatch
):
    with unit_of_work(app):
        logins.set_password(
            logins.of(db.session.get_one(User, cast.dana)), password.hash_password(TYPED)
        )
        token = tokens.token(membership.invite(None, db.session.get_one(User, cast.dave)))
        resets.ask("alice@odnowa.example")
        resets.ask(NOBODY)
        db.session.execute(update(Partner).values(sending=True))
        due_index.refresh_where(Subscription.id.is_not(None))
    eve = browse()
    for email, given in (
        ("dana@acme.example", WRONG),
        (NOBODY, WRONG),
        ("dana@acme.example", TYPED),
    ):
        eve.post("/sign-in", data={"email": email, "password": given})
    assert browse(cast.bob).get("/settings/team").status_code == 403
    assert eve.get(f"/partner/clients/{cast.client}/renewals?q={NOBODY}").status_code == 403
    assert (
        browse().post(f"/link/{token}", headers={"Origin": "https://evil.example"}).status_code
        == 403
    )
    browse().post(f"/link/{token}", data={"password": TYPED})
    monkeypatch.setitem(app.view_functions, "health.healthz", break_a_rule)
    assert browse().get(f"/healthz?token={token}").status_code == 500
    with smtp_sink() as sink:
        for account, tried in ((f"portal:{AT_THE_SERVER}@", 2), ("", 4)):
            address = sink.url.replace("//", f"//{account}") + "?tls=off"
            app.config["PORTAL"] = replace(app.config["PORTAL"], mail_url=address)
            for refused in ("dana@acme.example", "dave@acme.example"):
                sink.refuse[refused] = f"550 5.1.1 <{refused}>: no such person"
            for hours in range(tried):
                run_at(app, STEP_30 + timedelta(hours=hours))
    lines = [json.loads(line) for line in written()]
    told = {(line["logger"], line.get("action"), line.get("code")) for line in lines}
    security, errors = "webapp.services.accounts.security_log", "webapp.pages.errors"
    assert told >= {
        *((security, action, None) for action in ("signed_in", "sign_in_failed", "joined")),
        *((errors, None, 403), (errors, None, None)),
        ("webapp.services.sending.handing_over", None, None),
    }
    assert any("no such person" in line["message"] for line in lines)
    assert any("IntegrityError" in line.get("trace", "") for line in lines)
    everything = "\n".join(written())
    secret = (
        *(TYPED, WRONG, AT_THE_SERVER, token, SECRET, "the-hash-of-a-key", "@", "%40"),
        *("dana", "dave", "alice", "nobody"),
    )
    assert [one for one in secret if one in everything] == []
