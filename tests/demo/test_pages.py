"""The demo bar, its clock, and the inbox."""

import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.support import run
from tests.support.cast import let_in, unit_of_work
from webapp.demo import inbox
from webapp.models import InboxMail, Installation, Opens, Partner, Subscription, User, db
from webapp.services import runtime
from webapp.services.accounts import access_tokens, logins, membership, people
from webapp.services.reminders.due_index import refresh
from webapp.worker import once

ROOT = Path(__file__).parent.parent.parent
in_demo = pytest.mark.settings(demo=True)


@pytest.fixture
def demo(app, cast):
    """The cast as a demo: marked, Alice has a password, and Frank has been invited by mail."""
    with unit_of_work(app):
        db.session.get_one(Installation, 1).demo = True
        alice = db.session.get_one(User, cast.alice)
        logins.set_password(let_in(alice), "-")
        frank = people.add_person(
            alice, alice.organisation, name="Frank", email="frank@odnowa.example"
        )
        membership.invite(alice, frank)
    once(app)


def mail_id(app):
    with app.app_context():
        return db.session.scalars(select(InboxMail.id)).one()


def offset(app):
    with app.app_context():
        return runtime.now().date() - datetime.now(UTC).date()


@in_demo
def test_the_bar_says_who_one_is_and_offers_the_others(browse, demo, cast):
    page = browse(cast.bob).get("/demo/inbox").text
    assert "Bob" in page
    assert f'name="user_id" value="{cast.alice}"' in page
    assert f'name="user_id" value="{cast.charlie}"' not in page


@in_demo
def test_the_inbox_lists_mails_by_recipient(browse, demo):
    eve = browse()
    assert "frank@odnowa.example" in eve.get("/demo/inbox").text
    assert "No mail yet" in eve.get("/demo/inbox?to=nobody@odnowa.example").text


@in_demo
def test_the_inbox_names_its_readers(app, browse, demo, cast):
    with unit_of_work(app):
        mail = db.session.scalars(select(InboxMail)).one()
        mail.recipient = "alice@odnowa.example"
    page = browse().get("/demo/inbox").text
    assert ">Alice, alice@odnowa.example (1)</option>" in page
    assert ">Alice <small>alice@odnowa.example</small></span>" in page


@in_demo
def test_the_inbox_goes_page_by_page_and_back(app, browse, demo, monkeypatch):
    monkeypatch.setattr(inbox, "PAGE", 2)
    with unit_of_work(app):
        first = db.session.scalars(select(InboxMail)).one()
        for number in range(4):
            mail = InboxMail(
                sender=first.sender,
                recipient=f"mail{number}@x.example",
                received_at=first.received_at,
                message=first.message,
            )
            db.session.add(mail)
            db.session.flush()
    eve, pages = browse(), []
    path = "/demo/inbox"
    while path:
        page = eve.get(path).text
        pages.append(re.findall(r'inbox-who">(?:\w+ <small>)?([a-z0-9]+)@', page))
        link = re.search(r'rel="next" href="([^"]*)"', page)
        path = link and link[1]
    assert pages == [["mail3", "mail2"], ["mail1", "mail0"], ["frank"]]
    back = eve.get(re.search(r'rel="prev" href="([^"]*)"', page)[1]).text
    assert re.findall(r'inbox-who">(?:\w+ <small>)?([a-z0-9]+)@', back) == pages[1]


@pytest.mark.settings(
    demo=True, base_url="https://portal.test", frame_ancestors=("https://intranet.example",)
)
def test_a_mail_is_shown_inside_a_framed_portal_too(app, browse, demo):
    policy = browse().get(f"/demo/inbox/{mail_id(app)}/html").headers["Content-Security-Policy"]
    assert policy.startswith("sandbox; default-src 'none';")
    assert policy.endswith("frame-ancestors 'self' https://intranet.example")


@in_demo
def test_a_mail_shows_headers_text_and_a_frame(app, browse, demo):
    page = browse().get(f"/demo/inbox/{mail_id(app)}").text
    assert "Auto-Submitted" in page
    assert "http://portal.test/link/" in page
    assert "<iframe" in page
    assert "sandbox></iframe>" in page


