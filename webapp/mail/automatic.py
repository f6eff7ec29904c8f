"""Automatic replies: out-of-office notes, receipts and the like. They say nothing about whether a mail arrived.

RFC 3834 has a header for them. Many programs know only headers of their own, and some say it in the subject alone.
"""

import re
from email.message import Message

from webapp.i18n import fold

HEADERS = (
    *("X-Autoreply", "X-Autorespond", "X-Autoresponder", "X-Auto-Reply", "X-Auto-Reply-From"),
    *("X-AutoReply-From", "X-Mail-Autoreply", "X-Autoresponse", "X-Auto-Response-Suppress"),
    *("X-Vacation", "X-OutOfOffice"),
)
PRECEDENCES = ("auto_reply", "auto-reply")
LONGEST_SENDER = 2_000
# As vacation notes begin in mail programs of the portal's languages, folded.
SUBJECT = re.compile(
    r"(?:(?:re|odp|res): ?)*(?:"
    r"auto(?:matic)?[ -]?(?:reply|response|answer)|(?:out of|away from) (?:the )?office|vacation|ooo\b"
    r"|odpowiedz automatyczna|automatyczna odpowiedz|auto-?odpowiedz|poza biurem|nieobecn|(?:jestem na )?urlop"
    r"|(?:resposta|mensagem) automatica|auto-?resposta|fora do escritorio|ausen(?:te|cia)|(?:estou de )?ferias"
    r")"
)
# Mail systems call their own reports automatic replies, too.
MAIL_SYSTEM = re.compile(r"mailer-daemon|postmaster|mail ?delivery|delivery subsystem", re.I)
# Reports about a mail that has arrived: that it was displayed, or called unwanted.
ARRIVED = ("disposition-notification", "feedback-report")


def is_automatic(message: Message, subject: str) -> bool:
    """Tell whether a message, which is no report on delivery by RFC 3464, answers in the name of its reader."""
    by_system = MAIL_SYSTEM.search(str(message["From"] or "")[:LONGEST_SENDER])
    if by_system or message["X-Failed-Recipients"] is not None:
        return False
    submitted = str(message["Auto-Submitted"] or "no").strip().lower()
    precedence = str(message["Precedence"] or "").strip().lower()
    return (
        str(message.get_param("report-type", "")).lower() in ARRIVED
        or not submitted.startswith("no")
        or precedence in PRECEDENCES
        or any(message[name] is not None for name in HEADERS)
        or SUBJECT.match(fold(subject).strip()) is not None
    )
