"""The forms of Settings > Mail texts."""

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import StringField, TextAreaField

from webapp.pages import forms
from webapp.services.accounts import mail_texts
from webapp.services.accounts.mail_texts import CompanyData, Texts


class CompanyForm(forms.SharedForm):
    """The parts of every mail to clients. The service checks them."""

    privacy_url = StringField(_l("Privacy notice"))
    reply_to = StringField(_l("Replies go to"), filters=[forms.with_letters])
    legal = TextAreaField(_l("Company data"))

    @classmethod
    def of(cls, stored: CompanyData, sent: Any = None) -> "CompanyForm":
        """Make the form as sent, else as stored."""
        return cls(sent, obj=stored, shown=mail_texts.shown(stored))

    @property
    def wanted(self) -> CompanyData:
        return CompanyData(self.reply_to.data, self.legal.data, self.privacy_url.data)


class TextsForm(forms.SharedForm):
    """The texts in one language. The service checks them."""

    introduction = TextAreaField(_l("Introduction"))
    signature = TextAreaField(_l("Signature"))

    @classmethod
    def of(cls, language: str, stored: Texts, sent: Any = None) -> "TextsForm":
        """Make the form as sent, else as stored. Its ids tell the languages of one page apart."""
        form = cls(sent, obj=stored, shown=mail_texts.shown(stored))
        for field in form:
            field.id = f"{language}-{field.name}"
        return form

    @property
    def wanted(self) -> Texts:
        return Texts(self.introduction.data, self.signature.data)
