"""The forms of the client portal."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms.fields.choices import SelectChoice

from webapp.domain.ownership import Person
from webapp.domain.recipients import ContactRole
from webapp.domain.refusals import Refusal
from webapp.labels.codes import CONTACT_ROLES
from webapp.labels.refusals import WORDS
from webapp.models import User
from webapp.pages import people_forms
from webapp.pages.forms import DropdownField, SharedForm
from webapp.services.clients import contacts
from webapp.services.reminders import loading


def user_id(value: Any) -> int | None:
    """Read a user's id; the empty option is nobody."""
    return int(value) if value else None


def role_field(role: ContactRole) -> DropdownField:
    return DropdownField(
        CONTACT_ROLES[role],
        coerce=user_id,
        invalid_choice_message=WORDS[Refusal.STRANGER],
        invalid_value_message=WORDS[Refusal.STRANGER],
    )


class RolesForm(SharedForm):
    """The holders of the three roles. Each field has its role's name."""

    primary = role_field(ContactRole.PRIMARY)
    billing = role_field(ContactRole.BILLING)
    decision_maker = role_field(ContactRole.DECISION_MAKER)

    @classmethod
    def of(cls, users: Sequence[User], held: Mapping[ContactRole, int | None]) -> "RolesForm":
        """Make the form with everybody who may be chosen, and the present holders."""
        form = cls(
            data={role.value: user for role, user in held.items()}, shown=contacts.shown(held)
        )
        for role in ContactRole:
            offered = (user for user in users if user.active or user.id == held[role])
            form[role.value].choices = [
                SelectChoice("", _l("Nobody")),
                *people_forms.options(map(loading.person, offered)),
            ]
        return form

    def chosen_of(self, users: Iterable[User]) -> dict[ContactRole, Person]:
        """Return who would hold the roles, as the rules see them; nobody is left out."""
        people = {user.id: loading.person(user) for user in users}
        return {role: people[user_id] for role, user_id in self.wanted.items() if user_id}

    @property
    def wanted(self) -> dict[ContactRole, int | None]:
        return {role: self[role.value].data for role in ContactRole}
