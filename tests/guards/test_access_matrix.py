"""Every route × role × whose id: a stranger never sees or changes anything.

What is to be answered follows from the route's own policy, from domain.access, and from whose id it is. A new route
fails here until ANSWERS has it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import count
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from itsdangerous import URLSafeSerializer, URLSafeTimedSerializer
from sqlalchemy import select
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from tests.support.cast import (
    SECRET,
    Cast,
    PlainResponse,
    dump,
    let_in,
    let_in_at,
    make_user,
    unit_of_work,
)
from tests.support.forms import shown_to
from webapp.domain.access import Action, Role, may
from webapp.domain.ownership import Choice, Owner
from webapp.models import (
    AuditEntry,
    Client,
    Credential,
    Delivery,
    DeliveryMessage,
    DeliveryState,
    Link,
    LinkPurpose,
    Login,
    MailKind,
    Opens,
    Partner,
    Reminder,
    ReminderState,
    SignInMethod,
    Subscription,
    User,
    UserSession,
    db,
)
from webapp.pages.bearers import ByToken
from webapp.services.accounts import (
    access_tokens,
    links,
    logins,
    membership,
    partners,
    people,
    sessions,
)
from webapp.services.clients import ownership
from webapp.signin import signing, tokens

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

HTMX = {"HX-Request": "true"}
NUMBERS = count()
MISSING = 999_999
SAFE = {"GET", "HEAD", "OPTIONS"}
# The answers to allowed requests with one's own ids and no fields: 422 and 400 where fields are missing, 303 where
# there is nothing to choose or nothing is chosen differently.
ANSWERS: dict[str, dict[str, int]] = {
    "frame.home": {"GET": 303},
    "frame.language": {"POST": 400},
    "frame.undo": {"POST": 303},
    "health.healthz": {"GET": 200},
    "health.readyz": {"GET": 200},
    # A monitor has no session, but a token.
    "metrics.show": {"GET": 404},
    "signin.sign_in": {"GET": 200, "POST": 422},
    "signin.sign_out": {"POST": 303},
    "signin.choose": {"GET": 303, "POST": 303},
    "signin_code.ask": {"GET": 303, "POST": 303},
    "signin.forgotten": {"GET": 200, "POST": 422},
    # Closed by default.
    "proxy.sign_in": {"GET": 404},
    "oidc.start": {"GET": 404},
    "oidc.back": {"GET": 404},
    "oidc.again": {"GET": 404},
    "oidc.window": {"GET": 404},
    "oidc.take_over": {"POST": 404},
    "oidc.end_sessions": {"POST": 404},
    "signin.link": {"GET": 410, "POST": 410},
    "kept.confirm": {"GET": 200, "POST": 422},
    "kept.page": {"GET": 303},
    "kept.send": {"POST": 303},
    "kept.drop": {"POST": 303},
    "organisations.index": {"GET": 200},
    "organisations.switch": {"POST": 404},
    "organisations.accept": {"POST": 404},
    "own_sessions.end": {"POST": 404},
    "own_sessions.end_others": {"POST": 303},
    "settings.index": {"GET": 303},
    "settings.profile": {"GET": 200, "POST": 422},
    "settings.to_do": {"GET": 200, "POST": 303},
    "settings.password": {"POST": 422},
    "settings.cancel_address": {"POST": 303},
    "settings.team": {"GET": 200},
    "access.index": {"GET": 200, "POST": 422},
    "access.revoke": {"POST": 303},
    "api.renewals": {"GET": 200},
    "api.events": {"GET": 200},
    "api.openapi": {"GET": 200},
    "security.own": {"GET": 200},
    "security.team": {"GET": 200},
    "settings.invite": {"GET": 200, "POST": 422},
    "settings.member": {"GET": 200, "POST": 422},
    "settings.resend": {"POST": 303},
    "settings.set_active": {"POST": 400},
    "second_factor.index": {"GET": 200, "POST": 422},
    "second_factor.codes": {"POST": 303},
    "second_factor.turn_off": {"POST": 303},
    "second_factor.require": {"POST": 303},
    "second_factor.reset": {"POST": 303},
    "settings.partners": {"GET": 200},
    "settings.save_default": {"POST": 303},
    "settings.save_schedule": {"POST": 422},
    "settings.save_terms": {"POST": 303},
    "settings.save_switch": {"POST": 303},
    "settings.send_test": {"POST": 422},
    "first_run.mails": {"GET": 200},
    "first_run.seen": {"POST": 303},
    "first_run.put_away": {"POST": 303},
    "first_run.bring_back": {"POST": 303},
    "mail_texts.index": {"GET": 200},
    "mail_texts.save_company": {"POST": 303},
    "mail_texts.save_texts": {"POST": 303},
    "mail_texts.preview": {"GET": 200},
    "mail_texts.preview_html": {"GET": 200},
    "todo.index": {"GET": 200},
    "dashboard.index": {"GET": 200},
    "upcoming.index": {"GET": 200},
    # A program has no session, but a token.
    "calendar.show": {"GET": 404},
    "deliveries.index": {"GET": 200},
    "history.index": {"GET": 200},
    "archiving.archive": {"GET": 200, "POST": 303},
    "archiving.bring_back": {"POST": 303},
    "archiving.erase": {"GET": 303, "POST": 303},
    "personal_data.erase": {"GET": 200, "POST": 422},
    "personal_data.export": {"POST": 200},
    "deliveries.again": {"POST": 409},
    "deliveries.again_all": {"GET": 200, "POST": 303},
    "deliveries.arrived": {"POST": 409},
    "deliveries.missed": {"POST": 409},
    "mails.sent": {"GET": 200},
    "mails.sent_html": {"GET": 200},
    "mails.sent_file": {"GET": 200},
    "mails.own": {"GET": 200},
    "mails.got": {"GET": 200},
    "mails.got_html": {"GET": 200},
    "mails.got_file": {"GET": 200},
    "clients.add": {"GET": 200, "POST": 422},
    "clients.edit": {"GET": 200, "POST": 422},
    "clients.details": {"GET": 303},
    "clients.reminder": {"GET": 200},
    "clients.renewals": {"GET": 200},
    "clients.contacts": {"GET": 200},
    "clients.add_contact": {"GET": 200, "POST": 422},
    "clients.edit_contact": {"GET": 200, "POST": 422},
    "clients.invite_contact": {"POST": 303},
    "clients.activity": {"GET": 200},
    "evidence.show": {"GET": 200},
    "evidence.download": {"GET": 200},
    "renewal_owner.edit": {"GET": 200, "POST": 303},
    "renewal_owner.preview": {"GET": 200},
    "subscriptions.add": {"GET": 200, "POST": 422},
    "subscriptions.edit": {"GET": 200, "POST": 422},
    "subscriptions.renewed": {"GET": 200, "POST": 409},
    "subscriptions.cancelled": {"GET": 200, "POST": 409},
    "subscriptions.remind": {"GET": 200, "POST": 422},
    "subscriptions.note": {"GET": 200, "POST": 303},
    "account.index": {"GET": 303},
    "account.company": {"GET": 200},
    "account.assign": {"POST": 303},
    "account.add_contact": {"GET": 200, "POST": 422},
    "account.edit_contact": {"GET": 200, "POST": 422},
    "help.renewal_owners": {"GET": 200},
    "help.feedback": {"POST": 422},
}
# Somebody signed in is sent on from here.
SIGNED_IN_ANSWERS = {("signin.sign_in", "GET"): 303}
# Routes whose ``user_id`` is a client's contact and not a colleague.
OF_CONTACTS = {
    *("clients.edit_contact", "clients.invite_contact"),
    *("personal_data.erase", "personal_data.export"),
}
# Those whose ``delivery_id`` is a mail to the actor.
OF_READERS = {"mails.got", "mails.got_html", "mails.got_file"}
ROLES = {
    "eve": None,
    "alice": Role.PARTNER_ADMIN,
    "bob": Role.PARTNER_MEMBER,
    "dana": Role.CLIENT_ADMIN,
    "dave": Role.CLIENT_MEMBER,
    "charlie": Role.PARTNER_ADMIN,
    "other_dana": Role.CLIENT_ADMIN,
}
ALICES_NAMES = ("Odnowa", "Acme", "Alice", "Bob", "Dave", "odnowa.example", "acme.example")
CHARLIES_NAMES = ("Renova", "Foreign", "Charlie", "Carol", "Other Dana", "Oscar", "foreign.example")


@dataclass(frozen=True)
class Side:
    """The things of one partner: ids that other partners' people must not reach, and names that they must not read."""

    client: int
    subscription: int
    entry: int
    delivery: int
    reminder: int
    got: dict[str, int]
    tokens: dict[str, int]
    colleagues: dict[str, int]
    contact: int
    session: int
    names: tuple[str, ...]

    def ids(self, actor: str, endpoint: str) -> dict[str, Any]:
        """Every argument of any route as this side has it; a colleague of the actor is never the actor."""
        colleague = self.colleagues.get(actor, self.contact)
        return {
            "client_id": self.client,
            "subscription_id": self.subscription,
            "entry_id": self.entry,
            "delivery_id": self.got[actor]
            if endpoint in OF_READERS and actor in self.got
            else self.delivery,
            "reminder_id": self.reminder,
            "user_id": self.contact if endpoint in OF_CONTACTS else colleague,
            # A text, since both sides have a renewal of this number.
            "cycle": "1",
            "token_id": self.tokens.get(actor, min(self.tokens.values())),
            "mail_id": 1,
            "session_id": self.session,
            "link_id": 1,
            "token": "made-up",
            "filename": "portal.css",
            "name": "sending",
            "language": "pl",
            "kind": "reminder_client",
        }


