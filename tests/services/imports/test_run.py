"""Import of lists: what is written, what is recognised again, and what is refused as a whole."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import create_engine, func, select, true, update

from tests.support.cast import (
    ON_POSTGRESQL,
    Cast,
    assert_days_are_kept,
    assert_words_are_kept,
    make_client,
)
from webapp.domain.cells import Problem, read_date, read_either, read_roles
from webapp.domain.recipients import ContactRole
from webapp.domain.reminders import mails_within
from webapp.i18n import LANGUAGES
from webapp.models import (
    AuditEntry,
    Client,
    ContactAssignment,
    Partner,
    Subscription,
    User,
    db,
)
from webapp.services import runtime
from webapp.services.clients import archiving, renewals
from webapp.services.imports.run import DAYS_AHEAD, Report, import_list, spelling_of
from webapp.services.reminders import due_index, loading, situations

DATA = Path(__file__).parent.parent.parent / "data"
CLIENTS = (DATA / "clients.csv").read_bytes()
CONTACTS = (DATA / "contacts.csv").read_bytes()
HEADER = "Company name,Product,Renewal date,Term,Amount,Currency\n"


PEOPLE = """Email,Name,Company name,Contact roles
a@x.example,A,Nobody,
not an address,B,Acme,
c@x.example,,Acme,
,D,Acme,
e@x.example,E,Acme,Boss
f@x.example,F,,
"""


@dataclass
class Importer:
    """Imports into Alice's partner within one unit of work."""

    partner_id: int

    def __call__(self, content: bytes | str, **options: Any) -> Report:
        partner = db.session.get_one(Partner, self.partner_id)
        content = content.encode() if isinstance(content, str) else content
        return import_list(None, partner, content, **options)


@pytest.fixture
def bring(context: Flask, cast: Cast) -> Iterator[Importer]:
    yield Importer(cast.partner)
    assert_words_are_kept()


def counts(report: Report) -> tuple[int, int, int]:
    assert report.faults == ()
    return report.created, report.changed, report.unchanged


def faults(report: Report) -> list[tuple[int, str | None, Problem]]:
    return [(fault.row, fault.column, fault.problem) for fault in report.faults]


def client(name: str) -> Client:
    return db.session.scalars(select(Client).where(Client.name == name)).one()


def subscription(name: str, product: str) -> Subscription:
    query = select(Subscription).join(Subscription.client)
    return db.session.scalars(
        query.where(Client.name == name, Subscription.product == product)
    ).one()


def test_clients(bring: Importer) -> None:
    assert counts(bring(CLIENTS)) == (4, 0, 0)
    zolw, sol, nameless = map(client, ("Żółw i Spółka", "Padaria Sol", "Nameless Town Ltd"))
    assert (zolw.domain, zolw.city, zolw.country) == ("zolw.example", "Łódź", "PL")
    assert (zolw.language, zolw.time_zone) == ("pl", "Europe/Warsaw")
    assert (sol.language, sol.time_zone) == ("pt", "America/Manaus")
    # Without a country, language and zone are the partner's.
    assert (nameless.language, nameless.time_zone) == ("en", "Europe/Warsaw")
    hub = subscription("Padaria Sol", "Marketing Hub")
    assert (hub.renewal_date, hub.term_months, hub.anchor_day) == (date(2027, 2, 15), 24, 15)
    assert (hub.amount, hub.currency) == (Decimal("5400.50"), "BRL")
    assert hub.attention_on is not None
    assert zolw.first_decision_on == date(2027, 1, 31)
    assert_days_are_kept()
    # A currency without an amount says nothing.
    assert subscription("Żółw i Spółka", "Sales Hub").currency is None


