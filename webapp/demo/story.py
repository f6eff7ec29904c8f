"""Demo data: three partners, their clients, and a month of real history.

The same day always gives the same demo. Dates count from the day of loading. No rows of history are made
up: people act through the use cases, and the worker sends, day by day.
"""

from collections.abc import Callable
from dataclasses import asdict
from datetime import date, timedelta

from flask import g

from webapp import i18n
from webapp.config import SettingError
from webapp.demo import amounts, clock, companies, names, notes
from webapp.demo.acts import (
    Scene,
    break_line,
    cancel,
    choose,
    give_logins,
    member,
    note,
    primary_contact,
    reject_address,
    remind,
    renew,
    send_back,
)
from webapp.demo.agencies import AGENCIES, Agency
from webapp.demo.breakdowns import BreakingTransport
from webapp.domain.facts import NotRenewed
from webapp.domain.months import add_months
from webapp.domain.ownership import Choice
from webapp.domain.recipients import ContactRole
from webapp.mail.inbox import InboxTransport
from webapp.mail.transport import Transport
from webapp.models import Client, Installation, Partner, User, db
from webapp.services import installation
from webapp.services.accounts import first_run, mail_texts, membership, partners, people
from webapp.services.clients import clients, contacts, subscriptions

HISTORY_DAYS = 30


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
        phone = names.phone(agency.language, 900 + len(scene.team))
        scene.team[name] = people.add_person(admin, partner, name=name, email=email, phone=phone)
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
            phone=names.phone(agency.language, len(scene.clients)),
            note=notes.CLIENTS.get(company.name),
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
        user = people.add_person(
            admin,
            client,
            name=name,
            email=email,
            admin=number == 0,
            phone=names.phone(agency.language, 100 * (number + 1) + len(scene.clients)),
        )
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
        -23: (lambda: note(scene, "Tomasz", "Hotel pod Jeleniem"),),
        -22: (lambda: reject_address(scene, "Logistyka Północ"),),
        -21: (
            lambda: cancel(scene, "Tomasz", "Szkoła Żeglarska Bryza", NotRenewed.PRICE),
            lambda: cancel(scene, "Beatriz", "Editora Três Marias", NotRenewed.OTHER_PRODUCT),
            lambda: cancel(scene, "Emma", "Maple & Main Dental", NotRenewed.CLOSED),
        ),
        -15: (lambda: renew(scene, "Rafael", "Padaria Pão Quente"),),
        -14: (lambda: note(scene, "Rafael", "Construtora Ipê"),),
        -12: (lambda: membership.deactivate(member(scene, "Anna"), member(scene, "Piotr")),),
        -9: (lambda: renew(scene, "Tomasz", "Piekarnia Rogalik", dearer_by=10),),
        -8: (lambda: remind(scene, "Katarzyna", "Klinika Zdrowa Kość", 0),),
        -7: (lambda: break_line(scene, "Instytut Językowy Lingua"),),
        -6: (
            lambda: remind(scene, "Tomasz", "Wydawnictwo Łabędź", 9),
            lambda: remind(scene, "João", "Academia Corpo Leve", 12),
            lambda: remind(scene, "Oliver", "Northgate Robotics", 8),
        ),
        -5: (
            lambda: choose(scene, "Emma", "Juniper Analytics", Choice.PARTNER, "Oliver"),
            lambda: note(scene, "Oliver", "Ivy Street Legal"),
        ),
        # Three days ago it may have been Monday, before its round, and the weekend's mails were still waiting.
        -2: (
            lambda: send_back(scene, "Muzyka dla Ciebie"),
            lambda: note(scene, "Katarzyna", "Logistyka Północ"),
        ),
        -1: (lambda: give_logins(scene),),
        0: (
            lambda: membership.invite(
                member(scene, "Anna"), primary_contact(scene, "Hotel pod Jeleniem")
            ),
        ),
    }
