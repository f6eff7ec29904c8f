"""The forms of Settings > Partners > Communications."""

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, RadioField, SelectMultipleField, StringField, TimeField
from wtforms.fields.choices import SelectChoice

from webapp import i18n
from webapp.domain.ownership import Owner
from webapp.labels.codes import MAIL_KINDS, owner_name
from webapp.models import MailKind, User
from webapp.pages import forms, persons
from webapp.pages.frame import language
from webapp.services import runtime
from webapp.services.accounts.partners import WEEKDAYS, Default, Schedule
from webapp.services.reminders import loading


class ClockField(TimeField):
    """A time of day; its fault is said in our words."""

    def process_formdata(self, valuelist: list[str]) -> None:
        try:
            super().process_formdata(valuelist)
        except ValueError:
            raise ValueError(_("Write a time such as 09:00.")) from None


def owner_choices(*_arguments: Any) -> list[SelectChoice]:
    vendor = runtime.settings().vendor_name
    return [SelectChoice(owner.value, owner_name(owner, vendor)) for owner in Owner]


def weekday_choices(*_arguments: Any) -> list[SelectChoice]:
    names = i18n.LANGUAGES[language()].locale.days["stand-alone"]["wide"]
    return [SelectChoice(day, names[int(day)]) for day in WEEKDAYS]


class DefaultForm(forms.Form):
    """The article's two dropdowns. ``seen``: what they said when they were shown."""

    owner = forms.select_field(_l("Select renewal communication owner"), owner_choices)
    notified_user_id = forms.select_field(_l("Select partner user to be notified"), [])
    seen = HiddenField()

    def offer(self, team: list[User], present: int | None) -> None:
        """Let the active users of the team be chosen, and show who is notified now in any case."""
        self.notified_user_id.choices = [
            SelectChoice("", _("Nobody chosen")),
            *persons.options(
                loading.person(user) for user in team if user.active or user.id == present
            ),
        ]

    @property
    def wanted(self) -> Default:
        user_id = self.notified_user_id.data
        return Default(Owner(self.owner.data or ""), int(user_id) if user_id else None)


class ScheduleForm(forms.Form):
    """When reminders fall due, and when mail may go out. ``seen``: what was shown."""

    steps_text = StringField(_l("Days before"), validators=[forms.required()])
    window_opens = ClockField(_l("Opens at"), validators=[forms.required()])
    window_closes = ClockField(_l("Closes at"), validators=[forms.required()])
    # What is no weekday is left out when saving.
    window_days = SelectMultipleField(
        _l("Weekdays"), choices=weekday_choices, validate_choice=False
    )
    seen = HiddenField()

    @property
    def wanted(self) -> Schedule:
        opens, closes = self.window_opens.data, self.window_closes.data
        assert opens
        assert closes
        days = "".join(day for day in self.window_days.data or [] if day in set(WEEKDAYS))
        return Schedule(self.steps_text.data or "", opens, closes, days)


class ModeForm(forms.Form):
    """What becomes of a mail when it is not sure whether it arrived: "1" is resent once."""

    insistent = RadioField(
        _l("When it is not sure whether a mail has arrived"),
        choices=[
            SelectChoice("0", _l("Hold it for a person")),
            SelectChoice("1", _l("Send it again by itself, once")),
        ],
    )


def kind_choices(*_arguments: Any) -> list[SelectChoice]:
    return [SelectChoice(kind.value, str(MAIL_KINDS[kind])) for kind in MailKind]


class TestMailForm(forms.Form):
    """Which mail to send to oneself."""

    kind = forms.select_field(_l("Kind of mail"), kind_choices)
    language = forms.select_field(_l("Language"), forms.language_choices)
