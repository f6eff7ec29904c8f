"""Reports of mail servers about a mail that they had taken: it bounced, or it is late. Nothing is stored here.

RFC 3464 is read here, shapes of servers that don't know it by flufl.bounce. What comes in is anybody's: whatever it
is, reading it ends, and raises nothing.
"""

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from enum import StrEnum
from typing import Any

from webapp.mail import return_paths
from webapp.mail.addresses import one_line
from webapp.mail.automatic import is_automatic
from webapp.mail.return_paths import ReturnPath

log = logging.getLogger(__name__)
# The report stands at the beginning; what comes behind is the mail that was sent back.
MOST_BYTES = 256 * 1024
LONGEST_HEADER = 2_000
LONGEST_REPLY = 500
# The headers in which servers note to whom a message came, the surest first.
RECEIVERS = ("Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "To", "Received")
STATUS_PARTS = ("message/delivery-status", "message/global-delivery-status")
WORDS = ("text/plain", "text/html")
FIELD = re.compile(r"^(?P<name>[A-Za-z-]+):[ \t]*(?P<value>.*(?:\n[ \t].*)*)", re.MULTILINE)
STATUS = re.compile(r"\b([45]\.\d{1,3}\.\d{1,3})\b")
# RFC 3463: the sender's address, a mail that is too long, a system, a protocol, a message, a policy.
NOT_OF_ADDRESS = re.compile(r"\d\.(?:1\.[78]$|2\.3$|[3567]\.)")
SAID_BY_SERVER = re.compile(r"^.*\b5(?:\d\d[ -]|\.\d{1,3}\.\d).*$", re.MULTILINE)


class ReportKind(StrEnum):
    """The kinds of messages that come to a return path."""

    PERMANENT = "permanent"
    DELAYED = "delayed"
    AUTOMATIC = "automatic"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class MailReport:
    """A message that came to a return path.

    ``path``: which one; None if it came to another address. ``reply``: what the server said, on one line.
    ``address``: the reader's address is the reason, not the message or its sender.
    """

    kind: ReportKind
    path: ReturnPath | None
    reply: str = ""
    address: bool = True


def read(content: bytes, bounce_address: str, to: str | None = None) -> MailReport:
    """Read a message. ``to``: the recipient of its envelope, if that is known; else it is looked for in headers."""
    path = return_paths.find(bounce_address, to) if to else None
    try:
        message = message_from_bytes(content[:MOST_BYTES])
        if not to:
            path = came_to(message, bounce_address)
        return judge(message, path)
    except Exception as error:
        # Such as parts within parts until Python's stack is full.
        log.warning("a report can't be read: %s", type(error).__name__)
        return MailReport(ReportKind.UNKNOWN, path)


def came_to(message: Message, bounce_address: str) -> ReturnPath | None:
    """Find the return path that a message came to."""
    for name in RECEIVERS:
        for value in message.get_all(name, ()):
            found = return_paths.find(bounce_address, str(value)[:LONGEST_HEADER])
            if found:
                return found
    return None


def judge(message: Message, path: ReturnPath | None) -> MailReport:
    """Tell what a message says, by the surest sign that it has."""
    fields = list(status_fields(message))
    if fields:
        return by_status(message, fields, path)
    subject = decoded(message["Subject"])
    if is_automatic(message, subject):
        return MailReport(ReportKind.AUTOMATIC, path)
    return by_shape(message, subject, path)


def status_fields(message: Message) -> Iterator[Mapping[str, str]]:
    """Yield the fields for each recipient of a report by RFC 3464, by lower-case name, each on one line."""
    for part in message.walk():
        if part.get_content_type() not in STATUS_PARTS:
            continue
        for block in re.split(r"\n[ \t]*\n", content_of(part)):
            fields = {
                found["name"].lower(): line(found["value"]) for found in FIELD.finditer(block)
            }
            if "action" in fields or "status" in fields:
                yield fields


def content_of(part: Message) -> str:
    """Return the text of a part. The parser makes messages of the blocks of a report."""
    payload = part.get_payload()
    if isinstance(payload, list):
        return "\n\n".join(block.as_string() for block in payload if isinstance(block, Message))
    decoded = part.get_payload(decode=True)
    return decoded.decode(errors="replace") if isinstance(decoded, bytes) else str(payload)


def by_status(
    message: Message, fields: Sequence[Mapping[str, str]], path: ReturnPath | None
) -> MailReport:
    """Judge a report by RFC 3464. What failed for one reader behind an address failed."""
    kinds = [kind_of(each) for each in fields]
    for kind in (ReportKind.PERMANENT, ReportKind.DELAYED):
        if kind in kinds:
            said = fields[kinds.index(kind)]
            status, server = said.get("status", ""), after_type(said.get("diagnostic-code", ""))
            reply = server or explained(message, after_type(said.get("final-recipient", "")))
            return report(kind, path, reply or status, status)
    return MailReport(ReportKind.UNKNOWN, path)


def after_type(value: str) -> str:
    """Drop the type of a field's value: ``smtp; 550 no``, ``rfc822; dana@acme.example``."""
    return value.partition(";")[2].strip()


def explained(message: Message, recipient: str) -> str:
    """Find what is said about an address in words, which is all that Exim says where no server answered."""
    place = rf"^[ \t<]*{re.escape(recipient)}>?:?[ \t]*\n?"
    said = re.compile(rf"{place}[ \t]*(\S.*(?:\n[ \t]*\S.*)*)", re.MULTILINE)
    found = (said.search(text) for text in texts_of(message)) if recipient else ()
    return next((line(match[1]) for match in found if match), "")


def texts_of(message: Message) -> Iterator[str]:
    """Yield the texts of a message in their order."""
    return (content_of(part) for part in message.walk() if part.get_content_type() in WORDS)


def report(kind: ReportKind, path: ReturnPath | None, reply: str, status: str = "") -> MailReport:
    """Make a report; the status in a server's own reply is the surer one."""
    code = STATUS.search(reply) or STATUS.search(status)
    return MailReport(
        kind, path, shortened(reply), address=not (code and NOT_OF_ADDRESS.match(code[1]))
    )


def kind_of(fields: Mapping[str, str]) -> ReportKind:
    """Tell what happened for one recipient. Some servers write comments behind the action, or none at all."""
    said = fields.get("action", "").lower() or fields.get("status", "")
    if said.startswith(("fail", "error", "5")):
        return ReportKind.PERMANENT
    if said.startswith(("delayed", "4")):
        return ReportKind.DELAYED
    return ReportKind.UNKNOWN


def by_shape(message: Message, subject: str, path: ReturnPath | None) -> MailReport:
    """Judge a report in no standard's form."""
    # Imported here, since few commands read reports.
    from flufl.bounce import all_failures

    delayed, failed = all_failures(message)
    if not failed and not delayed:
        return MailReport(ReportKind.UNKNOWN, path)
    said = next(filter(None, map(SAID_BY_SERVER.search, texts_of(message))), None)
    kind = ReportKind.PERMANENT if failed else ReportKind.DELAYED
    return report(kind, path, said[0] if said else subject)


def decoded(value: Any) -> str:
    """Read a header, whatever it was encoded with. Bare bytes are read as UTF-8."""
    # The parser makes an object of a header with bare bytes.
    try:
        pieces = decode_header(value or "")
    except HeaderParseError:
        return line(str(value))
    return line("".join(map(piece, pieces)))


def piece(encoded: tuple[str | bytes, str | None]) -> str:
    text, charset = encoded
    if isinstance(text, str):
        return text
    try:
        return text.decode(charset or "utf-8", errors="replace")
    except LookupError:
        return text.decode(errors="replace")


def line(text: str) -> str:
    """Put a text on one line, with nothing that a database or a terminal would stumble over."""
    return one_line(text.encode(errors="replace").decode())


def shortened(text: str) -> str:
    return line(text[:LONGEST_REPLY])