def test_contacts(bring: Importer) -> None:
    bring(CLIENTS)
    assert counts(bring(CONTACTS)) == (3, 0, 0)
    query = select(ContactAssignment.role, User.name).join(ContactAssignment.user)
    held = db.session.execute(query.where(User.email_key.like("%@zolw.example")))
    assert {(role, name) for role, name in held} == {
        (ContactRole.PRIMARY, "Ewa Żółw"),
        (ContactRole.DECISION_MAKER, "Ewa Żółw"),
        (ContactRole.BILLING, "Jan Nowak"),
    }
    # The primary contact, else the first, may assign the roles from now on.
    admins = db.session.scalars(
        select(User.email).join(Client, Client.id == User.organisation_id).where(User.admin)
    )
    assert {*admins} >= {"ewa@zolw.example", "ana@sol.example"}
    assert "jan@zolw.example" not in {*admins}


def test_twice_changes_nothing(bring: Importer) -> None:
    bring(CLIENTS)
    bring(CONTACTS)
    entries = db.session.scalar(select(func.count(AuditEntry.id)))
    versions = db.session.execute(select(Client.id, Client.version)).all()
    assert counts(bring(CLIENTS)) == (0, 0, 4)
    assert counts(bring(CONTACTS)) == (0, 0, 3)
    assert db.session.scalar(select(func.count(AuditEntry.id))) == entries
    assert db.session.execute(select(Client.id, Client.version)).all() == versions


def test_an_empty_cell_changes_nothing(bring: Importer) -> None:
    bring(CLIENTS)
    text = "Company domain name,Company name,City,Country/Region,Product,Amount,Currency\n"
    assert counts(bring(text + "zolw.example,,,,Marketing Hub,,\n")) == (0, 0, 1)
    assert counts(bring(text + "zolw.example,Żółw SA,,,Marketing Hub,1300,\n")) == (0, 1, 0)
    assert client("Żółw SA").city == "Łódź"
    hub = subscription("Żółw SA", "Marketing Hub")
    assert (hub.amount, hub.currency) == (Decimal("1300.00"), "PLN")


def test_clients_of_another_partner_are_not_touched(bring: Importer, cast: Cast) -> None:
    assert counts(bring("Company name\nForeign\n")) == (1, 0, 0)
    assert db.session.get_one(Client, cast.other_client).partner_id == cast.other_partner


def test_keys_from_the_strongest_to_the_weakest(bring: Importer) -> None:
    bring("company,domain,city\nŁódź Foods,foods.example,\nSol,sol.example,\n")
    header = "external id,domain,company,city\n"
    # By folded name: it gets an external id, by which it is found under any other name.
    assert counts(bring(header + "F1,,LODZ  FOODS,\n")) == (0, 1, 0)
    assert counts(bring(header + "F1,new.example,Foods,\n")) == (0, 1, 0)
    assert (client("Foods").external_id, client("Foods").domain) == ("F1", "new.example")
    # By domain, whatever the name.
    assert counts(bring(header + ",sol.example,Sol Ltda,\n")) == (0, 1, 0)
    # Another external id or another domain is another client, though the name is the same.
    assert counts(bring(header + "F2,,Foods,\n,third.example,Sol Ltda,\n")) == (2, 0, 0)
    # Now the name alone is not enough.
    assert faults(bring(header + ",,Foods,Łódź\n")) == [(2, "company", Problem.AMBIGUOUS)]


def test_a_foreign_list_by_mapping(bring: Importer) -> None:
    text = "Nr;Klient;Osoba;Kraj\nA1;Żuraw;Jan Żuraw;Portugalia\n"
    mapping = [("external id", "Nr"), ("company", "Klient"), ("name", "Osoba"), ("country", "Kraj")]
    report = bring(text.encode("cp1250"), mapping=mapping, encoding="cp1250")
    assert counts(report) == (1, 0, 0)
    # Without an e-mail there is nobody to write to.
    assert report.unused_columns == ("Osoba",)
    assert client("Żuraw").time_zone == "Europe/Lisbon"


