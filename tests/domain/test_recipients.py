"""The recipients of a reminder, as To or copy, with their reasons, or why there are none: tables of cases."""

from itertools import product

import pytest

from tests.domain.builders import (
    ALICE,
    ALICE_BY_DEFAULT,
    ANN,
    BOB,
    DANA,
    DAVE,
    DORA,
    THREE,
    gone,
    person,
    refused,
)
from webapp.domain.ownership import ContactSource, Owner, Person, PointOfContact, point_of_contact
from webapp.domain.recipients import ContactRole, Place, Reachability, circle, reachability

PRIMARY, BILLING = ContactRole.PRIMARY, ContactRole.BILLING
DECISION_MAKER = ContactRole.DECISION_MAKER
NOBODY = PointOfContact((), ContactSource.ADMINS)
TWO_ADMINS = PointOfContact((ALICE, BOB), ContactSource.ADMINS)


def lines(
    owner: str, contacts: dict[ContactRole, Person], contact: PointOfContact = ALICE_BY_DEFAULT
) -> list[str]:
    """A circle in plain words: "to Dana: primary, billing"."""
    return [
        f"{one.place} {one.person.name}: {', '.join(one.reasons)}"
        for one in circle(Owner(owner), contacts, contact).recipients
    ]


@pytest.mark.parametrize(
    ("contacts", "contact", "expected"),
    [
        pytest.param(
            THREE,
            ALICE_BY_DEFAULT,
            [
                "to Dana: primary",
                "to Dave: billing",
                "to Dora: decision_maker",
                "cc Alice: notified",
            ],
            id="the three, and a copy to the notified user",
        ),
        pytest.param(
            THREE,
            TWO_ADMINS,
            [
                "to Dana: primary",
                "to Dave: billing",
                "to Dora: decision_maker",
                "cc Alice: admin",
                "cc Bob: admin",
            ],
            id="all admins are copied when nobody chosen is left",
        ),
        pytest.param(
            dict.fromkeys(ContactRole, DANA),
            ALICE_BY_DEFAULT,
            ["to Dana: primary, billing, decision_maker", "cc Alice: notified"],
            id="one person with all roles is one recipient",
        ),
        pytest.param(
            {DECISION_MAKER: DANA, PRIMARY: DANA, BILLING: DAVE},
            ALICE_BY_DEFAULT,
            ["to Dana: primary, decision_maker", "to Dave: billing", "cc Alice: notified"],
            id="reasons stand in the article's order",
        ),
        pytest.param(
            {PRIMARY: DANA, BILLING: person("Dave", email="DANA@Example.com")},
            ALICE_BY_DEFAULT,
            ["to Dana: primary, billing", "cc Alice: notified"],
            id="two people of one address are one",
        ),
        pytest.param(
            {PRIMARY: person("Dana", email="Alice@example.com"), BILLING: DAVE},
            ALICE_BY_DEFAULT,
            ["to Dana: primary, notified", "to Dave: billing"],
            id="To beats Copy, and both reasons stay",
        ),
        pytest.param(
            {PRIMARY: person("Dana", email="alice@example.com")},
            PointOfContact((person("Alice", email="ALICE@example.com"),), ContactSource.DEFAULT),
            ["to Dana: primary, notified"],
            id="whatever the case of the address",
        ),
        pytest.param(
            {BILLING: DAVE},
            ALICE_BY_DEFAULT,
            ["to Dave: billing", "cc Alice: notified"],
            id="two roles are empty: the third gets it",
        ),
        pytest.param(
            {PRIMARY: gone(DANA), BILLING: refused(DAVE), DECISION_MAKER: DORA},
            ALICE_BY_DEFAULT,
            ["to Dora: decision_maker", "cc Alice: notified"],
            id="who is gone or refused is left out",
        ),
        pytest.param(
            THREE,
            NOBODY,
            ["to Dana: primary", "to Dave: billing", "to Dora: decision_maker"],
            id="nobody at the partner: no copy",
        ),
        pytest.param({}, ALICE_BY_DEFAULT, [], id="nobody at the client: nobody is copied either"),
        pytest.param(
            {PRIMARY: gone(DANA), BILLING: refused(DAVE)}, ALICE_BY_DEFAULT, [], id="nobody is left"
        ),
    ],
)
def test_the_vendor_writes_to_the_client_and_copies_the_partner(
    contacts: dict[ContactRole, Person], contact: PointOfContact, expected: list[str]
) -> None:
    assert lines("vendor", contacts, contact) == expected


@pytest.mark.parametrize(
    ("contact", "expected"),
    [
        pytest.param(ALICE_BY_DEFAULT, ["to Alice: point_of_contact"], id="the default's contact"),
        pytest.param(
            PointOfContact((BOB,), ContactSource.CLIENT),
            ["to Bob: point_of_contact"],
            id="the client's own contact",
        ),
        pytest.param(TWO_ADMINS, ["to Alice: admin", "to Bob: admin"], id="admins standing in"),
        pytest.param(NOBODY, [], id="nobody"),
    ],
)
def test_the_partner_alone_is_told_when_it_owns(
    contact: PointOfContact, expected: list[str]
) -> None:
    assert lines("partner", THREE, contact) == expected


