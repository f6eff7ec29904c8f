"""Return paths: signed, read back however a server writes them, and within the limits of SMTP."""

import pytest

from webapp import setting_values
from webapp.mail import return_paths
from webapp.mail.return_paths import ReturnPath

SEED = "5e" * 32
OURS = "bounces@portal.example"
MESSAGE = "<one@portal.example>"


def test_a_return_path_proves_its_mail_and_no_other():
    made = return_paths.make(OURS, SEED, 17, MESSAGE)
    path = return_paths.find(OURS, made)
    assert path is not None
    assert path.id == 17
    assert return_paths.is_signed(SEED, path, MESSAGE)
    assert not return_paths.is_signed("5f" * 32, path, MESSAGE)
    # After a restored backup another mail may have this id.
    assert not return_paths.is_signed(SEED, path, "<two@portal.example>")
    assert not return_paths.is_signed(SEED, path._replace(id=18), MESSAGE)


@pytest.mark.parametrize(
    "write",
    [str.upper, "<{}>".format, " {} ".format, lambda made: made.replace("portal", "mx.portal")],
)
def test_servers_may_change_case_and_domain(write):
    made = return_paths.make(OURS, SEED, 17, MESSAGE)
    assert return_paths.find(OURS, write(made)) == return_paths.find(OURS, made)


@pytest.mark.parametrize(
    "address",
    [
        "",
        OURS,
        "bounces+17@portal.example",
        "bounces+17.short@portal.example",
        "other+17.aaaaaaaaaaaaaaaa@portal.example",
        "bounces+x.aaaaaaaaaaaaaaaa@portal.example",
        "bounces+-7.aaaaaaaaaaaaaaaa@portal.example",
        "bounces+1234567890123456789.aaaaaaaaaaaaaaaa@portal.example",
        "bounces+\u0661.aaaaaaaaaaaaaaaa@portal.example",
    ],
)
def test_other_addresses_are_none(address):
    assert return_paths.find(OURS, address) is None


def test_the_address_may_hold_a_plus_of_its_own():
    assert return_paths.find(
        "mail+bounces@portal.example", "mail+bounces+17.aaaaaaaaaaaaaaaa@portal.example"
    ) == ReturnPath(17, "a" * 16)


def test_the_longest_name_and_id_fit_in_a_local_part():
    longest = setting_values.bounce_address(
        f"{'b' * setting_values.LONGEST_BOUNCE_NAME}@portal.example"
    )
    made = return_paths.make(longest, SEED, 10**18 - 1, MESSAGE)
    assert len(made.partition("@")[0]) <= 64