def test_clients_with_contacts_in_one_list(bring: Importer) -> None:
    text = (
        "Company name\tProduct\tRenewal date\tTerm\tName\tEmail\tContact roles\n"
        "Mel\tSales Hub\t31.12.2027\tP1Y\tRui Mel\tRui@Mel.example\tprimary\n"
        "Mel\tService Hub\t31.12.2027\tP1Y\tRui Mel\trui@mel.example\t\n"
    )
    assert counts(bring(text, dates=LANGUAGES["pl"])) == (2, 0, 0)
    user = db.session.scalars(select(User).where(User.email_key == "rui@mel.example")).one()
    assert (user.name, user.admin, user.organisation_id) == ("Rui Mel", True, client("Mel").id)


def test_roles_that_somebody_holds_stay(bring: Importer, cast: Cast) -> None:
    header = "Email,Name,Company name,Contact roles\n"
    report = bring(header + "new@acme.example,New,Acme,Primary contact\n")
    assert counts(report) == (1, 0, 0)
    holder = db.session.get(ContactAssignment, (cast.client, ContactRole.PRIMARY))
    assert holder
    assert holder.user_id == cast.dana
    assert counts(bring(header + "new@acme.example,,Acme,Primary contact\n")) == (0, 0, 1)


def test_a_role_for_somebody_who_is_there(bring: Importer, cast: Cast) -> None:
    db.session.delete(db.session.get_one(ContactAssignment, (cast.client, ContactRole.BILLING)))
    situations.refresh([cast.client])
    text = "Email,Company name,Contact roles\nDANA@acme.example,Acme,billing\n"
    assert counts(bring(text)) == (0, 1, 0)
    holder = db.session.get_one(ContactAssignment, (cast.client, ContactRole.BILLING))
    assert holder.user_id == cast.dana


def test_a_new_country_brings_its_zone_once(bring: Importer) -> None:
    header = "Company name,City,Country/Region\n"
    assert counts(bring(header + "Acme,Manaus,Brasil\n")) == (0, 1, 0)
    acme = client("Acme")
    assert acme.time_zone == "America/Manaus"
    acme.time_zone = "America/Recife"
    assert counts(bring(header + "Acme,Manaus,BR\n")) == (0, 0, 1)
    assert acme.time_zone == "America/Recife"
    assert counts(bring("Company name,time zone\nAcme,Atlantic/Azores\n")) == (0, 1, 0)


def test_a_date_moved_by_the_term_is_a_renewal(bring: Importer) -> None:
    header = "Company name,Product,Renewal date,Deadline\n"
    bring(header + "Acme,Marketing Hub,,2027-02-28\n")
    hub = subscription("Acme", "Marketing Hub")
    assert (hub.renewal_date, hub.cycle) == (date(2027, 3, 31), 1)
    assert counts(bring(header + "Acme,Marketing Hub,2028-03-31,\n")) == (0, 1, 0)
    # The deadline keeps its distance.
    assert (hub.renewal_date, hub.deadline, hub.cycle) == (date(2028, 3, 31), date(2028, 2, 29), 2)
    assert counts(bring(header + "Acme,Marketing Hub,2028-04-30,\n")) == (0, 1, 0)
    assert (hub.renewal_date, hub.deadline, hub.cycle) == (date(2028, 4, 30), date(2028, 3, 30), 2)


def test_a_deadline_that_the_list_repeats_stays(bring: Importer) -> None:
    header = "Company name,Product,Renewal date,Deadline\n"
    bring(header + "Acme,Marketing Hub,,2027-02-28\n")
    line = header + "Acme,Marketing Hub,2028-03-31,2027-02-28\n"
    assert counts(bring(line)) == (0, 1, 0)
    hub = subscription("Acme", "Marketing Hub")
    assert (hub.renewal_date, hub.deadline, hub.cycle) == (date(2028, 3, 31), date(2027, 2, 28), 2)
    assert counts(bring(line)) == (0, 0, 1)


