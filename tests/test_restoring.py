"""What becomes of mails that may have been sent after a backup. The drill as a whole: tests/proof/test_drill.py."""

import json
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import update

from tests.support.backup import Backup
from tests.support.cast import unit_of_work
from tests.support.drill import (
    BACKUP_AT,
    LOSS,
    NEXT_DAY,
    START,
    Killed,
    Server,
    add_clients,
    free_leases,
    lose,
    states,
    work,
)
from webapp import restoring
from webapp.models import Delivery, DeliveryMessage, Installation, Partner, Subscription, User, db
from webapp.services.sending.marks import OnHold

# The drill is played on both databases.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def backup(app):
    return Backup(app)


@pytest.fixture
def clients(app):
    return add_clients(app, today=12, tomorrow=6)


@pytest.fixture
def server():
    return Server()


@pytest.fixture
def lost(app, backup, clients, server):
    lose(app, backup, clients, server, lives=5)
    return server


@pytest.fixture
def command(app):
    def run(*words, at=LOSS, given=None):
        with time_machine.travel(at, tick=False):
            result = app.test_cli_runner().invoke(args=[*words], input=given)
        return result.exit_code, result.output

    return run


def restored(command, *options):
    code, output = command("restored", "--backup-at", BACKUP_AT.isoformat(), "--json", *options)
    assert code == 0, output
    return json.loads(output)["held"]


def test_a_hold_is_said_everywhere(app, lost, command):
    before = list(lost.taken)
    for _ in range(2):
        with pytest.raises(OnHold, match="portal restored"):
            work(app, lost, LOSS)
    for words in (("reminders", "send"), ("check",)):
        code, output = command(*words)
        assert code == 1
        assert "portal restored --backup-at TIME" in output
    pulse = json.loads(command("deliveries", "counts", "--json", at=LOSS + timedelta(hours=1))[1])
    assert pulse["on_hold_seconds"] == 3600
    assert pulse["worker_seen_seconds"] == 3600
    assert lost.taken == before
    restored(command)
    assert "on hold" not in command("deliveries", "counts")[1]


def test_restored_is_begun_again_and_ends_the_hold_once(app, lost, command, monkeypatch):
    def killed(moment):
        if moment > NEXT_DAY:
            raise Killed
        play(moment)

    play = restoring.play
    monkeypatch.setattr(restoring, "play", killed)
    with pytest.raises(Killed):
        command("restored", "--backup-at", BACKUP_AT.isoformat())
    with pytest.raises(OnHold):
        work(app, lost, LOSS)
    monkeypatch.setattr(restoring, "play", play)
    held = restored(command)
    code, output = command("restored", "--backup-at", BACKUP_AT.isoformat())
    assert code == 1
    assert "--force" in output
    assert restored(command, "--force") == held


def test_the_same_backup_is_recognised_once_more(app, backup, lost, command):
    restored(command)
    backup.put_back()
    with pytest.raises(OnHold):
        work(app, lost, LOSS)


def test_insistent_partners_have_held_mails_resent_by_a_person_only(app, lost, command):
    with unit_of_work(app):
        db.session.execute(update(Partner).values(insistent=True))
    before = list(lost.taken)
    restored(command)
    free_leases(app)
    work(app, lost, LOSS)
    assert lost.taken == before


def test_a_log_that_begins_too_late_settles_nothing(app, lost, command):
    restored(command)
    later = [line for line in lost.log if line.startswith("Mar  2")]
    words = ("reconcile", "--maillog", "-", "--time-zone", "UTC", "--complete")
    before = states(app)
    code, output = command(*words, given="".join(later))
    assert code == 1
    assert "not complete" in output
    assert command(*words, given="")[0] == 1
    assert states(app) == before


def test_what_is_no_longer_wanted_ends_as_too_late(app, lost, command):
    restored(command)
    with unit_of_work(app):
        db.session.execute(update(Subscription).values(cancelled=True))
    words = ("reconcile", "--maillog", "-", "--time-zone", "UTC", "--complete", "--json")
    code, output = command(*words, given="".join(lost.log))
    assert code == 0, output
    assert len(json.loads(output)["too_late"]) == 1
    assert states(app)["unclear"] == 0


