"""Composing a message in its recipient's language: from a letter to the bytes that go out."""

import re
import textwrap
from dataclasses import fields, is_dataclass, replace
from email.utils import format_datetime
from enum import Enum
from typing import Any, cast

from flask import current_app
from flask_babel import force_locale
from flask_babel import gettext as _

from webapp.config import Settings
from webapp.domain.snapshots import Party
from webapp.i18n import LANGUAGES
from webapp.mail import wire
from webapp.mail.addresses import one_line
from webapp.mail.kind import Words
from webapp.mail.kinds import KINDS
from webapp.mail.letter import Letter
from webapp.templating import Templates

TEXT_WIDTH = 76
LIST_MARK = re.compile(r" *(?:- |\d+\. )?")


def compose(letter: Letter, settings: Settings) -> bytes:
    """Compose the message in the letter's language, as bytes to store and send."""
    kind = KINDS[letter.kind]
    with force_locale(letter.language):
        values = template_values(kind.words(tidy(letter.snapshot), letter, settings))
        values |= {
            "html_language": LANGUAGES[letter.language].html,
            "vendor": settings.vendor_name,
            "sender": letter.sender_name,
            "recipient": letter.recipient,
            "test": letter.snapshot.test,
        }
        if letter.snapshot.test:
            # The made-up client of a test mail has no page.
            values["button"] = settings.base_url + "/"
        subject = one_line(render(kind.template("subject.txt"), values))
        if letter.snapshot.test:
            subject = _("Test: %(subject)s", subject=subject)
        values["subject"] = subject
        text = readable(render(kind.template("txt"), values))
        html = render(kind.template("html"), values)
    return wire.message(headers(letter, subject, settings), text, html)


def template_values(words: Words) -> dict[str, Any]:
    """Return a kind's words by name for its templates."""
    return {field.name: getattr(words, field.name) for field in fields(words)}


def tidy(value: Any) -> Any:
    """Put every text of a snapshot on one line, so that no name can fake a paragraph."""
    if isinstance(value, Enum):
        return value
    if isinstance(value, str):
        return one_line(value)
    if isinstance(value, tuple):
        return tuple(tidy(inner) for inner in value)
    if is_dataclass(value) and not isinstance(value, type):
        inside = {field.name: tidy(getattr(value, field.name)) for field in fields(value)}
        return replace(value, **inside)
    return value


def render(template: str, values: dict[str, Any]) -> str:
    # Not flask.render_template: its context processors look for a signed-in user in the database.
    templates = cast(Templates, current_app.jinja_env).in_language()
    return templates.get_template(template).render(values)


def headers(letter: Letter, subject: str, settings: Settings) -> list[tuple[str, str]]:
    sender = Party(letter.sender_name, settings.mail_from)
    lines = [
        ("Date", format_datetime(letter.moment)),
        ("From", wire.mailbox(sender)),
        ("To", wire.mailboxes(letter.to)),
    ]
    if letter.cc:
        lines.append(("Cc", wire.mailboxes(letter.cc)))
    if letter.reply_to:
        lines.append(("Reply-To", wire.mailbox(letter.reply_to)))
    lines += [("Subject", wire.unstructured(subject)), ("Message-ID", letter.message_id)]
    if letter.references:
        # One root a line, since a mail about many subscriptions has many.
        lines.append(("References", letter.references.replace(" ", "\r\n ")))
    lines += [
        ("Auto-Submitted", "auto-generated"),
        ("Content-Language", LANGUAGES[letter.language].html),
    ]
    return lines


def readable(text: str) -> str:
    """Lay plain text out as a person would: no long lines, one empty line between paragraphs."""
    lines: list[str] = []
    for line in text.split("\n"):
        lines += [line.rstrip()] if len(line) <= TEXT_WIDTH else wrapped(line)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"


def wrapped(line: str) -> list[str]:
    """Break a long line into several, indented after a list mark. Web addresses stay in one piece."""
    mark = LIST_MARK.match(line)
    return textwrap.wrap(
        line,
        TEXT_WIDTH,
        subsequent_indent=" " * (mark.end() if mark else 0),
        break_long_words=False,
        break_on_hyphens=False,
    )
