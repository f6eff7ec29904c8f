"""A page and a worker that see to the same client at the same moment wait for each other, and never both."""

from datetime import date
from threading import Thread
from time import sleep

import pytest
import time_machine
from sqlalchemy import create_engine, text

from tests.support.cast import unit_of_work
from webapp import worker
from webapp.models import Partner, Subscription, db
from webapp.services import attention


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_date_is_moved_while_the_outbox_has_the_client(app, browse, cast, database_url):
    with unit_of_work(app):
        db.session.get(Partner, cast.partner).sending = True
        attention.refresh_where(Subscription.id.is_not(None))
    with time_machine.travel("2027-03-06 10:00+00:00", tick=False):
        # A Saturday: the mails of the 30 days' step wait.
        assert worker.once(app)["planned"]
    with app.app_context():
        version = db.session.get(Subscription, cast.subscription).version
        db.session.remove()
    alice, answers = browse(cast.alice), []

    def move_date():
        form = {"product": "Marketing Hub", "term_months": "12", "version": version}
        form["renewal_date"] = date(2027, 6, 30).isoformat()
        address = f"/partner/subscriptions/{cast.subscription}/edit"
        answers.append(alice.post(address, data=form).status_code)

    # The outbox locks a client before it looks at its reminders.
    engine = create_engine(database_url)
    with engine.begin() as outbox:
        outbox.execute(text("SELECT id FROM client WHERE id = :id FOR UPDATE"), {"id": cast.client})
        page = Thread(target=move_date)
        page.start()
        sleep(1)
        outbox.execute(
            text("UPDATE reminder SET state = state WHERE client_id = :id"), {"id": cast.client}
        )
    page.join()
    engine.dispose()
    assert answers == [303]
