"""The drill: a backup, more mails, the loss of the database, the backup put back. Nobody twice, nobody lost."""

import gzip
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from email.parser import BytesHeaderParser

import pytest
import time_machine
from sqlalchemy import select, update

from tests.support.backup import Backup
from tests.support.cast import make_client, make_partner, make_subscription, make_user, unit_of_work
from webapp import restoring, worker
from webapp.domain.recipients import ContactRole
from webapp.mail.transport import TryAgain
from webapp.models import (
    ContactAssignment,
    Delivery,
    DeliveryState,
    Installation,
    Partner,
    Subscription,
    User,
    db,
)
from webapp.services.reminders import due_index
from webapp.services.sending.marks import OnHold

START = datetime(2027, 3, 1, 10, tzinfo=UTC)
BACKUP_AT = START + timedelta(minutes=1)
NEXT_DAY = START + timedelta(days=1)
LOSS = NEXT_DAY + timedelta(hours=2)
TODAY, TOMORROW = 12, 6
# The drill is played on both databases.
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


class Killed(BaseException):
    """Stands for kill -9."""


class Server:
    """A mail server with a log as Postfix has it. It puts off whom it does not know, and dies after so many mails."""

    def __init__(self):
        self.taken = []
        self.unknown = set()
        self.log = []
        self.lives = -1

    def send(self, envelope, message, before_data):
        if envelope.recipient in self.unknown:
            self.write(f"smtpd[1]: NOQUEUE: reject: RCPT: 451 to=<{envelope.recipient}>")
            raise TryAgain("451 later")
        before_data()
        headers = BytesHeaderParser().parsebytes(message)
        self.taken.append((envelope.recipient, headers["Message-ID"]))
        name = f"{len(self.taken):X}F0"
        self.write(f"cleanup[2]: {name}: message-id={headers['Message-ID']}")
        self.write(f"qmgr[3]: {name}: from=<{envelope.sender}>, size=9, nrcpt=1 (queue active)")
        self.lives -= 1
        if not self.lives:
            raise Killed
        return "250 taken"

    def write(self, text):
        self.log.append(f"{datetime.now(UTC):%b %e %H:%M:%S} mx postfix/{text}\n")

    def close(self):
        """Nothing to close."""

    def counts(self):
        return Counter(recipient for recipient, _ in self.taken)


@pytest.fixture
def server():
    return Server()


@pytest.fixture
def backup(app):
    return Backup(app)


@pytest.fixture
def clients(app):
    """Clients whose step falls due today or tomorrow, each with one contact; their addresses."""
    with unit_of_work(app):
        partner = make_partner("Odnowa", sending=True, steps_text="30")
        db.session.add(partner)
        emails = []
        for number in range(TODAY + TOMORROW):
            client = make_client(partner, f"Client{number}")
            day = START.date() + timedelta(days=30 + (number >= TODAY))
            contact = make_user(client, "Dana", language="en")
            db.session.add_all([client, contact, make_subscription(client, "Hub", day)])
            db.session.flush()
            db.session.add(
                ContactAssignment(client_id=client.id, role=ContactRole.PRIMARY, user_id=contact.id)
            )
            emails.append(contact.email)
        due_index.refresh_where(Subscription.id.is_not(None))
    return emails


@pytest.fixture
def command(app):
    def run(*words, at=LOSS, given=None):
        with time_machine.travel(at, tick=False):
            result = app.test_cli_runner().invoke(args=[*words], input=given)
        return result.exit_code, result.output

    return run


def work(app, server, at):
    with time_machine.travel(at, tick=False):
        return worker.once(app, transport=server)


def free_leases(app):
    with unit_of_work(app):
        leased = Delivery.lease_until.is_not(None)
        db.session.execute(update(Delivery).where(leased).values(lease_until=0))


def states(app):
    with app.app_context():
        return Counter(state.value for state in db.session.scalars(select(Delivery.state)))


def rename(app, email, name):
    """Change what a client's contact is called, so that a queued mail is superseded."""
    with unit_of_work(app):
        user = db.session.scalars(select(User).where(User.email == email)).one()
        user.name = name


@pytest.fixture
def lost(app, backup, clients, server):
    """The database as of a backup amid the sending, after more was sent from it and it was lost.

    Five mails were taken before; the worker died with the fifth. One person was put off in the lost hours. One mail had
    been superseded there, and another was sent a day late.
    """
    server.lives = 5
    late = clients[8]
    server.unknown = {clients[7], late}
    with pytest.raises(Killed):
        work(app, server, START)
    backup.take()
    free_leases(app)
    rename(app, clients[9], "Dana of the lost hours")
    work(app, server, BACKUP_AT + timedelta(minutes=10))
    server.unknown.remove(late)
    work(app, server, NEXT_DAY)
    everybody = dict.fromkeys(clients, 1)
    del everybody[clients[7]]
    assert server.counts() == everybody
    backup.put_back()
    return server


