"""Two that see to the same client at the same moment wait for each other, and never both.

Whoever changes a client's reminders locks the client first; here it is done by hand, beside a page or a
planner that does its own.
"""

from datetime import UTC, datetime
from threading import Thread

import pytest
import time_machine
from sqlalchemy import create_engine, func, select, text, update

from tests.support.cast import ON_POSTGRESQL, unit_of_work
from tests.support.forms import shown_in, shown_to
from tests.support.postgres import HELD_UP
from webapp import worker
from webapp.models import Partner, Reminder, Subscription, User, db
from webapp.services.reminders import due_index, planning

pytestmark = ON_POSTGRESQL
SATURDAY = datetime(2027, 3, 6, 10, tzinfo=UTC)


@pytest.fixture
def planned(app, cast):
    """The 30 days' step is planned: it waits for Monday, or for somebody to tell."""

    def plan(*, reachable):
        with unit_of_work(app):
            db.session.get(Partner, cast.partner).sending = True
            due_index.refresh_where(Subscription.id.is_not(None))
            if not reachable:
                refused = update(User).where(User.id.in_([cast.dana, cast.dave]))
                db.session.execute(refused.values(rejected_reply="550 5.1.1 gone"))
        with time_machine.travel(SATURDAY, tick=False):
            assert worker.once(app)["planned"]

    return plan


CHANGE_REMINDERS = "UPDATE reminder SET state = state WHERE client_id = :client"
# The lock that the foreign key of a new mail takes.
WRITE_TO_DAVE = 'SELECT id FROM "user" WHERE id = :dave FOR KEY SHARE'


def until_held_up(other, thread):
    """Until the thread's transaction waits for a lock, or the thread is done."""
    while thread.is_alive() and not other.scalar(text(HELD_UP)):
        other.execute(text("SELECT pg_stat_clear_snapshot()"))
        thread.join(0.02)


def beside(database_url, cast, work, then=CHANGE_REMINDERS):
    """Run something while the client is locked, and then something else is done, by somebody else."""
    thread, engine = Thread(target=work), create_engine(database_url)
    with engine.begin() as other:
        ids = {"client": cast.client, "dave": cast.dave}
        other.execute(text("SELECT id FROM client WHERE id = :client FOR UPDATE"), ids)
        thread.start()
        until_held_up(other, thread)
        other.execute(text(then), ids)
    thread.join()
    engine.dispose()


@pytest.mark.parametrize(
    ("path", "form"),
    [
        (
            "/partner/subscriptions/{subscription}/edit",
            {"product": "Marketing Hub", "term_months": "12", "renewal_date": "2027-06-30"},
        ),
        ("/partner/subscriptions/{subscription}/renewed", {}),
        (
            "/partner/clients/{client}/contacts/{dave}/edit",
            {"name": "Dave", "email": "dave.new@acme.example"},
        ),
        ("/settings/partners/default", {"owner": "partner", "notified_user_id": "{bob}"}),
    ],
)
def test_a_page(app, browse, cast, planned, database_url, path, form):
    planned(reachable="contacts" not in path and "partners" not in path)
    ids = {name: getattr(cast, name) for name in ("subscription", "client", "dave", "bob")}
    alice, answers = browse(cast.alice), []
    address, page = path.format(**ids), "/settings/partners" if "partners" in path else ""
    sent = {name: value.format(**ids) for name, value in form.items()}
    sent["shown"] = shown_to(alice, address, page)

    def post():
        answers.append(alice.post(address, data=sent).status_code)

    beside(database_url, cast, post)
    assert answers == [303]


def test_an_address_that_is_just_written_to(app, browse, cast, planned, database_url):
    planned(reachable=True)
    alice, answers = browse(cast.alice), []
    path = f"/partner/clients/{cast.client}/contacts/{cast.dave}/edit"
    form = {"name": "Dave", "email": "dave.new@acme.example", "shown": shown_to(alice, path)}

    def post():
        answers.append(alice.post(path, data=form).status_code)

    beside(database_url, cast, post, WRITE_TO_DAVE)
    assert answers == [303]


