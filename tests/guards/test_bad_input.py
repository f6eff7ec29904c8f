"""Bad input to every field of every form, and hostile requests: answered by 4xx, nothing written, no breakdown."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

import argon2
import pytest
from flask import Flask
from sqlalchemy import select

from tests.guards.test_access_matrix import dump
from tests.support.cast import Cast, unit_of_work
from webapp.models import Client, LinkPurpose, Subscription, User, db
from webapp.pages import guards
from webapp.services import audit, logins
from webapp.signin import links

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

HUGE = "9" * 5000
SCRIPT = "<script>alert(1)</script>"
# What no line of text may be. A lone half of a character can't be sent as UTF-8.
LINE = ["a\x00b", "a\r\nBcc: eve@evil.example", "a\u2028b", "\u202egnp.exe", "x" * 50_000]
NEEDED = ["", "   ", *LINE]
EMAIL = [
    *NEEDED,
    *("a", "a@", "@b.example", "a@b@c.example", "a b@c.example", "ż@c.example", "a@b..example"),
    *("a@b.example, c@d.example", "<a@b.example>", "A <a@b.example>", '"a"@b.example', SCRIPT),
]
CHOICE = ["x", "\x00", "-1", HUGE, SCRIPT]
CLOCK = ["", "x", "\x00", "24:00", "09:60", "-1:00", HUGE, "09:00\r\n"]
DAY = [
    "x",
    "\x00",
    "31.12.2027",
    "2027-02-30",
    "0000-00-00",
    "1999-12-31",
    "2200-01-01",
    "10000-01-01",
    HUGE,
]
AMOUNT = ["x", "\x00", "-1", "1e9", "NaN", "Infinity", "1.2.3", "１２", "0x1", HUGE]
STEPS = ["", "x", "\x00", "-1", "731", "1.5", "²", HUGE, ",".join(map(str, range(21)))]
PASSWORD = ["", "short", "x" * 201]


@dataclass(frozen=True)
class Form:
    """A form as ``actor`` sends it to ``address``: good fields, and for each field what is refused."""

    actor: str
    address: str
    good: dict[str, str]
    bad: dict[str, list[str]]

    @property
    def id(self) -> str:
        return self.address


PERSON = {"name": "Zoe", "email": "zoe@some.example", "job_title": "", "language": ""}
BAD_PERSON = {"name": NEEDED, "email": EMAIL, "job_title": LINE, "language": CHOICE}
COMPANY = {
    **dict.fromkeys(("domain", "external_id", "city", "country", "time_zone"), ""),
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
}
SUBSCRIPTION = {
    "product": "New Hub",
    "term_months": "12",
    "renewal_date": "2028-03-31",
    "deadline": "",
    "amount": "",
    "currency": "",
}
BAD_SUBSCRIPTION = {
    "product": NEEDED,
    "term_months": ["", "0", "121", *CHOICE],
    "renewal_date": ["", *DAY],
    "deadline": ["2028-04-01", *DAY],
    "amount": [*AMOUNT, "12"],
    "currency": CHOICE,
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
        {"name": "Bob", "language": "pl", "time_zone": ""},
        {"name": NEEDED, "language": CHOICE, "time_zone": CHOICE},
    ),
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
    Form("alice", "/settings/team/new", PERSON | {"admin": ""}, BAD_PERSON | {"admin": CHOICE}),
    Form(
        "alice",
        "/settings/team/{bob}",
        PERSON | {"email": "bob@some.example", "admin": "", "version": "{bobs_version}"},
        BAD_PERSON | {"version": ["0", "x", HUGE], "admin": ["0", *CHOICE]},
    ),
    Form(
        "alice",
        "/settings/partners/default",
        {"owner": "partner", "notified_user_id": "{bob}"},
        {"owner": ["", *CHOICE], "notified_user_id": ["", *CHOICE], "seen": ["x", "\x00"]},
    ),
    Form(
        "alice",
        "/settings/partners/schedule",
        {
            "steps_text": "30, 7",
            "window_opens": "08:00",
            "window_closes": "16:00",
            "window_days": "0",
        },
        {
            "steps_text": STEPS,
            "window_opens": [*CLOCK, "16:00", "23:00"],
            "window_closes": [*CLOCK, "08:00", "00:00"],
            "window_days": ["", "7", *CHOICE],
            "seen": ["x", "\x00"],
        },
    ),
    Form("alice", "/settings/partners/sending", {"sending": "1"}, {"sending": ["", "2", *CHOICE]}),
    Form("alice", "/partner/clients/new", COMPANY, BAD_COMPANY),
    Form(
        "alice",
        "/partner/clients/{client}/edit",
        COMPANY | {"version": "{version}"},
        BAD_COMPANY | {"version": ["0", "x", HUGE]},
    ),
    Form(
        "alice",
        "/partner/clients/{client}/contacts/new",
        {"name": "Zoe", "email": "z@a.example", "language": ""},
        {k: v for k, v in BAD_PERSON.items() if k != "job_title"},
    ),
    Form(
        "alice",
        "/partner/clients/{client}/renewal-owner",
        {"choice": "partner", "contact_id": "{bob}", "version": "{owner_version}"},
        {"choice": ["", *CHOICE], "contact_id": CHOICE, "version": ["0", "x", "\x00", HUGE]},
    ),
    Form("alice", "/partner/clients/{client}/subscriptions/new", SUBSCRIPTION, BAD_SUBSCRIPTION),
    Form(
        "alice",
        "/partner/subscriptions/{subscription}/edit",
        SUBSCRIPTION | {"product": "Other Hub", "version": "{subscriptions_version}"},
        BAD_SUBSCRIPTION | {"version": ["0", "x", HUGE]},
    ),
    Form(
        "alice",
        "/partner/subscriptions/{subscription}/renewed",
        {"seen": "2028-03-31"},
        {"seen": [*DAY, "9999-12-31"]},
    ),
    Form(
        "dana",
        "/account/company",
        {
            "primary": "{dave}",
            "billing": "{dave}",
            "decision_maker": "{dana}",
            "seen_primary": "{dana}",
            "seen_billing": "{dave}",
            "seen_decision_maker": "{dana}",
        },
        {
            "primary": CHOICE,
            "billing": CHOICE,
            "decision_maker": CHOICE,
            "seen_primary": CHOICE,
        },
    ),
    Form("dana", "/account/company/contacts/new", PERSON, BAD_PERSON),
    Form(
        "dana",
        "/account/company/contacts/{dave}",
        PERSON | {"email": "y@a.example", "version": "{daves_version}"},
        BAD_PERSON | {"version": ["0", "x", HUGE]},
    ),
    # The last one: Bob is needed above.
    Form("alice", "/settings/team/{bob}/active", {"active": "0"}, {"active": ["", "2", *CHOICE]}),
]


# Argon2id of "the present password", made with little work.
PRESENT_HASH = argon2.PasswordHasher(time_cost=1, memory_cost=64).hash("the present password")


@pytest.fixture(autouse=True)
def no_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guards.limiter, "enabled", False)


@pytest.fixture
def values(app: Flask, cast: Cast) -> dict[str, Any]:
    """What the addresses and fields of FORMS stand for. Bob has a password, Dave an open link."""
    with unit_of_work(app):
        logins.set_password("bob@odnowa.example", PRESENT_HASH)
        dave = db.session.get_one(User, cast.dave)
        link = links.token(logins.new_link(dave, LinkPurpose.PASSWORD_RESET))
    names = ("client", "subscription", "alice", "bob", "dana", "dave")
    return {name: getattr(cast, name) for name in names} | {"link": link}


def versions(app: Flask, cast: Cast) -> dict[str, int]:
    with app.app_context():
        client = db.session.get_one(Client, cast.client)
        found = {
            "version": client.version,
            "owner_version": client.owner_version,
            "bobs_version": db.session.get_one(User, cast.bob).version,
            "daves_version": db.session.get_one(User, cast.dave).version,
            "subscriptions_version": db.session.get_one(Subscription, cast.subscription).version,
        }
        db.session.remove()
    return found


def filled(form: Form, values: dict[str, Any]) -> dict[str, str]:
    return {field: text.format(**values) for field, text in form.good.items()}


def actor_id(cast: Cast, actor: str) -> int | None:
    return None if actor == "eve" else int(getattr(cast, actor))


def test_bad_input_is_refused_at_its_field_and_writes_nothing(
    app: Flask, cast: Cast, values: dict[str, Any], browse: Any
) -> None:
    faults, before = [], dump(app)
    known = values | versions(app, cast)
    for form in FORMS:
        person, url = browse(actor_id(cast, form.actor)), form.address.format(**known)
        good = filled(form, known)
        for field, text in ((field, text) for field, texts in form.bad.items() for text in texts):
            answer = person.post(url, data=good | {field: text})
            if answer.status_code not in (400, 409, 422):
                faults.append(f"{url} {field}={text[:40]!r}: {answer.status_code}")
            if dump(app) != before:
                faults.append(f"{url} {field}={text[:40]!r}: written")
                before = dump(app)
    assert not faults, "\n".join(faults)


def test_the_same_forms_with_good_input_are_taken(
    app: Flask, cast: Cast, values: dict[str, Any], browse: Any
) -> None:
    """Else what was refused above might have been refused for something else."""
    faults = []
    for form in FORMS:
        known = values | versions(app, cast)
        url, good = form.address.format(**known), filled(form, known)
        answer = browse(actor_id(cast, form.actor)).post(url, data=good)
        # Signing in with a made-up person is refused, in the same words as any other.
        if answer.status_code != (422 if url == "/sign-in" else 303):
            faults.append(f"{url}: {answer.status_code} {re.findall('field-error.*', answer.text)}")
    assert not faults, "\n".join(faults)


# --- Whether every field of every page is among them ----------------------------------------------------------------

# The token is the same everywhere, and ``next`` has a test of its own.
ELSEWHERE_TESTED = {"csrf_token", "next"}
# What a page has because it shares its form, but does not heed.
UNHEEDED = {
    "/partner/clients/new": {"version"},
    "/partner/clients/{client}/subscriptions/new": {"version"},
    "/partner/subscriptions/{subscription}/cancelled": {"seen"},
    # The form above leaves these roles as they are, so what was shown of them doesn't matter.
    "/account/company": {"seen_billing", "seen_decision_maker"},
    # The same routes as with Bob, of whom Alice is the admin.
    "/settings/team/{dave}": {"admin", "name", "email", "job_title", "language", "version"},
    "/settings/team/{dave}/active": {"active"},
}


class FormParser(HTMLParser):
    """Collects the names of a page's POST forms by their address."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.page, self.action = page, ""
        self.fields: dict[str, set[str]] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            posts = (given.get("method") or "").lower() == "post"
            self.action = urlsplit(given.get("action") or self.page).path if posts else ""
        elif tag in ("input", "select", "textarea", "button") and self.action and given.get("name"):
            self.fields.setdefault(self.action, set()).add(str(given["name"]))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.action = ""


