"""Role × action: the whole matrix, written out once more."""

import pytest

from webapp.domain.access import Action, Role, may

PARTNER_ADMIN, PARTNER_MEMBER = Role.PARTNER_ADMIN, Role.PARTNER_MEMBER
CLIENT_ADMIN, CLIENT_MEMBER = Role.CLIENT_ADMIN, Role.CLIENT_MEMBER
MATRIX = {
    Action.USE_ACCOUNT: {PARTNER_ADMIN, PARTNER_MEMBER, CLIENT_ADMIN, CLIENT_MEMBER},
    Action.MANAGE_TEAM: {PARTNER_ADMIN, CLIENT_ADMIN},
    Action.CHANGE_SETTINGS: {PARTNER_ADMIN},
    Action.LOOK_AFTER_CLIENTS: {PARTNER_ADMIN, PARTNER_MEMBER},
    Action.ARCHIVE_CLIENTS: {PARTNER_ADMIN},
    Action.HAND_OUT_DATA: {PARTNER_ADMIN},
    Action.SEE_COMPANY: {CLIENT_ADMIN, CLIENT_MEMBER},
    Action.ASSIGN_CONTACTS: {CLIENT_ADMIN},
}


@pytest.mark.parametrize("role", Role, ids=str)
@pytest.mark.parametrize("action", Action, ids=str)
def test_who_may_do_what(role: Role, action: Action) -> None:
    assert may(role, action) is (role in MATRIX[action])
