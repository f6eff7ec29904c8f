"""Bad input to every field of every form, and hostile requests: answered by 4xx, nothing written, no breakdown."""

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from sqlalchemy import make_url, select

from tests.support.cast import Cast, dump, unit_of_work
from tests.support.forms import FORMS, HUGE, SCRIPT, actor_id, filled, pages
from webapp.models import Client, Subscription, User, db
from webapp.pages import guards
from webapp.services import audit

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture(autouse=True)
def no_limits(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guards.limiter, "enabled", False)


@pytest.fixture
def commits(database_url: str) -> Iterator[Callable[[], int]]:
    """A number that is another one after each commit that wrote. Asking for it is quicker than reading all rows."""
    with closing(sqlite3.connect(str(make_url(database_url).database))) as beside:
        yield lambda: int(beside.execute("PRAGMA data_version").fetchone()[0])


def stored(app: Flask) -> dict[str, Any]:
    """Every row of every table but those of the security log, which tells of failures."""
    return {name: rows for name, rows in dump(app).items() if name != "security_event"}


def test_bad_input_is_refused_at_its_field_and_writes_nothing(
    app: Flask, cast: Cast, values: dict[str, Any], browse: Any, commits: Callable[[], int]
) -> None:
    faults, before, last = [], stored(app), commits()
    for form in FORMS:
        person, url = browse(actor_id(cast, form.actor)), form.address.format(**values)
        good = filled(form, values, person)
        for field, text in ((field, text) for field, texts in form.bad.items() for text in texts):
            answer = person.post(url, data=good | {field: text})
            if answer.status_code not in (400, 409, 422):
                faults.append(f"{url} {field}={text[:40]!r}: {answer.status_code}")
            if commits() != last and stored(app) != before:
                faults.append(f"{url} {field}={text[:40]!r}: written")
                before = stored(app)
            last = commits()
    assert stored(app) == before
    assert not faults, "\n".join(faults)


# A made-up person does not sign in, in the same words as any other; no phone has shown the code; and nobody requires of
# others what they have not set up themselves.
NEVER_TAKEN = ("/sign-in", "/settings/two-step", "/settings/team/two-step")
# What is shown once is the answer itself.
TAKEN = dict.fromkeys(NEVER_TAKEN, 422) | {"/settings/profile/access": 200}


def test_the_same_forms_with_good_input_are_taken(
    app: Flask, cast: Cast, values: dict[str, Any], browse: Any
) -> None:
    """Else what was refused above might have been refused for something else."""
    faults = []
    for form in FORMS:
        person, url = browse(actor_id(cast, form.actor)), form.address.format(**values)
        answer = person.post(url, data=filled(form, values, person))
        if answer.status_code != TAKEN.get(url, 303):
            faults.append(f"{url}: {answer.status_code} {re.findall('field-error.*', answer.text)}")
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("name", ["a.txt", ""])
def test_a_file_is_no_field(
    app: Flask, cast: Cast, values: dict[str, Any], browse: Any, name: str
) -> None:
    """Whatever stands in a field's place, it breaks nothing down."""
    faults = []
    for form in FORMS:
        person, url = browse(actor_id(cast, form.actor)), form.address.format(**values)
        for field in form.bad:
            sent: dict[str, Any] = filled(form, values, person) | {field: (BytesIO(b"x"), name)}
            answer = person.post(url, data=sent, content_type="multipart/form-data")
            if answer.status_code >= 500:
                faults.append(f"{url} {field}: {answer.status_code}")
    assert not faults, "\n".join(faults)


# --- Whether every field of every page is among them ----------------------------------------------------------------

# The token is the same everywhere, and ``next`` has a test of its own.
ELSEWHERE_TESTED = {"csrf_token", "next"}
# Fields that a page has only because it shares its form with others. It ignores them.
UNHEEDED = {
    # The same routes as with Bob, of whom Alice is the admin.
    "/settings/team/{dave}": {"admin", "name", "email", "job_title", "phone", "language", "shown"},
    "/settings/team/{dave}/active": {"active"},
    # A button for each of one's organisations; tests/pages/test_organisations.py tries others.
    "/organisations": {"user_id"},
    # Buttons with a day each, read as the field beside them; tests/pages/test_decisions.py presses them.
    "/partner/subscriptions/{subscription}/remind": {"quick"},
    # The deadline that was asked about already; tests/pages/test_decisions.py sends others.
    "/partner/subscriptions/{subscription}/renewed": {"asked"},
    # Buttons that change the form alone; tests/pages/test_communications.py presses them.
    "/settings/partners/schedule": {"add_row", "remove_row"},
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
NAMELESS = b"--x\r\nContent-Disposition: form-data%s\r\n\r\nv\r\n--x--\r\n"
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
    *(
        ("GET", f"/partner/to-do?{query}", b"", FORM, {}, {200})
        for query in (
            f"after={HUGE}&before=-1&section=later&month=2026-00&owner=%00&only=x&figure=1&mine=2",
            f"product=%00%ED%A0%80{'x' * 5000}&bars=%F0%9F%92%B0&month=9999-12",
            f"section=decide&before={HUGE}&month=0001-01&bars=%00",
        )
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
    *(
        ("POST", "/language", NAMELESS % part, "multipart/form-data; boundary=x", {}, {400})
        for part in (b"", b'; filename="a.txt"')
    ),
    *(
        ("GET", "/sign-in", b"", FORM, {"Host": host}, {400})
        for host in ("a..b", ".", "x" * 64, "-" * 300 + ".example")
    ),
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


@pytest.mark.parametrize(
    ("query", "found"),
    [(b"q=\xff", b"%FF"), (b"q=\xc5\xbc", "ż".encode()), (b"\x80", b"")],
)
def test_a_raw_byte_in_a_query_is_what_browsers_write_for_it(
    cast: Cast, browse: Any, query: bytes, found: bytes
) -> None:
    raw = {"QUERY_STRING": query.decode("latin-1")}
    answer = browse(cast.alice).get("/partner/dashboard", environ_overrides=raw)
    assert answer.status_code == 200
    assert found in answer.data


@pytest.mark.parametrize(
    ("language", "text"),
    [("pl", "Pod tym adresem"), ("pt", "Não há nenhum portal"), ("en", "no portal")],
)
def test_an_impossible_host_is_told_in_the_readers_language(
    browse: Any, language: str, text: str
) -> None:
    # Whatever else would be refused about it.
    headers = {"Host": "a..b", "Accept-Language": language, "Sec-Fetch-Site": "cross-site"}
    answer = browse().post("/sign-in", headers=headers)
    assert answer.status_code == 400
    assert text in answer.text
    assert answer.headers["X-Request-ID"] in answer.text


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


def test_a_database_that_is_gone_is_said_in_words(app: Flask, cast: Cast, browse: Any) -> None:
    alice = browse(cast.alice)
    with app.app_context():
        db.engine.dispose()
        (Path(db.engine.url.database or "")).write_bytes(b"no database")
    answer = alice.get("/partner/dashboard?lang=pl")
    assert answer.status_code == 500
    assert 'lang="pl"' in answer.text
    assert answer.headers["X-Request-ID"] in answer.text
    assert browse().get("/readyz").status_code == 503
    assert browse().get("/healthz").status_code == 200


def test_nothing_is_changed_without_the_token_of_the_session(
    app: Flask, cast: Cast, values: dict[str, Any], browse: Any
) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    before = dump(app)
    for form in FORMS:
        person, url = browse(actor_id(cast, form.actor)), form.address.format(**values)
        good = filled(form, values, person)
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
            user.name = user.job_title = user.rejected_reply = MARKUP
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
