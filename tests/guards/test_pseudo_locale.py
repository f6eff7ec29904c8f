"""No text is hard-coded: in a language that puts every text into brackets, nothing stands outside of them but data."""

import re
from collections.abc import Iterable, Iterator
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from html.parser import HTMLParser
from typing import Any

import flask_babel
import pytest
from babel import support
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import String, Text, select

from tests.support.cast import Cast
from tests.support.forms import FORMS, actor_id, filled, versions
from webapp import i18n, worker
from webapp.models import (
    Client,
    Delivery,
    InboxMail,
    Link,
    LinkPurpose,
    MailKind,
    Partner,
    Subscription,
    User,
    db,
)
from webapp.models.transactions import writing
from webapp.pages import errors, forms, guards
from webapp.pages.subscriptions_forms import present_currencies
from webapp.services import demo_data, logins, runtime
from webapp.signin import links

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
OPENS, CLOSES = "⟦", "⟧"


class Brackets(support.NullTranslations):
    """A catalog that has every text: itself, in brackets. Placeholders stay."""

    def gettext(self, message: str) -> str:
        return f"{OPENS}{message}{CLOSES}"

    def ngettext(self, singular: str, plural: str, number: int) -> str:
        return self.gettext(singular if number == 1 else plural)

    def pgettext(self, context: str, message: str) -> str:
        return self.gettext(message)

    def npgettext(self, context: str, singular: str, plural: str, number: int) -> str:
        return self.ngettext(singular, plural, number)

    ugettext, ungettext, upgettext, unpgettext = gettext, ngettext, pgettext, npgettext


@pytest.fixture(autouse=True)
def brackets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flask_babel.Domain, "get_translations", lambda domain: Brackets())
    # Their refusals would hide what is looked for.
    monkeypatch.setattr(guards.limiter, "enabled", False)


SPOKEN = {
    "alt",
    "title",
    "aria-label",
    "aria-description",
    "placeholder",
    "data-failed",
    "data-offline",
}
SILENT = {"script", "style", "svg"}


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
    r"\d\d:\d\d [A-Z+\-\d]{2,5}|\S+@\S+|https?://\S+|(?<![A-Za-z])[A-Z]{3}(?![A-Za-z])|\b[A-Z][a-z]?\$|zł|\bde\b|\br\."
)


# What the demo's inbox shows of a mail as it went over the wire, and the example of a domain.
PROTOCOL = {
    *("Auto-Submitted", "Cc", "Content-Language", "Content-Type", "Date", "From", "MIME-Version"),
    *("Message-ID", "References", "Reply-To", "Subject", "To", "auto-generated"),
    'multipart/alternative; boundary="=_portal"',
    "example.com",
}


def calendar() -> set[str]:
    names = set()
    for one in i18n.LANGUAGES.values():
        for kinds in (one.locale.months, one.locale.days):
            names |= {
                name
                for style in kinds.values()
                for width in style.values()
                for name in width.values()
            }
    return {name for name in names if len(name) > 1}


def chosen_from() -> set[str]:
    """What long dropdowns offer: zones, countries, currencies, by their names in CLDR."""
    locale = i18n.LANGUAGES["en"].locale
    currencies = {f"{code} – {locale.currencies.get(code, code)}" for code in present_currencies()}
    return (
        {name for _zone, name in forms.zones("en")} | set(locale.territories.values()) | currencies
    )


def stored(app: Flask) -> set[str]:
    """What people have written: names, addresses, products."""
    texts: set[str] = set()
    with app.app_context():
        for table in db.metadata.sorted_tables:
            columns = [column for column in table.columns if type(column.type) in (String, Text)]
            for row in db.session.execute(select(*columns)) if columns else ():
                texts |= {text for text in row if text}
        db.session.remove()
    return texts


class Judge:
    """Tells data from text that nobody can translate."""

    def __init__(self, app: Flask, typed: Iterable[str] = ()) -> None:
        endonyms = {one.endonym for one in i18n.LANGUAGES.values()}
        known = (
            stored(app)
            | set(typed)
            | PROTOCOL
            | calendar()
            | chosen_from()
            | endonyms
            | {"HubSpot"}
        )
        longest_first = sorted(known, key=len, reverse=True)
        self.known = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)")
        self.whole = known

    def faults(self, texts: list[str]) -> Iterator[str]:
        for text in texts:
            line = " ".join(text.split())
            if line in self.whole:
                continue
            rest = FORMATTED.sub("", self.known.sub("", line))
            if re.search(r"[^\W\d_]{2,}", rest):
                yield line


def listed(faults: dict[str, str]) -> str:
    return "\n".join(f"{where}: {text}" for text, where in sorted(faults.items()))


# --- The demo: every page with the data that people really have ----------------------------------------------------

SAMPLE = 3


@pytest.fixture
def demo(app: Flask) -> Flask:
    """The demo, whose mails went out in brackets, too."""
    token = writing.set(True)
    with app.app_context():
        demo_data.load(lambda: worker.once(app), runtime.now().date())
        user = db.session.scalars(select(User).where(User.active)).first()
        assert user
        logins.new_link(user, LinkPurpose.PASSWORD_RESET)
        db.session.commit()
        db.session.remove()
    writing.reset(token)
    worker.once(app)
    return app


def readers() -> list[tuple[str, int | None, list[dict[str, int]]]]:
    """One person of each role with the ids of what this person may open."""
    found: list[tuple[str, int | None, list[dict[str, int]]]] = [("signed out", None, [{}])]
    for partner in db.session.scalars(select(Partner)):
        for user in one_of_each_role(partner.id):
            own = (
                select(Client.id)
                .where(Client.partner_id == partner.id)
                .order_by(Client.next_renewal_on)
            )
            ids = [
                ids_of(client_id, partner.id)
                for client_id in db.session.scalars(own.limit(None if user.admin else 1))
            ]
            found.append((f"{user.role} of {partner.name}", user.id, ids))
    admins = select(User.organisation_id).where(User.admin)
    with_all = select(Client.id).join(Subscription).where(Client.id.in_(admins))
    client_id = db.session.scalars(with_all).first()
    assert client_id
    for user in one_of_each_role(client_id):
        found.append((user.role, user.id, [ids_of(client_id, client_id)]))
    return found


