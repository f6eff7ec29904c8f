"""New mails: what is stored with them, and what is noted of their readers."""

from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask

from tests.support.cast import Cast
from webapp.domain.snapshots import PartnerName, TakeoverSnapshot
from webapp.models import MailKind, User, db
from webapp.services.reminders import loading
from webapp.services.sending import queueing
from webapp.services.sending.queueing import NewMail


@pytest.mark.parametrize("about_clients", [True, False])
def test_the_partner_of_a_reader_is_noted_with_the_first_mail_about_a_client(
    context: Flask, cast: Cast, about_clients: bool
) -> None:
    dana, bob, dave = (db.session.get_one(User, id) for id in (cast.dana, cast.bob, cast.dave))
    partner_id = cast.partner if about_clients else None
    mails = [new(user, partner_id) for user in (dana, bob, dana)]
    queueing.add(mails)
    queueing.add(mails[:1])
    db.session.expire_all()
    assert [user.told_by_id for user in (dana, bob, dave)] == [partner_id, partner_id, None]


def new(user: User, partner_id: int | None) -> NewMail:
    values: dict[str, Any] = {
        "partner": PartnerName(1, "Odnowa"),
        "time_zone": "UTC",
        "clients": (),
    }
    return NewMail(
        kind=MailKind.TAKEOVER_NOTE,
        person=loading.person(user),
        snapshot=TakeoverSnapshot(recipient=user.name, **values),
        queued_at=datetime(2027, 3, 1, tzinfo=UTC),
        partner_id=partner_id,
    )
