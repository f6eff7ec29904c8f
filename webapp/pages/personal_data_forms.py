"""The form that erases a person."""

from flask_babel import lazy_gettext as _l

from webapp.pages.forms import Form, text_field


class ErasePersonForm(Form):
    """The person's name, typed once more: nobody erases by a wrong click."""

    name = text_field(_l("Type the person's name to confirm"))
