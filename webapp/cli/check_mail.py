"""``portal check --mail``: one mail that really goes out now, past the queue, and what the server said of it."""

from datetime import UTC, datetime
from email.utils import format_datetime

import click
from markupsafe import escape

from webapp.cli.shared import CheckFailed
from webapp.config import SettingError, Settings
from webapp.domain.snapshots import Party
from webapp.labels.codes import portal_name
from webapp.mail import wire
from webapp.mail.addresses import AddressError, normalise
from webapp.mail.letter import new_message_id
from webapp.mail.opening import open_transport
from webapp.mail.server_name import server_name
from webapp.mail.transport import (
    AgainstPolicy,
    DeliveryProblem,
    Envelope,
    Rejected,
    ServerAway,
    TryAgain,
    Unclear,
)
from webapp.services import runtime

# What a problem means, subclasses first.
MEANINGS: tuple[tuple[type[DeliveryProblem], str], ...] = (
    (ServerAway, "it can't be used, whoever a mail is for"),
    (
        AgainstPolicy,
        "its policy refuses this mail: may this host, this account and this sender send by it?",
    ),
    (Rejected, "it rejects this mail for good"),
    (TryAgain, "it wants the mail later"),
    (Unclear, "nobody knows whether it took the mail"),
)


def address_of(_context: click.Context, _option: click.Parameter, text: str | None) -> str | None:
    """Read the option's address. Raises BadParameter."""
    try:
        return None if text is None else normalise(text)
    except AddressError:
        raise click.BadParameter(f"{text!r} is no e-mail address") from None


def send_mail(recipient: str) -> str:
    """Send a test mail, and report the server's words. Raises CheckFailed if it was not surely taken."""
    settings = runtime.settings()
    server = server_name(settings)
    if server is None:
        raise CheckFailed(
            "PORTAL_MAIL_URL is inbox:, which keeps mail in the database and reaches nobody; nothing was sent"
        )
    try:
        transport = open_transport(settings)
    except SettingError as error:
        raise CheckFailed(str(error)) from None
    # Bounces go where those of other mails go.
    envelope = Envelope(settings.bounce_address or settings.mail_from, recipient)
    try:
        reply = transport.send(envelope, message_to(recipient, settings), lambda: None)
    except DeliveryProblem as problem:
        meaning = next(words for kind, words in MEANINGS if isinstance(problem, kind))
        raise CheckFailed(
            f"{server} said about a mail from {envelope.sender} to {recipient}: "
            f"{problem.reply} ({meaning})"
        ) from None
    finally:
        transport.close()
    return f"{server} took a mail from {envelope.sender} to {recipient}, and said: {reply}"


def message_to(recipient: str, settings: Settings) -> bytes:
    name = portal_name(settings.name)
    text = f"This mail was sent by portal check --mail, to try the mail server of {name} at {settings.base_url}."
    headers = (
        ("Date", format_datetime(datetime.now(UTC))),
        ("From", wire.mailbox(Party(name, settings.mail_from))),
        ("To", wire.mailbox(Party("", recipient))),
        ("Subject", wire.unstructured(f"Test of the mail server: {name}")),
        ("Message-ID", new_message_id(settings)),
        ("Auto-Submitted", "auto-generated"),
    )
    return wire.message(headers, text, f"<p>{escape(text)}</p>")
