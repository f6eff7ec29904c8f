"""The forms of Settings."""

from typing import Any

from flask_babel import lazy_gettext as _l
from flask_login import current_user
from wtforms import Field, RadioField
from wtforms.fields.choices import SelectChoice

from webapp import i18n
from webapp.domain.refusals import Refusal
from webapp.domain.todo import Rhythm
from webapp.labels.codes import RHYTHMS, full_hour
from webapp.labels.refusals import WORDS
from webapp.pages import forms
from webapp.pages.forms import DropdownField, SharedForm, email_field, text_field
from webapp.pages.frame import language
from webapp.pages.people_forms import ColleagueForm, StoredPersonForm, languages_with_default


def zones_with_default(field: Field) -> list[SelectChoice]:
    zone = forms.zone_name(current_user.organisation.time_zone)
    follow = _l("As the organisation: %(value)s", value=zone)
    return [SelectChoice("", follow), *forms.zone_choices(field.object_data)]


def yes(value: Any) -> bool:
    """Read one of the two options of a yes or no. Raises ValueError for anything else."""
    if value not in ("", "1", False, True):
        raise ValueError(value)
    return value in ("1", True)


class ProfileForm(SharedForm):
    """The user's own details."""

    name = text_field(_l("Full name"))
    email = email_field()
    language = DropdownField(_l("Language"), languages_with_default)
    time_zone = DropdownField(_l("Time zone"), zones_with_default)
    phone = forms.phone_field()


def rhythm_choices(*_: Any) -> list[SelectChoice]:
    return [SelectChoice(rhythm.value, text) for rhythm, text in RHYTHMS.items()]


def weekday_choices(*_: Any) -> list[SelectChoice]:
    names = i18n.LANGUAGES[language()].locale.days["stand-alone"]["wide"]
    return [SelectChoice(str(day), names[day]) for day in range(7)]


def hour_choices(*_: Any) -> list[SelectChoice]:
    return [SelectChoice(str(hour), full_hour(hour)) for hour in range(24)]


class ToDoForm(SharedForm):
    """The moments of the own To-do mail."""

    todo_rhythm = DropdownField(_l("How often"), rhythm_choices, coerce=Rhythm)
    todo_weekday = DropdownField(_l("Weekday"), weekday_choices, coerce=int)
    todo_hour = DropdownField(_l("Hour"), hour_choices, coerce=int)


class InviteForm(ColleagueForm):
    """A new person of the user's team."""

    admin = RadioField(
        _l("Role"),
        choices=[SelectChoice("", _l("Member")), SelectChoice("1", _l("Admin"))],
        coerce=yes,
        invalid_value_message=WORDS[Refusal.NO_OPTION],
        default=False,
    )
    note = forms.note_field()


class MemberForm(InviteForm, StoredPersonForm):
    """A stored person of the user's team."""
