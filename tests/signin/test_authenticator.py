"""Authenticator apps: which codes count, when, and how the key comes into the app."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest

from webapp.signin import authenticator

KEY = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
NOW = datetime(2026, 11, 29, 12, 0, 10, tzinfo=UTC)
STEP = int(NOW.timestamp()) // 30


@pytest.mark.parametrize(
    ("seconds", "counts"),
    [(-45, False), (-30, True), (0, True), (30, True), (55, False), (-3600, False)],
)
def test_a_clock_may_be_off_by_one_step(seconds, counts):
    shown = pyotp.TOTP(KEY).at(NOW + timedelta(seconds=seconds))
    found = authenticator.step_of(KEY, shown, NOW)
    assert found == ((int(NOW.timestamp()) + seconds) // 30 if counts else None)


def test_the_standards_own_example():
    # RFC 6238, appendix B, with six of its eight digits.
    key = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    at = datetime.fromtimestamp(1111111109, UTC)
    assert authenticator.step_of(key, "081804", at) == 1111111109 // 30
    assert authenticator.step_of(key, "081805", at) is None


def test_another_keys_code_is_wrong():
    assert authenticator.step_of(authenticator.new_key(), pyotp.TOTP(KEY).at(NOW), NOW) is None


@pytest.mark.parametrize(
    ("typed", "read"),
    [("123456", "123456"), (" 123 456 ", "123456"), ("123-456", "123456"), ("１２３٤٥٦", "123456")],
)
def test_codes_may_be_typed_in_groups_and_other_digits(typed, read):
    assert authenticator.digits(typed) == read


def test_keys_are_long_and_differ():
    keys = {authenticator.new_key() for _ in range(20)}
    assert len(keys) == 20
    assert all(authenticator.KEY.match(key) for key in keys)


def test_the_address_names_portal_and_person():
    text = authenticator.address(KEY, "ana@żółw.example", "Portal odnowień")
    parts = urlsplit(text)
    assert (parts.scheme, parts.netloc) == ("otpauth", "totp")
    assert parse_qs(parts.query) == {"secret": [KEY], "issuer": ["Portal odnowień"]}
    assert pyotp.parse_uri(text).name == "ana@żółw.example"


def test_the_picture_has_no_styles_or_scripts():
    drawn = authenticator.picture(authenticator.address(KEY, "ana@acme.example", "Portal"))
    assert drawn.startswith("<svg ")
    assert 'fill="#fff"' in drawn
    assert "style" not in drawn
    assert "script" not in drawn
