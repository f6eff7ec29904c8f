"""The description of the programming interface holds: its routes, and each answer, in whatever language."""

from datetime import UTC, datetime
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator

from tests.support.cast import Cast, make_mail, unit_of_work
from webapp import i18n
from webapp.domain.delivery import ENDED
from webapp.domain.ownership import Choice
from webapp.models import (
    AuditEntry,
    Client,
    DeliveryEvent,
    MailKind,
    Opens,
    Partner,
    Subscription,
    Trouble,
    User,
    db,
)
from webapp.models.audit import AuditAction
from webapp.pages.bearers import ByToken
from webapp.services.accounts import access_tokens
from webapp.services.audit import kind_of
from webapp.services.clients import ownership
from webapp.services.reminders import due_index

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def document(app) -> dict[str, Any]:
    return app.test_client().get("/api/openapi.json").json


def check(document: dict[str, Any], address: str, answer: Any) -> None:
    """Check an answer by what the document says of it."""
    path = document["paths"][address.partition("?")[0]]["get"]
    described = path["responses"][str(answer.status_code)]["content"][answer.mimetype]["schema"]
    schema = {**described, "components": document["components"]}
    Draft202012Validator(schema, validate_formats=True).validate(answer.json)


def test_it_lists_each_route_for_programs_and_no_other(app, document):
    routes = {
        rule.rule
        for rule in app.url_map.iter_rules()
        if isinstance(app.view_functions[rule.endpoint].policy, ByToken)
    }
    assert set(document["paths"]) == routes
    assert document["servers"] == [{"url": app.config["PORTAL"].base_url}]


def test_it_is_a_description_by_the_standard(document):
    assert document["openapi"].startswith("3.1.")
    for schema in document["components"]["schemas"].values():
        Draft202012Validator(schema | {"components": document["components"]})


def test_it_is_not_sent_again(app):
    first = app.test_client().get("/api/openapi.json")
    tag = first.headers["ETag"]
    again = app.test_client().get("/api/openapi.json", headers={"If-None-Match": tag})
    assert (first.status_code, again.status_code) == (200, 304)


def fill(app, cast: Cast, language: str) -> str:
    """Write one of each kind of change and of outcome, and make a token."""
    with unit_of_work(app):
        alice = db.session.get_one(User, cast.alice)
        alice.language = language
        hub = db.session.get_one(Subscription, cast.subscription)
        hub.amount, hub.currency, hub.deadline = 12, "PLN", hub.renewal_date
        db.session.get_one(Partner, cast.partner).sending = True
        due_index.refresh([hub])
        for action in AuditAction:
            db.session.add(
                AuditEntry(
                    at=NOW,
                    organisation_id=cast.partner,
                    client_id=cast.client,
                    actor_id=None,
                    action=action.value,
                    kind=kind_of(action, cast.client),
                    subject_id=1,
                    subject=None,
                    changes={"contact_id": [None, cast.bob], "renewal_date": [None, "2027-01-01"]},
                )
            )
        ownership.choose_owner(
            alice, db.session.get_one(Client, cast.client), Choice.PARTNER, cast.bob
        )
        for number, kind in enumerate(MailKind):
            mail = make_mail(NOW, kind=kind, client_id=cast.client if number % 2 else None)
            db.session.add(mail)
            db.session.flush()
            for state in ENDED:
                for reply in (None, Trouble.NO_ANSWER, "550 5.1.1 gone"):
                    event = DeliveryEvent(delivery_id=mail.id, at=NOW, state=state, reply=reply)
                    db.session.add(event)
        return access_tokens.make(alice, "Reports", 30, Opens.API)


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_each_answer_is_as_described(app, cast: Cast, document, language):
    headers = {"Authorization": f"Bearer {fill(app, cast, language)}"}
    statuses = []
    for address in (
        "/api/renewals?days=365",
        "/api/events?limit=500",
        "/api/renewals?days=0",
        "/api/events?after=9.9999",
    ):
        answer = app.test_client().get(address, headers=headers)
        check(document, address, answer)
        statuses.append(answer.status_code)
        assert answer.headers["Content-Language"] == i18n.LANGUAGES[language].html
    assert statuses == [200, 200, 400, 410]
    events = app.test_client().get("/api/events?limit=500", headers=headers).json["events"]
    assert {event["kind"] for event in events} >= {*AuditAction, *MailKind}
    refused = app.test_client().get("/api/renewals")
    check(document, "/api/renewals", refused)
    assert refused.status_code == 401


def test_members_that_an_answer_lacks_or_has_besides_are_found(app, cast: Cast, document):
    """Else the check above might take anything."""
    headers = {"Authorization": f"Bearer {fill(app, cast, 'en')}"}
    answer = app.test_client().get("/api/events", headers=headers)
    schema = {"$ref": "#/components/schemas/Events", "components": document["components"]}
    validator = Draft202012Validator(schema)
    whole = answer.json
    assert validator.is_valid(whole)
    for wrong in (
        whole | {"more": None},
        whole | {"besides": 1},
        {name: value for name, value in whole.items() if name != "next"},
        whole | {"events": [whole["events"][0] | {"at": None}]},
        whole | {"events": [whole["events"][0] | {"kind": "nothing"}]},
    ):
        assert not validator.is_valid(wrong)