@pytest.mark.parametrize(
    ("contacts", "missing"),
    [
        pytest.param(THREE, [], id="none"),
        pytest.param({PRIMARY: DANA}, [BILLING, DECISION_MAKER], id="two"),
        pytest.param(
            {PRIMARY: DANA, BILLING: gone(DAVE), DECISION_MAKER: DORA},
            [BILLING],
            id="one whose holder is gone",
        ),
        pytest.param(
            {PRIMARY: DANA, BILLING: refused(DAVE), DECISION_MAKER: DORA},
            [],
            id="a refused address is told apart",
        ),
        pytest.param({}, list(ContactRole), id="all three"),
    ],
)
def test_missing_roles_are_named(
    contacts: dict[ContactRole, Person], missing: list[ContactRole]
) -> None:
    assert list(circle(Owner.VENDOR, contacts, ALICE_BY_DEFAULT).missing) == missing
    assert circle(Owner.PARTNER, contacts, ALICE_BY_DEFAULT).missing == ()


def test_refused_addresses_are_named_once():
    contact = point_of_contact(refused(BOB), gone(ANN), [ALICE])
    contacts = {PRIMARY: refused(DANA), BILLING: refused(DANA), DECISION_MAKER: DORA}
    assert circle(Owner.VENDOR, contacts, contact).rejected == (refused(DANA), refused(BOB))
    assert circle(Owner.PARTNER, contacts, contact).rejected == (refused(BOB),)


@pytest.mark.parametrize(
    ("owner", "contacts", "contact", "colour"),
    [
        pytest.param("vendor", THREE, ALICE_BY_DEFAULT, "green", id="three people"),
        pytest.param(
            "vendor",
            {PRIMARY: DANA, BILLING: DAVE},
            ALICE_BY_DEFAULT,
            "green",
            id="two people, one role is empty",
        ),
        pytest.param("vendor", {BILLING: DAVE}, ALICE_BY_DEFAULT, "green", id="a single person"),
        pytest.param(
            "vendor",
            dict.fromkeys(ContactRole, DANA),
            ALICE_BY_DEFAULT,
            "green",
            id="a single person in three roles",
        ),
        pytest.param(
            "vendor",
            THREE | {BILLING: refused(DAVE)},
            ALICE_BY_DEFAULT,
            "amber",
            id="an address was refused",
        ),
        pytest.param(
            "vendor",
            THREE,
            point_of_contact(refused(BOB), None, [ALICE]),
            "amber",
            id="the copied address was refused",
        ),
        pytest.param("vendor", {}, ALICE_BY_DEFAULT, "red", id="no contacts"),
        pytest.param(
            "vendor",
            {PRIMARY: refused(DANA), BILLING: gone(DAVE)},
            ALICE_BY_DEFAULT,
            "red",
            id="none left",
        ),
        pytest.param("vendor", THREE, NOBODY, "green", id="the client can be told, nobody copied"),
        pytest.param(
            "partner", {}, ALICE_BY_DEFAULT, "green", id="one point of contact is the rule"
        ),
        pytest.param("partner", THREE, TWO_ADMINS, "green", id="admins standing in"),
        pytest.param(
            "partner",
            THREE,
            point_of_contact(refused(BOB), ANN, []),
            "amber",
            id="the own contact's address was refused",
        ),
        pytest.param(
            "partner",
            THREE,
            point_of_contact(gone(BOB), ANN, []),
            "green",
            id="the default's contact took over",
        ),
        pytest.param("partner", THREE, NOBODY, "red", id="nobody at the partner"),
    ],
)
def test_reachability(
    owner: str, contacts: dict[ContactRole, Person], contact: PointOfContact, colour: str
) -> None:
    assert reachability(circle(Owner(owner), contacts, contact)) is Reachability(colour)


def test_no_circle_breaks_the_rules():
    """Every holder of every role in every state: one person is one address, red is blocked, and so on."""
    holders = (
        None,
        DANA,
        DAVE,
        gone(DORA),
        refused(DORA),
        person("Dave", email="ALICE@example.com"),
    )
    for owner, *three in product(Owner, holders, holders, holders):
        contacts = {role: one for role, one in zip(ContactRole, three, strict=True) if one}
        for contact in (ALICE_BY_DEFAULT, TWO_ADMINS, NOBODY):
            found = circle(owner, contacts, contact)
            addresses = [one.person.address for one in found.recipients]
            assert len(addresses) == len(set(addresses))
            assert all(one.person.reachable and one.reasons for one in found.recipients)
            assert found.owner is owner
            assert found.blocked is (not found.recipients)
            assert found.blocked is (reachability(found) is Reachability.RED)
            if owner is Owner.PARTNER:
                assert [one.person for one in found.recipients] == list(contact.people)
            if found.copied:
                assert all(one.place is Place.COPY for one in found.copied)
                assert owner is Owner.VENDOR
