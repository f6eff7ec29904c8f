"""Whatever is done in whatever order, nobody gets in as somebody else, and no organisation moves the logins of another.

Each person of the cast has two mailboxes, and uses every link that comes there. What a person may do is what pages
allow: to change people of the own organisation as its admin, and those of clients as anybody of their partner.
"""

from contextlib import contextmanager

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import delete, select

from tests.proof.database import begin_anew, keep, new_portal
from tests.support import cast as support
from tests.support.cast import unit_of_work
from tests.support.doors import GROUPS
from tests.support.proof import TIMES
from webapp.domain.doors import Visitor
from webapp.models import (
    Client,
    CountedMail,
    Credential,
    CredentialKind,
    Link,
    LinkPurpose,
    Login,
    Membership,
    SignInMethod,
    User,
    UserSession,
    db,
)
from webapp.services.accounts import (
    addresses,
    doors,
    links,
    logins,
    membership,
    people,
    resets,
    sessions,
)
from webapp.services.accounts.doors import NotLetIn
from webapp.services.errors import Refused

MAILBOXES = {
    "alice": ("alice@odnowa.example", "alice@home.example"),
    "bob": ("bob@odnowa.example", "bob@home.example"),
    "charlie": ("charlie@renova.example", "charlie@home.example"),
    "dana": ("dana@acme.example", "dana@home.example"),
    "dave": ("dave@acme.example", "dave@home.example"),
    "other dana": ("dana@foreign.example", "other.dana@home.example"),
}
HOLDERS = {email: person for person, emails in MAILBOXES.items() for email in emails}
PEOPLE, EMAILS = st.sampled_from(list(MAILBOXES)), st.sampled_from(list(HOLDERS))
ANY = st.integers(min_value=0, max_value=999)


def holder(login):
    return HOLDERS[login.email]


def all_of(model):
    return db.session.scalars(select(model).order_by(*model.__table__.primary_key)).all()


