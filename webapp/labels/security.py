"""Words for the security log, and for the browsers in it."""

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l

from webapp.domain.doors import TurnedAway
from webapp.domain.snapshots import SecurityMatter
from webapp.labels.trail_values import SWITCHED
from webapp.models import Opens, SecurityAction, SignInMethod
from webapp.typography import address

SENTENCES: dict[SecurityAction, Any] = {
    SecurityAction.SIGNED_IN: _l("Signed in"),
    SecurityAction.SIGN_IN_FAILED: _l("Sign-in failed"),
    SecurityAction.LOCKED: _l("Locked for a while after too many failures"),
    SecurityAction.JOINED: _l("Invitation accepted"),
    SecurityAction.SESSION_ENDED: _l("Session ended"),
    SecurityAction.PASSWORD_CHANGED: _l("Password changed"),
    SecurityAction.PASSWORD_RESET: _l("New password set by a link"),
    SecurityAction.ADDRESS_ASKED: _l("New address entered: %(email)s"),
    SecurityAction.ADDRESS_CHANGED: _l("Address changed to: %(email)s"),
    SecurityAction.ADDRESS_STOPPED: _l("Address change cancelled; mail goes to: %(email)s"),
    SecurityAction.ROLE_CHANGED: _l("Role changed: %(admin)s"),
    SecurityAction.ACCESS_CHANGED: _l("Access changed: %(active)s"),
    SecurityAction.FACTOR_SET: _l("Two-step verification turned on"),
    SecurityAction.FACTOR_REMOVED: _l("Two-step verification turned off"),
    SecurityAction.RECOVERY_CODES_MADE: _l("New recovery codes made"),
    SecurityAction.FACTOR_REQUIRED: _l("Two-step verification of the team: %(required)s"),
    SecurityAction.EXPORTED: _l("Data exported"),
    SecurityAction.ERASED: _l("Personal data erased"),
    SecurityAction.SENDING_SWITCHED: "%(sending)s",
    SecurityAction.TOKEN_MADE: _l("Access token made"),
    SecurityAction.TOKEN_REVOKED: _l("Access token revoked"),
    SecurityAction.IDENTITY_LINKED: _l("Linked to the organisation's own sign-in"),
    SecurityAction.IDENTITY_UNLINKED: _l("Link to the organisation's own sign-in removed"),
    SecurityAction.TURNED_AWAY: _l("Not let in at the organisation's own sign-in: %(reason)s"),
    SecurityAction.LINK_MADE: _l("Sign-in link made by whoever runs the portal"),
}
# Why somebody is not let in at a door: for the log in a few words, and for the person itself.
TURNED_AWAY: dict[TurnedAway, Any] = {
    TurnedAway.UNVERIFIED: _l(
        "The sign-in does not say that your e-mail address was verified, so the portal can't tell who you are. Ask "
        "whoever looks after the sign-in."
    ),
    TurnedAway.UNKNOWN: _l(
        "Nobody has added you to the portal yet. Ask an admin of your organisation to add you, "
        "with the e-mail address that you sign in with."
    ),
    TurnedAway.SEVERAL: _l(
        "Several people in the portal have your e-mail address. Ask an admin of your organisation to correct that."
    ),
    TurnedAway.OTHER_IDENTITY: _l(
        "Somebody already signs in to the portal with your e-mail address. If that is you, ask "
        "whoever runs the portal to remove the earlier link."
    ),
    TurnedAway.INACTIVE: _l(
        "Your access to the portal was deactivated. Ask an admin of your organisation to activate it again."
    ),
    TurnedAway.NO_PARTNER: _l(
        "This sign-in is set up for an organisation that the portal does not know. Ask whoever runs the portal."
    ),
}
REASONS = {
    TurnedAway.UNVERIFIED: _l("e-mail not verified"),
    TurnedAway.UNKNOWN: _l("not known here"),
    TurnedAway.SEVERAL: _l("several people with this e-mail"),
    TurnedAway.OTHER_IDENTITY: _l("linked to somebody else"),
    TurnedAway.INACTIVE: _l("deactivated"),
    TurnedAway.NO_PARTNER: _l("no such organisation"),
}
# The purposes of access tokens.
OPENS: dict[Opens, Any] = {
    Opens.API: _l("Programs that read renewals and events (API)"),
    Opens.CALENDAR_ALL: _l("Calendar: all clients"),
    Opens.CALENDAR_MINE: _l("Calendar: clients that I am responsible for"),
    Opens.CALENDAR_CLIENT: _l("Calendar: one client"),
}
# Titles and sentences of the notices by mail.
NOTICES: dict[SecurityMatter, tuple[Any, Any]] = {
    SecurityMatter.NEW_DEVICE: (
        _l("New sign-in"),
        _l("Somebody signed in to your account on a new device."),
    ),
    SecurityMatter.PASSWORD_CHANGED: (
        SENTENCES[SecurityAction.PASSWORD_CHANGED],
        _l("The password of your account was changed."),
    ),
    SecurityMatter.PASSWORD_RESET: (
        SENTENCES[SecurityAction.PASSWORD_RESET],
        _l("A new password was set for your account, by a link from a mail to this address."),
    ),
    SecurityMatter.FACTOR_SET: (
        SENTENCES[SecurityAction.FACTOR_SET],
        _l("Two-step verification was turned on for your account."),
    ),
    SecurityMatter.FACTOR_REMOVED: (
        SENTENCES[SecurityAction.FACTOR_REMOVED],
        _l(
            "Two-step verification was turned off for your account. The password alone is enough to sign in."
        ),
    ),
    SecurityMatter.RECOVERY_CODES_MADE: (
        SENTENCES[SecurityAction.RECOVERY_CODES_MADE],
        _l("New recovery codes were made for your account. Earlier ones no longer work."),
    ),
    SecurityMatter.RECOVERY_CODE_USED: (
        _l("Recovery code used"),
        _l(
            "Somebody signed in to your account with a recovery code. That code can't be used again."
        ),
    ),
    SecurityMatter.ADDRESS_CHANGED: (
        _l("Address changed"),
        _l("The address of your account was changed."),
    ),
    SecurityMatter.MADE_ADMIN: (
        _l("Rights changed"),
        _l("You are now an admin of your organisation."),
    ),
    SecurityMatter.NO_ADMIN: (
        _l("Rights changed"),
        _l("You are no longer an admin of your organisation."),
    ),
    SecurityMatter.TOKEN_MADE: (
        SENTENCES[SecurityAction.TOKEN_MADE],
        _l(
            "An access token was made for your account. Whatever program has it can read what you may see."
        ),
    ),
    SecurityMatter.IDENTITY_LINKED: (
        SENTENCES[SecurityAction.IDENTITY_LINKED],
        _l("From now on your organisation's own sign-in lets you in, without your password."),
    ),
    SecurityMatter.LINK_MADE: (
        SENTENCES[SecurityAction.LINK_MADE],
        _l(
            "Whoever runs the portal has made a link that signs you in once. Didn't ask for it? Tell them."
        ),
    ),
}
# How a session was begun, where that was not the person's own doing here.
WAYS_IN = {
    SignInMethod.OIDC: _l("Through the organisation's own sign-in"),
    SignInMethod.PROXY: _l("Through the intranet"),
    SignInMethod.OPERATOR: _l("With a link from whoever runs the portal"),
}
# The words for no ("0") and yes ("1").
SWITCHES: dict[str, tuple[Any, Any]] = {
    "admin": SWITCHED["admin"],
    "sending": SWITCHED["sending"],
    "active": (_l("deactivated"), _l("activated")),
    "required": (_l("not required"), _l("required")),
}
BROWSERS = {"Edg": "Edge", "OPR": "Opera", "Firefox": "", "Chrome": "", "Safari": ""}
SYSTEMS = {
    "iPhone": "",
    "iPad": "",
    "Android": "",
    "Windows": "",
    "Mac OS X": "macOS",
    "Linux": "",
}


def sentence(action: SecurityAction, details: Mapping[str, str]) -> str:
    """Say what happened. The details of somebody who was erased are gone, and a dash stands for each."""
    words = {key: word(key, value) for key, value in details.items()}
    return str(SENTENCES[action]) % defaultdict(lambda: "–", words)


def word(key: str, value: str) -> str:
    if key in SWITCHES:
        return str(SWITCHES[key][value == "1"])
    if key == "reason":
        return str(REASONS[TurnedAway(value)])
    return address(value)


def browser(agent: str | None) -> str:
    """Name a browser and its system as people know them; empty if it names itself otherwise."""
    text = agent or ""
    return ", ".join(
        next((label or mark for mark, label in names.items() if re.search(rf"\b{mark}", text)), "")
        for names in (BROWSERS, SYSTEMS)
    ).strip(", ")


def place(network: str | None, agent: str | None) -> str:
    """Say from where it was done: the browser and the network, as far as known; empty without a request."""
    return " · ".join(part for part in (browser(agent), network) if part)