def one_of_each_role(organisation_id: int) -> list[User]:
    users = db.session.scalars(
        select(User).where(User.organisation_id == organisation_id, User.active).order_by(User.id)
    ).all()
    return list({user.role: user for user in users}.values())


def ids_of(client_id: int, organisation_id: int) -> dict[str, int]:
    """What the arguments of routes stand for, for one client and its subscription, and a colleague of the reader."""
    ids = {
        "client_id": client_id,
        "subscription_id": db.session.scalar(
            select(Subscription.id).where(Subscription.client_id == client_id)
        ),
        "user_id": db.session.scalar(
            select(User.id).where(User.organisation_id == organisation_id)
        ),
        "mail_id": db.session.scalar(select(InboxMail.id)),
    }
    return {name: value for name, value in ids.items() if value}


def demo_pages(app: Flask, ids: list[dict[str, int]]) -> Iterator[str]:
    """The addresses of all pages; those of a client for a few of them, its first tab for all."""
    with app.app_context():
        link = db.session.scalars(select(Link)).first()
        token = links.token(link) if link else "made-up"
        db.session.remove()
    urls: dict[str, None] = {}
    for rule in app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or rule.endpoint == "demo.mail_html":
            continue
        for number, known in enumerate(ids):
            given: dict[str, Any] = known | {"token": token}
            if rule.arguments <= given.keys() and (
                number < SAMPLE or rule.endpoint == "clients.renewals"
            ):
                values = {name: given[name] for name in rule.arguments}
                urls[app.url_for(rule.endpoint, **values)] = None
    yield from urls


def open_in_english(client: FlaskClient, url: str) -> Any:
    """A page whose dates and names of countries are English ones."""
    mark = "&" if "?" in url else "?"
    return client.get(f"{url}{mark}lang=en")


@pytest.mark.settings(demo=True)
def test_no_page_has_a_text_of_its_own(demo: Flask, browse: Any) -> None:
    judge, seen = Judge(demo), set()
    faults: dict[str, str] = {}
    with demo.app_context():
        people = readers()
        db.session.remove()
    for role, user_id, ids in people:
        client = browse(user_id)
        with demo.test_request_context():
            urls = list(demo_pages(demo, ids))
        for url in urls:
            answer = open_in_english(client, url)
            assert answer.status_code < 500, url
            if answer.status_code == 200 and answer.mimetype == "text/html":
                seen.add(url)
                faults |= dict.fromkeys(judge.faults(told(answer.text)), f"{url} ({role})")
    assert len(seen) > 100
    assert not faults, listed(faults)


def mails() -> list[EmailMessage]:
    rows = db.session.scalars(select(InboxMail.message))
    return [BytesParser(EmailMessage, policy=policy.default).parsebytes(row) for row in rows]


@pytest.mark.settings(demo=True)
def test_no_mail_has_a_text_of_its_own(demo: Flask) -> None:
    judge, faults = Judge(demo), {}
    with demo.app_context():
        sent = mails()
        kinds = set(db.session.scalars(select(Delivery.kind)))
        db.session.remove()
    assert kinds >= set(MailKind)
    for mail in sent:
        where = str(mail["Subject"])
        texts = outside(where, 0)[0]
        for part in mail.walk():
            if not part.is_multipart():
                content = str(part.get_content())
                html = part.get_content_subtype() == "html"
                texts += told(content) if html else outside(content, 0)[0]
        faults |= dict.fromkeys(judge.faults(texts), where)
    assert not faults, listed(faults)


# --- What is said when something was saved, or wasn't ---------------------------------------------------------------


def test_no_answer_to_a_form_has_a_text_of_its_own(
    app: Flask, cast: Cast, values: dict[str, Any], browse: Any
) -> None:
    typed = {text for form in FORMS for text in form.good.values() if len(text) > 1}
    judge = Judge(app, typed)
    faults: dict[str, str] = {}
    for form in FORMS:
        known = values | versions(app, cast)
        person, url = browse(actor_id(cast, form.actor), "en"), form.address.format(**known)
        good = filled(form, known)
        tried = [
            good | {field: text}
            for field, texts in form.bad.items()
            for text in (*texts[:2], texts[-1])
        ]
        for fields in (*tried, good):
            # What was typed stands in its field again.
            sent = {" ".join(text.split()) for text in fields.values()}
            answer = person.post(f"{url}?lang=en", data=fields)
            while answer.status_code == 303:
                answer = open_in_english(person, answer.location)
            for text in judge.faults(told(answer.text)):
                if text not in sent:
                    faults[text] = f"{url} {fields}"[:200]
    assert not faults, listed(faults)


def test_no_error_page_has_a_text_of_its_own(app: Flask, cast: Cast, browse: Any) -> None:
    judge, faults = Judge(app), {}
    with app.test_request_context():
        app.preprocess_request()
        for code, texts in (errors.TEXTS | {418: errors.SESSION_ENDED}).items():
            page = errors.page(code, texts).get_data(as_text=True)
            faults |= dict.fromkeys(judge.faults(told(page)), f"error {code}")
    for user_id in (None, cast.alice, cast.dana):
        page = browse(user_id).get("/nope").text
        faults |= dict.fromkeys(judge.faults(told(page)), f"/nope {user_id}")
    assert not faults, listed(faults)