TEXTS = "/settings/mail-texts"
# (path, form, what somebody else stores in the same moment)
SAME_MOMENT = [
    (
        "/partner/clients/{client}/edit",
        {"name": "Hers", "language": "en", "time_zone": "Europe/Warsaw"},
        "UPDATE organisation SET name = 'His', version = version + 1 WHERE id = :client",
    ),
    (
        "/partner/subscriptions/{subscription}/edit",
        {"product": "Hers", "term_months": "12", "renewal_date": "2027-03-31"},
        "UPDATE subscription SET product = 'His', version = version + 1 WHERE id = :subscription",
    ),
    (
        "/partner/clients/{client}/contacts/{dave}/edit",
        {"name": "Hers", "email": "dave@acme.example"},
        """UPDATE "user" SET name = 'His', version = version + 1 WHERE id = :dave""",
    ),
    (
        "/partner/clients/{client}/renewal-owner",
        {"choice": "vendor", "contact_id": ""},
        "UPDATE client SET owner = 'partner', owner_version = owner_version + 1 WHERE id = :client",
    ),
    (
        f"{TEXTS}/pl",
        {"introduction": "Hers", "signature": ""},
        """WITH held AS (SELECT id FROM organisation WHERE id = :partner FOR NO KEY UPDATE)
        INSERT INTO wording (partner_id, language, introduction) SELECT id, 'pl', 'His' FROM held""",
    ),
]


@pytest.mark.parametrize(("path", "form", "quicker"), SAME_MOMENT)
def test_the_second_of_two_in_the_same_moment_is_told(
    app, browse, cast, database_url, path, form, quicker
):
    """The form was fresh when it was looked at; the database's own guard says that it is no more."""
    ids = {name: getattr(cast, name) for name in ("client", "subscription", "dave", "partner")}
    address, alice, answers = path.format(**ids), browse(cast.alice), []
    sent = form | {"shown": shown_to(alice, address, TEXTS if TEXTS in path else "")}

    def post():
        answers.append(alice.post(address, data=sent))

    thread, engine = Thread(target=post), create_engine(database_url)
    with engine.begin() as other:
        other.execute(text(quicker), ids)
        thread.start()
        until_held_up(other, thread)
    thread.join()
    engine.dispose()
    (answer,) = answers
    assert answer.status_code == 409
    assert "This has changed meanwhile. Nothing of yours was saved." in answer.text
    again = form | {"shown": shown_in(answer.text, address)[address]}
    assert alice.post(address, data=again).status_code == 303


# (path, form, whose row somebody else stores in the same moment, what the button leaves there)
BUTTONS = [
    ("/language", {"language": "pl"}, "dana", ("language", "pl")),
    ("/settings/team/{dave}/active", {"active": "0"}, "dave", ("active", False)),
]


@pytest.mark.parametrize(("path", "form", "whose", "left"), BUTTONS)
def test_a_button_in_the_same_moment_does_what_it_says(
    app, browse, cast, database_url, path, form, whose, left
):
    """It showed nothing that could have changed, so neither of the two is lost."""
    dana, user_id, answers = browse(cast.dana), getattr(cast, whose), []

    def post():
        answers.append(dana.post(path.format(dave=cast.dave), data=form).status_code)

    quicker = """UPDATE "user" SET name = 'His', version = version + 1 WHERE id = :id"""
    thread, engine = Thread(target=post), create_engine(database_url)
    with engine.begin() as other:
        other.execute(text(quicker), {"id": user_id})
        thread.start()
        until_held_up(other, thread)
    thread.join()
    engine.dispose()
    assert answers == [303]
    with app.app_context():
        user = db.session.get_one(User, user_id)
        assert (user.name, getattr(user, left[0])) == ("His", left[1])


def test_a_planner(app, cast, planned, database_url):
    """A planner leaves rows that somebody has in hand to the next round."""
    planned(reachable=False)

    def plan():
        with unit_of_work(app):
            for _ in planning.plan(datetime(2027, 3, 18, 10, tzinfo=UTC)):
                db.session.commit()

    def newest_step():
        with app.app_context():
            return db.session.scalar(
                select(func.min(Reminder.step)).where(Reminder.client_id == cast.client)
            )

    beside(database_url, cast, plan)
    assert newest_step() == 30
    plan()
    assert newest_step() == 14