def test_a_deadline_that_a_move_takes_too_far_back_is_named(bring: Importer) -> None:
    bring("Company name,Product,Deadline\nAcme,Marketing Hub,2027-02-28\n")
    report = bring("Company name,City,Product,Renewal date\nAcme,Lodz,Marketing Hub,2000-01-05\n")
    assert faults(report) == [(2, "deadline", Problem.DATE)]
    assert report.faults[0].values == {"value": "1999-12-05"}
    assert (report.created, report.changed, [*report.changes()]) == (0, 0, [])
    hub = subscription("Acme", "Marketing Hub")
    assert (hub.renewal_date, client("Acme").city == "Lodz") == (date(2027, 3, 31), False)


def test_a_list_that_is_behind_takes_no_renewal_back(bring: Importer) -> None:
    line = "Company name,Product,Renewal date,Term\nRe,Hub,2027-01-31,P1M\n"
    bring(line)
    renewals.renew(None, subscription("Re", "Hub"))
    assert counts(bring(line)) == (0, 0, 1)
    assert subscription("Re", "Hub").renewal_date == date(2027, 2, 28)
    renewals.renew(None, subscription("Re", "Hub"))
    assert counts(bring(line)) == (0, 0, 1)
    # Any other date is a correction.
    assert counts(bring(line.replace("01-31", "01-15"))) == (0, 1, 0)
    assert subscription("Re", "Hub").renewal_date == date(2027, 1, 15)


def ends(name: str) -> dict[str, tuple[bool, bool, date | None]]:
    """Tell of a client's subscriptions if they renew by themselves, if they follow the rule, and their deadline."""
    return {
        one.product: (one.renews_itself, one.deadline_by_rule, one.deadline)
        for one in db.session.scalars(
            select(Subscription).join(Subscription.client).where(Client.name == name)
        )
    }


ENDS = "Company name,Product,Renewal date,Term,Decision deadline,Auto renew\n"


def test_new_subscriptions_have_the_partners_defaults(bring: Importer, cast: Cast) -> None:
    partner = db.session.get_one(Partner, cast.partner)
    bring(ENDS + "A,Hub,2027-01-31,P1Y,,\n")
    partner.renews_itself, partner.deadline_rule_text = True, "P45D"
    text = (
        "A,New,2027-01-31,P1Y,,\nB,Hub,2027-01-31,P1Y,,\nB,Short,2027-01-31,P1M,,nie\n"
        "B,Own,2027-01-31,P1Y,2027-01-15,Sim\n"
    )
    assert counts(bring(ENDS + text)) == (4, 0, 0)
    rule, own = date(2026, 12, 17), date(2027, 1, 15)
    assert ends("A") == {"Hub": (False, False, None), "New": (True, True, rule)}
    assert ends("B") == {
        "Hub": (True, True, rule),
        # The rule is as long as its term.
        "Short": (False, True, None),
        "Own": (True, False, own),
    }
    assert client("B").first_decision_on == rule
    assert subscription("B", "Hub").attention_on == date(2026, 9, 18)
    days = select(Subscription.id, Subscription.attention_on).join(Subscription.client)
    days = days.where(Client.name.in_(["A", "B"])).order_by(Subscription.id)
    before = db.session.execute(days).all()
    due_index.refresh_where(true())
    assert db.session.execute(days).all() == before
    assert counts(bring(ENDS + text)) == (0, 0, 4)


def test_an_answer_changes_what_happens_at_the_end(bring: Importer) -> None:
    bring(ENDS + "A,Hub,2027-01-31,P1Y,,\n")
    report = bring("Company name,Product,Auto-renew\nA,Hub,TAK\n")
    assert counts(report) == (0, 1, 0)
    assert [(one.field, one.before, one.after) for one in report.changes()] == [
        ("renews_itself", False, True)
    ]
    assert counts(bring("Company name,Product,Auto-renew\nA,Hub,\n")) == (0, 0, 1)
    assert ends("A") == {"Hub": (True, False, None)}
    report = bring("Company name,Product,Renews by itself\nA,Hub,maybe\n")
    assert faults(report) == [(2, "Renews by itself", Problem.ANSWER)]


