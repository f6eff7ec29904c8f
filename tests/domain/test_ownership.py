"""The owner, the point of contact, and the reasons: tables of cases."""

from itertools import product

import pytest

from tests.domain.builders import ALICE, ANN, BOB, gone, refused
from webapp.domain.ownership import (
    Choice,
    ContactSource,
    EffectiveOwner,
    Owner,
    Person,
    PointOfContact,
    effective_owner,
    needs_contact,
    point_of_contact,
)

CLIENT, DEFAULT, ADMINS = ContactSource.CLIENT, ContactSource.DEFAULT, ContactSource.ADMINS


@pytest.mark.parametrize(
    ("choice", "default", "owner", "own"),
    [
        pytest.param("inherit", "vendor", "vendor", False, id="nothing set follows the default"),
        pytest.param("inherit", "partner", "partner", False, id="and follows it when it changes"),
        pytest.param("vendor", "partner", "vendor", True, id="vendor for this client"),
        pytest.param("partner", "vendor", "partner", True, id="partner for this client"),
        pytest.param("vendor", "vendor", "vendor", True, id="vendor as the default is, still own"),
        pytest.param("partner", "partner", "partner", True, id="partner as default, still own"),
    ],
)
def test_effective_owner(choice: str, default: str, owner: str, own: bool) -> None:
    assert effective_owner(Choice(choice), Owner(default)) == EffectiveOwner(Owner(owner), own)


@pytest.mark.parametrize(
    ("own", "default", "admins", "expected"),
    [
        pytest.param(
            BOB, ANN, [ALICE], PointOfContact((BOB,), CLIENT), id="the client's own comes first"
        ),
        pytest.param(
            None, ANN, [ALICE], PointOfContact((ANN,), DEFAULT), id="without own, the default's"
        ),
        pytest.param(
            None, None, [ALICE, BOB], PointOfContact((ALICE, BOB), ADMINS), id="none: all admins"
        ),
        pytest.param(
            gone(BOB),
            ANN,
            [ALICE],
            PointOfContact((ANN,), DEFAULT, (gone(BOB),)),
            id="own deactivated: the default's, and it shows",
        ),
        pytest.param(
            refused(BOB),
            ANN,
            [ALICE],
            PointOfContact((ANN,), DEFAULT, (refused(BOB),)),
            id="own with a refused address is passed over alike",
        ),
        pytest.param(
            gone(BOB),
            gone(ANN),
            [ALICE],
            PointOfContact((ALICE,), ADMINS, (gone(BOB), gone(ANN))),
            id="both deactivated: the admins, and both steps show",
        ),
        pytest.param(
            None,
            gone(ANN),
            [ALICE, BOB],
            PointOfContact((ALICE, BOB), ADMINS, (gone(ANN),)),
            id="default deactivated: all admins",
        ),
        pytest.param(
            gone(ANN),
            gone(ANN),
            [ALICE],
            PointOfContact((ALICE,), ADMINS, (gone(ANN),)),
            id="the same person twice is passed over once",
        ),
        pytest.param(
            BOB,
            gone(ANN),
            [ALICE],
            PointOfContact((BOB,), CLIENT),
            id="a lost default is no matter",
        ),
        pytest.param(
            gone(BOB),
            None,
            [gone(ALICE), refused(ANN), BOB],
            PointOfContact((BOB,), ADMINS, (gone(BOB),)),
            id="admins who can't be reached are left out",
        ),
        pytest.param(None, None, [], PointOfContact((), ADMINS), id="nobody at all"),
    ],
)
def test_point_of_contact(
    own: Person | None, default: Person | None, admins: list[Person], expected: PointOfContact
) -> None:
    assert point_of_contact(own, default, admins) == expected


@pytest.mark.parametrize(
    ("own", "default", "expected"),
    [
        (None, ANN, False),
        (BOB, ANN, False),
        (gone(BOB), ANN, True),
        (None, gone(ANN), True),
        (None, None, True),
    ],
)
def test_somebody_stands_in(own: Person | None, default: Person | None, expected: bool) -> None:
    assert point_of_contact(own, default, [ALICE]).standing_in is expected


def test_owner_and_point_of_contact_inherit_separately():
    """Any choice of owner goes with any choice of contact; neither changes the other."""
    for choice, own in product(Choice, (None, BOB)):
        assert effective_owner(choice, Owner.VENDOR).own is (choice is not Choice.INHERIT)
        assert point_of_contact(own, ANN, [ALICE]).people == (own or ANN,)


@pytest.mark.parametrize(
    ("owner", "own", "default", "refuse"),
    [
        pytest.param("partner", None, None, True, id="partner without anybody"),
        pytest.param("partner", gone(BOB), None, True, id="partner with one who is gone"),
        pytest.param("partner", gone(BOB), gone(ANN), True, id="partner with two who are gone"),
        pytest.param("partner", BOB, None, False, id="partner with the client's own"),
        pytest.param("partner", None, ANN, False, id="partner with the default's"),
        pytest.param("partner", gone(BOB), ANN, False, id="partner with the default's left"),
        pytest.param("vendor", None, None, False, id="the vendor needs nobody"),
    ],
)
def test_partner_as_owner_needs_a_point_of_contact(
    owner: str, own: Person | None, default: Person | None, refuse: bool
) -> None:
    assert needs_contact(Owner(owner), own, default) is refuse


def test_an_address_is_one_whatever_its_case():
    assert ALICE.address == "alice@example.com"
    assert Person(1, "A", "ALICE@Example.COM", "en", "UTC").address == ALICE.address