def restored(command, *options):
    code, output = command("restored", "--backup-at", BACKUP_AT.isoformat(), "--json", *options)
    assert code == 0, output
    return json.loads(output)["held"]


def test_nobody_is_told_twice_and_nobody_lost(app, clients, lost, command, tmp_path):
    before = list(lost.taken)
    # A worker that finds the backup sends nothing, and says why.
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

    held = restored(command)
    assert "on hold" not in command("deliveries", "counts")[1]
    # All but the four whose end the backup knows.
    assert sorted(one["email"] for one in held) == sorted(clients[4:])
    work(app, lost, LOSS)
    assert lost.taken == before

    log = tmp_path / "mail.log.gz"
    log.write_bytes(gzip.compress("".join(lost.log).encode()))
    options = ("reconcile", "--maillog", str(log), "--time-zone", "UTC", "--json")
    code, output = command(*options)
    assert code == 0, output
    told = json.loads(output)
    assert len(told["sent"]) == TODAY + TOMORROW - 4 - 1
    assert (told["queued"], told["too_late"], len(told["left"])) == ([], [], 1)

    told = json.loads(command(*options, "--complete")[1])
    assert (told["sent"], len(told["queued"]), told["left"]) == ([], 1, [])
    lost.unknown = set()
    work(app, lost, LOSS)
    work(app, lost, LOSS + timedelta(hours=1))
    assert lost.counts() == dict.fromkeys(clients, 1)
    assert states(app)["unclear"] == states(app)["queued"] == 0


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


@ON_SQLITE
def test_the_same_backup_is_recognised_once_more(app, backup, lost, command):
    restored(command)
    backup.put_back()
    with pytest.raises(OnHold):
        work(app, lost, LOSS)


@ON_SQLITE
def test_insistent_partners_have_held_mails_resent_by_a_person_only(app, lost, command):
    with unit_of_work(app):
        db.session.execute(update(Partner).values(insistent=True))
    before = list(lost.taken)
    restored(command)
    free_leases(app)
    work(app, lost, LOSS)
    assert lost.taken == before


@ON_SQLITE
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


@ON_SQLITE
def test_what_is_no_longer_wanted_ends_as_too_late(app, lost, command):
    restored(command)
    with unit_of_work(app):
        db.session.execute(update(Subscription).values(cancelled=True))
    words = ("reconcile", "--maillog", "-", "--time-zone", "UTC", "--complete", "--json")
    code, output = command(*words, given="".join(lost.log))
    assert code == 0, output
    assert len(json.loads(output)["too_late"]) == 1
    assert states(app)["unclear"] == 0


@ON_SQLITE
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


def test_account_mails_are_held_too_and_queued_again_by_a_complete_log(app, backup, cast, command):
    server = Server()
    command("user", "add", "odnowa", "frank@odnowa.example", at=START)
    backup.take()
    work(app, server, BACKUP_AT)
    assert server.counts() == {"frank@odnowa.example": 1}
    backup.put_back()
    (held,) = restored(command)
    assert held["message_id"] == server.taken[0][1]
    words = ("reconcile", "--maillog", "-", "--time-zone", "UTC", "--complete", "--json")
    told = json.loads(command(*words, given=f"{START:%b %e %H:%M:%S} mx nothing\n")[1])
    assert len(told["queued"]) == 1
    work(app, server, LOSS)
    assert server.taken[1] == server.taken[0]


@ON_SQLITE
@pytest.mark.parametrize("moment", ["2027-03-02T12:01Z", "yesterday", "2027-03-02T13:30+01:00"])
def test_a_moment_must_have_passed(app, command, moment):
    assert command("restored", "--backup-at", moment)[0] == 2


@ON_SQLITE
def test_a_new_database_beside_an_old_one_is_not_held(app, lost, server):
    with unit_of_work(app):
        db.session.execute(update(Installation).values(lineage="another"))
    free_leases(app)
    assert work(app, server, LOSS)["sent"]


@ON_SQLITE
def test_a_database_without_a_restore_is_left_alone(app, clients, server, command):
    work(app, server, START)
    before = states(app)
    code, _ = command("restored", "--backup-at", BACKUP_AT.isoformat())
    assert code == 1
    assert states(app) == before
    work(app, server, START + timedelta(hours=1))
    assert DeliveryState.UNCLEAR not in before
