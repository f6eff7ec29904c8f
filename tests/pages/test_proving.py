"""Failures to prove who one is: a stranger can't lock the owner out, nobody guesses on, and the log tells."""

from collections import Counter

import pytest
from sqlalchemy import select

from tests.support.cast import Cast, let_in, unit_of_work
from webapp.models import SecurityEvent, User, db
from webapp.services.accounts import logins
from webapp.signin import limits, password

SECRET = "correct horse battery"
DAVE = "dave@acme.example"
HOME, OFFICE = "192.0.2.1", "198.51.100.1"


@pytest.fixture
def dave(app, cast: Cast) -> int:
    with unit_of_work(app):
        login = let_in(db.session.get_one(User, cast.dave))
        logins.set_password(login, password.hash_password(SECRET))
    return cast.dave


def sign_in(client, email, given, network=HOME):
    data = {"email": email, "password": given}
    return client.post("/sign-in", data=data, environ_base={"REMOTE_ADDR": network})


def guess(client, email=DAVE, network=OFFICE, times=5):
    return [sign_in(client, email, "wrong", network).status_code for _ in range(times)]


def told(app):
    with app.app_context():
        return [
            (line.action.value, line.user_id, line.network)
            for line in db.session.scalars(select(SecurityEvent).order_by(SecurityEvent.id))
        ]


def test_a_stranger_does_not_lock_the_owner_out(app, browse, dave):
    laptop = browse()
    assert sign_in(laptop, DAVE, SECRET, OFFICE).status_code == 303
    laptop.post("/sign-out")
    assert guess(browse()) == [422] * 5
    # From there it is over, even with the right password,
    assert sign_in(browse(), DAVE, SECRET, OFFICE).status_code == 429
    # but not at home, nor there on the owner's own device.
    assert sign_in(browse(), DAVE, SECRET, HOME).status_code == 303
    assert sign_in(laptop, DAVE, SECRET, OFFICE).status_code == 303


def test_a_known_device_has_a_count_of_its_own(browse, dave):
    laptop = browse()
    sign_in(laptop, DAVE, SECRET)
    laptop.post("/sign-out")
    assert guess(laptop, network=HOME) == [422] * 5
    # Wherever it is carried.
    assert guess(laptop, network=OFFICE, times=1) == [429]
    assert guess(browse(), network=HOME, times=1) == [422]


def test_a_known_device_knows_one_login(browse, dave):
    laptop = browse()
    sign_in(laptop, DAVE, SECRET)
    assert guess(browse(), "dana@acme.example", HOME) == [422] * 5
    assert guess(laptop, "dana@acme.example", HOME, times=1) == [429]


def test_many_networks_together_guess_slowly_and_the_owner_goes_on(browse, dave):
    laptop = browse()
    sign_in(laptop, DAVE, SECRET)
    laptop.post("/sign-out")
    most = int(limits.FAILURES_ANYWHERE.split()[0])
    codes = Counter()
    for number in range(most // 5 + 2):
        codes.update(guess(browse(), network=f"203.0.113.{number}"))
    assert codes == {422: most, 429: 10}
    assert sign_in(browse(), DAVE, SECRET, HOME).status_code == 429
    assert sign_in(laptop, DAVE, SECRET, HOME).status_code == 303


def test_the_page_says_how_long_and_machines_know(browse, dave):
    guess(browse())
    answer = sign_in(browse(), DAVE, "wrong", OFFICE)
    assert answer.status_code == 429
    assert 14 * 60 < int(answer.headers["Retry-After"]) <= 15 * 60 + 1
    assert "Try again in 15 minutes." in answer.text


def test_failures_are_told_without_what_was_typed(app, browse, dave):
    guess(browse())
    guess(browse(), "Nobody@Secret.example", times=1)
    failed = ("sign_in_failed", dave, OFFICE)
    assert told(app)[1:] == [
        *[failed] * 5,
        ("locked", dave, OFFICE),
        ("sign_in_failed", None, OFFICE),
    ]
    with app.app_context():
        rows = db.session.execute(select(SecurityEvent.__table__)).all()
    assert "secret" not in str(rows).casefold()


def test_a_failure_takes_the_same_statements_for_unknown_addresses(browse, dave, statements):
    said = []
    for email in (DAVE, "dana@acme.example", "nobody@nowhere.example"):
        with statements() as log:
            sign_in(browse(), email, "wrong")
        said.append(log)
    assert said[0] == said[1] == said[2]
    assert any(statement.startswith("INSERT") for statement in said[0])


def test_the_present_password_can_t_be_guessed_on_either(app, browse, dave):
    here = browse(dave)
    form = {"present": "wrong", "password": "x" * 12, "again": "x" * 12}
    codes = [
        here.post(
            "/settings/profile/password", data=form, environ_base={"REMOTE_ADDR": OFFICE}
        ).status_code
        for _ in range(6)
    ]
    assert codes == [422] * 5 + [429]
    # All routes count together.
    assert sign_in(browse(), DAVE, SECRET, OFFICE).status_code == 429
    assert told(app)[-1] == ("locked", dave, OFFICE)


def test_without_an_address_nobody_is_proved(browse, caplog):
    """Nor is there anything to count by, and the limiter would log it as a fault of ours."""
    assert guess(browse(), email="", times=1) == [422]
    assert [line.message for line in caplog.records if line.levelname == "ERROR"] == []