@dataclass(frozen=True)
class World:
    cast: Cast
    alices: Side
    charlies: Side

    def own(self, actor: str) -> Side:
        return self.charlies if actor in ("charlie", "other_dana") else self.alices

    def other(self, actor: str) -> Side:
        return self.alices if actor in ("charlie", "other_dana") else self.charlies

    def user_id(self, actor: str) -> int | None:
        return None if actor == "eve" else int(getattr(self.cast, actor))


@pytest.fixture
def world(app: Flask, cast: Cast) -> World:
    """Both sides with a member each, a change of owner that can be undone, and a mail to be decided about."""
    with unit_of_work(app):
        renova, foreign = (
            db.session.get(Partner, cast.other_partner),
            db.session.get(Client, cast.other_client),
        )
        carol, oscar = make_user(renova, "Carol"), make_user(foreign, "Oscar")
        db.session.add_all([carol, oscar])
        db.session.flush()
        # Here each is to come as far as the role allows.
        for user in (carol, oscar, db.session.get_one(User, cast.dave)):
            let_in(user)
        # Nobody's but Oscar's, who does nothing here.
        sessions.begin(oscar, SignInMethod.PASSWORD)
        oscars = db.session.scalars(select(UserSession.id)).one()
        entries = [
            change_owner(cast.client, cast.alice),
            change_owner(cast.other_client, cast.charlie),
        ]
        alices = Side(
            client=cast.client,
            subscription=cast.subscription,
            entry=entries[0],
            delivery=add_unclear(cast.client, cast.dave),
            reminder=add_reminder(cast.subscription),
            got={
                "dana": add_unclear(cast.client, cast.dana),
                "dave": add_unclear(cast.client, cast.dave),
            },
            tokens={name: make_token(getattr(cast, name)) for name in ("alice", "bob")},
            colleagues={"alice": cast.bob, "bob": cast.alice, "dana": cast.dave, "dave": cast.dana},
            contact=cast.dave,
            session=oscars,
            names=ALICES_NAMES,
        )
        charlies = Side(
            client=cast.other_client,
            subscription=cast.other_subscription,
            entry=entries[1],
            delivery=add_unclear(cast.other_client, oscar.id),
            reminder=add_reminder(cast.other_subscription),
            got={"other_dana": add_unclear(cast.other_client, cast.other_dana)},
            tokens={"charlie": make_token(cast.charlie)},
            colleagues={"charlie": carol.id, "other_dana": oscar.id},
            contact=oscar.id,
            session=oscars,
            names=CHARLIES_NAMES,
        )
    return World(cast, alices, charlies)


