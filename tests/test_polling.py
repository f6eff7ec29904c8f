"""The mailbox of bounces in the worker's rounds: read once, each minute at most, and never in the way of sending."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from tests.services.conftest import sink as sink
from tests.services.sending.test_bounces import LATER, OURS, STEP_30, bounced
from tests.services.sending.test_bounces import sending as sending
from tests.services.sending.test_bounces import sent as sent
from tests.support.imap import PASSWORD, imap_server
from tests.support.portal import run_at
from webapp import polling
from webapp.config import load
from webapp.models import Delivery, DeliveryState, db
from webapp.services.sending import bounces
from webapp.services.sending.bounces import ReportOutcome


@pytest.fixture
def post(app, sent, sink):
    """A mailbox that the worker reads, after mails have gone out."""
    polling.read_at.clear()
    with imap_server() as post:
        app.config["PORTAL"] = load(
            {
                "PORTAL_MAIL_URL": f"{sink.url}?tls=off",
                "PORTAL_BOUNCE_ADDRESS": OURS,
                "PORTAL_BOUNCE_MAILBOX": post.url,
            }
        )
        yield post


def read_again(app, moment=LATER):
    polling.read_at.clear()
    return run_at(app, moment)


def states(app):
    with app.app_context():
        return [mail.state for mail in db.session.scalars(select(Delivery).order_by(Delivery.id))]


def test_reports_are_read_and_marked_once(app, post, sent):
    late = bounced(sent["dave"], "exim-delayed")
    post.add(bounced(sent["dana"]), late, b"Subject: no report\n\n")
    counts = run_at(app, LATER)
    assert {name: number for name, number in counts.items() if name.startswith("reports")} == {
        "reports bounced": 1,
        "reports delayed": 1,
        "reports foreign": 1,
    }
    assert post.unseen() == []
    # The mail about it goes out in the same round.
    assert counts["sent"] == 1
    post.add(bounced(sent["dave"]))
    asked = len(post.commands)
    assert not any(name.startswith("reports") for name in run_at(app, LATER))
    assert len(post.commands) == asked, "read again within the minute"
    assert read_again(app)["reports bounced"] == 1


def test_a_report_that_is_too_early_stays_unseen(app, post, sent, monkeypatch):
    monkeypatch.setattr(bounces, "take", lambda *_: ReportOutcome.EARLY)
    post.add(bounced(sent["dana"]))
    read_again(app)
    assert post.unseen() == [1]
    monkeypatch.undo()
    assert read_again(app)["reports bounced"] == 1


def test_a_worker_that_dies_between_storing_and_marking_counts_nothing_twice(app, post, sent):
    post.add(bounced(sent["dana"]))

    def die():
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(polling.mailbox.Mailbox, "mark", lambda *_: die())
        with pytest.raises(KeyboardInterrupt):
            read_again(app)
    assert post.unseen() == [1]
    assert read_again(app)["reports replayed"] == 1
    assert post.unseen() == []
    assert states(app).count(DeliveryState.BOUNCED) == 1


def test_a_report_that_another_worker_has_just_read_is_left_out(app, post, sent):
    post.add(bounced(sent["dana"]))
    post.upon["UID FETCH"] = lambda: post.seen.add(1)
    assert not any(name.startswith("reports") for name in read_again(app))
    assert DeliveryState.BOUNCED not in states(app)


def test_a_report_that_breaks_the_reading_holds_up_no_other(app, post, sent, monkeypatch):
    post.add(bounced(sent["dana"]), bounced(sent["dave"]))
    real, calls = bounces.take, []

    def break_once(*arguments):
        calls.append(arguments)
        if len(calls) == 1:
            raise ValueError("a fault")
        return real(*arguments)

    monkeypatch.setattr(bounces, "take", break_once)
    counts = read_again(app)
    assert (counts["reports broken"], counts["reports bounced"]) == (1, 1)
    assert post.unseen() == [1]


def test_a_database_that_is_away_leaves_the_report_where_it_is(app, post, sent, monkeypatch):
    post.add(bounced(sent["dana"]))

    def away(*_):
        raise OperationalError("", {}, Exception("away"))

    monkeypatch.setattr(bounces, "take", away)
    with pytest.raises(OperationalError):
        read_again(app)
    assert post.unseen() == [1]


@pytest.mark.parametrize("broken", ["AUTHENTICATE", "UID SEARCH", "UID FETCH", "UID STORE"])
def test_a_mailbox_that_breaks_costs_a_line_and_no_mail(app, post, sent, caplog, broken):
    post.add(bounced(sent["dana"]))

    def hang_up():
        raise ConnectionError("gone")

    post.upon[broken] = hang_up
    # The next reminder is due, and goes out all the same.
    counts = read_again(app, STEP_30 + timedelta(days=16))
    assert counts["sent"] >= 1
    lines = [record.getMessage() for record in caplog.records if record.name == "webapp.polling"]
    assert len(lines) == 1
    assert PASSWORD not in caplog.text


def test_a_wrong_password_is_said_without_it(app, post, caplog):
    settings = app.config["PORTAL"]
    wrong = settings.bounce_mailbox.replace("portal:", "portal:wrong-secret")
    app.config["PORTAL"] = load({"PORTAL_BOUNCE_ADDRESS": OURS, "PORTAL_BOUNCE_MAILBOX": wrong})
    read_again(app)
    lines = [record.getMessage() for record in caplog.records if record.name == "webapp.polling"]
    assert lines == ["the mailbox of bounces at 127.0.0.1: done"]
    assert "secret" not in caplog.text
