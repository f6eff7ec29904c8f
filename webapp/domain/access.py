"""The rights of each role: role × action → yes or no."""

from enum import StrEnum


class Role(StrEnum):
    """A user's role: member or admin of a partner or a client."""

    PARTNER_ADMIN = "partner admin"
    PARTNER_MEMBER = "partner member"
    CLIENT_ADMIN = "client admin"
    CLIENT_MEMBER = "client member"


class Action(StrEnum):
    """Something that a route lets people do. Every route that is not public declares one."""

    USE_ACCOUNT = "use the own account"
    MANAGE_TEAM = "manage the own organisation's users"
    CHANGE_SETTINGS = "change the partner's defaults, schedule and sending"
    LOOK_AFTER_CLIENTS = "see and edit clients, overrides and renewals"
    ARCHIVE_CLIENTS = "archive clients, bring them back, and erase them"
    HAND_OUT_DATA = "export and erase what is stored of the team and of clients' people"
    SEE_COMPANY = "see the own company's contacts"
    ASSIGN_CONTACTS = "assign the own company's contact roles"


ALLOWED: dict[Action, frozenset[Role]] = {
    Action.USE_ACCOUNT: frozenset(Role),
    Action.MANAGE_TEAM: frozenset({Role.PARTNER_ADMIN, Role.CLIENT_ADMIN}),
    Action.CHANGE_SETTINGS: frozenset({Role.PARTNER_ADMIN}),
    Action.LOOK_AFTER_CLIENTS: frozenset({Role.PARTNER_ADMIN, Role.PARTNER_MEMBER}),
    Action.ARCHIVE_CLIENTS: frozenset({Role.PARTNER_ADMIN}),
    Action.HAND_OUT_DATA: frozenset({Role.PARTNER_ADMIN}),
    Action.SEE_COMPANY: frozenset({Role.CLIENT_ADMIN, Role.CLIENT_MEMBER}),
    Action.ASSIGN_CONTACTS: frozenset({Role.CLIENT_ADMIN}),
}


def may(role: Role, action: Action) -> bool:
    """Tell whether a user with this role may do this within the user's own organisation."""
    return role in ALLOWED[action]
