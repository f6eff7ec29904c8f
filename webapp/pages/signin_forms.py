"""The forms of signing in."""

from collections.abc import Set
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import Field, HiddenField, PasswordField
from wtforms.validators import Length, Regexp, ValidationError

from webapp.domain.refusals import Refusal
from webapp.labels.refusals import WORDS, sentence
from webapp.mail.addresses import AddressError, normalise
from webapp.pages.forms import Form, email_field, required, text_field
from webapp.signin import authenticator, password, strength


def new_password(label: Any) -> PasswordField:
    """Make a field for a new password."""
    too_short = _l("Use at least %(min)d characters.")
    longest = Length(max=password.LONGEST_PASSWORD, message=WORDS[Refusal.TOO_LONG])
    # Else browsers cut off what is pasted, and say nothing.
    longest.field_flags = {}
    return PasswordField(
        label,
        validators=[
            required(),
            Length(min=password.SHORTEST_PASSWORD, message=too_short),
            longest,
        ],
    )


def hash_of_new(field: PasswordField, own_words: Set[str]) -> str | None:
    """Hash a form's new password, unless it is easily guessed, which the field then says.

    Both take long on purpose, so call it outside of a transaction that holds SQLite's write lock.
    """
    if weakness := strength.weakness(field.data, own_words):
        field.errors = [sentence(weakness)]
        return None
    return password.hash_password(field.data)


class SignInForm(Form):
    email = email_field()
    password = PasswordField(_l("Password"), validators=[required()])


class CodeForm(Form):
    """A code from the app, or a recovery code."""

    code = text_field(_l("Code"), longest=60)


class SetUpForm(CodeForm):
    """The key that an app has got, and the first code with it."""

    key = HiddenField(validators=[Regexp(authenticator.KEY, message=WORDS[Refusal.NO_OPTION])])


class ForgottenForm(Form):
    email = email_field()

    def validate_email(self, field: Field) -> None:
        try:
            normalise(field.data)
        except AddressError as error:
            raise ValidationError(sentence(error.refusal)) from None


class LinkForm(Form):
    password = new_password(_l("New password"))


class PasswordForm(Form):
    present = PasswordField(_l("Present password"), validators=[required()])
    password = new_password(_l("New password"))
    again = PasswordField(_l("New password, once more"), validators=[required()])

    def validate_again(self, field: Field) -> None:
        if field.data != self.password.data:
            raise ValidationError(_("Enter the same new password twice."))
