"""The form of the dialog "Edit renewal owner"."""

from flask import request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import RadioField
from wtforms.fields.choices import SelectChoice

from webapp.domain.facts import ClientFacts
from webapp.domain.ownership import Choice, Person
from webapp.domain.refusals import Refusal
from webapp.labels.refusals import WORDS
from webapp.models import Client
from webapp.pages import forms, people_forms
from webapp.services import runtime
from webapp.services.clients import ownership


class OwnerForm(forms.WholeForm):
    """The dialog's fields."""

    choice = RadioField(_l("Renewal owner"), invalid_choice_message=WORDS[Refusal.NO_OPTION])
    contact_id = forms.DropdownField(_l("Select partner point of contact for renewals"))


def build_form(client: Client, known: ClientFacts) -> OwnerForm:
    """The dialog's form: from the request's fields, else from what is stored."""
    partner, vendor = known.partner, runtime.settings().vendor_name
    own = known.own_contact
    form = OwnerForm(
        request.form if request.method == "POST" else request.args,
        choice=client.choice.value,
        contact_id=str(own.id) if own and own.active else None,
        shown=ownership.shown(client),
    )
    form.choice.choices = [
        SelectChoice(Choice.INHERIT.value, _("Use default")),
        SelectChoice(Choice.VENDOR.value, vendor),
        SelectChoice(Choice.PARTNER.value, _("Partner")),
    ]
    form.contact_id.choices = [
        SelectChoice("", default_label(partner.default_contact)),
        *people_forms.options(ownership.choosable(partner.team)),
    ]
    return form


def default_label(person: Person | None) -> str:
    if person is None or not person.active:
        return _("Use default")
    return _("Use default: %(name)s", name=person.name)
