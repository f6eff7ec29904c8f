"""Every form of the portal as people send it, with bad values for each field; and every page (fixtures)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import argon2
import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.cast import Cast, let_in, unit_of_work
from webapp.models import LinkPurpose, User, db
from webapp.services.accounts import links, logins
from webapp.signin import tokens

TODAY = datetime.now(UTC).date()
HUGE = "9" * 5000
SCRIPT = "<script>alert(1)</script>"
# Bad values for any line of text. A lone half of a character can't be sent as UTF-8.
LINE = [
    *("a\x00b", "a\r\nBcc: eve@evil.example", "a\u2028b", "x" * 50_000),
    # Nobody sees them.
    *("\u202egnp.exe", "a\u200bb", "\u3164", "a\u200fb", "a\U000e0041"),
]
NEEDED = ["", "   ", *LINE]
OTHER_EMAIL = [
    *LINE,
    *("a", "a@", "@b.example", "a@b@c.example", "a b@c.example", "ż@c.example", "a@b..example"),
    *("a@b.example, c@d.example", "<a@b.example>", "A <a@b.example>", '"a"@b.example', SCRIPT),
]
EMAIL = ["", "   ", *OTHER_EMAIL]
CHOICE = ["x", "\x00", "-1", HUGE, SCRIPT]
CLOCK = ["", "x", "\x00", "24:00", "09:60", "-1:00", HUGE, "09:00\r\n"]
DAY = [
    "x",
    "\x00",
    "12/31/2027",
    "1/2/27",
    "1//2//2027",
    "2027-1-2",
    "2027-02-30",
    "0000-00-00",
    "1999-12-31",
    "2200-01-01",
    "10000-01-01",
    HUGE,
]
AMOUNT = ["x", "\x00", "-1", "1e9", "NaN", "Infinity", "1.2.3", "１２", "0x1", HUGE]
STEPS = ["x", "\x00", "-1", "731", "1.5", "²", HUGE, ",".join(map(str, range(21)))]
# A token that no form has shown.
SHOWN = ["", "x", "\x00", HUGE]
PASSWORD = ["", "short", "x" * 201]
# Bad values for a text of several lines.
TEXT = [
    "a\x00b",
    "a\rb",
    "a\u2028b",
    "\u202egnp.exe",
    "a\u200bb",
    "a\n\ufeffb",
    "x\n" * 5_000,
    HUGE,
]
WEB_ADDRESS = [
    *LINE,
    *("x", "company.example", "//company.example/x", "javascript:alert(1)", "data:text/html,x"),
    *("ftp://company.example/x", "https://", "https:///x", "https://me:pw@company.example/x"),
    *("https://company.example/a b", "https://company.example:99999/x", "https://[x", HUGE),
    'https://company.example/"onclick="x',
    f"https://company.example/{SCRIPT}",
]


@dataclass(frozen=True)
class Form:
    """A form as ``actor`` sends it to ``address``: good fields, and bad values for each field.

    ``page``: the address of the form's page, if it is another.
    """

    actor: str
    address: str
    good: dict[str, str]
    bad: dict[str, list[str]]
    page: str = ""

    @property
    def id(self) -> str:
        return self.address


PERSON = {
    "name": "Zoe",
    "email": "zoe@some.example",
    "job_title": "",
    "language": "",
    "phone": "+48 22 1",
}
PHONE = [*LINE, "12", "call me", "+48 22 1 +48", SCRIPT]
BAD_PERSON = {
    "name": NEEDED,
    "email": EMAIL,
    "job_title": LINE,
    "language": CHOICE,
    "phone": PHONE,
}
COMPANY = {
    **dict.fromkeys(("domain", "external_id", "city", "country", "time_zone", "phone", "note"), ""),
    "name": "New",
    "language": "pl",
}
BAD_COMPANY = {
    "name": NEEDED,
    "domain": [*LINE, "x", "a b.example", "javascript:alert(1)", SCRIPT],
    "external_id": LINE,
    "city": LINE,
    "country": CHOICE,
    "language": CHOICE,
    "time_zone": CHOICE,
    "phone": PHONE,
    "note": TEXT,
}
SUBSCRIPTION = {
    "product": "New Hub",
    "term_months": "12",
    "renewal_date": "2028-03-31",
    "deadline": "",
    "amount": "",
    "currency": "",
    "renews_itself": "1",
}
BAD_SUBSCRIPTION = {
    "product": NEEDED,
    "term_months": ["", "0", "121", *CHOICE],
    "renewal_date": ["", "   ", *DAY],
    "deadline": ["2028-04-01", *DAY],
    "amount": [*AMOUNT, "12"],
    "currency": CHOICE,
    "renews_itself": ["", "2", *CHOICE],
}
FORMS = [
    Form(
        "eve",
        "/sign-in",
        {"email": "a@b.example", "password": "x"},
        {"email": EMAIL, "password": ["", "\x00", HUGE]},
    ),
    Form("eve", "/forgotten-password", {"email": "a@b.example"}, {"email": EMAIL}),
    Form("eve", "/link/{link}", {"password": "correct horse battery"}, {"password": PASSWORD}),
    Form("alice", "/language", {"language": "pl"}, {"language": ["", *CHOICE]}),
    Form(
        "eve",
        "/help/renewal-owners/feedback",
        {"helpful": "yes", "comment": "Two\r\nlines"},
        {"helpful": ["", *CHOICE], "comment": ["a\x00b", "\u202ex", "x" * 2001]},
    ),
    Form(
        "bob",
        "/settings/profile",
        {"name": "Bob", "email": "bob@new.example", "language": "", "time_zone": "Europe/Lisbon"},
        {
            "name": NEEDED,
            "email": EMAIL,
            "language": CHOICE,
            "time_zone": CHOICE,
            "phone": PHONE,
            "shown": SHOWN,
        },
    ),
    Form(
        "bob",
        "/settings/profile/to-do",
        {"todo_rhythm": "daily", "todo_weekday": "4", "todo_hour": "17"},
        {
            "todo_rhythm": ["", *CHOICE],
            "todo_weekday": ["", "7", *CHOICE],
            "todo_hour": ["", "24", *CHOICE],
            "shown": SHOWN,
        },
    ),
    Form(
        "bob",
        "/settings/profile/access",
        {"name": "Reports", "opens": "api", "days": "90"},
        {
            "name": NEEDED,
            "opens": ["", *CHOICE],
            "days": ["", "0", "1", "366", *CHOICE],
            "shown": SHOWN,
        },
    ),
    Form("bob", "/sign-in/confirm", {"password": "the present password"}, {"password": [""]}),
    Form(
        "bob",
        "/settings/profile/password",
        {"present": "the present password", "password": "correct horse", "again": "correct horse"},
        {
            "present": ["", "wrong", "\x00", HUGE],
            "password": PASSWORD,
            "again": ["", "another one"],
        },
    ),
    Form(
        "alice",
        "/settings/team/new",
        PERSON | {"admin": "", "note": "On leave\r\nuntil May"},
        BAD_PERSON | {"admin": CHOICE, "note": TEXT},
    ),
    Form(
        "alice",
        "/settings/team/{bob}",
        PERSON | {"email": "bob@some.example", "admin": "", "note": ""},
        BAD_PERSON | {"shown": SHOWN, "admin": ["0", *CHOICE], "note": TEXT},
    ),
    Form(
        "bob",
        "/settings/two-step",
        {"key": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "code": "000000"},
        {"key": ["", "A" * 33, *CHOICE], "code": ["12345", *NEEDED]},
    ),
    Form(
        "alice",
        "/settings/team/two-step",
        {"on": "1"},
        {"on": ["2", *CHOICE], "shown": SHOWN},
        "/settings/team",
    ),
    Form(
        "alice",
        "/settings/partners/default",
        {"owner": "partner", "notified_user_id": "{bob}"},
        {"owner": ["", *CHOICE], "notified_user_id": ["", *CHOICE], "shown": SHOWN},
        "/settings/partners",
    ),
    Form(
        "alice",
        "/settings/partners/schedule",
        {
            "up_to_1": "1",
            "decided_1": "30, 7",
            "renewing_1": "",
            "up_to_2": "3",
            "decided_2": "",
            "renewing_2": "14",
            "decided_3": "90",
            "renewing_3": "90",
            "window_opens": "08:00",
            "window_closes": "16:00",
            "window_days": "0",
        },
        {
            **{f"up_to_{row}": ["", "0", "121", *STEPS] for row in (1, 2)},
            **{f"{name}_{row}": STEPS for name in ("decided", "renewing") for row in range(1, 4)},
            "window_opens": [*CLOCK, "16:00", "23:00"],
            "window_closes": [*CLOCK, "08:00", "00:00"],
            "window_days": ["", "7", *CHOICE],
            "shown": SHOWN,
        },
        "/settings/partners",
    ),
    Form(
        "alice",
        "/settings/partners/terms",
        {"renews_itself": "1", "deadline_unit": "D", "deadline_count": "45"},
        {
            "renews_itself": ["", "2", *CHOICE],
            "deadline_unit": CHOICE,
            "deadline_count": ["", "0", "366", "4.5", "²", "x", HUGE],
            "shown": SHOWN,
        },
        "/settings/partners",
    ),
    Form(
        "alice",
        "/settings/partners/switches/insistent",
        {"on": "1"},
        {"on": ["", "2", *CHOICE], "shown": SHOWN},
        "/settings/partners",
    ),
    Form(
        "alice",
        "/settings/partners/test",
        {"kind": "reminder_client", "language": "pl"},
        {"kind": ["", *CHOICE], "language": ["", *CHOICE]},
    ),
    Form(
        "alice",
        "/settings/partners/switches/sending",
        {"on": "1"},
        {"on": ["", "2", *CHOICE], "shown": SHOWN},
        "/settings/partners",
    ),
    Form(
        "alice",
        "/settings/mail-texts/company",
        {
            "reply_to": "answers@odnowa.example",
            "legal": "Odnowa Ltd\r\nReg. no. 1",
            "privacy_url": "https://odnowa.example/privacy?lang=pl#data",
        },
        {
            "reply_to": OTHER_EMAIL,
            "legal": TEXT,
            "privacy_url": WEB_ADDRESS,
            "shown": SHOWN,
        },
        "/settings/mail-texts",
    ),
    Form(
        "alice",
        "/settings/mail-texts/pl",
        {"introduction": "Dwa\r\n\r\nakapity", "signature": "Odnowa"},
        {"introduction": TEXT, "signature": TEXT, "shown": SHOWN},
        "/settings/mail-texts",
    ),
    *(
        Form(
            "alice",
            f"/settings/mail-texts/{language}",
            {"introduction": "Two\tcolumns", "signature": ""},
            {"introduction": ["\x00"], "signature": ["\x00"], "shown": SHOWN},
            "/settings/mail-texts",
        )
        for language in ("pt", "en")
    ),
    Form("alice", "/partner/clients/new", COMPANY, BAD_COMPANY),
    Form(
        "alice",
        "/partner/clients/{client}/edit",
        COMPANY,
        BAD_COMPANY | {"shown": SHOWN},
    ),
    Form(
        "alice",
        "/partner/clients/{client}/contacts/new",
        {"name": "Zoe", "email": "z@a.example", "language": ""},
        {k: v for k, v in BAD_PERSON.items() if k != "job_title"} | {"note": TEXT},
    ),
    Form(
        "alice",
        "/partner/clients/{client}/renewal-owner",
        {"choice": "partner", "contact_id": "{bob}"},
        {"choice": ["", *CHOICE], "contact_id": CHOICE, "shown": SHOWN},
    ),
    Form("alice", "/partner/clients/{client}/subscriptions/new", SUBSCRIPTION, BAD_SUBSCRIPTION),
    Form(
        "alice",
        "/partner/subscriptions/{subscription}/edit",
        SUBSCRIPTION | {"product": "Other Hub"},
        BAD_SUBSCRIPTION | {"shown": SHOWN},
    ),
    Form(
        "alice",
        "/partner/subscriptions/{subscription}/renewed",
        {"term_months": "24", "amount": "1200", "currency": "EUR", "deadline": "2030-01-31"},
        {
            **{field: BAD_SUBSCRIPTION[field] for field in ("term_months", "currency")},
            "amount": AMOUNT,
            "deadline": ["2030-04-01", *DAY],
            "shown": SHOWN,
        },
    ),
    Form(
        "alice",
        "/partner/subscriptions/{subscription}/remind",
        {"on": str(TODAY + timedelta(days=30))},
        {"on": ["", "   ", str(TODAY), "2199-12-31", *DAY], "shown": SHOWN},
    ),
    Form(
        "alice",
        "/partner/subscriptions/{subscription}/note",
        {"note": "Calls back\r\nin May"},
        {"note": TEXT, "shown": SHOWN},
    ),
    Form(
        "alice",
        "/partner/subscriptions/{subscription}/cancelled",
        {"reason": "other_product", "note": ""},
        {"reason": CHOICE, "note": TEXT, "shown": SHOWN},
    ),
    Form(
        "dana",
        "/account/company",
        {
            "primary": "{dave}",
            "billing": "{dave}",
            "decision_maker": "{dana}",
        },
        {
            "primary": CHOICE,
            "billing": CHOICE,
            "decision_maker": CHOICE,
            "shown": SHOWN,
        },
    ),
    Form("dana", "/account/company/contacts/new", PERSON, BAD_PERSON),
    Form(
        "dana",
        "/account/company/contacts/{dave}",
        PERSON | {"email": "y@a.example"},
        BAD_PERSON | {"shown": SHOWN},
    ),
    # Last, since the forms above need Bob.
    Form("alice", "/settings/team/{bob}/active", {"active": "0"}, {"active": ["", "2", *CHOICE]}),
    # The last one: nobody is Bob afterwards.
    Form(
        "alice",
        "/partner/people/{bob}",
        {"name": PERSON["name"]},
        {"name": [*NEEDED, "Bobby", SCRIPT]},
    ),
]


# Argon2id of "the present password", made with little work.
PRESENT_HASH = argon2.PasswordHasher(time_cost=1, memory_cost=64).hash("the present password")


@pytest.fixture
def values(app: Flask, cast: Cast) -> dict[str, Any]:
    """Gather the values for the addresses and fields of FORMS. Bob has a password, Dave an open link."""
    with unit_of_work(app):
        logins.set_password(let_in(db.session.get_one(User, cast.bob)), PRESENT_HASH)
        dave = db.session.get_one(User, cast.dave)
        reset = links.send(dave, LinkPurpose.PASSWORD_RESET, login=let_in(dave))
        link = tokens.token(reset)
    names = ("client", "subscription", "alice", "bob", "dana", "dave")
    return {name: getattr(cast, name) for name in names} | {"link": link}


class TokenParser(HTMLParser):
    """A parser that collects the tokens of a page's forms, by their address."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action = self.page = page
        self.tokens: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.action = given.get("action") or self.page
        elif given.get("name") == "shown":
            self.tokens[self.action] = str(given["value"])


