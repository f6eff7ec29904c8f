"""Whatever happens in whatever order, nobody is told twice and nothing that fell due disappears."""

from collections import Counter
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email.parser import BytesHeaderParser
from zoneinfo import ZoneInfo

import pytest
import time_machine
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import func, select, update

from tests.proof.database import begin_anew, keep, new_portal
from tests.support import cast as support
from tests.support.cast import make_subscription, unit_of_work
from webapp import worker
from webapp.domain.delivery import ENDED, OPEN, WITHDRAWN, may_follow
from webapp.domain.ownership import Choice
from webapp.domain.recipients import ContactRole
from webapp.domain.reminders import due_items
from webapp.domain.todo import Rhythm
from webapp.mail import return_paths
from webapp.mail.reports import MailReport, ReportKind
from webapp.mail.return_paths import ReturnPath
from webapp.mail.transport import Rejected, TryAgain, Unclear
from webapp.models import (
    AuditEntry,
    Client,
    Delivery,
    DeliveryState,
    Installation,
    MailKind,
    Partner,
    Reminder,
    ReminderState,
    Subscription,
    User,
    db,
    delivery_reminder,
)
from webapp.models.audit import AuditAction
from webapp.services import audit, errors, search_words
from webapp.services.accounts import membership, partners, people
from webapp.services.clients import archiving, contacts, ownership, renewals
from webapp.services.clients import subscriptions as service
from webapp.services.reminders import due_index, loading
from webapp.services.sending import bounces, following
from webapp.services.sending.bounces import ReportOutcome
from webapp.services.trail import undo

START = datetime(2027, 3, 1, 10, tzinfo=UTC)
WARSAW = ZoneInfo("Europe/Warsaw")
# More transactions than one round of so few clients can need: it goes round in circles.
TOO_MANY_COMMITS = 300


# The database itself notes each transition of a mail, whoever writes it.
WITNESS = (
    "CREATE TABLE seen_transition (before TEXT, after TEXT, UNIQUE (before, after))",
    """CREATE TRIGGER see_transition AFTER UPDATE OF state ON delivery BEGIN
        INSERT OR IGNORE INTO seen_transition VALUES (old.state, new.state);
    END""",
)


class Killed(BaseException):
    """Stands for kill -9: nothing in the code may catch it."""


class Breakdown:
    """Kills at the n-th moment from now, if there is one: each commit has two, each mail three."""

    def __init__(self):
        self.left = None

    def moment(self):
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                self.left = None
                raise Killed


class Server:
    """A mail server that answers each address as told, and notes what it took."""

    def __init__(self, breakdown):
        self.breakdown = breakdown
        self.answers = {}
        self.taken = []

    def send(self, envelope, message, before_data):
        answer = self.answers.get(envelope.recipient)
        if answer in (Rejected, TryAgain):
            raise answer("550 no" if answer is Rejected else "451 later")
        before_data()
        self.breakdown.moment()
        if answer == "broken":
            raise RuntimeError("nobody has thought of this")
        headers = BytesHeaderParser().parsebytes(message)
        self.taken.append((headers["Message-ID"], envelope.recipient, datetime.now(UTC)))
        self.breakdown.moment()
        if answer is Unclear:
            raise Unclear("the line dropped")
        return "250 taken"

    def close(self):
        """Nothing to close."""


