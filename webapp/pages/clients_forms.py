"""The form of a client."""

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import Field
from wtforms.fields.choices import SelectChoice

from webapp import countries, i18n
from webapp.pages import forms
from webapp.pages.frame import language
from webapp.services.clients.clients import ClientDetails


def country_choices(*_arguments: Any) -> list[SelectChoice]:
    """List all countries by their names in the page's language."""
    names = i18n.LANGUAGES[language()].locale.territories
    known = sorted((names.get(code, code), code) for code in countries.zones())
    known.sort(key=lambda named: i18n.sort_key(named[0]))
    return [SelectChoice("", "–"), *(SelectChoice(code, name) for name, code in known)]


def zone_choices(field: Field) -> list[SelectChoice]:
    return [SelectChoice("", _("By city and country")), *forms.zone_choices(field.object_data)]


class ClientForm(forms.SharedForm):
    """A client's details."""

    name = forms.text_field(_l("Name"))
    domain = forms.text_field(_l("Domain"), longest=253, optional=True)
    external_id = forms.text_field(_l("External ID"), longest=100, optional=True)
    city = forms.text_field(_l("City"), longest=100, optional=True)
    country = forms.DropdownField(_l("Country"), country_choices)
    language = forms.DropdownField(_l("Language"), forms.language_choices)
    time_zone = forms.DropdownField(_l("Time zone"), zone_choices)
    phone = forms.phone_field()
    note = forms.note_field()

    @property
    def details(self) -> ClientDetails:
        return ClientDetails(
            name=self.name.data or "",
            domain=self.domain.data or None,
            external_id=self.external_id.data or None,
            city=self.city.data or None,
            country=self.country.data,
            language=self.language.data,
            time_zone=self.time_zone.data,
            phone=self.phone.data,
            note=self.note.data,
        )