def test_a_deadline_by_the_rule_moves_along_until_a_list_has_another(
    bring: Importer, cast: Cast
) -> None:
    db.session.get_one(Partner, cast.partner).deadline_rule_text = "P2M"
    bring(ENDS + "A,Hub,2026-12-31,P6M,,\n")
    hub = subscription("A", "Hub")
    assert ends("A") == {"Hub": (False, True, date(2026, 10, 31))}
    # A renewal, with and without the deadline that follows.
    assert counts(bring(ENDS + "A,Hub,2027-06-30,,,\n")) == (0, 1, 0)
    assert (hub.cycle, hub.deadline) == (2, date(2027, 4, 30))
    assert counts(bring(ENDS + "A,Hub,2027-12-31,,2027-10-31,\n")) == (0, 1, 0)
    assert (hub.cycle, hub.deadline, hub.deadline_by_rule) == (3, date(2027, 10, 31), True)
    # A correction, and another term, which is as short as the rule is long.
    assert counts(bring(ENDS + "A,Hub,2028-01-15,,,\n")) == (0, 1, 0)
    assert (hub.cycle, hub.deadline) == (3, date(2027, 11, 15))
    assert counts(bring(ENDS + "A,Hub,,P2M,,\n")) == (0, 1, 0)
    assert ends("A") == {"Hub": (False, True, None)}
    assert counts(bring(ENDS + "A,Hub,,,2027-12-01,\n")) == (0, 1, 0)
    assert ends("A") == {"Hub": (False, False, date(2027, 12, 1))}
    assert hub.client.first_decision_on == date(2027, 12, 1)


def test_a_rule_may_lead_before_all_days_that_can_be_typed(bring: Importer, cast: Cast) -> None:
    db.session.get_one(Partner, cast.partner).deadline_rule_text = "P45D"
    assert counts(bring(ENDS + "A,Hub,2000-01-05,P1Y,,\n")) == (1, 0, 0)
    assert ends("A") == {"Hub": (False, True, date(1999, 11, 21))}


def test_a_client_found_by_its_name_keeps_its_spelling(bring: Importer) -> None:
    bring("Company name,External ID,City\nŁódź Żółta,X1,Łódź\n")
    assert counts(bring("Company name,City\nLODZ ZOLTA,Zgierz\n")) == (0, 1, 0)
    assert client("Łódź Żółta").city == "Zgierz"
    # By a stronger key it is renamed.
    assert counts(bring("Company name,External ID\nLódź Nowa,X1\n")) == (0, 1, 0)
    assert client("Lódź Nowa").city == "Zgierz"


def test_what_will_be_different_is_in_the_report(bring: Importer) -> None:
    bring("Company name,City,Product,Renewal date,Term\nRe,Łódź,Hub,2027-01-31,P1Y\n")
    report = bring("Company name,City,Product,Renewal date,Term\nRe,Zgierz,Hub,2027-03-01,P1Y\n")
    assert [
        (one.client, one.about, one.field, one.before, one.after) for one in report.changes()
    ] == [
        ("Re", None, "city", "Łódź", "Zgierz"),
        ("Re", "Hub", "renewal_date", date(2027, 1, 31), date(2027, 3, 1)),
    ]


def test_a_subscription_is_cancelled_and_taken_back(bring: Importer) -> None:
    header = "Company name,Product,Subscription status\n"
    hub = subscription("Acme", "Marketing Hub")
    assert counts(bring(header + "Acme,Marketing Hub,cancelled\n")) == (0, 1, 0)
    assert (hub.cancelled, hub.attention_on) == (True, None)
    assert counts(bring(header + "Acme,Marketing Hub,Aktywna\n")) == (0, 1, 0)
    assert hub.cancelled is False
    assert hub.attention_on is not None


