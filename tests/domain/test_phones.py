"""Phone numbers: tables of cases."""

import pytest

from webapp.domain.cells import CellError, Problem
from webapp.domain.phones import dialled, read_phone


@pytest.mark.parametrize(
    ("written", "stored", "link"),
    [
        ("+48 22 123 45 67", "+48 22 123 45 67", "tel:+48221234567"),
        ("  (11) 2345-6789 ", "(11) 2345-6789", "tel:1123456789"),
        ("+55 11 98765.4321", "+55 11 98765.4321", "tel:+5511987654321"),
        ("020/7946 0958", "020/7946 0958", "tel:02079460958"),
        ("22\n123 45 67", "22 123 45 67", "tel:221234567"),
        ("22 123 45 67 wew. 12", "22 123 45 67 wew. 12", "tel:221234567;ext=12"),
        ("+44 20 7946 0958, ext 3", "+44 20 7946 0958, ext 3", "tel:+442079460958;ext=3"),
        ("112", "112", "tel:112"),
    ],
)
def test_a_number_stays_as_written_and_can_be_dialled(written: str, stored: str, link: str) -> None:
    assert read_phone(written) == stored
    assert dialled(stored) == link


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("12", Problem.PHONE),
        ("call me", Problem.PHONE),
        ("ext. 123", Problem.PHONE),
        ("+", Problem.PHONE),
        ("22 123 +48", Problem.PHONE),
        ("１１２", Problem.PHONE),
        ("javascript:112", Problem.PHONE),
        ("1" * 41, Problem.TOO_LONG),
        ("112\x00", Problem.CONTROL),
        ("112\u200b", Problem.UNSEEN),
    ],
)
def test_what_is_no_number(written: str, problem: Problem) -> None:
    with pytest.raises(CellError) as error:
        read_phone(written)
    assert error.value.problem is problem
