"""A mail on a page: its parts as its reader sees them, and its HTML shut in."""

from io import BytesIO
from typing import TYPE_CHECKING

from flask import Response, send_file

from webapp.services import runtime

if TYPE_CHECKING:
    from email.message import EmailMessage

# The HTML of a mail may run nothing and load nothing, and has no origin.
MAIL_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors"


def parse(message: bytes) -> "EmailMessage":
    # Imported here, since it takes half a megabyte, and few look at a mail.
    from email import policy
    from email.message import EmailMessage
    from email.parser import BytesParser

    return BytesParser(EmailMessage, policy=policy.default).parsebytes(message)


def text_of(message: "EmailMessage", kind: str) -> str:
    """Return the text of one part: ``plain`` or ``html``."""
    body = message.get_body((kind,))
    return str(body.get_content()) if body else ""


def html_alone(message: "EmailMessage") -> Response:
    """Answer with only the HTML part, shut in by a policy of its own."""
    response = Response(text_of(message, "html"), mimetype="text/html")
    # The policy must allow every page around it, even one that shows the portal in a frame.
    around = " ".join(["'self'", *runtime.settings().frame_ancestors])
    response.headers["Content-Security-Policy"] = f"{MAIL_POLICY} {around}"
    return response


def as_file(message: bytes, number: int) -> Response:
    """Answer with the bytes as they went out, as a file to save. ``number``: for its name."""
    return send_file(BytesIO(message), "message/rfc822", True, f"mail-{number}.eml")
