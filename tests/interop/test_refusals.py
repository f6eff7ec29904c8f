"""A mail server, or the portal at it, is set wrong: no mail ends, and put right, all are sent once."""

import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
import time_machine
from flask import Flask

from tests.interop.dovecot import PASSWORD, Dovecot
from tests.interop.postfix import Postfix
from tests.interop.programs import until
from tests.scale.conftest import MAILS_A_CLIENT
from webapp import worker
from webapp.services.sending import breaker

SENDER = "renewals@portal.example"
CLIENTS = 20
TOTAL = CLIENTS * MAILS_A_CLIENT
# What an operator got wrong in main.cf, and how Postfix says so.
WRONG = {
    "the sender is refused": (
        {"smtpd_sender_restrictions": f"check_sender_access inline:{{{SENDER}=reject}}"},
        "554 5.7.1 .*Sender address rejected: Access denied",
    ),
    "the sender is not the account's": (
        {
            "smtpd_sender_restrictions": "reject_sender_login_mismatch",
            "smtpd_sender_login_maps": f"inline:{{{SENDER}=somebody}}",
        },
        "553 5.7.1 .*Sender address rejected: not logged in",
    ),
    "no right to relay": (
        {
            "mynetworks": "192.0.2.1",
            "virtual_mailbox_domains": "",
            "smtpd_relay_restrictions": "permit_mynetworks, reject_unauth_destination",
        },
        "554 5.7.1 .*Relay access denied",
    ),
    "no right to relay yet": (
        {"mynetworks": "192.0.2.1", "virtual_mailbox_domains": ""},
        "454 4.7.1 .*Relay access denied",
    ),
    "this client is refused": (
        {"smtpd_client_restrictions": "reject"},
        "554 5.7.1 .*Client host rejected: Access denied",
    ),
}
# By their names, and by SASL from Dovecot.
SIGN_IN = {
    "smtpd_sasl_auth_enable": "yes",
    "smtpd_sasl_type": "dovecot",
    "smtpd_sasl_path": "{folder}/sasl",
}
ONLY_SIGNED_IN = {
    "mynetworks": "192.0.2.1",
    "smtpd_client_restrictions": "permit_sasl_authenticated, reject",
}


@pytest.fixture
def other_settings(request, postfix: Postfix) -> dict[str, str]:
    """The portal hands its mail to Postfix. ``@pytest.mark.settings(password=…)``: signed in, by this password."""
    marker = request.node.get_closest_marker("settings")
    if marker is None:
        return {"mail_url": postfix.url}
    return {"mail_url": postfix_url(postfix, marker.kwargs["password"])}


def postfix_url(postfix: Postfix, password: str) -> str:
    return postfix.url.replace("//", f"//{quote(SENDER)}:{quote(password)}@")


def sign_in(postfix: Postfix, dovecot: Dovecot, **settings: str) -> None:
    postfix.set(
        **{name: value.format(folder=dovecot.folder) for name, value in SIGN_IN.items()}, **settings
    )


def one_round(app: Flask, *, hour: int) -> Counter[str]:
    """Let the worker go one round at an hour of today; return its counts."""
    with time_machine.travel(datetime.now(UTC).replace(hour=hour, minute=0)):
        return worker.once(app)


def taken(postfix: Postfix) -> list[str]:
    """Return the Message-ID of each mail that Postfix has taken, as often as it has."""
    return re.findall(r"message-id=<(\S+)>", postfix.log)


def assert_taken_once(postfix: Postfix) -> None:
    """Each mail was taken by Postfix, and none twice. Its log comes a little later than its answers."""
    until(lambda: len(taken(postfix)) >= TOTAL, "what Postfix logs")
    assert len(taken(postfix)) == len(set(taken(postfix))) == TOTAL


def refusals(postfix: Postfix, reply: str) -> int:
    return len(re.findall(f"NOQUEUE: reject: .*{reply}", postfix.log))


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_setting_ends_no_mail(app, backlog, states, postfix, dovecot, wrong):
    settings, reply = WRONG[wrong]
    backlog(CLIENTS)
    sign_in(postfix, dovecot, **settings)
    counts = one_round(app, hour=6)
    assert counts["away"] == 1
    tried = counts["queued"]
    assert 0 < tried <= breaker.ENOUGH
    for hour in (7, 8, 9):
        counts = one_round(app, hour=hour)
        # While it is away, a few refusals say so again; what is put off may be put off for its reader alone.
        assert counts["away"] == 1
        assert counts["queued"] == (breaker.ENOUGH if reply.startswith("4") else breaker.KNOCKS)
        tried += counts["queued"]
    until(lambda: refusals(postfix, reply) >= tried, f"{tried} refusals")
    assert refusals(postfix, reply) == tried
    assert states() == {"queued": TOTAL}
    assert taken(postfix) == []
    postfix.put_right()
    # By now a mail waits for up to five hours before it is tried again.
    one_round(app, hour=17)
    assert states() == {"sent": TOTAL}
    assert_taken_once(postfix)


@pytest.mark.settings(password=PASSWORD)
def test_a_password_in_utf_8_signs_in(app, backlog, states, postfix, dovecot):
    backlog(CLIENTS)
    sign_in(postfix, dovecot, **ONLY_SIGNED_IN)
    one_round(app, hour=6)
    assert states() == {"sent": TOTAL}
    assert_taken_once(postfix)
    assert postfix.log.count(f"sasl_method=PLAIN, sasl_username={SENDER}") == TOTAL


@pytest.mark.settings(password="zażółć")
def test_a_wrong_password_ends_no_mail(app, backlog, states, postfix, dovecot):
    backlog(CLIENTS)
    sign_in(postfix, dovecot, **ONLY_SIGNED_IN)
    for hour in (6, 7, 8):
        assert one_round(app, hour=hour)["away"] == 1
    assert states() == {"queued": TOTAL}
    until(lambda: postfix.log.count("SASL PLAIN authentication failed") == 3, "what Postfix logs")
    right = postfix_url(postfix, PASSWORD)
    app.config["PORTAL"] = replace(app.config["PORTAL"], mail_url=right)
    one_round(app, hour=17)
    assert states() == {"sent": TOTAL}
    assert_taken_once(postfix)
