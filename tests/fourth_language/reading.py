"""Reading pages and mails for words outside of the brackets that the catalog puts around every text."""

import re
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import String, Text, select

from webapp import typography
from webapp.i18n import LANGUAGES
from webapp.models import db
from webapp.pages import forms
from webapp.pages.subscriptions_forms import present_currencies

CODE = "da"
OPENS, CLOSES = "⟦", "⟧"
SPOKEN = {
    "alt",
    "title",
    "aria-label",
    "aria-description",
    "placeholder",
    "data-failed",
    "data-offline",
}
# Code is data: keys, and what one types into a terminal.
SILENT = {"script", "style", "svg", "code"}


class Reader(HTMLParser):
    """Collects what a person sees or hears of a page outside of the brackets.

    A text may go on across tags, when it holds a link or an emphasis.
    """

    def __init__(self) -> None:
        super().__init__()
        self.depth = 0
        self.silent = 0
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.silent += tag in SILENT
        given = dict(attrs)
        spoken = SPOKEN | ({"value"} if given.get("type") in ("submit", "button") else set())
        for name in spoken & given.keys():
            self.found += outside(given[name] or "", 0)[0]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.silent -= tag in SILENT

    def handle_endtag(self, tag: str) -> None:
        self.silent -= tag in SILENT

    def handle_data(self, data: str) -> None:
        if not self.silent:
            texts, self.depth = outside(data, self.depth)
            self.found += texts


def outside(text: str, depth: int) -> tuple[list[str], int]:
    """The parts of a text that no bracket holds, and how many brackets are still open behind it."""
    parts = [""]
    for char in text:
        if char == OPENS:
            depth += 1
            parts.append("")
        elif char == CLOSES:
            depth -= 1
        elif not depth:
            parts[-1] += char
    return [part for part in parts if part.strip()], depth


def told(html: str) -> list[str]:
    reader = Reader()
    reader.feed(html)
    # An open bracket would hide the rest.
    assert reader.depth == 0
    return reader.found


# Dates, times, amounts, addresses and file names are data; so are the languages' own names, the vendor's, and codes.
FORMATTED = re.compile(
    r"\d\d:\d\d [A-Z+\-\d]{2,5}|\S+@\S+|https?://\S+|(?<![A-Za-z])[A-Z]{3}(?![A-Za-z])|\b[A-Z][a-z]?\$|zł|kr\.|\bden\b"
)


# Texts of a mail's raw form, which the demo's inbox shows, and the example of a domain.
PROTOCOL = {
    *("Auto-Submitted", "Cc", "Content-Language", "Content-Type", "Date", "From", "MIME-Version"),
    *("Message-ID", "References", "Reply-To", "Subject", "To", "auto-generated"),
    *("X-Auto-Response-Suppress", "OOF, AutoReply"),
    'multipart/alternative; boundary="=_portal"',
    "example.com",
}


def calendar() -> set[str]:
    names = set()
    for one in LANGUAGES.values():
        for kinds in (one.locale.months, one.locale.days):
            names |= {
                name
                for style in kinds.values()
                for width in style.values()
                for name in width.values()
            }
    # A bar's foot has a month without its full stop.
    return {name for found in names if len(found) > 1 for name in (found, found.rstrip("."))}


def chosen_from() -> set[str]:
    """List the options of long dropdowns: zones, countries, currencies, by their names in CLDR."""
    locale = LANGUAGES[CODE].locale
    currencies = {f"{code} – {locale.currencies.get(code, code)}" for code in present_currencies()}
    return set(forms.zone_names(CODE).values()) | set(locale.territories.values()) | currencies


def zone_names() -> set[str]:
    """List what CLDR calls the zones that have no letters of their own."""
    return {typography.zone_name(zone, "", False, CODE) for zone in forms.zone_names(CODE)}


def stored(app: Flask) -> set[str]:
    """List the words that people have written: names, addresses, products."""
    texts: set[str] = set()
    with app.app_context():
        for table in db.metadata.sorted_tables:
            columns = [column for column in table.columns if type(column.type) in (String, Text)]
            for row in db.session.execute(select(*columns)) if columns else ():
                texts.update(*(as_read(text) for text in row if text))
        db.session.remove()
    return texts


def as_read(text: str) -> set[str]:
    """A text as it is read here: the whole of it with single spaces, and each of its lines."""
    return {" ".join(part.split()) for part in (text, *text.splitlines())} - {""}


class Judge:
    """Tells data from text that nobody can translate."""

    def __init__(self, app: Flask, typed: Iterable[str] = ()) -> None:
        endonyms = {one.endonym for one in LANGUAGES.values()}
        known = (
            stored(app)
            | set().union(*map(as_read, typed))
            | PROTOCOL
            | calendar()
            | chosen_from()
            | zone_names()
            | endonyms
            | {"HubSpot"}
        )
        longest_first = sorted(known, key=len, reverse=True)
        self.known = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)")
        # Pages repeat most of their lines, and thousands of words are looked for in each.
        self.is_data = dict.fromkeys(known, True)

    def faults(self, texts: list[str]) -> Iterator[str]:
        for line in (" ".join(text.split()) for text in texts):
            if line not in self.is_data:
                rest = FORMATTED.sub("", self.known.sub("", line))
                self.is_data[line] = not re.search(r"[^\W\d_]{2,}", rest)
            if not self.is_data[line]:
                yield line


def listed(faults: dict[str, str]) -> str:
    return "\n".join(f"{where}: {text}" for text, where in sorted(faults.items()))


def open_in_danish(client: FlaskClient, url: str) -> Any:
    mark = "&" if "?" in url else "?"
    return client.get(f"{url}{mark}lang={CODE}")