@pytest.mark.parametrize(
    ("text", "roles"),
    [
        ("Primary contact;Decision maker", (ContactRole.PRIMARY, ContactRole.DECISION_MAKER)),
        ("GŁÓWNY KONTAKT, Kontakt rozliczeniowy", (ContactRole.PRIMARY, ContactRole.BILLING)),
        ("osoba decyzyjna", (ContactRole.DECISION_MAKER,)),
        ("Contato principal|Contato de faturamento", (ContactRole.PRIMARY, ContactRole.BILLING)),
        ("Tomador de decisões;", (ContactRole.DECISION_MAKER,)),
        ("decision_maker|billing;billing", (ContactRole.DECISION_MAKER, ContactRole.BILLING)),
        ("primary, Billing contact", (ContactRole.PRIMARY, ContactRole.BILLING)),
    ],
)
def test_contact_roles_by_the_words_of_every_language(
    context: Flask, text: str, roles: tuple[ContactRole, ...]
) -> None:
    assert read_roles(text, spelling_of(None).roles) == roles


def test_the_status_by_the_words_of_every_language(context: Flask) -> None:
    words = spelling_of(None).cancelled
    for text in ("active", "aktywna", "ativa"):
        assert not read_either(text, words, Problem.STATUS)
    for text in ("cancelled", "canceled", "anulowana", "cancelada"):
        assert read_either(text, words, Problem.STATUS)


def test_yes_and_no_by_the_words_of_every_language(context: Flask) -> None:
    words = spelling_of(None).answers
    for text in ("no", "false", "nie", "não", "NAO"):
        assert not read_either(text, words, Problem.ANSWER)
    for text in ("Yes", "TRUE", "tak", "sim"):
        assert read_either(text, words, Problem.ANSWER)


@pytest.mark.parametrize(
    ("language", "text"), [("pl", "31.1.2027"), ("pt", "31/01/2027"), ("en", "31/1/2027")]
)
def test_dates_in_figures_of_each_language(context: Flask, language: str, text: str) -> None:
    assert read_date(text, spelling_of(LANGUAGES[language]).date) == date(2027, 1, 31)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Company name\n\xa0\nX,Y\n", [(3, None, Problem.RAGGED)]),
        ("Fax\n1\n", [(1, "company", Problem.COLUMN_MISSING)]),
        (
            "Company name,Country/Region,Preferred language,time zone\nX,Atlantis,Klingon,Mars/Base\n",
            [
                (2, "Country/Region", Problem.COUNTRY),
                (2, "Preferred language", Problem.LANGUAGE),
                (2, "time zone", Problem.TIME_ZONE),
            ],
        ),
        (HEADER + "X,Hub,,P1Y,,\n", [(2, "Renewal date", Problem.NEEDED)]),
        (HEADER + "X,Hub,2027-01-01,,,\n", [(2, "Term", Problem.NEEDED)]),
        (HEADER + "X,,2027-01-01,P1Y,,\n", [(2, "Product", Problem.NEEDED)]),
        (HEADER + "X,Hub,2027-01-01,P1Y,1,\n", [(2, "Currency", Problem.NEEDED)]),
        (HEADER + "X,Hub,2027-01-01,P1Y,1,XYZ\n", [(2, "Currency", Problem.CURRENCY)]),
        (HEADER + ",Hub,2027-01-01,P1Y,,\n", [(2, "Company name", Problem.NEEDED)]),
        (
            HEADER + "X,Hub,2027-01-01,P1Y,,\nx,HUB,2027-01-02,P1Y,,\n",
            [(3, "Company name", Problem.CONFLICT)],
        ),
        (
            HEADER + "X,Hub,2027-01-01,P1Y,,\nX,HUB,2027-01-02,P1Y,,\n",
            [(3, "Renewal date", Problem.CONFLICT)],
        ),
        (
            "Company name,Product,Renewal date,Term,Deadline\nX,Hub,2027-01-01,P1Y,2027-01-02\n",
            [(2, "Deadline", Problem.DEADLINE_LATE)],
        ),
        (
            "Company name,Email,Name\nX\u200b,a@x.example,Ana\u3164\nAcme,b@y.example,علی\u200cرضا\n",
            [(2, "Company name", Problem.UNSEEN), (2, "Name", Problem.UNSEEN)],
        ),
        (
            PEOPLE,
            [
                (2, "Company name", Problem.NOT_FOUND),
                (3, "Email", Problem.EMAIL),
                (4, "Name", Problem.NEEDED),
                (5, "Email", Problem.NEEDED),
                (6, "Contact roles", Problem.ROLE),
                (7, "Company name", Problem.NEEDED),
            ],
        ),
    ],
)
def test_errors_by_row_and_column(
    bring: Importer, text: str, expected: list[tuple[int, str | None, Problem]]
) -> None:
    assert faults(bring(text)) == expected