def make_token(user_id: int) -> int:
    """Make an access token of a user, and return its id."""
    user = db.session.get_one(User, user_id)
    access_tokens.make(user, "Reports", 30, Opens.API)
    return access_tokens.listed(user)[0].id


def change_owner(client_id: int, actor_id: int) -> int:
    actor, client = db.session.get(User, actor_id), db.session.get(Client, client_id)
    assert client
    entry = ownership.choose_owner(actor, client, Choice.PARTNER, actor_id)
    assert entry
    return entry.id


def add_unclear(client_id: int, recipient_id: int) -> int:
    client, now = db.session.get(Client, client_id), datetime.now(UTC)
    assert client
    mail = Delivery(
        kind=MailKind.REMINDER_CLIENT,
        partner_id=client.partner_id,
        client_id=client_id,
        day=now.date(),
        recipient_id=recipient_id,
        state=DeliveryState.UNCLEAR,
        email="somebody@mail.example",
        language="en",
        snapshot={},
        queued_at=now,
        send_after=now,
        ended_at=now,
        message_id=f"<{recipient_id}.{next(NUMBERS)}@portal.example>",
    )
    db.session.add(mail)
    db.session.flush()
    content = b"Subject: Renewal\r\n\r\nHello"
    digest = sha256(content).hexdigest()
    db.session.add(
        DeliveryMessage(
            delivery_id=mail.id,
            written_at=now,
            content=content,
            sha256=digest,
            renewal_on=now.date(),
        )
    )
    return mail.id