def test_a_mail_that_breaks_once_more_is_not_queued_by_an_old_log(app, clients, lost, command):
    restored(command)
    words = ("reconcile", "--maillog", "-", "--time-zone", "UTC", "--complete", "--json")
    command(*words, given="".join(lost.log))
    old, lost.log = lost.log, []
    lost.unknown, lost.lives = set(), 1
    with pytest.raises(Killed):
        work(app, lost, LOSS)
    free_leases(app)
    work(app, lost, LOSS)
    assert states(app)["unclear"] == 1
    told = json.loads(command(*words, given="".join(old))[1])
    assert (told["queued"], told["left"]) == ([], [])
    assert lost.counts() == dict.fromkeys(clients, 1)


@pytest.fixture
def invited(app, backup, command):
    """The server that took an invitation after the backup, which is back now, with the mail held."""
    server = Server()
    command("user", "add", "odnowa", "frank@odnowa.example", at=START)
    backup.take()
    work(app, server, BACKUP_AT)
    assert server.counts() == {"frank@odnowa.example": 1}
    backup.put_back()
    (held,) = restored(command)
    assert held["message_id"] == server.taken[0][1]
    return server


def reconciled(command):
    """What a log settles that is complete and has no mail."""
    words = ("reconcile", "--maillog", "-", "--time-zone", "UTC", "--complete", "--json")
    return json.loads(command(*words, given=f"{START:%b %e %H:%M:%S} mx nothing\n")[1])


def test_account_mails_are_held_too_and_queued_again_by_a_complete_log(app, cast, invited, command):
    assert len(reconciled(command)["queued"]) == 1
    work(app, invited, LOSS)
    assert invited.taken[1] == invited.taken[0]


def test_an_account_mail_whose_bytes_are_gone_is_not_queued_again(app, cast, invited, command):
    """Its link was over, and so was its row, so that the mail seems to have brought none."""
    with unit_of_work(app):
        db.session.execute(update(Delivery).values(link_id=None))
        db.session.execute(update(DeliveryMessage).values(content=None))
    told = reconciled(command)
    assert (told["queued"], len(told["too_late"])) == ([], 1)


def test_what_is_queued_while_on_hold_goes_out_afterwards(app, lost, command):
    before = list(lost.taken)
    with pytest.raises(OnHold):
        work(app, lost, LOSS)
    soon = LOSS + timedelta(minutes=1)
    command("user", "add", "odnowa", "grace@odnowa.example", at=soon)
    code, output = command("restored", "--backup-at", BACKUP_AT.isoformat(), "--json", at=soon)
    assert code == 0, output
    assert "grace@odnowa.example" not in output
    work(app, lost, soon)
    assert lost.counts()["grace@odnowa.example"] == 1
    assert [one for one in lost.taken if one[0] != "grace@odnowa.example"] == before


@pytest.mark.parametrize("moment", ["2027-03-02T12:01Z", "yesterday", "2027-03-02T13:30+01:00"])
def test_a_moment_must_have_passed(app, command, moment):
    assert command("restored", "--backup-at", moment)[0] == 2


def test_a_new_database_beside_an_old_one_is_not_held(app, lost, server):
    with unit_of_work(app):
        db.session.execute(update(Installation).values(lineage="another"))
    free_leases(app)
    assert work(app, server, LOSS)["sent"]


def test_a_database_without_a_restore_is_left_alone(app, clients, server, command):
    work(app, server, START)
    before = states(app)
    code, _ = command("restored", "--backup-at", BACKUP_AT.isoformat())
    assert code == 1
    assert states(app) == before


def test_a_lost_to_do_mail_is_held_and_found_in_the_log_by_its_period(app, backup, cast, command):
    server = Server()
    with unit_of_work(app):
        db.session.execute(update(Partner).values(sending=True))
        db.session.execute(
            update(User).where(User.id == cast.alice).values(todo_at=BACKUP_AT, todo_hour=11)
        )
    backup.take()
    work(app, server, BACKUP_AT)
    assert server.counts() == {"alice@odnowa.example": 1}
    backup.put_back()
    (held,) = restored(command)
    assert held["kind"] == "to_do"
    words = ("reconcile", "--maillog", "-", "--time-zone", "UTC", "--complete", "--json")
    told = json.loads(command(*words, given="".join(server.log))[1])
    assert (told["sent"], told["left"]) == ([held["id"]], [])
    work(app, server, LOSS)
    assert server.counts() == {"alice@odnowa.example": 1}
