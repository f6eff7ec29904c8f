"""Doors: who is in by which, and the role that groups give."""

import pytest

from webapp.domain.doors import admin_after, admin_by_groups, is_for_one_user, is_good

PASSWORD, OIDC, PROXY = ("password",), ("oidc",), ("proxy",)
BOTH = ("password", "oidc")
# (the way of signing in, the doors that are open, of the partner for whom doors speak, good)
WAYS = [
    ("password", PASSWORD, False, True),
    ("password", PASSWORD, True, True),
    ("link", PASSWORD, True, True),
    # That partner's people come by their door alone, and everybody else by a password.
    ("password", BOTH, True, False),
    ("authenticator", BOTH, True, False),
    ("recovery_code", BOTH, True, False),
    ("link", BOTH, True, False),
    ("password", BOTH, False, True),
    ("link", BOTH, False, True),
    # Where there is no password, there is none for anybody.
    ("password", OIDC, False, False),
    ("link", PROXY, False, False),
    # A door speaks for its partner alone, and only while it is open.
    ("oidc", BOTH, True, True),
    ("oidc", BOTH, False, False),
    ("proxy", BOTH, True, False),
    ("oidc", PASSWORD, True, False),
    ("proxy", PROXY, True, True),
    ("proxy", PROXY, False, False),
    # The emergency key works whatever is open.
    ("operator", OIDC, True, True),
    ("operator", PASSWORD, False, True),
    ("operator", PROXY, False, True),
]


@pytest.mark.parametrize(("method", "opened", "own", "good"), WAYS)
def test_who_is_in_by_which(method: str, opened: tuple[str, ...], own: bool, good: bool) -> None:
    assert is_good(method, opened, own=own) is good


@pytest.mark.parametrize(
    ("method", "alone"),
    [
        ("password", False),
        ("authenticator", False),
        ("recovery_code", False),
        ("link", False),
        ("oidc", True),
        ("proxy", True),
        ("operator", True),
    ],
)
def test_sessions_that_open_one_user_alone(method: str, alone: bool) -> None:
    assert is_for_one_user(method) is alone


PAIRS = ("admin=portal admins", "admin=chiefs", "member=sales", "member=chiefs")


@pytest.mark.parametrize(
    ("groups", "admin"),
    [
        ((), None),
        (("everybody",), None),
        (("Sales",), None),
        (("sales",), False),
        (("sales", "portal admins"), True),
        (("portal admins",), True),
        # Of two roles the stronger one.
        (("chiefs",), True),
    ],
)
def test_role_by_groups(groups: tuple[str, ...], admin: bool | None) -> None:
    assert admin_by_groups(set(groups), PAIRS) is admin


def test_no_group_means_nothing_where_none_is_set() -> None:
    assert admin_by_groups({"sales", "admin"}, ()) is None


MEMBERS_ONLY = ("member=sales",)


@pytest.mark.parametrize(
    ("groups", "pairs", "before", "after"),
    [
        (("portal admins",), PAIRS, False, True),
        (("portal admins", "sales"), PAIRS, True, True),
        (("chiefs",), PAIRS, False, True),
        # Whoever has left the groups of admins is none any more, whatever other groups there are.
        (("sales",), PAIRS, True, False),
        (("everybody",), PAIRS, True, False),
        ((), PAIRS, True, False),
        ((), ("admin=portal admins",), True, False),
        ((), PAIRS, False, False),
        # Without a group of admins nothing is given and nothing taken away.
        (("sales",), MEMBERS_ONLY, True, True),
        ((), MEMBERS_ONLY, True, True),
        (("sales",), MEMBERS_ONLY, False, False),
        (("portal admins",), (), True, True),
        (("portal admins",), (), False, False),
    ],
)
def test_role_of_a_known_person(
    groups: tuple[str, ...], pairs: tuple[str, ...], before: bool, after: bool
) -> None:
    assert admin_after(before, set(groups), pairs) is after
