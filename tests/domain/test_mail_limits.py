"""Limits of mails that people cause: which mails count, whose mailbox an address is, and how long to wait."""

from datetime import UTC, datetime, timedelta

import pytest

from webapp.domain.facts import MailKind
from webapp.domain.mail_limits import Errand, errand_of, mailbox, wait

NOW = datetime(2026, 2, 19, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("email", "expected"),
    [
        ("ana@a.example", "ana@a.example"),
        ("Ana+1@A.Example", "ana@a.example"),
        ("ana+b+c@a.example", "ana@a.example"),
        ("a.na@a.example", "a.na@a.example"),
        ("+48600@a.example", "+48600@a.example"),
        ("++x@a.example", "+@a.example"),
        ("ana@x+y.example", "ana@x+y.example"),
    ],
)
def test_a_mailbox_is_behind_many_addresses(email, expected):
    assert mailbox(email) == expected


@pytest.mark.parametrize(
    ("kind", "test", "expected"),
    [
        (MailKind.REMINDER_CLIENT, False, None),
        (MailKind.REMINDER_PARTNER, False, None),
        (MailKind.NOBODY_TO_TELL, False, None),
        (MailKind.TAKEOVER_NOTE, False, None),
        (MailKind.INVITATION, False, Errand.INVITATION),
        (MailKind.REMINDER_CLIENT, True, Errand.TEST),
        (MailKind.INVITATION, True, Errand.TEST),
    ],
)
def test_what_rules_plan_does_not_count(kind, test, expected):
    assert errand_of(kind, test) is expected


@pytest.mark.parametrize(
    ("ago", "new", "expected"),
    [
        ([], 1, None),
        ([], 3, None),
        ([], 4, 60),
        ([1, 2], 1, None),
        ([1, 2, 50], 1, 10),
        # An hour later it counts no more.
        ([1, 2, 60], 1, None),
        ([1, 2, 50], 2, 58),
        ([1, 2, 50], 3, 59),
        ([1, 2, 50], 9, 59),
        ([1, 30, 40, 50], 1, 20),
    ],
)
def test_three_an_hour(ago, new, expected):
    before = [NOW - minutes * MINUTE for minutes in ago]
    assert wait(before, new, 3, NOW) == (None if expected is None else expected * MINUTE)
