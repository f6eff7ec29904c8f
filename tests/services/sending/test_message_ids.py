"""Message-IDs are made from what a mail is; one that is taken already gives way."""

import pytest
from sqlalchemy import select, update

from tests.support.cast import unit_of_work
from tests.support.portal import run_at
from tests.test_worker import STEP_30, sending  # noqa: F401 (a fixture)
from webapp.models import Delivery, db
from webapp.services.sending import message_ids

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def test_a_key_makes_one_message_id_and_each_part_counts(app, sending):  # noqa: F811
    run_at(app, STEP_30)
    with app.app_context():
        mail = db.session.scalars(select(Delivery).order_by(Delivery.id)).first()
        seed = message_ids.seed()

        def made(day=mail.day, revision=mail.revision, seed=seed):
            return message_ids.of_renewal(seed, mail, day, revision)

        assert made() == mail.message_id
        assert len({made(), made(day=None), made(revision=2), made(seed=b"another")}) == 4


def test_mails_without_a_client_differ_by_row_and_moment(app, cast):
    for name in ("frank", "fay"):
        app.test_cli_runner().invoke(args=["user", "add", "odnowa", f"{name}@odnowa.example"])
    with app.app_context():
        mails = db.session.scalars(select(Delivery)).all()
        ids = message_ids.of(mails)
        assert len(set(ids.values())) == 2
        assert message_ids.of(mails) == ids


def test_a_mail_that_kept_the_message_id_of_its_first_day_does_not_stop_the_next(app, sending):  # noqa: F811
    run_at(app, STEP_30)
    with unit_of_work(app):
        first = db.session.scalars(select(Delivery).order_by(Delivery.id)).first()
        kept, day = first.message_id, first.day
        moved = update(Delivery).where(Delivery.id == first.id).values(revision=2)
        db.session.execute(moved)
        other = Delivery(
            **{
                name: getattr(first, name)
                for name in ("kind", "client_id", "recipient_id", "email", "language", "snapshot")
            },
            day=day,
            revision=1,
            queued_at=first.queued_at,
            send_after=first.send_after,
        )
        db.session.add(other)
        db.session.flush()
        assert message_ids.of([other])[other.id] != kept
