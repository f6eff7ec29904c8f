"""People in forms: options of dropdowns, and the same fields on all pages that edit a person."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from flask import flash
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from wtforms import BooleanField
from wtforms.fields.choices import SelectChoice

from webapp import i18n
from webapp.domain.ownership import Person
from webapp.models import User
from webapp.pages import forms
from webapp.pages.forms import Form, SharedForm, select_field, text_field
from webapp.pages.saving import Saved, save
from webapp.services.accounts import people


def languages_with_default(*_: Any) -> list[SelectChoice]:
    """List the organisation's language, which a person may follow, and all languages."""
    own = i18n.LANGUAGES[current_user.organisation.language].endonym
    follow = _l("As the organisation: %(value)s", value=own)
    return [SelectChoice("", follow), *forms.language_choices()]


class PersonForm(Form):
    """A person of the user's own organisation."""

    name = text_field(_l("Full name"))
    email = text_field(_l("E-mail"), longest=254)
    job_title = text_field(_l("Job title"), optional=True)
    language = select_field(_l("Language"), languages_with_default)


class StoredPerson(SharedForm):
    """The additional fields for a stored person."""

    address_right = BooleanField(_l("The address is right: try it again"))


class StoredPersonForm(PersonForm, StoredPerson):
    """A stored person of the user's own organisation."""


def save_person(form: StoredPerson, user: User) -> Saved[User]:
    """Save a person's form, with a notice on the next page."""

    def edit() -> User:
        people.edit_person(current_user, user, **form.data)
        return user

    saved = save(form, edit, lambda: people.shown(user))
    if saved.value:
        flash(_("Saved: %(name)s", name=user.name), "good")
    return saved


def options(people: Iterable[Person]) -> list[SelectChoice]:
    """List people to choose from, by id. Namesakes are shown with their address."""
    listed = list(people)
    names = Counter(person.name for person in listed)
    return [
        SelectChoice(str(person.id), label(person, namesakes=names[person.name] > 1))
        for person in listed
    ]


def label(person: Person, *, namesakes: bool) -> str:
    name = f"{person.name}, {person.email}" if namesakes else person.name
    if not person.active:
        return _("%(name)s (deactivated)", name=name)
    if person.rejected:
        return _("%(name)s (address rejected)", name=name)
    return name
