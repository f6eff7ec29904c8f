"""The form that erases a client."""

from flask_babel import lazy_gettext as _l

from webapp.pages.forms import Form, text_field


class EraseForm(Form):
    """The client's name, typed once more: nobody erases by a wrong click."""

    name = text_field(_l("Type the client's name to confirm"))