def test_one_role_for_two_people(bring: Importer) -> None:
    bring("Company name\nX\n")
    text = (
        "Email,Name,Company name,Contact roles\na@x.example,A,X,billing\nb@x.example,B,X,billing\n"
    )
    report = bring(text)
    assert faults(report) == [(3, "Contact roles", Problem.TAKEN)]
    assert report.faults[0].values == {"other": 2}


def test_a_deactivated_person_gets_no_role(bring: Importer, cast: Cast) -> None:
    db.session.get_one(User, cast.dave).active = False
    db.session.delete(db.session.get_one(ContactAssignment, (cast.client, ContactRole.BILLING)))
    situations.refresh([cast.client])
    text = "Email,Company name,Contact roles\ndave@acme.example,Acme,billing\n"
    assert faults(bring(text)) == [(2, "Contact roles", Problem.INACTIVE)]


def test_all_or_nothing(bring: Importer) -> None:
    before = db.session.scalar(select(func.count(Client.id)))
    report = bring(CLIENTS + b"Last,,,,,Hub,soon,P1Y,,\n")
    assert faults(report) == [(6, "Renewal date", Problem.DATE)]
    assert (report.created, [*report.mails()]) == (4, [])
    assert db.session.scalar(select(func.count(Client.id))) == before


def test_the_mails_that_would_go_out(bring: Importer) -> None:
    soon = runtime.today("Europe/Warsaw") + timedelta(days=20)
    report = bring(HEADER + f"Acme,Service Hub,{soon},P1Y,,\n")
    assert {mail.client for mail in report.mails()} == {"Acme"}
    assert {mail.email for mail in report.mails() if "Service Hub" in mail.products} == {
        "dana@acme.example",
        "dave@acme.example",
        "alice@odnowa.example",
    }
    later = runtime.today("Europe/Warsaw") + timedelta(days=300)
    assert list(bring(HEADER + f"Far,Service Hub,{later},P1Y,,\n").mails()) == []


def test_clients_that_are_alike_have_the_same_mails(bring: Importer) -> None:
    soon, sooner = (runtime.today("Europe/Warsaw") + timedelta(days=days) for days in (20, 9))
    lines = [
        f"{company},{product},{day},P1Y,{amount},EUR\n"
        for company, amount in (("One", 100), ("Two", 200), ("Acme", 300))
        for product, day in (("Service Hub", soon), ("Sales Hub", sooner), ("Hub", soon))
    ]
    foreseen = list(bring(HEADER + "".join(lines)).mails())
    now = runtime.now()
    ours = select(Client.id).where(Client.partner_id == bring.partner_id)
    facts = loading.load(db.session.scalars(ours).all())
    assert Counter((mail.client, mail.day, mail.email, mail.products) for mail in foreseen) == (
        Counter(
            (
                client.name,
                mail.day,
                mail.recipient.person.email,
                tuple(item.subscription.product for item in mail.items),
            )
            for client in facts.values()
            for plan in mails_within(client, now, DAYS_AHEAD)
            for mail in plan.mails
        )
    )
    assert {mail.client for mail in foreseen} >= {"One", "Two", "Acme"}


def test_statements_do_not_grow_with_the_list(
    bring: Importer, statements: Any, context: Flask
) -> None:
    def many(rows: range) -> str:
        return HEADER + "".join(f"Firm {row},Hub,2027-01-01,P1Y,,\n" for row in rows)

    numbers = []
    for rows in (range(10), range(10, 310)):
        with statements() as log:
            assert counts(bring(many(rows))) == (len(rows), 0, 0)
        # SQLite has no way to number many rows in one statement.
        numbers.append(sum(not one.startswith("INSERT") for one in log))
    assert numbers[1] <= numbers[0]