def add_reminder(subscription_id: int) -> int:
    subscription, now = db.session.get_one(Subscription, subscription_id), datetime.now(UTC)
    reminder = Reminder(
        subscription_id=subscription.id,
        client_id=subscription.client_id,
        base_date=subscription.base_date,
        step=730,
        cycle=1,
        due_on=now.date(),
        state=ReminderState.SUPERSEDED,
        planned_at=now,
    )
    db.session.add(reminder)
    db.session.flush()
    return reminder.id


def arguments(rule: Rule, actor: str, world: World) -> Iterator[tuple[bool, dict[str, Any]]]:
    """A route's arguments with whether all are the actor's own, the strange ones first: nothing has changed yet."""
    own = world.own(actor).ids(actor, rule.endpoint)
    own = {name: own[name] for name in sorted(rule.arguments)}
    other = world.other(actor).ids(actor, rule.endpoint)
    ids = [name for name in own if isinstance(own[name], int)]
    for name in ids:
        yield False, own | {name: other[name]}
        yield False, own | {name: MISSING}
    if len(ids) > 1:
        yield False, {name: other[name] for name in own}
    yield True, own


def policy_of(app: Flask, rule: Rule) -> object:
    return getattr(app.view_functions[rule.endpoint], "policy", None)


def answers_by_itself(app: Flask, rule: Rule) -> bool:
    """Tell whether a route leads nobody away to sign in, since it is a part of another page."""
    return hasattr(app.view_functions[rule.endpoint], "to_others")


def expected(app: Flask, rule: Rule, method: str, role: Role | None, own: bool) -> int:
    policy = policy_of(app, rule)
    if isinstance(policy, ByToken):
        # A session is no token. Those have a matrix of their own.
        return 401
    if isinstance(policy, Action):
        if role is None:
            return 200 if answers_by_itself(app, rule) else 303
        if not may(role, policy):
            return 403
        # The trail of a client is its partner's: but for the contacts, its own people find nothing to undo.
        if not own or (rule.endpoint == "frame.undo" and role.startswith("client")):
            return 404
    if role and (rule.endpoint, method) in SIGNED_IN_ANSWERS:
        return SIGNED_IN_ANSWERS[rule.endpoint, method]
    return ANSWERS[rule.endpoint][method]


def names_shown(answer: TestResponse, names: tuple[str, ...]) -> list[str]:
    if answer.mimetype != "text/html":
        return []
    # A token may hold any three letters.
    text = re.sub(r"[\w.-]{40,}", "", answer.text)
    return [name for name in names if name in text]


