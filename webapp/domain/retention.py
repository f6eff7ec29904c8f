"""Retention: how long each kind of data is kept that ends by itself."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from webapp.domain.mail_limits import HOUR

# Whoever waited longer for a new password, since no worker ran, has asked again or given up.
RESETS_KEPT = timedelta(hours=1)


class DataKind(StrEnum):
    """A kind of data that ends by itself, in words."""

    SESSION = "session"
    ACCESS_TOKEN = "access token"
    LINK = "link in a mail"
    RESET_REQUEST = "request for a new password"
    COUNTED_MAIL = "count of a mail"
    SECURITY_EVENT = "line of the security log"
    MESSAGE = "bytes of a mail about renewals"
    ACCOUNT_MESSAGE = "bytes of an account mail or a test mail"
    UNSURE_ACCOUNT_MESSAGE = "bytes of such a mail that may not have arrived"
    INBOX_MAIL = "mail in the local inbox"
    FEEDBACK = "answer on the help page"


@dataclass(frozen=True, slots=True)
class Rule:
    """The time for which rows of a kind are kept.

    ``kept``: that time, or the name of the setting that says how many days. ``since``: the moment from which it
    counts. ``personal``: what such a row tells of somebody. Both in words.
    """

    kept: timedelta | str
    since: str
    personal: str


RULES = {
    DataKind.SESSION: Rule("keep_sessions", "its end, also by time", "network, browser, times"),
    DataKind.ACCESS_TOKEN: Rule(
        timedelta(days=1), "its end by time, even if it was revoked before", "its name, times"
    ),
    # A page that has just used a link, or is used a second time, still finds it.
    DataKind.LINK: Rule(
        timedelta(days=1), "it was used or replaced, or its end by time", "address"
    ),
    DataKind.RESET_REQUEST: Rule(RESETS_KEPT, "it was made, unless a worker answers it", "address"),
    # As long as a limit counts it.
    DataKind.COUNTED_MAIL: Rule(HOUR, "the mail was queued", "address"),
    DataKind.SECURITY_EVENT: Rule(
        "keep_security_log", "it happened", "what happened, network, browser, addresses"
    ),
    # As evidence, until after the renewal. What is not sure may still have to go out again.
    DataKind.MESSAGE: Rule(
        "keep_mails_days",
        "the last renewal that it speaks of, else its day, unless it is not sure whether it arrived",
        "what it said",
    ),
    DataKind.ACCOUNT_MESSAGE: Rule(
        timedelta(),
        "its link was used or has ended; without a link, the mail's end",
        "what it said, its link",
    ),
    # Nobody decides about it, as somebody does about a mail on renewals.
    DataKind.UNSURE_ACCOUNT_MESSAGE: Rule(
        "keep_mails_days",
        "it was written, unless its link was used or has ended before",
        "what it said, its link",
    ),
    DataKind.INBOX_MAIL: Rule("keep_inbox", "its date", "what it said"),
    DataKind.FEEDBACK: Rule("keep_feedback", "it was given", "who gave it, the comment"),
}
