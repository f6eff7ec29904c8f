"""People in forms: offered in dropdowns, and saved, on whichever page they stand."""

from collections import Counter
from collections.abc import Iterable

from flask import flash
from flask_babel import gettext as _
from flask_login import current_user
from wtforms.fields.choices import SelectChoice

from webapp.domain.ownership import Person
from webapp.models import User
from webapp.pages.forms import Form, explain
from webapp.pages.settings_forms import show_version
from webapp.services.accounts import people
from webapp.services.errors import Conflict, Refused


def options(people: Iterable[Person]) -> list[SelectChoice]:
    """People to choose from, by id. Namesakes are told apart by their address."""
    listed = list(people)
    names = Counter(one.name for one in listed)
    return [SelectChoice(str(one.id), label(one, namesakes=names[one.name] > 1)) for one in listed]


def label(person: Person, *, namesakes: bool) -> str:
    name = f"{person.name}, {person.email}" if namesakes else person.name
    if not person.active:
        return _("%(name)s (deactivated)", name=name)
    if person.rejected:
        return _("%(name)s (address rejected)", name=name)
    return name


def save(form: Form, user: User) -> int | None:
    """Save a person's form. None when that is done, else the status of the page that shows it (again).

    409: somebody else was quicker; the form has the present version now, for saving once more.
    """
    if not form.validate_on_submit():
        return 422 if form.errors else 200
    try:
        people.edit_person(current_user, user, **form.data)
    except Refused as error:
        explain(form, error)
        return 422
    except Conflict:
        show_version(form.version, user.version)
        return 409
    flash(_("Saved: %(name)s", name=user.name), "good")
    return None
