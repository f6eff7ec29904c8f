"""Every page and every mail of the demo, with the data that people really have, in the fourth language."""

from collections.abc import Iterator
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from tests.fourth_language.reading import CODE, Judge, listed, open_in_danish, outside, told
from webapp import worker
from webapp.demo import story
from webapp.domain.snapshots import SecurityMatter
from webapp.mail.transport import Transport
from webapp.models import (
    Client,
    Delivery,
    InboxMail,
    Link,
    MailKind,
    Partner,
    Subscription,
    User,
    db,
)
from webapp.models.tables import organisation_table
from webapp.models.transactions import writing
from webapp.pages import guards
from webapp.services import runtime
from webapp.services.accounts import admin_notices, links, logins, security_notices
from webapp.signin import tokens

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
SAMPLE = 3


def in_danish(app: Flask, server: Transport) -> dict[str, int]:
    """A round of the worker in a demo whose people all speak the fourth language."""
    db.session.execute(update(User).values(language=CODE))
    db.session.execute(update(organisation_table).values(language=CODE))
    db.session.commit()
    return worker.once(app, transport=server)


@pytest.fixture
def demo(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Flask:
    # Its refusals would hide what is looked for.
    monkeypatch.setattr(guards.limiter, "enabled", False)
    token = writing.set(True)
    with app.app_context():
        story.load(lambda server: in_danish(app, server), runtime.now().date())
        user = db.session.scalars(select(User).where(User.active)).first()
        assert user
        login = logins.of(user)
        for purpose in links.MAILS:
            links.send(user, purpose, login=login, new_email="new@odnowa.example")
        for matter in SecurityMatter:
            security_notices.tell(user, matter, {user.email}, new_email="new@odnowa.example")
        admin_notices.tell(user, user)
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
                .order_by(Client.first_decision_on)
            )
            ids = [
                ids_of(client_id, partner.id)
                for client_id in db.session.scalars(own.limit(None if user.admin else 1))
            ]
            found.append((f"{user.role} of {partner.name}", user.id, ids))
    admins = select(User.organisation_id).where(User.admin)
    with_all = select(Subscription.client_id).where(Subscription.client_id.in_(admins))
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
    """Gather the arguments of routes: for one client, its subscription, and a colleague of the reader."""
    ids = {
        "client_id": client_id,
        "subscription_id": db.session.scalar(
            select(Subscription.id).where(Subscription.client_id == client_id)
        ),
        "user_id": db.session.scalar(
            select(User.id).where(User.organisation_id == organisation_id)
        ),
        "cycle": 1,
        "mail_id": db.session.scalar(select(InboxMail.id)),
        "delivery_id": db.session.scalar(
            select(Delivery.id).where(
                Delivery.client_id == client_id, Delivery.message_id.is_not(None)
            )
        ),
    }
    return {name: value for name, value in ids.items() if value}


def demo_pages(app: Flask, ids: list[dict[str, int]]) -> Iterator[str]:
    """The addresses of all pages; those of a client for a few of them, its first tab for all."""
    with app.app_context():
        link = db.session.scalars(select(Link)).first()
        token = tokens.token(link) if link else "made-up"
        db.session.remove()
    urls: dict[str, None] = {}
    for rule in app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or rule.endpoint.endswith("_html"):
            continue
        for number, known in enumerate(ids):
            given: dict[str, Any] = known | {"token": token}
            if rule.arguments <= given.keys() and (
                number < SAMPLE or rule.endpoint == "clients.renewals"
            ):
                values = {name: given[name] for name in rule.arguments}
                urls[app.url_for(rule.endpoint, **values)] = None
    yield from urls


def faults_of_pages(demo: Flask, judge: Judge, browse: Any) -> dict[str, str]:
    seen: set[str] = set()
    faults: dict[str, str] = {}
    with demo.app_context():
        people = readers()
        db.session.remove()
    for role, user_id, ids in people:
        client = browse(user_id)
        with demo.test_request_context():
            urls = list(demo_pages(demo, ids))
        for url in urls:
            answer = open_in_danish(client, url)
            assert answer.status_code < 500, url
            if answer.status_code == 200 and answer.mimetype == "text/html":
                seen.add(url)
                faults |= dict.fromkeys(judge.faults(told(answer.text)), f"{url} ({role})")
    assert len(seen) > 100
    return faults


def mails() -> list[EmailMessage]:
    rows = db.session.scalars(select(InboxMail.message))
    return [BytesParser(EmailMessage, policy=policy.default).parsebytes(row) for row in rows]


def faults_of_mails(demo: Flask, judge: Judge) -> dict[str, str]:
    faults: dict[str, str] = {}
    with demo.app_context():
        sent = mails()
        kinds = set(db.session.scalars(select(Delivery.kind)))
        languages = set(db.session.scalars(select(Delivery.language)))
        db.session.remove()
    assert kinds >= set(MailKind)
    assert languages == {CODE}
    for mail in sent:
        where = str(mail["Subject"])
        texts = outside(where, 0)[0]
        for part in mail.walk():
            if not part.is_multipart():
                content = str(part.get_content())
                html = part.get_content_subtype() == "html"
                texts += told(content) if html else outside(content, 0)[0]
        faults |= dict.fromkeys(judge.faults(texts), where)
    return faults


@pytest.mark.settings(demo=True)
def test_no_page_and_no_mail_has_a_text_of_its_own(demo: Flask, browse: Any) -> None:
    judge = Judge(demo)
    # Before the pages, since who opens them in Danish chooses a language.
    faults = faults_of_mails(demo, judge)
    faults |= faults_of_pages(demo, judge, browse)
    assert not faults, listed(faults)
