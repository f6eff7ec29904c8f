import re

from webapp.signin import authenticator, recovery


def test_ten_codes_of_sixteen_digits_in_groups():
    codes = recovery.new_codes()
    assert len(set(codes)) == recovery.CODES == 10
    assert all(re.fullmatch(r"\d{4}( \d{4}){3}", code) for code in codes)
    assert all(len(authenticator.digits(code)) == recovery.DIGITS for code in codes)
