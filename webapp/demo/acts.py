"""Acts of the people in the demo's story: each goes through the same services as on the pages."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

from sqlalchemy import select

from webapp.demo import breakdowns, companies, notes
from webapp.demo.breakdowns import BreakingTransport
from webapp.demo.people import PASSWORD
from webapp.domain.facts import NotRenewed
from webapp.domain.ownership import Choice
from webapp.domain.recipients import ContactRole
from webapp.models import Client, Delivery, Subscription, User, db
from webapp.services.accounts import logins, membership, people
from webapp.services.clients import contacts, follow_ups, ownership, renewals
from webapp.services.clients.renewals import NewTerms
from webapp.signin.password import hash_password


@dataclass
class Scene:
    """The people, clients and subscriptions of the story, and its mail server."""

    today: date
    server: BreakingTransport
    random: Random = field(default_factory=lambda: Random(2026))
    team: dict[str, User] = field(default_factory=dict)
    clients: dict[str, Client] = field(default_factory=dict)
    subscriptions: dict[str, Subscription] = field(default_factory=dict)


def member(scene: Scene, first_name: str) -> User:
    """Find somebody at a partner by the first name."""
    return next(user for name, user in scene.team.items() if name.startswith(first_name))


def primary_contact(scene: Scene, company: str) -> User:
    """Find the primary contact of a client."""
    held = contacts.holders(scene.clients[company].id)
    return db.session.get_one(User, held[ContactRole.PRIMARY])


def choose(scene: Scene, who: str, company: str, choice: Choice, whom: str | None = None) -> None:
    client = scene.clients[company]
    contact_id = member(scene, whom).id if whom else None
    ownership.choose_owner(member(scene, who), client, choice, contact_id)


def renew(scene: Scene, who: str, company: str, dearer_by: int = 0) -> None:
    """Renew a company's subscription, at a price that is higher by so many per cent."""
    subscription = scene.subscriptions[company]
    terms = None
    if subscription.amount is not None and dearer_by:
        amount = subscription.amount * (100 + dearer_by) / 100
        terms = NewTerms(subscription.term_months, amount, subscription.currency)
    renewals.renew(member(scene, who), subscription, terms=terms)


def cancel(scene: Scene, who: str, company: str, reason: NotRenewed) -> None:
    note = notes.WHY_NOT[company]
    renewals.cancel(member(scene, who), scene.subscriptions[company], reason=reason, note=note)


def note(scene: Scene, who: str, company: str) -> None:
    follow_ups.note(member(scene, who), scene.subscriptions[company], notes.RENEWALS[company])


def remind(scene: Scene, who: str, company: str, day: int) -> None:
    """Put a decision off until a day, counted from the day of loading."""
    on = scene.today + timedelta(days=day)
    follow_ups.remind(member(scene, who), scene.subscriptions[company], on)


def reject_address(scene: Scene, company: str) -> None:
    """Let the mail server reject the address of a client's primary contact from now on."""
    scene.server.rejected.add(primary_contact(scene, company).email)


def break_line(scene: Scene, company: str) -> None:
    """Let the line break while the next mail to a client's primary contact is handed over."""
    scene.server.breaking.add(primary_contact(scene, company).email)


def send_back(scene: Scene, company: str) -> None:
    """Let the newest mail to a client's decision maker come back."""
    holder = contacts.holders(scene.clients[company].id)[ContactRole.DECISION_MAKER]
    newest = select(Delivery).where(Delivery.recipient_id == holder).order_by(Delivery.id.desc())
    breakdowns.send_back(db.session.scalars(newest.limit(1)).one())


def give_logins(scene: Scene) -> None:
    """Give passwords to the partners' people and to some at their clients."""
    users = [user for user in scene.team.values() if user.active]
    for company in companies.WITH_LOGINS:
        team = people.team(scene.clients[company].id)
        users += sorted(team, key=lambda user: not user.admin)[:2]
    accountant = select(User).where(User.email == companies.ACCOUNTANT[1])
    users += db.session.scalars(accountant)
    password_hash = hash_password(PASSWORD)
    for user in users:
        login = logins.prove(user.email)
        logins.set_password(login, password_hash)
        membership.join(user, login)
        logins.signed_in(user)