def methods(rule: Rule) -> set[str]:
    return set(rule.methods or ()) - {"HEAD", "OPTIONS"}


def test_every_route_and_method_has_an_answer(app: Flask) -> None:
    assert {rule.endpoint: methods(rule) for rule in app.url_map.iter_rules()} == {
        endpoint: set(answers) for endpoint, answers in ANSWERS.items()
    }


@pytest.mark.parametrize("actor", ROLES)
def test_matrix(app: Flask, world: World, browse: Any, actor: str) -> None:
    role, faults = ROLES[actor], []
    hidden = world.other(actor).names + (() if role else world.own(actor).names)
    cases = [
        (own, rule, method, ids)
        for rule in app.url_map.iter_rules()
        for method in sorted(methods(rule))
        for own, ids in arguments(rule, actor, world)
    ]
    before = dump(app)
    for own, rule, method, ids in sorted(cases, key=lambda case: case[0]):
        with app.test_request_context():
            url = app.url_for(rule.endpoint, **ids)
        answer = browse(world.user_id(actor)).open(url, method=method)
        status = expected(app, rule, method, role, own)
        if answer.status_code != status:
            faults.append(f"{method} {url}: {answer.status_code} instead of {status}")
        if answer.location and not answer.location.startswith("/"):
            faults.append(f"{method} {url}: leads to {answer.location}")
        if shown := names_shown(answer, hidden):
            faults.append(f"{method} {url}: shows {shown}")
        if method not in SAFE or rule.endpoint.startswith("signin."):
            after = dump(app)
            if after != before and not (own and status < 400):
                faults.append(f"{method} {url}: changed something")
            before = after
        answer.close()
    assert not faults, "\n".join(faults)


TOKENS = {name: role for name, role in ROLES.items() if role}


@pytest.mark.parametrize("actor", TOKENS)
def test_matrix_of_tokens(app: Flask, world: World, actor: str) -> None:
    """A token opens what is for tokens, to partners' people and of their partner alone; and nothing else."""
    faults = []
    with unit_of_work(app):
        user = db.session.get_one(User, world.user_id(actor))
        token = access_tokens.make(user, "Reports", 30, Opens.API)
    role, before = TOKENS[actor], dump(app)
    for rule in app.url_map.iter_rules():
        policy, ids = policy_of(app, rule), world.own(actor).ids(actor, rule.endpoint)
        with app.test_request_context():
            url = app.url_for(rule.endpoint, **{name: ids[name] for name in rule.arguments})
        for method in sorted(methods(rule)):
            person = FlaskClient(app, PlainResponse)
            answer = person.open(url, method=method, headers={"Authorization": f"Bearer {token}"})
            if isinstance(policy, ByToken):
                open_to = role.startswith("partner") and may(role, policy.action)
                status = ANSWERS[rule.endpoint][method] if open_to else 401
            else:
                status = expected(app, rule, method, None, own=True)
            if answer.status_code != status:
                faults.append(f"{method} {url}: {answer.status_code} instead of {status}")
            if shown := [name for name in world.other(actor).names if name in answer.text]:
                faults.append(f"{method} {url}: shows {shown}")
            answer.close()
    changed = {name for name, rows in dump(app).items() if rows != before[name]}
    # When it was used, and that somebody could not sign in.
    assert changed <= {"access_token", "security_event"}
    assert not faults, "\n".join(faults)


def test_htmx_is_told_to_sign_in_and_gets_nothing_to_swap(
    app: Flask, world: World, browse: Any
) -> None:
    faults = []
    for rule in app.url_map.iter_rules():
        if isinstance(policy_of(app, rule), Action):
            ids = world.alices.ids("alice", rule.endpoint)
            with app.test_request_context():
                url = app.url_for(rule.endpoint, **{name: ids[name] for name in rule.arguments})
            for method in methods(rule):
                answer = browse().open(url, method=method, headers=HTMX)
                way = answer.headers.get("HX-Redirect", "")
                part = answers_by_itself(app, rule)
                stays = part or hasattr(app.view_functions[rule.endpoint], "part_of_a_form")
                leads = way.startswith("/sign-in") != stays
                if answer.status_code != 401 or bool(answer.data) != part or not leads:
                    faults.append(f"{method} {url}")
    assert not faults, "\n".join(faults)


