"""Composing a message in its recipient's language: from a letter to the bytes that go out."""

import re
import textwrap
from dataclasses import fields, is_dataclass, replace
from email.utils import format_datetime
from enum import Enum
from functools import cache, lru_cache
from gettext import NullTranslations
from typing import Any

from flask import current_app
from flask_babel import force_locale, get_translations
from flask_babel import gettext as _
from jinja2 import Environment
from markupsafe import Markup

from webapp.config import Settings
from webapp.domain.snapshots import Party
from webapp.i18n import LANGUAGES
from webapp.mail import wire
from webapp.mail.addresses import one_line
from webapp.mail.kinds import KINDS
from webapp.mail.letter import Letter

TEXT_WIDTH = 76
LIST_MARK = re.compile(r" *(?:- |\d+\. )?")


def compose(letter: Letter, settings: Settings) -> bytes:
    """Compose the message in the letter's language, as bytes to store and send."""
    kind = KINDS[letter.kind]
    with force_locale(letter.language):
        values = by_name(kind.words(tidy(letter.snapshot), letter, settings))
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
        templates = environments(letter.language)
        subject = one_line(render(templates[str], kind.template("subject.txt"), values))
        if letter.snapshot.test:
            subject = _("Test: %(subject)s", subject=subject)
        values["subject"] = subject
        text = readable(render(templates[str], kind.template("txt"), values))
        html = render(templates[Markup], kind.template("html"), values)
    return wire.message(headers(letter, subject, settings), text, html)


@cache
def names_of(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def by_name(value: Any) -> dict[str, Any]:
    """Return the fields of a dataclass by name, such as a kind's words for its templates."""
    return {name: getattr(value, name) for name in names_of(value.__class__)}


def tidy(value: Any) -> Any:
    """Put every text of a snapshot on one line, so that no name can fake a paragraph."""
    if isinstance(value, Enum):
        return value
    if isinstance(value, str):
        return one_line(value)
    if isinstance(value, tuple):
        return tuple(map(tidy, value))
    if is_dataclass(value) and not isinstance(value, type):
        before = by_name(value)
        after = {name: tidy(inner) for name, inner in before.items()}
        return value if after == before else replace(value, **after)
    return value


def render(templates: Environment, name: str, values: dict[str, Any]) -> str:
    # Not flask.render_template: its context processors look for a signed-in user in the database.
    return templates.get_template(name).render(values)


def environments(language: str) -> dict[type[str], Environment]:
    """Return the templates for plain text and for HTML in the language in force, compiled once.

    Their texts come straight from the catalog, while the pages' environment looks up the request's language
    for every text. They have nothing else of the pages' globals, which would be copied for every mail.
    """
    known: dict[str, dict[type[str], Environment]]
    known = current_app.extensions.setdefault("mail_templates", {})
    if language not in known:
        known[language] = {mark: environment(mark, get_translations()) for mark in (str, Markup)}
    return known[language]


def environment(mark: type[str], catalog: NullTranslations) -> Environment:
    """Make templates of which the fixed parts are of one type: str, or Markup, which escapes what is filled in."""
    templates = current_app.jinja_env.overlay(cache_size=100, autoescape=mark is Markup)
    templates.globals = texts(mark, catalog)
    return templates


def texts(mark: type[str], catalog: NullTranslations) -> dict[str, Any]:
    """Make the functions that templates call for a text, like those of Jinja's extension.

    The text is ours, the values that are filled into it are not.
    """

    @cache
    def fixed(text: str) -> str:
        return mark(catalog.gettext(text)) % {}

    def gettext(text: str, /, **values: Any) -> str:
        return mark(catalog.gettext(text)) % values if values else fixed(text)

    def ngettext(one: str, many: str, num: int, /, **values: Any) -> str:
        return mark(catalog.ngettext(one, many, num)) % ({"num": num} | values)

    return {"_": gettext, "gettext": gettext, "ngettext": ngettext}


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
    lines += [("Subject", wire.words(subject)), ("Message-ID", letter.message_id)]
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


@lru_cache(maxsize=1024)
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
