"""Lazy texts for codes: the domain and the tables stay language-free."""

from flask_babel import lazy_gettext as _l

from webapp.domain.recipients import ContactRole, Reachability

CONTACT_ROLES = {
    ContactRole.PRIMARY: _l("Primary contact"),
    ContactRole.BILLING: _l("Billing contact"),
    ContactRole.DECISION_MAKER: _l("Decision maker"),
}
REACHABILITY = {
    Reachability.GREEN: _l("Reachable"),
    Reachability.AMBER: _l("At risk"),
    Reachability.RED: _l("Nobody to tell"),
}