class Portal(RuleBasedStateMachine):
    """Three organisations with a partner's client each.

    ``rightful``: by user, the person who accepted the invitation. A password is the name of who set it, and a number.
    """

    app = None

    def __init__(self):
        super().__init__()
        begin_anew(self.app)
        self.passwords = 0
        with unit_of_work(self.app):
            for login in all_of(Login):
                logins.set_password(login, self.new_password(holder(login)))
            self.rightful = {one.user_id: self.member(one) for one in all_of(Membership)}

    def new_password(self, person):
        self.passwords += 1
        return f"{person} {self.passwords}"

    @staticmethod
    def member(one):
        return holder(db.session.get_one(Login, one.login_id))

    @contextmanager
    def step(self):
        """A unit of work; what is refused leaves nothing."""
        with unit_of_work(self.app):
            # As if an hour had passed, so that no mail is one too many.
            db.session.execute(delete(CountedMail))
            try:
                yield
            except Refused:
                db.session.rollback()

    # Who somebody can be, and whom one may change.

    def roles(self, person):
        """The users as which a person gets in."""
        found = []
        for login in all_of(Login):
            stored = logins.password_of(login)
            if stored and stored.secret.split(" ")[:-1] == person.split(" "):
                found += logins.users_of(login)
        return found

    def colleagues(self, actor):
        """The users whom an actor may change: the own organisation's for its admin, and those of clients."""
        own = [user for user in all_of(User) if user.organisation_id == actor.organisation_id]
        clients = [
            user
            for user in all_of(User)
            if isinstance(user.organisation, Client)
            and user.organisation.partner_id == actor.organisation_id
        ]
        return (own if actor.admin else []) + clients

    def pick(self, found, number):
        return found[number % len(found)] if found else None

    def acting(self, person, which, whom):
        actor = self.pick(self.roles(person), which)
        return (actor, self.pick(self.colleagues(actor), whom)) if actor else (None, None)

    @contextmanager
    def watched(self, actor):
        """Check that an actor's step leaves alone what lies outside of the actor's organisations."""
        reach = {actor.organisation_id}
        reach |= {one.id for one in all_of(Client) if one.partner_id == actor.organisation_id}
        before = self.outside(reach)
        admins = self.invited_admins()
        yield
        db.session.flush()
        assert self.outside(reach) == before
        if not actor.admin and not isinstance(actor.organisation, Client):
            # A partner's member makes no client's admin, nor moves the invitation of one.
            assert self.invited_admins() == admins

    def outside(self, reach):
        """All logins with their credentials and memberships elsewhere."""
        db.session.flush()
        secrets = {(one.login_id, one.kind): one.secret for one in all_of(Credential)}
        elsewhere = {
            one.user_id: one.login_id
            for one in all_of(Membership)
            if db.session.get_one(User, one.user_id).organisation_id not in reach
        }
        emails = {one.id: one.email for one in all_of(Login)}
        mail = {one.id: one.email for one in all_of(User) if one.organisation_id not in reach}
        return secrets, elsewhere, emails, mail

    def invited_admins(self):
        users = select(User).where(User.admin).execution_options(populate_existing=True)
        return {
            user.id: user.email
            for user in db.session.scalars(users)
            if isinstance(user.organisation, Client)
        }

    # What people do.

    @rule(person=PEOPLE, which=ANY, email=EMAILS, at=ANY, admin=st.booleans())
    def adds_somebody_and_invites(self, person, which, email, at, admin):
        with self.step():
            actor, colleague = self.acting(person, which, at)
            if colleague:
                same = colleague.organisation_id == actor.organisation_id
                with self.watched(actor):
                    user = people.add_person(
                        actor,
                        colleague.organisation,
                        name="New",
                        email=email,
                        admin=admin and same,
                    )
                    membership.invite(actor, user)

    @rule(person=PEOPLE, which=ANY, whom=ANY)
    def invites(self, person, which, whom):
        with self.step():
            actor, user = self.acting(person, which, whom)
            if user:
                with self.watched(actor):
                    membership.invite(actor, user)

    @rule(person=PEOPLE, which=ANY, whom=ANY, email=EMAILS)
    def changes_an_address(self, person, which, whom, email):
        with self.step():
            actor, user = self.acting(person, which, whom)
            if user:
                with self.watched(actor):
                    people.edit_person(actor, user, email=email)

    @rule(person=PEOPLE, which=ANY, email=EMAILS)
    def enters_an_own_new_address(self, person, which, email):
        with self.step():
            user = self.pick(self.roles(person), which)
            if user:
                with self.watched(user):
                    people.edit_person(user, user, email=email)

    @rule(person=PEOPLE, which=ANY, whom=ANY, active=st.booleans())
    def sets_access(self, person, which, whom, active):
        with self.step():
            actor, user = self.acting(person, which, whom)
            if user and user.organisation_id == actor.organisation_id:
                with self.watched(actor):
                    change = membership.activate if active else membership.deactivate
                    change(actor, user)

    @rule(person=PEOPLE, which=ANY, whom=ANY, admin=st.booleans())
    def sets_a_role(self, person, which, whom, admin):
        with self.step():
            actor, user = self.acting(person, which, whom)
            if user and user.organisation_id == actor.organisation_id:
                with self.watched(actor):
                    people.edit_person(actor, user, admin=admin)

    @rule(person=PEOPLE, which=ANY)
    def signs_in(self, person, which):
        with self.step():
            user = self.pick(self.roles(person), which)
            if user:
                sessions.begin(user, SignInMethod.PASSWORD)

    @rule(email=EMAILS)
    def asks_for_a_new_password(self, email):
        with self.step():
            resets.ask(email)
            resets.answer()

    @rule(person=PEOPLE, number=ANY, as_own=st.booleans())
    def uses_a_link(self, person, number, as_own):
        with self.step():
            link = self.pick(self.letters(person), number)
            if link is None:
                return
            own = self.pick(self.roles(person), number) if as_own else None
            USES[link.purpose](self, person, link, logins.of(own) if own else None)

    def letters(self, person):
        """The links that are in a person's mailboxes."""
        return [
            link
            for link in all_of(Link)
            if link.used_at is None and link.email in MAILBOXES[person]
        ]

    def accepts(self, person, link, own):
        user = link.user
        before = self.rightful.get(user.id)
        membership.accept(link, self.new_password(person), own)
        # Nobody takes the place of somebody who has joined.
        assert before in (None, person)
        self.rightful[user.id] = person

    def resets(self, person, link, own):
        links.take(link)
        if link.login is not None:
            logins.set_password(link.login, self.new_password(person))

    def confirms(self, person, link, own):
        if link.user in self.roles(person):
            with self.watched_links(link):
                addresses.confirm(link)

    def stops(self, person, link, own):
        with self.watched_links(link):
            addresses.stop(link)

    @contextmanager
    def watched_links(self, link):
        """Check that a person's own link moves nothing of anybody else."""
        theirs = {one.id for one in all_of(Login) if holder(one) != HOLDERS[link.email]}
        mine = link.user.membership.login_id if link.user.membership else None
        before = self.untouched(theirs - {mine})
        yield
        db.session.flush()
        assert self.untouched(theirs - {mine}) == before

    def untouched(self, ids):
        db.session.flush()
        return (
            {one.id: one.email for one in all_of(Login) if one.id in ids},
            {one.id: one.secret for one in all_of(Credential) if one.login_id in ids},
            {one.user_id: one.login_id for one in all_of(Membership) if one.login_id in ids},
        )

    @rule(thief=PEOPLE, victim=PEOPLE, which=ANY, box=st.integers(0, 1), confirmed=st.booleans())
    def steals_a_session_and_is_stopped(self, thief, victim, which, box, confirmed):
        """Whoever sits at somebody's machine enters an own mailbox. The notice in the old one undoes it."""
        if thief == victim:
            return
        with self.step():
            user = self.pick(self.roles(victim), which)
            if user is None:
                return
            home = logins.of(user).email
            link = addresses.ask(user, MAILBOXES[thief][box])
            stops = [
                one
                for one in all_of(Link)
                if one.purpose == LinkPurpose.ADDRESS_STOP and one.email == home and not one.used_at
            ]
            if confirmed:
                addresses.confirm(link)
            addresses.stop(stops[-1])
            assert logins.of(user).email == home

    @rule(
        subject=st.sampled_from(["one", "two", "three"]),
        email=EMAILS,
        verified=st.booleans(),
        group=st.sampled_from(["", "chiefs", "sales"]),
    )
    def comes_by_a_door(self, subject, email, verified, group):
        """The sign-in of Alice's partner claims whatever it likes, and reaches none but that partner's people."""
        came = Visitor("proxy", subject, email, verified, groups=frozenset({group}))
        with self.step():
            before, known = self.elsewhere(), {one.id for one in all_of(Login)}
            linked = self.linked(subject)
            try:
                user = doors.let_in(came)
            except NotLetIn:
                # As the page does it.
                db.session.rollback()
                return
            db.session.flush()
            after = self.elsewhere()
            assert after[:2] == before[:2]
            # No login of before is moved that is more than this door's word.
            moved = {id for id in known if after[2].get(id) != before[2][id]}
            assert moved <= {user.membership.login_id}
            assert not moved or self.is_the_doors(user.membership.login_id)
            assert (user.organisation.name, user.active) == ("Odnowa", True)
            assert verified or user.id == linked
            if linked is not None:
                assert user.id == linked
            self.rightful[user.id] = self.member(user.membership)

    def linked(self, subject):
        """The active user of the partner as whom a subject came in before."""
        found = (
            select(User.id)
            .join(Membership, Membership.user_id == User.id)
            .join(Credential, Credential.login_id == Membership.login_id)
            .where(Credential.subject == subject, User.organisation_id == support.CAST.partner)
        )
        return db.session.scalar(found.where(User.active))

    def elsewhere(self):
        """All memberships and users of other organisations, all passwords, and the addresses of all logins."""
        secrets, members, emails, mail = self.outside({support.CAST.partner})
        passwords = {key: secret for key, secret in secrets.items() if secret}
        return members | {"mail": mail}, passwords, emails

    def is_the_doors(self, login_id):
        return doors.is_doors(db.session.get_one(Login, login_id))

    # What is always true.

    @invariant()
    def credentials_are_the_mailbox_holders(self):
        with self.app.app_context():
            for one in all_of(Credential):
                login = db.session.get_one(Login, one.login_id)
                if one.kind is CredentialKind.IDENTITY:
                    continue
                assert " ".join(one.secret.split(" ")[:-1]) == holder(login)
            db.session.remove()

    @invariant()
    def each_user_is_who_accepted(self):
        with self.app.app_context():
            members = {one.user_id: self.member(one) for one in all_of(Membership)}
            db.session.remove()
        assert members == self.rightful

    @invariant()
    def a_session_is_of_a_member(self):
        with self.app.app_context():
            for one in all_of(UserSession):
                user = db.session.get_one(User, one.user_id)
                if one.ended_at is None:
                    assert user.active
                    assert user.membership.login_id == one.login_id
            db.session.remove()

    @invariant()
    def resets_go_to_the_login(self):
        with self.app.app_context():
            for link in all_of(Link):
                if link.purpose is LinkPurpose.PASSWORD_RESET and not link.used_at and link.login:
                    assert HOLDERS[link.email] == holder(link.login)
            db.session.remove()


USES = {
    LinkPurpose.INVITATION: Portal.accepts,
    LinkPurpose.PASSWORD_RESET: Portal.resets,
    LinkPurpose.ADDRESS_CONFIRMATION: Portal.confirms,
    LinkPurpose.ADDRESS_STOP: Portal.stops,
}


@pytest.fixture
def machine(tmp_path):
    """The machine on an SQLite file of its own, which each example begins with anew."""
    # Passwords stay open beside the door, which is more than an installation allows.
    app = new_portal(tmp_path, sign_in_partner="odnowa", sign_in_groups=GROUPS)
    with unit_of_work(app):
        support.add_cast()
    keep(app)
    return type("Portal", (Portal,), {"app": app})


def test_nobody_gets_in_as_somebody_else(machine):
    run_state_machine_as_test(
        machine, settings=settings(max_examples=12 * TIMES, stateful_step_count=25)
    )