# --- Ids where no guard looks: in fields ----------------------------------------------------------------------------


def smuggled(world: World) -> list[tuple[str, str, str, dict[str, Any], int]]:
    """(actor, method, address, fields, answer): each names somebody or something of another organisation."""
    cast, other = world.cast, world.charlies
    client, owner = f"/partner/clients/{cast.client}", {"choice": "partner", "shown": ""}
    default = {"owner": "vendor", "shown": ""}
    edit_client = {"name": "Acme", "language": "en", "shown": ""}
    return [
        ("alice", "POST", f"{client}/renewal-owner", owner | {"contact_id": cast.charlie}, 422),
        ("alice", "POST", f"{client}/renewal-owner", owner | {"contact_id": cast.dana}, 422),
        ("alice", "POST", f"{client}/renewal-owner", owner | {"contact_id": MISSING}, 422),
        ("alice", "GET", f"{client}/renewal-owner", {"contact_id": cast.charlie}, 200),
        ("alice", "GET", f"{client}/renewal-owner/preview", {"contact_id": cast.charlie}, 400),
        (
            "alice",
            "POST",
            "/settings/partners/default",
            default | {"notified_user_id": cast.charlie},
            422,
        ),
        (
            "alice",
            "POST",
            "/settings/partners/default",
            default | {"notified_user_id": cast.dana},
            422,
        ),
        ("alice", "GET", "/partner/dashboard", {"after": cast.other_client}, 200),
        (
            "alice",
            "GET",
            "/partner/dashboard",
            {"before": cast.other_client, "sort": "renewal"},
            200,
        ),
        (
            "alice",
            "GET",
            "/partner/dashboard",
            {"q": "oreig", "partner_id": cast.other_partner},
            200,
        ),
        (
            "alice",
            "GET",
            "/partner/to-do",
            {"section": "later", "after": cast.other_subscription},
            200,
        ),
        ("alice", "GET", f"{client}/activity", {"before": other.entry + 1}, 200),
        ("dana", "POST", "/account/company", {"primary": cast.alice}, 422),
        ("dana", "POST", "/account/company", {"billing": cast.other_dana}, 422),
        ("dana", "POST", "/account/company", {"decision_maker": MISSING}, 422),
        (
            "dana",
            "POST",
            "/account/company",
            {"client_id": cast.other_client, "primary": cast.other_dana},
            422,
        ),
        ("alice", "POST", f"{client}/edit", edit_client | {"external_id": "\x00"}, 422),
        ("eve", "POST", "/sign-in/organisation", {"user_id": cast.alice}, 303),
        ("bob", "POST", "/sign-in/organisation", {"user_id": cast.alice}, 303),
    ]


def test_an_id_in_a_field_opens_nothing(app: Flask, world: World, browse: Any) -> None:
    before, faults = dump(app), []
    for actor, method, url, fields, status in smuggled(world):
        place = "query_string" if method == "GET" else "data"
        answer = browse(world.user_id(actor)).open(url, method=method, **{place: fields})
        if answer.status_code != status or dump(app) != before:
            faults.append(f"{method} {url} {fields}: {answer.status_code}")
        if shown := names_shown(answer, world.other(actor).names):
            faults.append(f"{method} {url} {fields}: shows {shown}")
    assert not faults, "\n".join(faults)


# (actor, address, fields): each is saved, but for the fields that are nobody's business.
TOO_MANY_FIELDS: list[tuple[str, str, dict[str, Any]]] = [
    (
        "bob",
        "/settings/profile",
        {"name": "Robert", "email": "bob@odnowa.example", "language": "", "time_zone": ""},
    ),
    (
        "alice",
        "/partner/clients/{client}/edit",
        {"name": "Acme 2", "language": "en"},
    ),
    (
        "alice",
        "/partner/subscriptions/{subscription}/edit",
        {"product": "Other", "term_months": "12", "renewal_date": "2027-03-31"},
    ),
    (
        "dana",
        "/account/company/contacts/{dave}",
        {"name": "David", "email": "dave@acme.example"},
    ),
]
NOBODYS_BUSINESS = (
    "id",
    "organisation_id",
    "client_id",
    "partner_id",
    "admin",
    "kind",
    "active",
)


