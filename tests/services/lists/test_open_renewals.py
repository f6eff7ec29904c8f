"""Pages of open renewals: where one ends, though a client on it was renewed in that moment."""

from datetime import date

import pytest

from webapp.services.lists.open_renewals import RenewalPlace, end_of

FAR = date(2030, 1, 1)


def place(day: int, client_id: int) -> RenewalPlace:
    return RenewalPlace(date(2027, 3, day), client_id)


@pytest.mark.parametrize(
    ("moved", "expected"),
    [
        ({}, place(2, 7)),
        # The first one; the last one; both; the one that follows.
        ({5: FAR}, place(2, 7)),
        ({7: FAR}, place(1, 5)),
        ({5: FAR, 7: FAR}, place(2, 8)),
        ({9: FAR}, place(2, 7)),
    ],
)
def test_a_page_ends_before_the_next_client(moved, expected):
    places = {5: place(1, 5), 7: place(2, 7), 9: place(2, 9)}
    places |= {client_id: RenewalPlace(day, client_id) for client_id, day in moved.items()}
    assert end_of(places, {5, 7}) == expected
