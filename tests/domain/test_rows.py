"""Columns are recognised or mapped; a line becomes values or all of its faults."""

from datetime import date
from decimal import Decimal

import pytest

from webapp.domain.cells import Problem, Spelling
from webapp.domain.recipients import ContactRole
from webapp.domain.rows import (
    Fault,
    Field,
    ImportedLine,
    Kind,
    ListError,
    cell_readers,
    find_columns,
    read_line,
)

CLIENTS = ["Company name", "Company domain name", "Product", "Renewal date", "Term", "Amount"]
CONTACTS = ["First name", "Last name", "Email", "Job title", "Company name", "Contact roles"]


def test_every_field_is_a_fact() -> None:
    assert set(ImportedLine._fields) == {"row"} | {name.name.lower() for name in Field}


@pytest.mark.parametrize(
    ("header", "mapping", "kind", "found"),
    [
        (CLIENTS, [], Kind.CLIENTS, {Field.COMPANY: 0, Field.DOMAIN: 1, Field.PRODUCT: 2}),
        (CONTACTS, [], Kind.CONTACTS, {Field.EMAIL: 2, Field.COMPANY: 4, Field.ROLES: 5}),
        ([" COMPANY  NAME ", "City"], [], Kind.CLIENTS, {Field.COMPANY: 0, Field.CITY: 1}),
        (
            ["Firma", "Email", "Product"],
            [("Company", "firma")],
            Kind.CLIENTS,
            {Field.COMPANY: 0, Field.EMAIL: 1, Field.PRODUCT: 2},
        ),
        # A mapped column beats the one that bears the field's name.
        (["Company", "Legal name"], [("company", "Legal name")], Kind.CLIENTS, {Field.COMPANY: 1}),
        (
            ["CustomerID", "CompanyName", "ContactName", "City"],
            [
                ("external id", "CustomerID"),
                ("company", "CompanyName"),
                ("name", "ContactName"),
            ],
            Kind.CLIENTS,
            {Field.EXTERNAL_ID: 0, Field.COMPANY: 1, Field.CITY: 3},
        ),
        # Without e-mails a bare name is the company's.
        (["Klient", "City"], [("name", "Klient")], Kind.CLIENTS, {Field.COMPANY: 0}),
    ],
)
def test_columns(
    header: list[str], mapping: list[tuple[str, str]], kind: Kind, found: dict[Field, int]
) -> None:
    columns = find_columns(header, mapping)
    assert columns.kind is kind
    assert {name: columns.places.get(name) for name in found} == found


def test_columns_left_over_are_named() -> None:
    columns = find_columns(["Company name", "Fax", "", "name"])
    assert columns.unused == ("Fax", "name")
    assert columns.label(Field.COMPANY) == "Company name"
    assert columns.label(Field.TERM) == "term"


@pytest.mark.parametrize(
    ("header", "mapping", "fault"),
    [
        (["Company name", "City", "city "], [], Fault(1, "city ", Problem.DUPLICATE_HEADER)),
        (["Company name"], [("domain", "Web")], Fault(1, "Web", Problem.UNKNOWN_COLUMN)),
        (
            ["Company name", "Web"],
            [("homepage", "Web")],
            Fault(1, "Web", Problem.UNKNOWN_FIELD, {"field": "homepage"}),
        ),
        (
            ["A", "B"],
            [("company", "A"), ("company", "B")],
            Fault(1, "B", Problem.MAPPED_TWICE, {"field": "company"}),
        ),
        (["Email", "Name"], [], Fault(1, "company", Problem.COLUMN_MISSING)),
        (["What", "Ever"], [], Fault(1, "company", Problem.COLUMN_MISSING)),
    ],
)
def test_columns_refused(header: list[str], mapping: list[tuple[str, str]], fault: Fault) -> None:
    with pytest.raises(ListError) as error:
        find_columns(header, mapping)
    assert error.value.faults == (fault,)


def test_a_line_becomes_values() -> None:
    columns = find_columns(CLIENTS)
    cells = ["Zażółć  S.A.", "https://zazolc.example", "Sales Hub", "31.1.2027", "P1Y", "1 200,00"]
    assert read_line(
        7, cells, columns, cell_readers(columns, Spelling(date="31.12.2026"), {})
    ) == ImportedLine(
        7,
        company="Zażółć S.A.",
        domain="zazolc.example",
        product="Sales Hub",
        renewal_date=date(2027, 1, 31),
        term=12,
        amount=Decimal("1200.00"),
    )


def test_a_contact_has_one_name() -> None:
    cells = ["Ana", "Maria Souza", "ana@acme.example", "", "Acme", "Contato principal"]
    roles = {"contato principal": ContactRole.PRIMARY}
    columns = find_columns(CONTACTS)
    line = read_line(2, cells, columns, cell_readers(columns, Spelling(roles=roles), {}))
    assert isinstance(line, ImportedLine)
    assert (line.person, line.job_title) == ("Ana Maria Souza", None)
    assert line.roles == (ContactRole.PRIMARY,)
    assert ImportedLine(2, name="Ana", last_name="Souza").person == "Ana"
    assert ImportedLine(2).person is None


def test_all_faults_of_a_line_are_named() -> None:
    columns = find_columns(CLIENTS)
    cells = ["Acme", "no domain", "Sales Hub", "soon", "", "12 €"]
    assert read_line(3, cells, columns, cell_readers(columns, Spelling(), {})) == [
        Fault(3, "Company domain name", Problem.DOMAIN, {"value": "no domain"}),
        Fault(3, "Renewal date", Problem.DATE, {"value": "soon"}),
        Fault(3, "Amount", Problem.AMOUNT, {"value": "12 €"}),
    ]
    assert read_line(4, ["Acme"], columns, cell_readers(columns, Spelling(), {})) == [
        Fault(4, None, Problem.RAGGED, {"found": 1, "expected": 6})
    ]
