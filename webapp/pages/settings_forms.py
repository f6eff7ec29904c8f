"""The forms of Settings."""

from typing import Any

from flask_babel import lazy_gettext as _l
from flask_login import current_user
from wtforms import BooleanField, Field, IntegerField, RadioField
from wtforms.fields.choices import SelectChoice
from wtforms.widgets import HiddenInput

from webapp import i18n
from webapp.domain.refusals import Refusal
from webapp.labels.refusals import WORDS
from webapp.pages import forms
from webapp.pages.forms import Form, select_field, text_field
from webapp.pages.ids import row_id


def languages_with_default(*_: Any) -> list[SelectChoice]:
    """The organisation's language, followed now and later, or one's own."""
    own = i18n.LANGUAGES[current_user.organisation.language].endonym
    follow = _l("As the organisation: %(value)s", value=own)
    return [SelectChoice("", follow), *forms.language_choices()]


def zones_with_default(form: Form, field: Field) -> list[SelectChoice]:
    zone = current_user.organisation.time_zone
    names = {one.value: one.label for one in forms.zone_choices(zone)}
    follow = _l("As the organisation: %(value)s", value=names[zone])
    return [SelectChoice("", follow), *forms.zone_choices(field.object_data)]


class VersionField(IntegerField):
    """What of a row was shown: a change meanwhile is noticed by it."""

    widget = HiddenInput()

    def process_formdata(self, valuelist: list[str]) -> None:
        """What is no version is one that no row has any more."""
        try:
            self.data = row_id("".join(valuelist))
        except ValueError:
            self.data = 0


def show_version(field: IntegerField, version: int) -> None:
    """Put the present version into a submitted form, for saving once more on purpose."""
    field.data, field.raw_data = version, None


def yes(value: Any) -> bool:
    """What the two options of a yes or no stand for; ValueError for anything else."""
    if value not in ("", "1", False, True):
        raise ValueError(value)
    return value in ("1", True)


class ProfileForm(Form):
    name = text_field(_l("Full name"))
    language = select_field(_l("Language"), languages_with_default)
    time_zone = select_field(_l("Time zone"), zones_with_default)


class PersonForm(Form):
    """Somebody of one's own organisation."""

    name = text_field(_l("Full name"))
    email = text_field(_l("E-mail"), longest=254)
    job_title = text_field(_l("Job title"), optional=True)
    language = select_field(_l("Language"), languages_with_default)


class InviteForm(PersonForm):
    """A new person of one's team."""

    admin = RadioField(
        _l("Role"),
        choices=[SelectChoice("", _l("Member")), SelectChoice("1", _l("Admin"))],
        coerce=yes,
        invalid_value_message=WORDS[Refusal.NO_OPTION],
        default=False,
    )


class Stored(Form):
    """What the forms of a person add who is stored, at ``version``."""

    address_right = BooleanField(_l("The address is right: try it again"))
    version = VersionField()


class MemberForm(InviteForm, Stored):
    """Somebody of one's team."""