@in_demo
def test_the_html_of_a_mail_can_do_nothing(app, browse, demo):
    answer = browse().get(f"/demo/inbox/{mail_id(app)}/html")
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox; default-src 'none'; style-src 'unsafe-inline'")
    assert "Odnowa" in answer.text


@in_demo
@pytest.mark.parametrize("path", ["/demo/inbox/999", "/demo/inbox/999/html"])
def test_a_mail_that_is_not_there(browse, demo, path):
    assert browse().get(path).status_code == 404


@in_demo
@pytest.mark.parametrize(("move", "days"), [("day", 1), ("month", 30)])
def test_the_clock_moves(app, browse, demo, cast, move, days):
    answer = browse(cast.alice).post("/demo/clock", data={"move": move, "next": "/demo/inbox"})
    assert (answer.status_code, answer.location) == (303, "/demo/inbox")
    assert offset(app) == timedelta(days=days)


@in_demo
def test_the_next_event_sends_a_reminder(app, browse, demo, cast):
    with unit_of_work(app):
        db.session.get_one(Partner, cast.partner).sending = True
        subscription = db.session.get_one(Subscription, cast.subscription)
        subscription.renewal_date = datetime.now(UTC).date() + timedelta(days=100)
        refresh([subscription])
        # What the inbox loses meanwhile, since it is old, does not count.
        for mail in db.session.scalars(select(InboxMail)):
            mail.received_at -= timedelta(days=25)
    alice = browse(cast.alice)
    alice.post("/demo/clock", data={"move": "event"})
    assert timedelta(days=10) <= offset(app) <= timedelta(days=14)
    assert "3 mails went out" in alice.get("/demo/inbox").text


@in_demo
def test_without_events_the_clock_stays(app, browse, demo, cast):
    alice = browse(cast.alice)
    alice.post("/demo/clock", data={"move": "event"})
    assert offset(app) == timedelta()
    assert "No mail is to come" in alice.get("/demo/inbox").text


@in_demo
@pytest.mark.parametrize("hours", [-5, 40 * 24])
def test_a_link_arrives_at_once_wherever_the_clock_stands(app, browse, demo, cast, hours):
    with unit_of_work(app):
        db.session.get_one(Installation, 1).clock_offset_hours = hours
    browse().post("/forgotten-password", data={"email": "alice@odnowa.example"})
    assert once(app)["sent"] == 1


@in_demo
def test_a_move_that_there_is_not(browse, demo):
    assert browse().post("/demo/clock", data={"move": "year"}).status_code == 400


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("GET", "/demo/inbox"), ("GET", "/demo/inbox/1")),
        *(("POST", "/demo/clock"), ("POST", "/sign-in/demo")),
    ],
)
def test_outside_demo_mode_there_is_none_of_it(browse, cast, method, path):
    assert browse(cast.alice).open(path, method=method).status_code == 404


def test_outside_demo_mode_none_of_it_is_imported(tmp_path):
    program = "import sys, webapp.app; webapp.app.create_app(); print(*sys.modules, sep='\\n')"
    with_demo, without = (
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env=run.environment(PORTAL_INSTANCE_PATH=str(tmp_path), PORTAL_DEMO=mode),
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        for mode in "10"
    )
    assert "webapp.demo.pages" in with_demo
    assert [name for name in without if name.startswith("webapp.demo")] == []


@in_demo
def test_calendars_and_upcoming_renewals_follow_the_clock(app, browse, demo, cast):
    with unit_of_work(app):
        alice = db.session.get_one(User, cast.alice)
        subscription = db.session.get_one(Subscription, cast.subscription)
        subscription.renewal_date = datetime.now(UTC).date() + timedelta(days=420)
        refresh([subscription])
        token = access_tokens.make(alice, "Phone", 30, Opens.CALENDAR_ALL)
    address = f"/calendar/{token}.ics"
    assert "Acme" not in browse().get(address).text
    assert "Acme" not in browse(cast.alice).get("/upcoming").text
    with unit_of_work(app):
        db.session.get_one(Installation, 1).clock_offset_hours = 24 * 60
    # The token itself lives in real time.
    assert "Renewal date: Acme" in browse().get(address).text
    assert "Acme" in browse(cast.alice).get("/upcoming").text
