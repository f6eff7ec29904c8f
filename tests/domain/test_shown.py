"""The token of what a form showed."""

from datetime import date, time
from decimal import Decimal

import pytest

from webapp.domain.ownership import Owner
from webapp.domain.shown import changed_since, token_of

SHOWN = {"name": "Żaneta", "city": None, "admin": False, "owner": Owner.PARTNER}


def test_what_was_shown_has_not_changed():
    assert changed_since(token_of(SHOWN), SHOWN) == set()
    assert changed_since(token_of(SHOWN), {"name": "Żaneta"}) == set()


@pytest.mark.parametrize(
    ("field", "value"), [("name", "Zaneta"), ("city", "Łódź"), ("admin", True), ("owner", None)]
)
def test_what_has_changed_is_named(field, value):
    assert changed_since(token_of(SHOWN), SHOWN | {field: value}) == {field}


@pytest.mark.parametrize(
    ("value", "same"),
    [
        (None, ""),
        (date(2027, 3, 31), "2027-03-31"),
        (time(9), "09:00:00"),
        (Decimal("12.50"), "12.50"),
        (Owner.VENDOR, "vendor"),
        (7, "7"),
    ],
)
def test_a_value_is_the_same_as_its_text(value, same):
    assert token_of({"field": value}) == token_of({"field": same})


def test_values_are_not_mixed_up():
    """Whatever order they came in; and what one field showed, another did not."""
    assert token_of({"a": 1, "b": 2}) == token_of({"b": 2, "a": 1})
    assert changed_since(token_of({"a": 1, "b": 2}), {"a": 2, "b": 1}) == {"a", "b"}


@pytest.mark.parametrize("token", ["", ".", "made-up", "\x00", "9" * 5000])
def test_what_is_no_token_showed_nothing(token):
    assert changed_since(token, SHOWN) == SHOWN.keys()