def pages(app: Flask, cast: Cast, values: dict[str, Any]) -> Iterator[tuple[int | None, str]]:
    """Every page with its reader: (user's id, address)."""
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
            if (
                "GET" in (rule.methods or ())
                and rule.arguments <= ids.keys()
                and rule.endpoint != "static"
            ):
                with app.test_request_context():
                    yield (
                        reader,
                        app.url_for(rule.endpoint, **{name: ids[name] for name in rule.arguments}),
                    )


def test_every_field_of_every_page_is_tried(
    app: Flask, cast: Cast, values: dict[str, Any], browse: Any
) -> None:
    tried = {form.address.format(**values): set(form.bad) for form in FORMS}
    for address, names in UNHEEDED.items():
        tried.setdefault(address.format(**values), set()).update(names)
    missing = set()
    for reader, url in pages(app, cast, values):
        parser = FormParser(url)
        parser.feed(browse(reader).get(url).text)
        for action, names in parser.fields.items():
            left = names - ELSEWHERE_TESTED - tried.get(action, set())
            missing |= {f"{action}: {name}" for name in left}
    assert not missing, "\n".join(sorted(missing))


# --- Hostile requests -----------------------------------------------------------------------------------------------

FORM = "application/x-www-form-urlencoded"
# (method, address, body, type, headers, expected answers)
REQUESTS: list[tuple[str, str, bytes, str, dict[str, str], set[int]]] = [
    *(
        ("GET", f"/partner/clients/{number}/renewals", b"", FORM, {}, {404})
        for number in ("0", "9" * 19, HUGE, "-1", "x")
    ),
    ("POST", f"/undo/{HUGE}", b"", FORM, {}, {404}),
    (
        "GET",
        f"/partner/dashboard?after={HUGE}&before=-1&renewal={HUGE}&sort=%00&owner=x",
        b"",
        FORM,
        {},
        {200},
    ),
    (
        "GET",
        f"/partner/dashboard?after=1&before=2&q=%00%ED%A0%80{'x' * 5000}",
        b"",
        FORM,
        {},
        {200},
    ),
    ("GET", f"/partner/clients/3/activity?before={HUGE}", b"", FORM, {}, {200, 404}),
    ("GET", "/partner/dashboard?lang=%00", b"", FORM, {}, {200}),
    *(
        (method, "/partner/dashboard", b"", FORM, {}, {405})
        for method in ("POST", "PUT", "DELETE", "TRACE", "BREW")
    ),
    ("GET", "/language", b"", FORM, {}, {405}),
    ("HEAD", "/partner/dashboard", b"", FORM, {}, {200}),
    ("OPTIONS", "/partner/dashboard", b"", FORM, {}, {200}),
    ("POST", "/language", b"language=en&a=" + b"x" * 2_000_000, FORM, {}, {413}),
    ("POST", "/language", b"&".join([b"a=b"] * 5000), FORM, {}, {400, 413}),
    ("POST", "/language", b"\xff\xfe%ED%A0%80%00", FORM, {}, {400}),
    ("POST", "/language", b"{}", "application/json", {}, {400}),
    ("POST", "/language", b"--x\r\n", "multipart/form-data; boundary=x", {}, {400}),
    ("POST", "/language", b"x", "multipart/form-data", {}, {400}),
    ("GET", "/nope", b"", FORM, {"Accept-Language": "x" * 5000 + ";q=nan, pl;q=-1, ,;"}, {404}),
    ("GET", "/nope", b"", FORM, {"Host": "evil.example:99999999"}, {404, 400}),
    ("GET", "/nope", b"", FORM, {"Host": "a b\x00"}, {404, 400}),
    (
        "GET",
        "/partner/dashboard",
        b"",
        FORM,
        {"HX-Request": "true", "HX-Current-URL": "http://["},
        {200},
    ),
    ("GET", "/static/..%2f..%2fsetup.cfg", b"", FORM, {}, {404}),
    ("GET", "/static/%00", b"", FORM, {}, {404}),
    ("GET", "/link/%00", b"", FORM, {}, {410}),
    ("GET", f"/link/{HUGE}", b"", FORM, {}, {410}),
]


