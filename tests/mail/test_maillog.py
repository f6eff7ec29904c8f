"""What logs of Postfix and Exim tell, as Debian's packages write them, and others' ways to write a moment."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from webapp.mail.maillog import Clock, MailLog, read

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
DOMAINS = {"portal.example"}
# By Postfix 3.7: taken and delivered, taken and put off, refused, broken off amid the message; a queue id used again.
POSTFIX = """\
Nov 29 08:27:19 mx postfix/smtpd[13620]: D43FA2428F8: client=localhost[127.0.0.1]
Nov 29 08:27:19 mx postfix/cleanup[13623]: D43FA2428F8: message-id=<one@portal.example>
Nov 29 08:27:20 mx postfix/qmgr[13618]: D43FA2428F8: from=<bounces@portal.example>, size=559, nrcpt=1 (queue active)
Nov 29 08:27:21 mx postfix/smtp[13624]: D43FA2428F8: to=<a@far.example>, dsn=2.0.0, status=sent (250 ok)
Nov 29 08:27:21 mx postfix/qmgr[13618]: D43FA2428F8: removed
Nov 29 08:27:22 mx postfix/out/cleanup[13623]: 4Vx1y20z3Bz4: message-id=<two@portal.example>
Nov 29 08:27:30 mx postfix/out/smtp[13628]: 4Vx1y20z3Bz4: to=<b@later.example>, dsn=4.4.1, status=deferred (refused)
Nov 29 08:27:31 mx postfix/smtpd[13625]: NOQUEUE: reject: RCPT from localhost[127.0.0.1]: 554 5.7.1 <c@far.example>
Nov 29 08:27:32 mx postfix/cleanup[13623]: E6733242795: message-id=<broken@portal.example>
Nov 29 08:27:33 mx postfix/smtpd[13625]: lost connection after DATA (104 bytes) from localhost[127.0.0.1]
Nov 29 08:27:34 mx postfix/cleanup[13623]: E6733242795: message-id=<20261129082719.E6733242795@mx.example>
Nov 29 08:27:35 mx postfix/qmgr[13618]: E6733242795: from=<>, size=6534, nrcpt=1 (queue active)
"""
# By Exim 4.96: taken, a report of its own, refused.
EXIM = """\
2026-11-29 08:27:20 1xXaFk-0003Y2-06 <= bounces@portal.example H=(x) [127.0.0.1] P=esmtp S=5 id=one@portal.example
2026-11-29 08:27:20 1xXaFk-0003Y2-06 ** a@far.example R=far T=smtp H=127.0.0.1 [127.0.0.1]: 550 5.1.1 no such user
2026-11-29 08:27:20 1xXaFk-0003Y6-0B <= <> R=1xXaFk-0003Y2-06 U=Debian-exim P=local S=2224
2026-11-29 08:27:21 H=(x) [127.0.0.1] F=<bounces@portal.example> rejected RCPT <b@far.example>: relay not permitted
2026-11-29 08:27:22 1xXaFl-0003Y6-0B <= x@other.example H=x [127.0.0.1] P=esmtp S=5 id=three@other.example
"""


def taken(text, zone="UTC", now=NOW):
    log = MailLog()
    read(log, text.splitlines(keepends=True), DOMAINS, Clock(now, ZoneInfo(zone)))
    return log


def at(hour, minute, second):
    return datetime(2026, 11, 29, hour, minute, second, tzinfo=UTC)


def test_postfix_has_taken_what_came_into_its_queue():
    log = taken(POSTFIX)
    assert log.begins == at(8, 27, 19)
    assert log.taken == {
        "<one@portal.example>": at(8, 27, 20),
        "<two@portal.example>": at(8, 27, 30),
    }


def test_exim_has_taken_what_it_says():
    log = taken(EXIM, "Europe/Warsaw")
    assert log.begins == at(7, 27, 20)
    assert log.taken == {"<one@portal.example>": at(7, 27, 20)}


def test_several_logs_are_one():
    log = taken(EXIM)
    read(log, ["nothing\n", *POSTFIX.splitlines()], DOMAINS, Clock(NOW, ZoneInfo("UTC")))
    assert log.begins == at(8, 27, 19)
    assert log.taken["<one@portal.example>"] == at(8, 27, 20)


@pytest.mark.parametrize(
    ("line", "moment"),
    [
        ("2026-11-29T08:27:19.123456+01:00 mx postfix/", "2026-11-29T07:27:19.123456+00:00"),
        ("2026-11-29T08:27:19+0100 mx postfix/", "2026-11-29T07:27:19+00:00"),
        ("2026-11-29T08:27:19Z mx postfix/", "2026-11-29T08:27:19+00:00"),
        ("2026-11-29 08:27:19.123 [7] 1xXaFk <=", "2026-11-29T08:27:19.123000+00:00"),
        ("2026-11-29 08:27:19 -0300 1xXaFk <=", "2026-11-29T11:27:19+00:00"),
        ("Nov  9 08:27:19 mx postfix/", "2026-11-09T08:27:19+00:00"),
        # Of last year, since it would be to come.
        ("Dec 31 08:27:19 mx postfix/", "2025-12-31T08:27:19+00:00"),
        ("Feb 29 08:27:19 mx postfix/", "2024-02-29T08:27:19+00:00"),
        ("2026-13-29 08:27:19 no month", None),
        ("Feb 30 08:27:19 no day", None),
        ("29.11.2026 08:27", None),
    ],
)
def test_a_moment(line, moment):
    begins = taken(line).begins
    assert (begins and begins.isoformat()) == moment
