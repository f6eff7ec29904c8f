"""Lazy texts for codes: the domain and the tables stay language-free."""

from flask_babel import lazy_gettext as _l

from webapp.domain.recipients import ContactRole, Reachability, Reason

CONTACT_ROLES = {
    ContactRole.PRIMARY: _l("Primary contact"),
    ContactRole.BILLING: _l("Billing contact"),
    ContactRole.DECISION_MAKER: _l("Decision maker"),
}
REASONS = {
    Reason.PRIMARY: CONTACT_ROLES[ContactRole.PRIMARY],
    Reason.BILLING: CONTACT_ROLES[ContactRole.BILLING],
    Reason.DECISION_MAKER: CONTACT_ROLES[ContactRole.DECISION_MAKER],
    Reason.NOTIFIED: _l("Notified partner user"),
    Reason.POINT_OF_CONTACT: _l("Point of contact"),
    Reason.ADMIN: _l("Admin in place of the point of contact"),
}
REACHABILITY = {
    Reachability.GREEN: _l("Reachable"),
    Reachability.AMBER: _l("At risk"),
    Reachability.RED: _l("Nobody to tell"),
}