class Portal(RuleBasedStateMachine):
    """One partner, one client, two subscriptions, and everything that may happen to them."""

    app = None

    def __init__(self):
        super().__init__()
        self.now = START
        self.breakdown = Breakdown()
        self.server = Server(self.breakdown)
        self.patches = pytest.MonkeyPatch()
        self.patches.setattr(worker, "open_transport", lambda _: self.server)
        self.patches.setattr(worker, "commit", self.commit)
        self.commits = 0
        self.told_before = None
        self.bounced = set()
        begin_anew(self.app)

    def teardown(self):
        try:
            self.comes_to_an_end()
        finally:
            self.patches.undo()

    def commit(self):
        self.commits += 1
        assert self.commits < TOO_MANY_COMMITS, "the worker goes round in circles"
        self.breakdown.moment()
        db.session.commit()
        db.session.expunge_all()
        self.breakdown.moment()

    @contextmanager
    def change(self):
        """A unit of work at the present business time; what the rules refuse is left undone."""
        with time_machine.travel(self.now, tick=False), unit_of_work(self.app):
            try:
                yield
            except (errors.Refused, errors.Conflict):
                db.session.rollback()

    def round(self):
        self.commits = 0
        with time_machine.travel(self.now, tick=False), suppress(Killed):
            worker.once(self.app)
        self.breakdown.left = None

    # Events.

    @initialize(insistent=st.booleans(), owner=st.sampled_from(Choice))
    def begin(self, insistent, owner):
        with self.change():
            db.session.execute(update(Partner).values(sending=True, insistent=insistent))
            client = db.session.scalars(select(Client).order_by(Client.id)).first()
            ownership.choose_owner(None, client, owner, None)

    @rule(hours=st.sampled_from((1, 6, 24, 24, 72, 24 * 7, 24 * 40, -1, -24)))
    def time_passes(self, hours):
        self.now += timedelta(hours=hours)

    @rule()
    def worker_runs(self):
        self.round()

    @rule(moments=st.integers(0, 25))
    def worker_is_killed(self, moments):
        self.breakdown.left = moments
        self.round()

    @rule()
    def leases_run_out(self):
        with self.change():
            db.session.execute(
                update(Delivery).where(Delivery.lease_until.is_not(None)).values(lease_until=1)
            )

    @rule(
        who=st.sampled_from(("dana@acme.example", "dave@acme.example", "alice@odnowa.example")),
        answer=st.sampled_from((None, None, Rejected, TryAgain, Unclear, "broken")),
    )
    def server_changes_its_mind(self, who, answer):
        self.server.answers[who] = answer

    @rule(which=st.integers(0, 5), address=st.booleans())
    def mail_bounces(self, which, address):
        """A report of one of the last mails comes in: it bounces once it is known that it was sent."""
        if which >= len(self.server.taken):
            return
        message_id = self.server.taken[-1 - which][0]
        with self.change():
            mail = db.session.scalar(select(Delivery).where(Delivery.message_id == message_id))
            seed = db.session.scalar(select(Installation.seed))
            path = ReturnPath(mail.id, return_paths.sign(seed, mail.id, message_id))
            report = MailReport(ReportKind.PERMANENT, path, "550 no", address)
            outcome = bounces.take(report, self.now)
            assert (outcome is ReportOutcome.EARLY) == (mail.state in OPEN)
            if outcome is ReportOutcome.BOUNCED:
                assert message_id not in self.bounced
                self.bounced.add(message_id)

    @rule(choice=st.sampled_from(Choice), name=st.sampled_from((None, "Alice", "Bob")))
    def owner_changes(self, choice, name):
        with self.change():
            client = self.client()
            contact = self.user(name).id if name else None
            ownership.choose_owner(None, client, choice, contact)

    @rule(role=st.sampled_from(ContactRole), name=st.sampled_from((None, "Dana", "Dave")))
    def contact_changes(self, role, name):
        with self.change():
            held = contacts.holders(self.client().id)
            wanted = {**held, role: self.user(name).id if name else None}
            contacts.assign_contacts(self.user("Alice"), self.client(), wanted)

    @rule(name=st.sampled_from(("Dana", "Dave", "Alice", "Bob")), active=st.booleans())
    def person_comes_or_goes(self, name, active):
        with self.change():
            (membership.activate if active else membership.deactivate)(None, self.user(name))

    @rule(
        name=st.sampled_from(("Alice", "Bob")),
        rhythm=st.sampled_from(Rhythm),
        weekday=st.integers(0, 6),
        hour=st.integers(0, 23),
    )
    def to_do_mail_has_another_moment(self, name, rhythm, weekday, hour):
        with self.change():
            pace = {"todo_rhythm": rhythm, "todo_weekday": weekday, "todo_hour": hour}
            people.edit_person(None, self.user(name), **pace)

    @rule(name=st.sampled_from(("Dana", "Dave")), number=st.integers(1, 2))
    def address_changes(self, name, number):
        with self.change():
            email = f"{name.lower()}{number}@acme.example"
            people.edit_person(None, self.user(name), email=email)

    @rule(which=st.integers(0, 1), days=st.integers(-3, 95))
    def date_moves(self, which, days):
        with self.change():
            one = self.subscription(which)
            moved = self.now.date() + timedelta(days=days)
            service.edit_subscription(
                None, one, replace(service.details_of(one), renewal_date=moved, deadline=None)
            )

    @rule(which=st.integers(0, 1))
    def date_comes_back(self, which):
        with self.change():
            one = self.subscription(which)
            original = replace(service.details_of(one), renewal_date=date(2027, 3, 31))
            service.edit_subscription(None, one, original)

    @rule(which=st.integers(0, 1))
    def it_is_renewed(self, which):
        with self.change():
            renewals.renew(None, self.subscription(which))

    @rule(which=st.integers(0, 1), itself=st.booleans(), by_rule=st.booleans())
    def its_end_is_chosen(self, which, itself, by_rule):
        """Whether it renews by itself, and whether its deadline follows the partner's rule."""
        with self.change():
            one = self.subscription(which)
            chosen = {"renews_itself": itself, "deadline_by_rule": by_rule, "deadline": None}
            service.edit_subscription(None, one, replace(service.details_of(one), **chosen))

    @rule(deadline=st.sampled_from((None, "P10D", "P2M")))
    def the_rule_for_deadlines_changes(self, deadline):
        with self.change():
            partner = self.client().partner
            partner.deadline_rule_text = deadline
            following.begin(None, partner.id)

    @rule(steps=st.sampled_from((":/", ":30,7/14", "1:7,1/;:90,30,14,7,1/90,30")))
    def the_steps_change(self, steps):
        with self.change():
            partner = self.client().partner
            partners.save_schedule(
                None, partner, replace(partners.schedule_of(partner), steps_text=steps)
            )

    @rule(which=st.integers(0, 1), months=st.sampled_from((1, 3, 12)))
    def its_term_changes(self, which, months):
        with self.change():
            one = self.subscription(which)
            service.edit_subscription(
                None, one, replace(service.details_of(one), term_months=months)
            )

    @rule()
    def a_roll_is_undone(self):
        with self.change():
            rolled = AuditEntry.action == AuditAction.SUBSCRIPTION_ROLLED
            entry = audit.newest(rolled, AuditEntry.undone.is_(False))
            if entry:
                undo.undo(self.user("Alice"), entry)

    @rule(which=st.integers(0, 4))
    def one_of_the_newest_changes_is_undone(self, which):
        with self.change():
            changes = select(AuditEntry).where(AuditEntry.undone.is_(False))
            newest = db.session.scalars(changes.order_by(AuditEntry.id.desc()).limit(5)).all()
            if which < len(newest):
                undo.undo(self.user("Alice"), newest[which])

    @rule(which=st.integers(0, 1), cancelled=st.booleans())
    def it_is_cancelled_or_restored(self, which, cancelled):
        with self.change():
            one = self.subscription(which)
            if cancelled:
                renewals.cancel(None, one)
            elif one.cancelled:
                renewals.restore(None, one, cancelled=False)

    @rule(sending=st.booleans())
    def sending_is_switched(self, sending):
        with self.change():
            partners.switch(None, self.client().partner, "sending", sending)

    @rule(away=st.booleans())
    def client_is_archived_or_brought_back(self, away):
        with self.change():
            (archiving.archive if away else archiving.bring_back)(None, self.client())
        self.told_before = len(self.server.taken) if away else None

    # Invariants.

    @invariant()
    def nothing_goes_out_for_an_archived_client(self):
        if self.told_before is not None:
            assert len(self.server.taken) == self.told_before

    @invariant()
    def nobody_is_told_twice(self):
        with self.app.app_context():
            known = {
                row.message_id: row
                for row in db.session.execute(
                    select(
                        Delivery.id,
                        Delivery.message_id,
                        Delivery.kind,
                        Delivery.client_id,
                        Delivery.recipient_id,
                        Delivery.about,
                        Partner.insistent,
                    )
                    .outerjoin(Partner, Partner.id == Delivery.partner_id)
                    .where(Delivery.message_id.is_not(None))
                )
            }
            told = {}
            for link in db.session.execute(
                select(delivery_reminder.c.delivery_id, delivery_reminder.c.reminder_id)
            ):
                told.setdefault(link.delivery_id, []).append(link.reminder_id)
            db.session.remove()
        times = Counter(message_id for message_id, _, _ in self.server.taken)
        for message_id, count in times.items():
            assert count <= (2 if known[message_id].insistent else 1)
        # What bounced has told nobody.
        once = {
            message_id: (email, at)
            for message_id, email, at in reversed(self.server.taken)
            if message_id not in self.bounced
        }
        keys = Counter(
            (email, at.astimezone(WARSAW).date())
            for message_id, (email, at) in once.items()
            if known[message_id].client_id
        )
        assert not keys or max(keys.values()) == 1
        steps = Counter(
            (email, known[message_id].kind, reminder_id)
            for message_id, (email, _) in once.items()
            for reminder_id in told.get(known[message_id].id, ())
        )
        assert not steps or max(steps.values()) == 1
        periods = Counter(
            (known[message_id].recipient_id, known[message_id].about)
            for message_id in once
            if known[message_id].kind is MailKind.TO_DO
        )
        assert not periods or max(periods.values()) == 1

    @invariant()
    def every_transition_is_in_the_table(self):
        with self.app.app_context():
            seen = db.session.execute(db.text("SELECT before, after FROM seen_transition")).all()
            db.session.remove()
        for before, after in seen:
            assert may_follow(DeliveryState(before), DeliveryState(after)), (before, after)

    @invariant()
    def what_is_derived_is_kept(self):
        with self.app.app_context():
            support.assert_situations_are_kept()
            support.assert_words_are_kept()
            support.assert_days_are_kept()
            db.session.remove()

    def comes_to_an_end(self):
        """Once nothing breaks any more, all that has fallen due has an end or a reason that is shown."""
        self.server.answers.clear()
        self.leases_run_out()
        self.sending_is_switched(True)
        self.client_is_archived_or_brought_back(False)
        for _ in range(5):
            self.round()
            self.nobody_is_told_twice()
            self.every_transition_is_in_the_table()
            self.now += timedelta(days=1)
        with time_machine.travel(self.now - timedelta(days=1), tick=False), self.app.app_context():
            self.check_end()
            db.session.remove()

    def check_end(self):
        """Every delivery has ended; every reminder was told, or says why not; nothing was overlooked."""
        waiting = db.session.execute(
            select(Delivery.id, Delivery.state).where(
                Delivery.state.in_(OPEN),
                Delivery.send_after <= datetime.now(UTC),
            )
        ).all()
        assert not waiting
        assert not db.session.scalar(
            select(func.count()).where(Reminder.state == ReminderState.DUE)
        )
        told = (
            select(delivery_reminder.c.reminder_id)
            .join(Delivery, Delivery.id == delivery_reminder.c.delivery_id)
            .where(Delivery.state.in_(ENDED - WITHDRAWN | {DeliveryState.QUEUED}))
        )
        silent = db.session.execute(
            select(Reminder.id, Reminder.step, Reminder.base_date).where(
                Reminder.state == ReminderState.ISSUED, Reminder.id.not_in(told)
            )
        ).all()
        assert not silent
        client = loading.load_one(self.client().id)
        self.check_days(datetime.now(UTC).astimezone(client.zone).date())
        for item in due_items(client, datetime.now(UTC)):
            assert item.step in item.subscription.planned

    def check_days(self, today):
        """What renews by itself is in its term. All are looked at again, unless they are past and must be decided."""
        for one in map(self.subscription, (0, 1)):
            if one.cancelled:
                assert one.attention_on is None
            elif one.renews_itself:
                assert one.renewal_date >= today
                assert today < one.attention_on <= one.renewal_date + timedelta(days=1)
            else:
                assert one.attention_on is None or one.attention_on > today
                assert one.attention_on is not None or one.base_date < today

    def client(self):
        return db.session.scalars(select(Client).order_by(Client.id)).first()

    def user(self, name):
        return db.session.scalar(select(User).where(User.name == name))

    def subscription(self, which):
        return db.session.scalars(
            select(Subscription)
            .where(Subscription.client_id == self.client().id)
            .order_by(Subscription.id)
        ).all()[which]


@pytest.fixture
def machine(tmp_path):
    """The machine on an SQLite file of its own, which each example begins with anew."""
    app = new_portal(tmp_path)
    populate(app)
    with app.app_context():
        for statement in WITNESS:
            db.session.execute(db.text(statement))
        db.session.commit()
    keep(app)
    return type("Portal", (Portal,), {"app": app})


def populate(app):
    """Acme with three contacts and two products: a year's, and a month's. Its partner's people get To-do mails."""
    with unit_of_work(app):
        known = support.add_cast()
        team = update(User).where(User.organisation_id == known.partner)
        db.session.execute(team.values(todo_at=START))
        client = db.session.scalars(select(Client).order_by(Client.id)).first()
        db.session.add(make_subscription(client, "Sales Hub", date(2027, 3, 15), term_months=1))
        db.session.flush()
        due_index.refresh_where(Subscription.client_id == client.id)
        search_words.refresh([client.id])


def test_whatever_happens_nobody_is_told_twice_and_nothing_disappears(machine):
    run_state_machine_as_test(machine, settings=settings(max_examples=20, stateful_step_count=20))
