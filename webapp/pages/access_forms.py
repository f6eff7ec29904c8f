"""The form of Profile > Access."""

from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from wtforms.fields.choices import SelectChoice

from webapp.domain.refusals import Refusal
from webapp.labels.refusals import WORDS
from webapp.labels.security import OPENS
from webapp.models import Opens
from webapp.pages.forms import DropdownField, SharedForm, text_field
from webapp.services.accounts.access_tokens import LIFETIMES


def purposes(*_: object) -> list[SelectChoice]:
    return [SelectChoice(opens.value, text) for opens, text in OPENS.items()]


def lifetimes(*_: object) -> list[SelectChoice]:
    return [
        SelectChoice(str(days), ngettext("%(num)d day", "%(num)d days", days)) for days in LIFETIMES
    ]


class TokenForm(SharedForm):
    """A new access token. ``shown``: the newest one when the form was opened, so that no reload makes another."""

    name = text_field(_l("Name"), longest=100)
    opens = DropdownField(
        _l("What it is for"), purposes, coerce=Opens, invalid_value_message=WORDS[Refusal.NO_OPTION]
    )
    days = DropdownField(
        _l("Valid for"), lifetimes, coerce=int, invalid_value_message=WORDS[Refusal.NO_OPTION]
    )