def shown_in(text: str, page: str) -> dict[str, str]:
    """Find the tokens of the forms in a page's text, by their address."""
    parser = TokenParser(page)
    parser.feed(text)
    return parser.tokens


def shown_to(person: FlaskClient, address: str, page: str = "") -> str:
    """Return the token of a form for somebody who opens it now."""
    page = page or address
    return shown_in(person.get(page).text, page)[address]


def filled(form: Form, values: dict[str, Any], person: FlaskClient) -> dict[str, str]:
    """Return the good fields, with the token of a form that was opened just now."""
    fields = {field: text.format(**values) for field, text in form.good.items()}
    if "shown" in form.bad:
        address, page = (text.format(**values) for text in (form.address, form.page))
        fields["shown"] = shown_to(person, address, page)
    return fields


def actor_id(cast: Cast, actor: str) -> int | None:
    return None if actor == "eve" else int(getattr(cast, actor))


def pages(app: Flask, cast: Cast, values: dict[str, Any]) -> Iterator[tuple[int | None, str]]:
    """Yield every page with its reader: (user's id, address)."""
    for reader, colleague in ((None, None), (cast.alice, cast.bob), (cast.dana, cast.dave)):
        known = {
            "client_id": cast.client,
            "subscription_id": cast.subscription,
            "user_id": colleague,
            "token": values["link"],
            "mail_id": 1,
        }
        ids = {name: value for name, value in known.items() if value is not None}
        for rule in app.url_map.iter_rules():
            if "GET" in (rule.methods or ()) and rule.arguments <= ids.keys():
                with app.test_request_context():
                    yield (
                        reader,
                        app.url_for(rule.endpoint, **{name: ids[name] for name in rule.arguments}),
                    )


def opened(person: FlaskClient, address: str) -> str:
    """Get a page with all that its folded lines tell once they are opened, as a script does."""
    page = person.get(address).text
    folded = re.findall(r'<details class="fold" hx-get="([^"]+)"', page)
    return page + "".join(person.get(line, headers={"HX-Request": "true"}).text for line in folded)
