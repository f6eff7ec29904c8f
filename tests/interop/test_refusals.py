"""A mail server, or the portal at it, is set wrong: no mail ends, and put right, all are sent once."""

import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
import time_machine
from flask import Flask

from tests.interop.dovecot import PASSWORD, Dovecot
from tests.interop.postfix import Postfix
from tests.scale.conftest import MAILS_A_CLIENT
from webapp import worker

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


def rounds(app: Flask, many: int, beginning: timedelta = timedelta(0)) -> Counter[str]:
    """Let the worker go some rounds, a quarter of an hour after one another; return the last one's counts."""
    morning = datetime.now(UTC).replace(hour=6, minute=0)
    for number in range(many):
        moment = morning + beginning + number * timedelta(minutes=15)
        with time_machine.travel(moment):
            counts = worker.once(app)
    return counts


def taken(postfix: Postfix) -> list[str]:
    """Return the Message-ID of each mail that Postfix has taken, as often as it has."""
    return re.findall(r"message-id=<(\S+)>", postfix.log)


def refusals(postfix: Postfix, reply: str) -> int:
    return len(re.findall(f"NOQUEUE: reject: .*{reply}", postfix.log))


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_setting_ends_no_mail(app, backlog, states, postfix, dovecot, wrong):
    settings, reply = WRONG[wrong]
    backlog(CLIENTS)
    sign_in(postfix, dovecot, **settings)
    counts = rounds(app, 1)
    assert counts["away"] == 1
    tried = refusals(postfix, reply)
    assert 0 < tried <= worker.ENOUGH
    counts = rounds(app, 4, timedelta(minutes=15))
    assert counts["away"] == 1
    # Each round that ran into the wall gave up soon.
    assert tried < refusals(postfix, reply) <= 5 * worker.ENOUGH
    assert states() == {"queued": TOTAL}
    assert taken(postfix) == []
    postfix.put_right()
    # The first tries of what was refused often wait for hours by now.
    rounds(app, 24, timedelta(minutes=75))
    assert states() == {"sent": TOTAL}
    assert len(taken(postfix)) == len(set(taken(postfix))) == TOTAL


@pytest.mark.settings(password=PASSWORD)
def test_a_password_in_utf_8_signs_in(app, backlog, states, postfix, dovecot):
    backlog(CLIENTS)
    sign_in(postfix, dovecot, **ONLY_SIGNED_IN)
    rounds(app, 1)
    assert states() == {"sent": TOTAL}
    assert postfix.log.count(f"sasl_method=PLAIN, sasl_username={SENDER}") == TOTAL


@pytest.mark.settings(password="zażółć")
def test_a_wrong_password_ends_no_mail(app, backlog, states, postfix, dovecot):
    backlog(CLIENTS)
    sign_in(postfix, dovecot, **ONLY_SIGNED_IN)
    assert rounds(app, 1)["away"] == 1
    assert rounds(app, 3, timedelta(minutes=15))["away"] == 1
    assert states() == {"queued": TOTAL}
    assert postfix.log.count("SASL PLAIN authentication failed") == 4
    right = postfix_url(postfix, PASSWORD)
    app.config["PORTAL"] = replace(app.config["PORTAL"], mail_url=right)
    rounds(app, 1, timedelta(hours=12))
    assert states() == {"sent": TOTAL}
    assert len(taken(postfix)) == len(set(taken(postfix))) == TOTAL
