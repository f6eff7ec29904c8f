"""The mailbox of bounces, read in the worker's rounds: a few messages at a time, each minute at most.

Whatever is wrong with the mailbox, it costs one line of the log and never the sending.
"""

import logging
from collections import Counter
from collections.abc import Callable
from threading import Event
from time import monotonic
from urllib.parse import urlsplit

from sqlalchemy.exc import InterfaceError, OperationalError

from webapp.mail import mailbox, reports
from webapp.models import db
from webapp.services import runtime
from webapp.services.sending import bounces
from webapp.services.sending.bounces import ReportOutcome

log = logging.getLogger(__name__)
EVERY_SECONDS = 60
# What is left over is read in the next minute, so that mails don't wait for it.
MOST_MESSAGES = 200
LONGEST_SECONDS = 20
LONGEST_ANSWER_SECONDS = 10
# When this process read each mailbox last, in its own seconds.
read_at: dict[str, float] = {}


def poll(commit: Callable[[], None], stopped: Event | None = None) -> Counter[str]:
    """Read the mailbox that the settings name, if it is time. Returns counts by outcome.

    ``commit`` ends a unit of work; no transaction is open while the mailbox's server is asked.
    """
    counts: Counter[str] = Counter()
    address, begun = runtime.settings().bounce_mailbox, monotonic()
    if not address or begun - read_at.get(address, -EVERY_SECONDS) < EVERY_SECONDS:
        return counts
    read_at[address] = begun
    try:
        with mailbox.opened(address, LONGEST_ANSWER_SECONDS) as opened:
            for uid in opened.unseen(MOST_MESSAGES):
                if monotonic() - begun > LONGEST_SECONDS or (stopped and stopped.is_set()):
                    break
                counts.update(take(opened, uid, commit))
    except mailbox.TROUBLE as error:
        log.warning("the mailbox of bounces at %s: %s", urlsplit(address).hostname, error)
    return counts


def take(opened: mailbox.Mailbox, uid: str, commit: Callable[[], None]) -> list[str]:
    """Take in one message, commit, and only then mark it. One that is early stays as it is."""
    content = opened.read(uid)
    if content is None:
        return []
    try:
        report = reports.read(content, runtime.settings().bounce_address)
        outcome = bounces.take(report, runtime.now())
        commit()
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        # A report that makes its reading fail must not hold up the others, nor the mails.
        db.session.rollback()
        log.exception("message %s of the mailbox of bounces broke", uid)
        return ["reports broken"]
    if outcome is not ReportOutcome.EARLY:
        opened.mark(uid)
    return [f"reports {outcome.value}"]