@pytest.mark.parametrize(("actor", "address", "fields"), TOO_MANY_FIELDS)
def test_fields_that_a_form_does_not_have_are_nothing(
    app: Flask, world: World, browse: Any, actor: str, address: str, fields: dict[str, Any]
) -> None:
    cast = world.cast
    url = address.format(client=cast.client, subscription=cast.subscription, dave=cast.dave)
    person = browse(world.user_id(actor))
    sent = fields | {"shown": shown_to(person, url)}
    smuggle = dict.fromkeys(NOBODYS_BUSINESS, str(cast.other_client)) | {"admin": "1"}
    before = kept(app)
    answer = person.post(url, data=smuggle | sent)
    assert answer.status_code == 303
    assert kept(app) == before


def kept(app: Flask) -> list[list[tuple[Any, ...]]]:
    """Read the values that no form may change."""
    columns: list[tuple[Any, ...]] = [
        (User.id, User.organisation_id, User.admin, User.active),
        (Client.id, Client.partner_id, Client.kind),
    ]
    with app.app_context():
        rows = [[tuple(row) for row in db.session.execute(select(*some))] for some in columns]
        db.session.remove()
    return rows


def test_another_role_undoes_only_what_it_may_do(app: Flask, world: World, browse: Any) -> None:
    with unit_of_work(app):
        partner = db.session.get_one(Partner, world.cast.partner)
        alice = db.session.get(User, world.cast.alice)
        wanted = partners.Default(Owner.PARTNER, world.cast.alice)
        entry = partners.save_default(alice, partner, wanted)
        assert entry
        entry_id = entry.id
    before = dump(app)
    assert browse(world.cast.bob).post(f"/undo/{entry_id}").status_code == 403
    assert dump(app) == before
    assert browse(world.cast.alice).post(f"/undo/{entry_id}").status_code == 303


# --- Ways on, sessions, links ---------------------------------------------------------------------------------------

ELSEWHERE = (
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "https://evil.example",
    "http://[",
    "/\t/evil.example",
    "/\n/evil.example",
    " //evil.example",
    "javascript:alert(1)",
    "evil.example",
    "/ok\r\nSet-Cookie: a=b",
)


def test_no_way_on_leads_elsewhere(app: Flask, world: World, browse: Any) -> None:
    alice = browse(world.cast.alice)
    for target in ELSEWHERE:
        ways = [
            browse().post("/language", data={"language": "en", "next": target}),
            alice.post("/language", data={"language": "en", "next": target}),
            alice.get("/sign-in", query_string={"next": target}),
            browse().get("/sign-in/organisation", query_string={"next": target}),
        ]
        assert [way.status_code for way in ways] == [303] * len(ways)
        assert {way.location for way in ways} <= {"/", "/sign-in?next=/"}
        page = browse().get("/sign-in", query_string={"next": target}).text
        # The switcher leads back to this page; the form leads on.
        ways_on = set(re.findall(r'name="next" value="([^"]*)"', page))
        assert {way for way in ways_on if not way.startswith("/sign-in")} <= {"/"}
    undone = alice.post(f"/undo/{world.alices.entry}", data={"next": ELSEWHERE[0]})
    assert undone.location == "/"


def signed_in(client: FlaskClient) -> bool:
    return client.get("/settings/profile").status_code == 200


def test_a_session_ends_with_what_it_stood_for(app: Flask, world: World, browse: Any) -> None:
    sessions = {name: browse(world.user_id(name)) for name in ("bob", "dana", "dave", "charlie")}
    with unit_of_work(app):
        alice = db.session.get(User, world.cast.alice)
        membership.deactivate(alice, db.session.get_one(User, world.cast.bob))
        people.edit_person(alice, db.session.get_one(User, world.cast.dave), admin=True)
        logins.set_password(let_in_at("dana@acme.example"), "a hash")
    assert {name for name, client in sessions.items() if signed_in(client)} == {"charlie"}


