"""Forgotten passwords: asking is the same work for everybody, and the worker answers whom it can."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, update

from tests.support.cast import Cast, let_in
from webapp import worker
from webapp.domain.mail_limits import LIMITS, Errand
from webapp.models import Delivery, InboxMail, Link, LinkPurpose, ResetRequest, User, db
from webapp.services.accounts import membership, resets

DANA, DAVE = "dana@acme.example", "dave@acme.example"


def counts() -> tuple[int, int]:
    """Count the open requests, and the mails."""
    return tuple(
        db.session.scalar(select(func.count()).select_from(model))
        for model in (ResetRequest, Delivery)
    )


def test_asking_takes_the_same_statements_for_everybody(app, browse, cast: Cast, statements):
    said = []
    # Somebody who signs in, a contact, a stranger.
    for email in (DANA, "dave@acme.example", "nobody@nowhere.example"):
        with statements() as log:
            answer = browse().post("/forgotten-password", data={"email": email})
        said.append([answer.status_code, answer.location, *log])
    assert said[0] == said[1] == said[2]
    assert said[0][1] == "/forgotten-password?sent=1"
    with app.app_context():
        assert counts() == (3, 0)


def test_a_round_answers_in_time_and_sends_at_once(app, browse, cast: Cast):
    for email in ("DANA@acme.example", "dave@acme.example", "nobody@nowhere.example"):
        browse().post("/forgotten-password", data={"email": email})
    worker.once(app)
    with app.app_context():
        assert counts() == (0, 1)
        assert db.session.scalars(select(InboxMail.recipient)).all() == [DANA]
        link = db.session.scalars(select(Link)).one()
        assert (link.purpose, link.email, link.user_id) == (
            LinkPurpose.PASSWORD_RESET,
            DANA,
            cast.dana,
        )


def test_nobody_gets_more_than_a_few(context, cast: Cast):
    let_in(db.session.get_one(User, cast.dave))
    for _ in range(6):
        resets.ask(DAVE)
    while resets.answer():
        pass
    most = LIMITS[Errand.PASSWORD_RESET].mailbox
    assert counts() == (0, most)
    assert db.session.scalar(select(func.count()).select_from(Link)) == most


@pytest.mark.parametrize(
    "spoil",
    [
        lambda dave: membership.deactivate(None, dave),
        lambda dave: db.session.execute(
            update(ResetRequest).values(asked_at=datetime.now(UTC) - timedelta(hours=2))
        ),
    ],
)
def test_requests_are_dropped_whatever_becomes_of_them(context, cast: Cast, spoil):
    dave = db.session.get_one(User, cast.dave)
    let_in(dave)
    resets.ask(DAVE)
    spoil(dave)
    assert resets.answer()
    assert not resets.answer()
    assert counts() == (0, 0)


def test_a_link_goes_to_the_login_wherever_its_user_gets_mail(context, cast: Cast):
    dave = db.session.get_one(User, cast.dave)
    let_in(dave)
    dave.email, dave.email_key = "elsewhere@acme.example", "elsewhere@acme.example"
    resets.ask("elsewhere@acme.example")
    resets.ask(DAVE)
    while resets.answer():
        pass
    assert db.session.scalars(select(Delivery.email)).all() == [DAVE]