def test_a_hostile_request_is_answered(app: Flask, cast: Cast, browse: Any) -> None:
    faults, before = [], dump(app)
    for method, url, body, kind, headers, expected in REQUESTS:
        alice = browse(cast.alice)
        answer = alice.open(url, method=method, data=body, content_type=kind, headers=headers)
        if answer.status_code not in expected:
            faults.append(f"{method} {url[:60]} {body[:30]!r} {headers}: {answer.status_code}")
        if not answer.headers.get("X-Request-ID"):
            faults.append(f"{method} {url[:60]}: no request id")
    assert not faults, "\n".join(faults)
    assert dump(app) == before


def test_htmx_signed_out_with_a_broken_page_address(browse: Any) -> None:
    for headers in (
        {"HX-Current-URL": "http://["},
        {"Referer": "http://["},
        {"HX-Current-URL": "//evil.example/x"},
    ):
        answer = browse().post("/settings/profile", headers={"HX-Request": "true"} | headers)
        assert answer.status_code == 401
        assert "evil" not in answer.headers["HX-Redirect"]


def test_a_made_up_host_is_in_no_address(browse: Any) -> None:
    answer = browse().get(
        "/sign-in", headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    )
    assert "evil.example" not in answer.text
    assert "evil" not in (browse().get("/", headers={"Host": "evil.example"}).location or "")


