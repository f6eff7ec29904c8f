"""The number of SQL statements of a page, whatever the number of its rows."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask

from tests.support.cast import Cast, make_client, make_mail, make_subscription, unit_of_work
from webapp.domain.ownership import Choice
from webapp.models import (
    Client,
    DeliveryMessage,
    Opens,
    Partner,
    Reminder,
    ReminderState,
    Subscription,
    User,
    db,
)
from webapp.services.accounts import access_tokens, people
from webapp.services.clients import ownership
from webapp.services.reminders import due_index

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
HTMX = {"HX-Request": "true"}
NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def today() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


def grow(app: Flask, cast: Cast, number: int) -> None:
    """So many clients and people, and so many subscriptions, reminders, mails and changes of the first client."""
    with unit_of_work(app):
        partner, acme = (
            db.session.get_one(Partner, cast.partner),
            db.session.get_one(Client, cast.client),
        )
        partner.sending = True
        alice = db.session.get(User, cast.alice)
        db.session.add_all(make_client(partner, f"Company {one}") for one in range(1, number))
        for one in range(1, number):
            for organisation in (partner, acme):
                email = f"person{one}@person.example"
                people.add_person(alice, organisation, name=f"Person {one}", email=email)
        first = db.session.get_one(Subscription, cast.subscription)
        added = [
            make_subscription(acme, f"Product {one}", date(2027, 1, 1) + timedelta(days=one))
            for one in range(1, number)
        ]
        db.session.add_all(added)
        db.session.flush()
        for one, subscription in enumerate([first, *added]):
            reminder = Reminder(
                subscription_id=subscription.id,
                client_id=acme.id,
                base_date=subscription.renewal_date,
                step=120,
                cycle=1,
                due_on=date(2026, 9, 1),
                state=ReminderState.BLOCKED if one % 2 else ReminderState.ISSUED,
                planned_at=NOW,
            )
            db.session.add(reminder)
            day = date(2026, 9, 1) + timedelta(days=one)
            told = make_mail(NOW, day=day, reminders=[reminder])
            told.message_id = f"<{one}@portal.example>"
            db.session.add(told)
            db.session.flush()
            db.session.add(
                DeliveryMessage(
                    delivery_id=told.id,
                    written_at=NOW,
                    content=b"Subject: Renewal\r\n\r\nHello",
                    sha256="0" * 64,
                    renewal_on=reminder.base_date,
                )
            )
        due_index.refresh([first, *added])
        for one in range(number):
            choice = Choice.PARTNER if one % 2 else Choice.VENDOR
            ownership.choose_owner(alice, acme, choice, cast.bob)
            db.session.refresh(acme)


DASHBOARD = "/partner/dashboard"
FILTERED = f"{DASHBOARD}?sort=renewal&owner=partner&q=a&reach=green&renewal=120"
HISTORY = "q=acme&kind=owners&person={alice}&days=90"
CLIENT = "/partner/clients/{client}"
OWNER = f"{CLIENT}/renewal-owner"
DEFAULT = {"choice": "inherit", "contact_id": "", "shown": "{shown}"}
ALICE = {"choice": "partner", "contact_id": "{alice}", "shown": "{shown}"}
TO_DO = "/partner/to-do"
BEARER = {"Authorization": "Bearer {token}"}
# (name, most statements, address, form, headers). A signed-in page begins with the one that loads the user.
PAGES: list[tuple[str, int, str, dict[str, str] | None, dict[str, str]]] = [
    ("to do", 8, TO_DO, None, {}),
    ("to do's queue", 8, TO_DO, None, HTMX),
    ("to do, filtered", 8, f"{TO_DO}?mine=1&owner=vendor&only=wrong&figure=quarter", None, {}),
    ("to do, next page", 8, f"{TO_DO}?section=later&after={{subscription}}", None, {}),
    ("dashboard", 5, DASHBOARD, None, {}),
    ("dashboard's rows", 5, DASHBOARD, None, HTMX),
    ("dashboard, filtered", 5, FILTERED, None, {}),
    ("dashboard, next page", 5, f"{DASHBOARD}?after={{client}}", None, {}),
    ("details", 7, f"{CLIENT}/renewals", None, {}),
    ("way of a reminder", 4, f"{CLIENT}/reminders/1", None, HTMX),
    ("contacts", 8, f"{CLIENT}/contacts", None, {}),
    ("evidence", 8, f"{CLIENT}/evidence/{{subscription}}/1", None, {}),
    ("activity", 8, f"{CLIENT}/activity", None, {}),
    ("history", 4, "/partner/history", None, {}),
    ("history, next page", 4, "/partner/history?before=40", None, {}),
    ("history, filtered", 5, f"/partner/history?{HISTORY}", None, {}),
    ("dialog as a page", 4, OWNER, None, {}),
    ("dialog", 4, OWNER, None, HTMX),
    ("preview", 4, f"{OWNER}/preview?choice=vendor", None, HTMX),
    ("communications", 4, "/settings/partners", None, {}),
    ("first mails", 7, "/settings/partners/first-mails", None, HTMX),
    ("decision", 2, "/partner/subscriptions/{subscription}/renewed", None, HTMX),
    ("mail texts", 2, "/settings/mail-texts", None, {}),
    ("preview of a mail", 4, "/settings/mail-texts/pl/reminder_client", None, {}),
    ("upcoming", 2, "/upcoming", None, {}),
    ("deliveries", 4, "/partner/deliveries", None, {}),
    ("opened mail", 2, "/partner/deliveries/1", None, {}),
    ("HTML of a mail", 2, "/partner/deliveries/1/html", None, {}),
    ("file of a mail", 2, "/partner/deliveries/1/eml", None, {}),
    ("company", 6, "/account/company", None, {}),
    ("own mails", 2, "/account/mails", None, {}),
    ("own mail", 2, "/account/mails/1", None, {}),
    ("team", 2, "/settings/team", None, {}),
    ("profile", 5, "/settings/profile", None, {}),
    ("to-do mail", 2, "/settings/profile/to-do", None, {}),
    ("two-step verification", 3, "/settings/two-step", None, {}),
    ("what happened", 3, "/settings/profile/log", None, {}),
    ("security log", 2, "/settings/team/log", None, {}),
    ("access", 3, "/settings/profile/access", None, {}),
    ("renewals for programs", 5, "/api/renewals?days=365", None, BEARER),
    ("their next page", 5, "/api/renewals?days=365&owner=vendor&after=1.1", None, BEARER),
    ("events for programs", 5, "/api/events?limit=500", None, BEARER),
    ("save", 9, OWNER, DEFAULT, {}),
    ("save in the dialog", 11, OWNER, ALICE, HTMX),
    ("save in vain", 4, OWNER, {"choice": "partner", "contact_id": "x"}, HTMX),
]


@pytest.mark.parametrize("rows", [1, 50])
def test_a_page_takes_as_many_statements_for_many_rows(
    app: Flask, cast: Cast, browse: Any, statements: Callable[[], Any], rows: int
) -> None:
    grow(app, cast, rows)
    with unit_of_work(app):
        alice = db.session.get_one(User, cast.alice)
        tokens = [
            access_tokens.make(alice, "Reports", 30, Opens.API) for _one in range(min(rows, 20))
        ]
    faults = []
    for name, most, address, form, headers in PAGES:
        with app.app_context():
            shown = ownership.shown(db.session.get_one(Client, cast.client))
        values = {
            "client": cast.client,
            "subscription": cast.subscription,
            "alice": cast.alice,
            "shown": shown,
            "token": tokens[0],
        }
        headers = {header: text.format(**values) for header, text in headers.items()}
        reader = browse(cast.dana if address.startswith("/account") else cast.alice)
        url = address.format(**values)
        with statements() as log:
            if form is None:
                answer = reader.get(url, headers=headers)
            else:
                data = {field: text.format(**values) for field, text in form.items()}
                answer = reader.post(url, data=data, headers=headers)
        assert answer.status_code == (422 if "vain" in name else 303 if form is DEFAULT else 200)
        if len(log) > most:
            faults.append("\n".join([f"{name}: {len(log)} statements instead of {most}", *log]))
    assert not faults, "\n\n".join(faults)
