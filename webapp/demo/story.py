"""Demo data: three partners, their clients, and a month of real history.

The same day always gives the same demo. Dates count from the day of loading. No rows of history are made
up: people act through the use cases, and the worker sends, day by day.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from random import Random

from flask import g
from sqlalchemy import select

from webapp import i18n
from webapp.config import SettingError
from webapp.demo import amounts, breakdowns, clock, companies, names
from webapp.demo.agencies import AGENCIES, Agency
from webapp.demo.breakdowns import BreakingTransport
from webapp.demo.people import PASSWORD
from webapp.domain.months import add_months
from webapp.domain.ownership import Choice
from webapp.domain.recipients import ContactRole
from webapp.mail.inbox import InboxTransport
from webapp.mail.transport import Transport
from webapp.models import Client, Delivery, Installation, Partner, Subscription, User, db
from webapp.services import installation
from webapp.services.accounts import first_run, logins, mail_texts, membership, partners, people
from webapp.services.clients import clients, contacts, ownership, renewals, subscriptions
from webapp.signin.password import hash_password

HISTORY_DAYS = 30


@dataclass
class Scene:
    """The people, clients and subscriptions of the story, and its mail server."""

    today: date
    server: BreakingTransport
    random: Random = field(default_factory=lambda: Random(2026))
    team: dict[str, User] = field(default_factory=dict)
    clients: dict[str, Client] = field(default_factory=dict)
    subscriptions: dict[str, Subscription] = field(default_factory=dict)


def clear() -> None:
    """Empty every table of a database that is marked as a demo's, and unmark it."""
    if not installation.is_marked():
        raise SettingError("this database holds no demo data, so nothing is deleted")
    for table in reversed(db.metadata.sorted_tables):
        db.session.execute(table.delete())
    db.session.add(Installation())
    db.session.flush()
    g.pop("clock_offset", None)


def load(work: Callable[[Transport], object], today: date) -> None:
    """Fill an empty database and mark it as a demo's. ``work`` is a round of the worker by a transport."""
    db.session.get_one(Installation, 1).demo = True
    clock.set_clock(today - timedelta(days=HISTORY_DAYS))
    scene = Scene(today, BreakingTransport(InboxTransport(db.engine)))
    for agency in AGENCIES:
        add_agency(scene, agency)
    db.session.commit()
    acts = story(scene)
    for day in range(-HISTORY_DAYS, 1):
        clock.set_clock(today + timedelta(days=day))
        for act in acts.get(day, ()):
            act()
        db.session.commit()
        work(scene.server)


def add_agency(scene: Scene, agency: Agency) -> None:
    admin_name, *others = agency.people
    partner = partners.add_partner(
        None,
        agency.name,
        email_of(admin_name, agency.domain),
        agency.language,
        time_zone=agency.time_zone,
        admin_name=admin_name,
    )
    admin = db.session.get_one(User, partner.notified_user_id)
    scene.team[admin_name] = admin
    for name in others:
        email = email_of(name, agency.domain)
        scene.team[name] = people.add_person(admin, partner, name=name, email=email)
    partners.save_default(
        admin, partner, partners.Default(agency.owner, scene.team[agency.people[1]].id)
    )
    partners.save_terms(admin, partner, agency.terms)
    mail_texts.save_company(admin, partner, agency.mails)
    for language, texts in agency.texts.items():
        mail_texts.save_texts(admin, partner, language, texts)
    if agency.sending:
        partners.switch(admin, partner, "sending", True)
    for company in agency.companies:
        add_company(scene, agency, partner, admin, company)
    if agency.sending:
        first_run.see(partner)


def email_of(name: str, domain: str) -> str:
    return f"{i18n.fold(name.split()[0])}@{domain}"


