"""Words for what is refused."""

from typing import Any

from flask_babel import lazy_gettext as _l

from webapp.domain.addresses import AddressProblem

ADDRESS_PROBLEMS = {
    AddressProblem.NO_AT: _l("An e-mail address has one @, as in ana@company.example."),
    AddressProblem.CHARACTERS: _l(
        "Remove the spaces and control characters from the e-mail address."
    ),
    AddressProblem.ACCENTS: _l("Before the @, use only letters without accents, digits and signs."),
    AddressProblem.LENGTH: _l("Use an e-mail address of at most 254 characters."),
    AddressProblem.SPELLING: _l("Check the spelling: an address looks like ana@company.example."),
    AddressProblem.NAME: _l("Remove line breaks and control characters from the name."),
}
# Words for the codes with which services refuse; a page adds those of its own services.
REFUSALS: dict[str, Any] = {
    **{code.value: text for code, text in ADDRESS_PROBLEMS.items()},
    "empty": _l("Fill this in."),
    "taken": _l("Somebody in this organisation already has this address."),
    "signed_in": _l(
        "This person has signed in with this address, so only an admin of their organisation can change it."
    ),
    "last_admin": _l("This is the only active admin. Make somebody else an admin first."),
    "stranger": _l("Choose an active person of this company."),
    "contact_needed": _l("Partner as owner needs a point of contact. Choose one."),
    "not_choosable": _l("Choose somebody from the list."),
    "inactive": _l("This person is deactivated. Activate them first."),
}