def test_a_cancelled_subscription_is_moved_and_not_renewed(bring: Importer) -> None:
    line = "Company name,Product,Renewal date,Term\nRe,Hub,{},P1M\n"
    bring(line.format("2027-01-31"))
    renewals.cancel(None, subscription("Re", "Hub"))
    assert counts(bring(line.format("2027-02-28"))) == (0, 1, 0)
    hub = subscription("Re", "Hub")
    assert (hub.renewal_date, hub.cycle, hub.cancelled) == (date(2027, 2, 28), 1, True)


@ON_POSTGRESQL
def test_steps_that_change_after_an_import_began_count(
    bring: Importer, cast: Cast, database_url: str
) -> None:
    partner = db.session.get_one(Partner, cast.partner)
    assert partner.steps[-1].decided[0] == 90
    engine = create_engine(database_url)
    with engine.begin() as other:
        other.execute(update(Partner).values(steps_text=":20/", deadline_rule_text="P10D"))
    engine.dispose()
    bring(HEADER + "New,Hub,2027-06-30,P1Y,,\n")
    hub = subscription("New", "Hub")
    # When the import began, there was no rule that new subscriptions could follow.
    assert (hub.deadline, hub.attention_on) == (None, date(2027, 6, 10))


@pytest.mark.parametrize(
    "text",
    [
        "company,domain\nacme,acme.example\nNew,new.example\n",
        "company,email,first name\nACME,new@acme.example,Nina\n",
    ],
)
def test_an_archived_client_is_left_out_and_named(bring: Importer, cast: Cast, text: str) -> None:
    alice, acme = db.session.get_one(User, cast.alice), client("Acme")
    archiving.archive(alice, acme)
    before = db.session.scalars(select(User.email).order_by(User.id)).all()
    report = bring(text)
    assert [(row, name) for row, name in report.archived] == [(2, "Acme")]
    assert counts(report) == ((1 if "New" in text else 0), 0, 0)
    assert client("Acme").domain is None
    assert db.session.scalars(select(User.email).order_by(User.id)).all() == before


def test_a_client_in_use_is_meant_before_an_archived_one(bring: Importer, cast: Cast) -> None:
    archiving.archive(db.session.get_one(User, cast.alice), client("Acme"))
    partner = db.session.get_one(Partner, cast.partner)
    db.session.add(make_client(partner, "ACME"))
    db.session.flush()
    report = bring("company,city\nacme,Lodz\n")
    assert (counts(report), report.archived) == ((0, 1, 0), ())


def test_a_phone_number_is_of_whom_the_list_is_about(bring: Importer) -> None:
    client = "Company name,Phone Number,Product,Renewal date,Term,Email,Name\n"
    hub = "Hub,2027-03-31,P1Y,ana@nowa.example,Ana\n"
    assert counts(bring(f"{client}Nowa,+48 22 1 23,{hub}")) == (1, 0, 0)
    assert counts(bring("Company name,Email,Phone\nNowa,ana@nowa.example,22 777\n")) == (0, 1, 0)
    found = bring(f"{client}Nowa,call me,{hub}")
    assert faults(found) == [(2, "Phone Number", Problem.PHONE)]
    nowa = db.session.scalars(select(Client).where(Client.name == "Nowa")).one()
    ana = db.session.scalars(select(User).where(User.name == "Ana")).one()
    assert (nowa.phone, ana.phone) == ("+48 22 1 23", "22 777")


def test_a_list_leaves_notes_as_they_are(bring: Importer, cast: Cast) -> None:
    acme = db.session.get_one(Client, cast.client)
    acme.note = "Pays late"
    db.session.commit()
    assert counts(bring("Company name,City\nAcme,Poznań\n")) == (0, 1, 0)
    db.session.refresh(acme)
    assert (acme.city, acme.note) == ("Poznań", "Pays late")