def test_a_session_is_made_up_in_vain(world: World, app: Flask) -> None:
    client = app.test_client()
    forged = URLSafeTimedSerializer(
        "another key", salt="cookie-session", signer_kwargs=signing.METHOD
    )
    for value in ("", "x", str(forged.dumps({"_user_id": "1"})), "\xff"):
        client.set_cookie("portal_session", value)
        assert not signed_in(client)


@pytest.mark.settings(demo=True)
def test_signing_in_leaves_nothing_of_the_session_before(
    app: Flask, world: World, browse: Any
) -> None:
    client = browse(world.cast.charlie)
    with client.session_transaction() as session:
        session["planted"] = "by somebody"
        session["verified"] = ["alice@odnowa.example", datetime.now(UTC).timestamp()]
    client.post("/sign-in/demo", data={"user_id": world.cast.alice})
    with client.session_transaction() as session:
        assert not {"planted", "verified"} & session.keys()
    assert "Renova" not in client.get("/settings/team").text


def test_a_link_opens_once_in_time_and_only_if_it_is_ours(
    app: Flask, world: World, browse: Any
) -> None:
    with unit_of_work(app):
        bob, alice = (db.session.get_one(User, world.user_id(name)) for name in ("bob", "alice"))
        sent = {
            "replaced": tokens.token(membership.invite(None, bob)),
            "open": tokens.token(membership.invite(None, bob)),
        }
        for state, values in {
            "used": {"used_at": datetime.now(UTC)},
            "expired": {"expires_at": datetime.now(UTC) - timedelta(seconds=1)},
        }.items():
            link = links.send(alice, LinkPurpose.PASSWORD_RESET, login=let_in(alice))
            for name, value in values.items():
                setattr(link, name, value)
            sent[state] = tokens.token(link)
        open_id = db.session.scalars(
            select(Link.id).where(Link.user_id == bob.id, Link.used_at.is_(None))
        ).one()
    _valid, content = URLSafeSerializer("any").loads_unsafe(sent["open"])

    def signed(key: str, purpose: str) -> str:
        maker = URLSafeSerializer(key, salt=purpose, signer_kwargs=signing.METHOD)
        return str(maker.dumps(content))

    # Else a forged one would be refused for something else.
    assert signed(SECRET, "portal-link") == sent["open"]
    sent |= {
        "other key": signed("another key", "portal-link"),
        "other purpose": signed(SECRET, "cookie-session"),
        "cut": sent["open"][:-1],
        "bare": str(open_id),
    }
    good = sent.pop("open")
    before = dump(app)
    chosen = {"password": "correct horse battery"}
    for state, token in sent.items():
        assert browse().get(f"/link/{token}").status_code == 410, state
        assert browse().post(f"/link/{token}", data=chosen).status_code == 410, state
    assert browse().get(f"/link/{good}").status_code == 200
    assert dump(app) == before
    assert browse().post(f"/link/{good}", data=chosen).status_code == 303
    assert browse().post(f"/link/{good}", data=chosen).status_code == 410
    with app.app_context():
        owners = select(Login.email_key).join(Credential, Credential.login_id == Login.id)
        assert db.session.scalars(owners).all() == ["bob@odnowa.example"]


def test_a_link_of_somebody_deactivated_is_over(app: Flask, world: World, browse: Any) -> None:
    with unit_of_work(app):
        bob = db.session.get_one(User, world.cast.bob)
        token = tokens.token(links.send(bob, LinkPurpose.PASSWORD_RESET, login=let_in(bob)))
        bob.active = False
    assert (
        browse().post(f"/link/{token}", data={"password": "correct horse battery"}).status_code
        == 410
    )
    with app.app_context():
        assert not db.session.scalars(select(Credential)).all()
        assert not db.session.scalars(
            select(AuditEntry).where(AuditEntry.actor_id == world.cast.bob)
        ).all()
