import pytest

from webapp.domain.refusals import Refusal
from webapp.mail.addresses import AddressError, as_stored, check_name, name_from, normalise


@pytest.mark.parametrize(
    ("typed", "wire"),
    [
        ("ana@odnowa.example", "ana@odnowa.example"),
        (" Ana.B+x@Odnowa.EXAMPLE\n", "Ana.B+x@odnowa.example"),
        ("ana@żółw.example", "ana@xn--w-uga1v8h.example"),
        ("ana@mail.test", "ana@mail.test"),
        ("a" * 64 + "@x.example", "a" * 64 + "@x.example"),
    ],
)
def test_address_as_it_goes_over_the_wire(typed: str, wire: str) -> None:
    assert normalise(typed) == wire
    assert normalise(wire) == wire


@pytest.mark.parametrize(
    ("typed", "refusal"),
    [
        ("", Refusal.ADDRESS_NO_AT),
        ("ana", Refusal.ADDRESS_NO_AT),
        ("ana@b@c.example", Refusal.ADDRESS_NO_AT),
        ("ana b@c.example", Refusal.ADDRESS_CHARACTERS),
        ("ana\x00@c.example", Refusal.ADDRESS_CHARACTERS),
        ("ana@c.example\r\nBcc: eve@c.example", Refusal.ADDRESS_CHARACTERS),
        ("ana\u202e@c.example", Refusal.ADDRESS_CHARACTERS),
        ("ana@c\u3164.example", Refusal.ADDRESS_CHARACTERS),
        ("ana@c\u200b.example", Refusal.ADDRESS_CHARACTERS),
        ("żółw@c.example", Refusal.ADDRESS_ACCENTS),
        ("ana@" + "c." * 130 + "example", Refusal.ADDRESS_LENGTH),
        ("@c.example", Refusal.ADDRESS_SPELLING),
        ("ana@", Refusal.ADDRESS_SPELLING),
        ("ana@firma", Refusal.ADDRESS_SPELLING),
        ("ana@c..example", Refusal.ADDRESS_SPELLING),
        ("a;b@c.example", Refusal.ADDRESS_SPELLING),
        ("a" * 65 + "@c.example", Refusal.ADDRESS_SPELLING),
        ("ana@[127.0.0.1]", Refusal.ADDRESS_SPELLING),
    ],
)
def test_address_that_is_refused(typed: str, refusal: Refusal) -> None:
    with pytest.raises(AddressError) as caught:
        normalise(typed)
    assert caught.value.refusal is refusal


@pytest.mark.parametrize(
    ("looked_for", "stored"),
    [
        ("Ana", "ana"),
        ("ana@ŻÓŁW.example", "ana@xn--w-uga1v8h.example"),
        ("żółw", "xn--w-uga1v8h"),
        ("XN--W-uga1v8h", "xn--w-uga1v8h"),
        ("straße.example", "xn--strae-oqa.example"),
        ("☃@@..", "☃@@.."),
        ("", ""),
    ],
)
def test_a_part_of_an_address_is_looked_for_as_it_is_stored(looked_for: str, stored: str) -> None:
    assert as_stored(looked_for) == stored


def test_name_gets_single_spaces() -> None:
    assert check_name("  Ana \u00a0 Żak ") == "Ana Żak"


def test_name_in_another_script_keeps_what_it_needs() -> None:
    assert check_name("علی‌رضا") == "علی\u200cرضا"


@pytest.mark.parametrize("typed", ["Ana\u200b", "\u3164", "Ana \u202eelpmaxe", "A\u200dna"])
def test_name_with_what_nobody_sees_is_refused(typed: str) -> None:
    with pytest.raises(AddressError) as caught:
        check_name(typed)
    assert caught.value.refusal is Refusal.UNSEEN


@pytest.mark.parametrize("typed", ["Ana\nŻak", "Ana\x00", "Ana\u2028Żak", "Ana\ud800"])
def test_name_with_control_characters_is_refused(typed: str) -> None:
    with pytest.raises(AddressError) as caught:
        check_name(typed)
    assert caught.value.refusal is Refusal.CONTROL


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("ana@odnowa.example", "Ana"),
        ("jan.kowalski@odnowa.example", "Jan Kowalski"),
        ("anna_maria-w2@odnowa.example", "Anna Maria W"),
        ("007@odnowa.example", "007@odnowa.example"),
    ],
)
def test_a_name_is_read_from_an_address(address: str, name: str) -> None:
    assert name_from(address) == name
