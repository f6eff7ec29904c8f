"""Composing a message in its recipient's language: from a letter to the bytes that go out."""

import re
from dataclasses import fields, is_dataclass, replace
from email.utils import format_datetime
from functools import cache
from typing import Any, cast

from flask import current_app
from flask_babel import force_locale
from flask_babel import gettext as _
from jinja2 import Environment

from webapp.config import Settings
from webapp.domain.snapshots import Party
from webapp.i18n import LANGUAGES
from webapp.labels.codes import portal_name
from webapp.mail import wire
from webapp.mail.addresses import one_line
from webapp.mail.kinds import KINDS
from webapp.mail.letter import Letter
from webapp.templating import Templates
from webapp.typography import plain

FIRST_NAME = re.compile(r"(?=..)[^\W\d_]+(?:['’-][^\W\d_]+)*")


def compose(letter: Letter, settings: Settings) -> bytes:
    """Compose the message in the letter's language, as bytes to store and send."""
    kind = KINDS[letter.kind]
    with force_locale(letter.language):
        values = by_name(kind.words(tidy(letter.snapshot), letter, settings))
        values |= {
            "html_language": LANGUAGES[letter.language].html,
            "portal": portal_name(settings.name),
            "vendor": settings.vendor_name,
            "sender": letter.sender_name,
            "recipient": letter.recipient,
            "given_by": letter.given_by,
            "first_name": first_name(letter.recipient.name),
            "test": letter.snapshot.test,
        }
        if letter.snapshot.test:
            # The made-up client of a test mail has no page.
            values["button"] = settings.base_url + "/"
        templates = cast(Templates, current_app.jinja_env).in_language()
        # An ASCII subject stays one, and readers' filters find what they look for.
        subject = plain(one_line(render(templates, kind.template("subject.txt"), values)))
        if letter.snapshot.test:
            subject = _("Test: %(subject)s", subject=subject)
        values["subject"] = subject
        text = readable(render(templates, kind.template("txt"), values))
        html = render(templates, kind.template("html"), values)
    return wire.message(headers(letter, subject, settings), text, html)


def first_name(name: str) -> str:
    """Return the name that a person is greeted by: the first, if it is one; else nothing.

    People write all sorts of things for a name, such as an address, or the family name and a comma.
    """
    first = name.partition(" ")[0]
    return first if FIRST_NAME.fullmatch(first) else ""


@cache
def names_of(kind: Any) -> tuple[str, ...]:
    """Name the fields of a dataclass; none of any other type."""
    return tuple(field.name for field in fields(kind)) if is_dataclass(kind) else ()


def by_name(value: Any) -> dict[str, Any]:
    """Return the fields of a dataclass by name, such as a kind's words for its templates."""
    return {name: getattr(value, name) for name in names_of(value.__class__)}


def tidy(value: Any) -> Any:
    """Put every text of a snapshot on one line, so that no name can fake a paragraph."""
    # By the type itself: a code is a text as well, and stays.
    kind = value.__class__
    if kind is str:
        return one_line(value)
    if kind is tuple:
        return tuple(map(tidy, value))
    changed = {}
    for name in names_of(kind):
        before = getattr(value, name)
        after = tidy(before)
        if after != before:
            changed[name] = after
    return replace(value, **changed) if changed else value


def render(templates: Environment, name: str, values: dict[str, Any]) -> str:
    # Not flask.render_template: its context processors look for a signed-in user in the database.
    return templates.get_template(name).render(values)


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
        # Exchange and Outlook look for this one.
        ("X-Auto-Response-Suppress", "OOF, AutoReply"),
        ("Content-Language", LANGUAGES[letter.language].html),
    ]
    return lines


def readable(text: str) -> str:
    """Lay plain text out as a person would: one empty line between paragraphs.

    A paragraph is one line, which each mail program breaks to its own width.
    """
    lines = "\n".join(line.rstrip() for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", lines).strip() + "\n"
