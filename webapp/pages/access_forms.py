"""The form of Profile > Access."""

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from wtforms.fields.choices import SelectChoice

from webapp.labels.security import OPENS
from webapp.models import Client, Opens
from webapp.pages.forms import DropdownField, SharedForm, text_field
from webapp.services.accounts.access_tokens import LIFETIMES


def lifetimes(*_: object) -> list[SelectChoice]:
    return [
        SelectChoice(str(days), ngettext("%(num)d day", "%(num)d days", days)) for days in LIFETIMES
    ]


class TokenForm(SharedForm):
    """A new access token. ``shown``: the newest one when the form was opened, so that no reload makes another."""

    name = text_field(_l("Name"), longest=100)
    opens = DropdownField(_l("What it is for"), coerce=Opens)
    days = DropdownField(_l("Valid for"), lifetimes, coerce=int)

    def offer(self, client: Client | None) -> None:
        """Offer what a token may be for: the calendar of a client only on the way from that client's page."""
        words = dict(OPENS)
        if client is None:
            del words[Opens.CALENDAR_CLIENT]
        else:
            words[Opens.CALENDAR_CLIENT] = _("Calendar: %(client)s", client=client.name)
        self.opens.choices = [SelectChoice(opens.value, text) for opens, text in words.items()]