def add_company(
    scene: Scene, agency: Agency, partner: Partner, admin: User, company: names.Company
) -> None:
    slug = "".join(char for char in i18n.fold(company.name) if char.isalnum())
    client = clients.add_client(
        admin,
        partner,
        clients.ClientDetails(
            name=company.name,
            domain=f"{slug}.example",
            external_id=f"{agency.language.upper()}-{len(scene.clients) + 1001}",
            city=company.city,
            country=company.country,
        ),
    )
    scene.clients[company.name] = client
    add_contacts(scene, agency, admin, client, f"{slug}.example")
    if company.name == companies.WITHOUT_SUBSCRIPTION:
        return
    products = scene.random.sample(names.PRODUCTS, 2)
    renews = scene.today + timedelta(
        days=companies.RENEWS_IN.get(company.name, scene.random.randint(15, 360))
    )
    twice = company.name == companies.WITH_TWO or scene.random.random() < 0.2
    term = companies.TERMS.get(company.name, companies.Term())
    for product in products[: 2 if twice else 1]:
        users = scene.random.randint(4, 90)
        amount, currency = amounts.price(
            company.name, product, term.term_months, users, agency.currency
        )
        own_deadline = company.name == companies.WITH_DEADLINE
        facts = subscriptions.SubscriptionDetails(
            product,
            renewal_date=renews,
            deadline=renews - timedelta(days=45) if own_deadline else None,
            amount=amount,
            currency=currency,
            **asdict(term),
        )
        subscription = subscriptions.add_subscription(admin, client, facts)
        scene.subscriptions.setdefault(company.name, subscription)
        term = companies.Term()
        if company.name != companies.WITH_TWO:
            renews = add_months(renews, scene.random.randint(1, 5), renews.day)


def add_contacts(scene: Scene, agency: Agency, admin: User, client: Client, domain: str) -> None:
    """Add the company's people with their roles. The first is its admin."""
    holders = companies.CONTACTS.get(client.name, tuple((role,) for role in ContactRole))
    first = scene.random.sample(
        names.FIRST_NAMES[agency.language].split(), len(companies.ALL_ROLES)
    )
    last = scene.random.sample(names.LAST_NAMES[agency.language].split(), len(companies.ALL_ROLES))
    chosen: dict[ContactRole, int | None] = {}
    for number, roles in enumerate(holders):
        name = f"{first[number]} {last[number]}"
        email = f"{i18n.fold(first[number])}.{i18n.fold(last[number])}@{domain}"
        if client.name in companies.ACCOUNTED and ContactRole.BILLING in roles:
            name, email = companies.ACCOUNTANT
        user = people.add_person(admin, client, name=name, email=email, admin=number == 0)
        chosen |= dict.fromkeys(roles, user.id)
        if number == 0:
            company_admin = user
    if chosen:
        contacts.assign_contacts(company_admin, client, chosen)


def story(scene: Scene) -> dict[int, tuple[Callable[[], object], ...]]:
    """Tell what people do on which day, counted from the day of loading."""
    return {
        -28: (
            lambda: choose(scene, "Anna", "Fabryka Mebli Dąb", Choice.PARTNER, "Katarzyna"),
            lambda: choose(scene, "Anna", "Hotel pod Jeleniem", Choice.VENDOR),
        ),
        -26: (
            lambda: choose(scene, "Katarzyna", "Klinika Zdrowa Kość", Choice.PARTNER, "Piotr"),
            lambda: choose(scene, "Beatriz", "Construtora Ipê", Choice.PARTNER, "João"),
        ),
        -25: (lambda: choose(scene, "Beatriz", "Café Serra Azul", Choice.VENDOR),),
        -24: (lambda: choose(scene, "Tomasz", "Ósemka Studio", Choice.PARTNER),),
        -22: (lambda: reject_address(scene, "Logistyka Północ"),),
        -21: (lambda: cancel(scene, "Tomasz", "Szkoła Żeglarska Bryza"),),
        -15: (lambda: renew(scene, "Rafael", "Padaria Pão Quente"),),
        -12: (lambda: membership.deactivate(member(scene, "Anna"), member(scene, "Piotr")),),
        -9: (lambda: renew(scene, "Tomasz", "Piekarnia Rogalik"),),
        -7: (lambda: break_line(scene, "Instytut Językowy Lingua"),),
        -5: (lambda: choose(scene, "Emma", "Juniper Analytics", Choice.PARTNER, "Oliver"),),
        -3: (lambda: send_back(scene, "Muzyka dla Ciebie"),),
        -1: (lambda: give_logins(scene),),
        0: (
            lambda: membership.invite(
                member(scene, "Anna"), primary_contact(scene, "Hotel pod Jeleniem")
            ),
        ),
    }


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


def renew(scene: Scene, who: str, company: str) -> None:
    renewals.renew(member(scene, who), scene.subscriptions[company])


def cancel(scene: Scene, who: str, company: str) -> None:
    renewals.cancel(member(scene, who), scene.subscriptions[company])


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
