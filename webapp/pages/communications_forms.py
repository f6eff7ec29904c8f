"""The forms of Settings > Partners > Communications."""

from dataclasses import dataclass
from datetime import time
from functools import cache
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import Field, RadioField, SelectMultipleField
from wtforms.fields.choices import SelectChoice

from webapp import i18n
from webapp.domain.ownership import Owner, Person
from webapp.domain.refusals import Refusal
from webapp.domain.steps import write_steps
from webapp.labels import trail_values
from webapp.labels.codes import MAIL_KINDS, owner_name
from webapp.labels.refusals import WORDS
from webapp.models import MailKind, Partner
from webapp.pages import forms, people_forms
from webapp.pages.frame import language
from webapp.pages.steps_forms import NumberField, StepsForm
from webapp.services import runtime
from webapp.services.accounts import partners
from webapp.services.accounts.partners import WEEKDAYS, Default, Schedule, Terms

HALF_HOURS = tuple(f"{hour:02}:{minute}" for hour in range(24) for minute in ("00", "30"))
LAST_MINUTE = "23:59"


def opening_choices(field: Field) -> list[SelectChoice]:
    return clock_choices(field.object_data)


def closing_choices(field: Field) -> list[SelectChoice]:
    return clock_choices(field.object_data, LAST_MINUTE)


# Whatever hours partners have, there are no more than the minutes of a day.
@cache
def clock_choices(*more: str) -> list[SelectChoice]:
    """List times of day, each as one reads it on a clock of 24 hours in all languages."""
    return [SelectChoice(text, text) for text in sorted({*HALF_HOURS, *more})]


def owner_choices(*_arguments: Any) -> list[SelectChoice]:
    vendor = runtime.settings().vendor_name
    return [SelectChoice(owner.value, owner_name(owner, vendor)) for owner in Owner]


class DefaultForm(forms.WholeForm):
    """The two dropdowns of the help article."""

    owner = forms.DropdownField(_l("Select renewal communication owner"), owner_choices)
    notified_user_id = forms.DropdownField(_l("Select partner user to be notified"))

    def offer(self, team: list[Person], present: int | None) -> None:
        """Offer the active users of the team, and in any case the user who is notified now."""
        self.team = {person.id: person for person in team}
        self.notified_user_id.choices = [
            SelectChoice("", _("Nobody chosen")),
            *people_forms.options(
                person for person in team if person.active or person.id == present
            ),
        ]

    @property
    def wanted(self) -> Default:
        user_id = self.notified_user_id.data
        return Default(Owner(self.owner.data or ""), int(user_id) if user_id else None)


class ScheduleForm(StepsForm):
    """The steps on which reminders fall due, and the sending window."""

    # A browser's own field for times speaks the browser's language, which need not be the page's.
    window_opens = forms.DropdownField(_l("Opens at"), opening_choices)
    window_closes = forms.DropdownField(_l("Closes at"), closing_choices)
    # Unknown weekdays are left out when saving.
    window_days = SelectMultipleField(_l("Weekdays"), choices=[], validate_choice=False)

    @property
    def weekdays(self) -> list[tuple[str, str]]:
        """The days of a week, each with its name."""
        names = i18n.LANGUAGES[language()].locale.days["stand-alone"]["wide"]
        return [(day, names[int(day)]) for day in WEEKDAYS]

    @property
    def wanted(self) -> Schedule:
        opens, closes = (
            time.fromisoformat(field.data or "")
            for field in (self.window_opens, self.window_closes)
        )
        days = "".join(day for day in self.window_days.data or [] if day in set(WEEKDAYS))
        return Schedule(write_steps(self.steps), opens, closes, days)


def unit_choices(*_arguments: Any) -> list[SelectChoice]:
    return [
        SelectChoice("", _("No rule")),
        SelectChoice("D", _("Days before the renewal")),
        SelectChoice("M", _("Months before the renewal")),
    ]


class TermsForm(forms.SharedForm):
    """The end of a term: of new subscriptions, and the rule for decision deadlines."""

    renews_itself = RadioField(
        _l("New subscriptions"), choices=[], invalid_choice_message=WORDS[Refusal.NO_OPTION]
    )
    deadline_unit = forms.DropdownField(_l("Rule for decision deadlines"), unit_choices)
    deadline_count = NumberField(_l("How many"))

    @property
    def wanted(self) -> Terms:
        unit = self.deadline_unit.data
        rule = f"P{self.deadline_count.data or 0}{unit}" if unit else None
        return Terms(self.renews_itself.data == "1", rule)


@dataclass(frozen=True, slots=True)
class Question:
    """The words for a setting that is off or on: its question, and the meaning of both answers."""

    title: Any
    lead: Any
    label: Any
    off: Any
    on: Any

    @property
    def explanations(self) -> dict[str, Any]:
        return {"0": self.off, "1": self.on}


# Each gets a section of its own. Sending comes below the list of the mails that it would start.
QUESTIONS = {
    "insistent": Question(
        _l("Breakdowns"),
        _l(
            "No mail is lost and none is repeated. Only when the line breaks in the very moment of handing"
            " over, nobody can know whether the mail has arrived."
        ),
        _l("When it is not sure whether a mail has arrived"),
        _l("You find it under Partner > Deliveries and decide. Nobody gets a mail twice."),
        _l(
            "The same mail goes out once more; after that it is held, too. In rare cases somebody gets it twice."
        ),
    ),
}


def switched(name: str) -> list[SelectChoice]:
    """Offer off ("0") and on ("1") in the words of the trail."""
    return [
        SelectChoice(str(value), text) for value, text in enumerate(trail_values.SWITCHED[name])
    ]


class SwitchForm(forms.SharedForm):
    """A setting that is off ("0") or on ("1")."""

    on = RadioField(_l("Sending"), choices=[], invalid_choice_message=WORDS[Refusal.NO_OPTION])

    @classmethod
    def of(cls, partner: Partner, name: str, sent: Any = None) -> "SwitchForm":
        """Make the form as sent, else as stored. Its answers have the words of the trail."""
        on = "1" if getattr(partner, name) else "0"
        form = cls(sent, on=on, shown=partners.shown_switch(partner, name))
        form.on.choices = switched(name)
        if name in QUESTIONS:
            form.on.label.text = QUESTIONS[name].label
        return form


def kind_choices(*_arguments: Any) -> list[SelectChoice]:
    return kinds(language())


@cache
def kinds(code: str) -> list[SelectChoice]:
    """List the kinds of mail in the language in force, which the code names."""
    return [SelectChoice(kind.value, str(MAIL_KINDS[kind])) for kind in MailKind]


class TestMailForm(forms.Form):
    """The kind and language of a test mail."""

    kind = forms.DropdownField(_l("Kind of mail"), kind_choices)
    language = forms.DropdownField(_l("Language"), forms.language_choices)
