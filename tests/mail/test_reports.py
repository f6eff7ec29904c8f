"""Reports: what each shape says, and whatever comes in is read to an end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import reports as samples
from webapp.mail import reports, return_paths
from webapp.mail.reports import MailReport, ReportKind
from webapp.mail.return_paths import ReturnPath

OURS = "bounces@portal.example"
PATH = ReturnPath(11, "abcdefghijklmnop")
MADE = "bounces+11.abcdefghijklmnop@portal.example"
DANA = "dana@acme.example"


@pytest.mark.parametrize(
    ("shape", "reply"),
    [
        ("postfix-unknown-user", f"550 5.1.1 <{DANA}>: no such user here"),
        ("postfix-mailbox-full", f"552 5.2.2 <{DANA}>: mailbox full"),
        ("postfix-refused-without-status", "550 Unrouteable address"),
        ("postfix-expired", "connect to 127.0.0.1[127.0.0.1]:25: Connection refused"),
        # Exim quotes a server alone; what it found out itself stands in its words.
        ("exim-host-not-found", "Unrouteable address"),
        ("qmail", "Remote host said: 550 5.1.1 no mailbox here by that name"),
        (
            "mailenable",
            "Reason: Remote SMTP Server Returned: 550 Requested action not taken: mailbox unavailable",
        ),
        ("exchange", "Undeliverable: Acme"),
    ],
)
def test_what_bounced_is_told_with_the_servers_words(shape, reply):
    read = reports.read(samples.report(shape, MADE, DANA), OURS)
    assert read == MailReport(ReportKind.PERMANENT, PATH, reply, address=True)


def test_a_mail_that_is_too_long_says_nothing_about_the_address():
    for shape in ("postfix-message-size", "exim-message-size"):
        read = reports.read(samples.report(shape, MADE, DANA), OURS)
        assert (read.kind, read.address) == (ReportKind.PERMANENT, False)


@pytest.mark.parametrize("status", ["5.7.1", "5.1.8", "5.6.0", "5.3.2"])
def test_a_policy_a_sender_and_a_system_are_not_the_address(status):
    content = samples.report("postfix-unknown-user", MADE, DANA).replace(b"5.1.1", status.encode())
    assert not reports.read(content, OURS).address


@pytest.mark.parametrize("shape", samples.DELAYED)
def test_what_is_late_has_not_failed(shape):
    assert reports.read(samples.report(shape, MADE, DANA), OURS).kind is ReportKind.DELAYED


@pytest.mark.parametrize("number", range(len(samples.AWAY_NOTES)))
def test_notes_of_people_who_are_away_are_automatic(number):
    read = reports.read(samples.away_note(number, MADE, DANA), OURS)
    assert read == MailReport(ReportKind.AUTOMATIC, PATH)


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (ReportKind.UNKNOWN, "Action: delivered\nStatus: 2.0.0"),
        (ReportKind.UNKNOWN, "Action: expanded\nStatus: 2.0.0"),
        (ReportKind.PERMANENT, "Action: failed (really)\nStatus: 5.1.1"),
        (ReportKind.PERMANENT, "Action: error\nStatus: 5.1.1"),
        (ReportKind.PERMANENT, "Status: 5.1.1"),
        (ReportKind.DELAYED, "Status: 4.4.1"),
        # An address with several readers behind it.
        (ReportKind.PERMANENT, "Action: delayed\nStatus: 4.4.1\n\nAction: failed\nStatus: 5.1.1"),
    ],
)
@pytest.mark.parametrize("form", ["delivery-status", "global-delivery-status"])
def test_actions_and_statuses(kind, fields, form):
    content = (
        f"To: {MADE}\nContent-Type: multipart/report; boundary=b\n\n--b\n"
        f"Content-Type: message/{form}\n\nReporting-MTA: dns; far.example\n\n{fields}\n\n--b--\n"
    )
    assert reports.read(content.encode(), OURS).kind is kind


def test_a_receipt_says_that_a_mail_has_arrived():
    content = (
        f"From: Dana <{DANA}>\nTo: {MADE}\nSubject: Read: Acme\n"
        "Content-Type: multipart/report; report-type=disposition-notification; boundary=b\n\n"
        "--b\nContent-Type: text/plain\n\n550 user unknown\n\n--b--\n"
    )
    assert reports.read(content.encode(), OURS).kind is ReportKind.AUTOMATIC


def test_the_envelope_counts_more_than_the_headers():
    content = samples.report("qmail", MADE, DANA)
    other = return_paths.make(OURS, "5e" * 32, 12, "<x@portal.example>")
    assert reports.read(content, OURS, other).path == return_paths.find(OURS, other)
    assert reports.read(content, OURS, "somebody@portal.example").path is None


@pytest.mark.parametrize(
    "header",
    [
        "Delivered-To: {}",
        "X-Original-To: {}",
        "Envelope-to: <{}>",
        "Received: by mx (Postfix) id 1\n\tfor <{}>; Sun, 29 Nov 2026 08:27:20 +0000",
    ],
)
def test_the_return_path_is_found_in_any_header_for_receivers(header):
    content = f"{header.format(MADE)}\nTo: bounces@portal.example\n\nx\n".encode()
    assert reports.read(content, OURS).path == PATH


def test_a_return_path_in_the_text_alone_is_none():
    assert reports.read(f"To: {OURS}\n\n{MADE}\n".encode(), OURS).path is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00\xff" * 1000,
        # Parts within parts, until Python's stack is full.
        b"".join(
            b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(5000)
        ),
        b"Content-Type: message/rfc822\n\n" * 5000,
        b"Subject: =?none?b?" + b"x" * 100_000 + b"?=\n\n",
        b"To: " + b"bounces+" * 100_000 + b"\n\n",
        b"Content-Type: text/plain; charset=none\nContent-Transfer-Encoding: base64\n\n====",
        b"From: MAILER-DAEMON\n\n" + b"<" * 200_000,
        b"A: " + b"\n " * 200_000,
    ],
    ids=range(9),
)
def test_nothing_that_comes_in_breaks_the_reading(content):
    assert reports.read(content, OURS).kind is ReportKind.UNKNOWN


SHAPES = [samples.report(shape, MADE, DANA) for shape in (*samples.PERMANENT, *samples.DELAYED)]


@given(st.sampled_from(SHAPES), st.data())
def test_a_damaged_report_is_read_to_an_end_and_can_be_stored(content, data):
    place = data.draw(st.integers(0, len(content)))
    junk = data.draw(st.binary(max_size=40))
    cut = data.draw(st.integers(0, 400))
    read = reports.read(content[:place] + junk + content[place + cut :], OURS)
    assert read.reply.isprintable()
    assert len(read.reply) <= reports.LONGEST_REPLY
    read.reply.encode()