@pytest.mark.settings(trusted_hosts=("portal.test",))
def test_a_host_that_is_not_ours_is_refused(browse: Any) -> None:
    assert browse().get("/healthz", headers={"Host": "portal.test"}).status_code == 200
    assert browse().get("/healthz", headers={"Host": "evil.example"}).status_code == 400
    assert browse().get("/nope", headers={"Host": "evil.example"}).status_code == 400


def test_nothing_is_changed_without_the_token_of_the_session(
    app: Flask, cast: Cast, values: dict[str, Any], browse: Any
) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    before = dump(app)
    known = values | versions(app, cast)
    for form in FORMS:
        url, good = form.address.format(**known), filled(form, known)
        person = browse(actor_id(cast, form.actor))
        for given in ({}, {"csrf_token": "made-up"}):
            answer = person.post(
                url, data=good | given, headers={"X-CSRFToken": given.get("csrf_token", "")}
            )
            assert answer.status_code == 400, url
            assert answer.headers["X-Request-ID"] in answer.text
    assert dump(app) == before


# --- What people write is text, never markup ------------------------------------------------------------------------

MARKUP = f"\"'><b onclick=x>{SCRIPT}{{{{7*7}}}}"


class AddressParser(HTMLParser):
    """Collects where a page's attributes lead to, and attributes that run code."""

    def __init__(self) -> None:
        super().__init__()
        self.suspicious: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            leads = name in ("href", "src", "action", "formaction") or name.startswith("hx-")
            if name.startswith("on") or (leads and "script:" in (value or "").lower()):
                self.suspicious.append(f"<{tag} {name}={value}>")


