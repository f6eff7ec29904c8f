"""One mail in its recipient's language, from what was resolved to the bytes that go out."""

import re
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from email.utils import format_datetime
from enum import Enum
from gettext import NullTranslations
from typing import Any

from flask import current_app
from flask_babel import force_locale, get_locale, get_translations
from flask_babel import gettext as _
from jinja2 import Environment, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from webapp.config import Settings
from webapp.domain.snapshots import Party
from webapp.i18n import LANGUAGES
from webapp.mail import wire
from webapp.mail.addresses import one_line
from webapp.mail.kind import Words
from webapp.mail.kinds import KINDS
from webapp.mail.letter import Letter

TEXT_WIDTH = 76
LIST_MARK = re.compile(r" *(?:- |\d+\. )?")


def compose(letter: Letter, settings: Settings) -> bytes:
    """The message in the letter's language, as the bytes to store and to send."""
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
            # What a test mail tells about has no page.
            values["button"] = settings.base_url + "/"
        subject = one_line(render(kind.template("subject.txt"), values))
        if letter.snapshot.test:
            subject = _("Test: %(subject)s", subject=subject)
        values["subject"] = subject
        text = readable(render(kind.template("txt"), values))
        html = render(kind.template("html"), values)
    return wire.message(headers(letter, subject, settings), text, html)


def template_values(words: Words) -> dict[str, Any]:
    """A kind's words by name, as its templates use them."""
    return {field.name: getattr(words, field.name) for field in fields(words)}


def tidy(value: Any) -> Any:
    """The same snapshot with every text on one line, so that no name can fake a paragraph."""
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
    return environment().get_template(template).render(values)


def environment() -> Environment:
    """The templates of the language in force, compiled once for each.

    Its texts come straight from the catalog; the pages' environment asks for the request's language
    at every text.
    """
    known: dict[str, Environment] = current_app.extensions.setdefault("mail_templates", {})
    language = str(get_locale())
    if language not in known:
        known[language] = current_app.jinja_env.overlay(cache_size=100)
        known[language].globals = dict(current_app.jinja_env.globals) | texts(get_translations())
    return known[language]


def texts(catalog: NullTranslations) -> dict[str, Callable[..., str]]:
    """The functions that templates call for a text, as Jinja's extension has them."""

    @pass_context
    def gettext(context: Context, text: str, /, **variables: Any) -> str:
        return filled(context, catalog.gettext(text), variables)

    @pass_context
    def ngettext(context: Context, one: str, many: str, num: int, /, **variables: Any) -> str:
        return filled(context, catalog.ngettext(one, many, num), {"num": num} | variables)

    return {"_": gettext, "gettext": gettext, "ngettext": ngettext}


def filled(context: Context, text: str, variables: Mapping[str, Any]) -> str:
    """A text of the catalog, which is ours, with its values, which are not and are escaped in HTML."""
    return (Markup(text) if context.eval_ctx.autoescape else text) % variables  # nosec B704


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
        # One a line: a mail about many subscriptions has as many roots.
        lines.append(("References", letter.references.replace(" ", "\r\n ")))
    lines += [
        ("Auto-Submitted", "auto-generated"),
        ("Content-Language", LANGUAGES[letter.language].html),
    ]
    return lines


def readable(text: str) -> str:
    """Plain text as a person would set it: no long lines, one empty line between paragraphs."""
    lines: list[str] = []
    for line in text.split("\n"):
        lines += [line.rstrip()] if len(line) <= TEXT_WIDTH else wrapped(line)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"


def wrapped(line: str) -> list[str]:
    """A long line as several, those after a list mark indented; an address stays in one piece."""
    mark = LIST_MARK.match(line)
    return textwrap.wrap(
        line,
        TEXT_WIDTH,
        subsequent_indent=" " * (mark.end() if mark else 0),
        break_long_words=False,
        break_on_hyphens=False,
    )
