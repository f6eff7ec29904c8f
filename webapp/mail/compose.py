"""One mail in its recipient's language, from what was resolved to the bytes that go out."""

import re
import textwrap
from collections.abc import Callable
from email.utils import format_datetime
from gettext import NullTranslations
from typing import Any

from flask import current_app
from flask_babel import force_locale, get_locale, get_translations
from flask_babel import gettext as _
from jinja2 import Environment, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from webapp.config import Settings
from webapp.i18n import LANGUAGES
from webapp.mail import wire
from webapp.mail.addresses import one_line
from webapp.mail.facts import template_values
from webapp.mail.letter import Letter, Party, new_message_id
from webapp.models import MailKind
from webapp.models.base import Json

__all__ = ["Letter", "Party", "compose", "new_message_id"]

TEXT_WIDTH = 76
LIST_MARK = re.compile(r" *(?:- |\d+\. )?")


def compose(letter: Letter, settings: Settings) -> bytes:
    """The message in the letter's language, as the bytes to store and to send."""
    with force_locale(letter.language):
        values = template_values(letter, settings)
        values["sender"] = letter.sender_name
        subject = one_line(render(letter.kind, "subject.txt", values))
        if values["test"]:
            subject = _("Test: %(subject)s", subject=subject)
        values["subject"] = subject
        text = readable(render(letter.kind, "txt", values))
        html = render(letter.kind, "html", values)
    return wire.message(headers(letter, subject, settings), text, html)


def render(kind: MailKind, ending: str, values: Json) -> str:
    # Not flask.render_template: its context processors look for a signed-in user in the database.
    return environment().get_template(f"mail/{kind.value}.{ending}").render(values)


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


def filled(context: Context, text: str, variables: Json) -> str:
    """A text of the catalog, which is ours, with its values, which are not and are escaped in HTML."""
    return (Markup(text) if context.eval_ctx.autoescape else text) % variables  # nosec B704


def headers(letter: Letter, subject: str, settings: Settings) -> list[tuple[str, str]]:
    sender = Party(letter.sender_name, settings.mail_from)
    lines = [
        ("Date", format_datetime(letter.date)),
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