@pytest.mark.settings(vendor_name=MARKUP)
def test_no_name_becomes_markup(
    app: Flask, cast: Cast, values: dict[str, Any], browse: Any
) -> None:
    with unit_of_work(app):
        for user in db.session.scalars(select(User)):
            user.name = user.job_title = user.refused_reply = MARKUP
            user.invited_at = user.created_at
        for client in db.session.scalars(select(Client)):
            client.name = client.city = client.external_id = MARKUP
            client.domain = "javascript:alert(1)"
            client.partner.name = MARKUP
        for subscription in db.session.scalars(select(Subscription)):
            subscription.product = MARKUP
        client = db.session.get_one(Client, cast.client)
        for action in audit.AuditAction:
            audit.record(
                db.session.get(User, cast.bob),
                action,
                organisation_id=cast.partner,
                client_id=client.id,
                subject_id=client.id,
                subject=MARKUP,
                changes={"name": (MARKUP, MARKUP), "city": (None, MARKUP)},
            )
    faults = []
    for reader, url in pages(app, cast, values):
        answer = browse(reader).get(url)
        parser = AddressParser()
        parser.feed(answer.text)
        faults += [f"{url}: {one}" for one in parser.suspicious]
        if "<b onclick" in answer.text or SCRIPT in answer.text or ">49" in answer.text:
            faults.append(f"{url}: markup")
    assert not faults, "\n".join(faults)
