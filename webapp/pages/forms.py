"""The shared parts of the pages' forms: clean text, the usual choices, and words for refusals."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any

from babel.core import get_global
from babel.support import NullTranslations, Translations
from flask import g, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from markupsafe import Markup, escape
from wtforms import Field, HiddenField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.i18n import messages_path
from wtforms.validators import InputRequired, Length, ValidationError
from wtforms.widgets import Input, Select, TextArea
from wtforms.widgets.core import clean_key

from webapp import i18n, typography
from webapp.domain.refusals import Refusal
from webapp.domain.shown import changed_since
from webapp.labels.refusals import WORDS, sentence
from webapp.mail.addresses import LONGEST_ADDRESS, AddressError, check_name, is_unprintable
from webapp.pages.frame import language
from webapp.services.errors import Refused
from webapp.templating import escaped

# The territory of zones that belong to no country.
WHOLE_WORLD = "001"
# Stands for the fields of the request.
SENT = object()
# Makes the options of a dropdown from its field.
Offer = Callable[[Any], list[SelectChoice]]


@cache
def library_texts(code: str) -> Translations | NullTranslations:
    """Load WTForms' own texts once. Flask-WTF reads their file for every form."""
    return Translations.load(messages_path(), [code], domain="wtforms")


class Form(FlaskForm):
    """A form without a CSRF token of its own, since CSRFProtect checks every unsafe request.

    It is filled from the fields that were sent, or with ``formdata=None`` from stored values.
    """

    class Meta:
        csrf = False

        def get_translations(self, form: Any) -> Translations | NullTranslations:
            return library_texts(language())

        def render_field(self, field: Any, given: dict[str, Any]) -> Markup:
            """Write a control, told apart by its faults. ``help``: a text below describes it, as they do."""
            described = [f"{field.id}-error"] if field.errors else []
            if given.pop("help", None):
                described.append(f"{field.id}-help")
            own = {"aria-describedby": " ".join(described)} if described else {}
            if field.errors:
                own["aria-invalid"] = "true"
            control: Markup = field.widget(field, **own | given)
            return control

    def __init__(self, formdata: Any = SENT, **stored: Any) -> None:
        if formdata is SENT:
            # Files and JSON are no fields.
            formdata = request.form if request.method == "POST" else None
        super().__init__(formdata, **stored)
        g.setdefault("forms", []).append(self)


class ShownField(HiddenField):
    """The token of what the form showed (domain.shown); empty if the request has none."""

    def process_formdata(self, valuelist: list[str]) -> None:
        if valuelist or request.method == "POST":
            self.data = "".join(valuelist)


class SharedForm(Form):
    """A form of something that others may change at the same time, with the token of what it showed."""

    shown = ShownField()

    @property
    def sent(self) -> Mapping[str, object]:
        """The values as they would be stored, by the names that the token has for them."""
        return {name: unix_lines(value) for name, value in self.data.items()}

    def follow(self, present: str) -> None:
        """Take the token of what is stored now, and its values into the fields that were left as they were shown."""
        sent = self.sent
        stored = {name: self[name].object_data for name in sent if name in self}
        # A field that is not told by the token, or does not have the stored value at hand, stays as it was sent.
        kept = changed_since(self.shown.data or "", sent) | changed_since(present, stored)
        for name in stored.keys() - kept:
            self[name].process(None, stored[name])
            self[name].raw_data = None
        self.shown.data = present


class WholeForm(SharedForm):
    """A form whose fields are one choice together, which is not mixed with somebody else's."""

    @property
    def sent(self) -> Mapping[str, object]:
        return {}


def unix_lines(value: object) -> object:
    """Write the lines of a text as they are stored. Browsers end them in another way."""
    return value.replace("\r\n", "\n") if isinstance(value, str) else value


def clean(text: str | None) -> str | None:
    """Strip a text for storing."""
    return text.strip() if isinstance(text, str) else text


def printable(form: FlaskForm, field: Field) -> None:
    """Check that a text is one line of characters that one sees. A database refuses some of the others."""
    try:
        check_name(field.data or "")
    except AddressError as error:
        raise ValidationError(WORDS[error.refusal]) from None


def readable(form: FlaskForm, field: Field) -> None:
    """Check that a text of several lines is printable."""
    if any(is_unprintable(char) for char in field.data or "" if char not in "\r\n\t"):
        raise ValidationError(_("Remove control characters."))


def required() -> InputRequired:
    return InputRequired(WORDS[Refusal.EMPTY])


def text_field(
    label: Any,
    *,
    longest: int = 200,
    optional: bool = False,
    filters: Sequence[Callable[[str | None], str | None]] = (clean,),
) -> StringField:
    """Make a field for a line of text, which is required unless ``optional``."""
    length = Length(max=longest, message=WORDS[Refusal.TOO_LONG])
    checks = [length, printable] if optional else [required(), length, printable]
    return StringField(label, filters=filters, validators=checks)


def phone_field() -> StringField:
    """Make a field for a phone number, which the service checks."""
    return StringField(_l("Phone"))


def note_field() -> TextAreaField:
    """Make a field for a note of several lines, which the service checks."""
    return TextAreaField(_l("Note"))


def email_field() -> StringField:
    """Make a field for an e-mail address, which may be typed, and is shown again, with letters of any language."""
    return text_field(_l("E-mail"), longest=LONGEST_ADDRESS, filters=(clean, with_letters))


def with_letters(text: str | None) -> str | None:
    return typography.address(text) if text else text


def attributes(**values: Any) -> Markup:
    """Write the attributes of a control in the order of their names; True stands for one without a value.

    WTForms' own function fills a template for each of them, which takes most of the time of a form.
    """
    written = [
        clean_key(name) if value is True else f'{clean_key(name)}="{quoted(value)}"'
        for name, value in sorted(values.items())
        if value is not False
    ]
    return Markup(" ".join(written))  # nosec B704


def quoted(value: Any) -> str:
    """Escape a value for an attribute; HTML that is right between tags may have quotes."""
    return escaped(value).replace('"', "&quot;")


for widget in (Input, TextArea):
    widget.html_params = staticmethod(attributes)


class Dropdown(Select):
    """The usual dropdown. Its options are written plainly, since there are hundreds of time zones."""

    def __call__(self, field: SelectField, **given: Any) -> Markup:
        own = {"id": field.id, "name": field.name}
        if field.flags.required:
            own["required"] = True
        options = "".join(
            ("<option selected " if field.coerce(choice.value) == field.data else "<option ")
            + option(choice.value, str(choice.label))
            for choice in field.choices
        )
        return Markup(f"<select {attributes(**own | given)}>{options}</select>")  # nosec B704


@lru_cache(5000)
def option(value: str, label: str) -> str:
    """Write the rest of an option. The same ones are in most forms."""
    return f'value="{escape(value)}">{escape(label)}</option>'


def or_none(value: Any) -> str | None:
    return str(value) if value else None


class DropdownField(SelectField):
    """A dropdown. An option with an empty value stands for None, "the organisation's".

    ``offer``: makes the options, once the field has its value; without it they are put in later. The
    library's own way for such a function takes its signature apart in every form.
    """

    widget = Dropdown()

    def __init__(
        self, label: Any = None, offer: Offer | None = None, *, coerce: Any = or_none, **given: Any
    ) -> None:
        none_such = WORDS[Refusal.NO_OPTION]
        given = {"invalid_choice_message": none_such, "invalid_value_message": none_such} | given
        super().__init__(label, coerce=coerce, choices=[], **given)
        self.offer = offer

    def post_process(self, formdata: Any = None) -> None:
        super().post_process(formdata)
        if self.offer:
            self.choices = self.offer(self)


def language_choices(*_: Any) -> list[SelectChoice]:
    """List each language by its own name."""
    return [SelectChoice(record.code, record.endonym) for record in i18n.LANGUAGES.values()]


def zone_choices(present: str | None = None) -> list[SelectChoice]:
    """List all time zones as "city, country" in the page's language, and the present one in any case."""
    known = zones(language())
    other = present and present not in zone_names(language())
    return [*([SelectChoice(present, present)] if other else []), *known]


def zone_name(zone: str) -> str:
    """Name a time zone as the dropdowns do."""
    return zone_names(language()).get(zone, zone)


@cache
def zones(code: str) -> list[SelectChoice]:
    return [SelectChoice(zone, name) for zone, name in zone_names(code).items()]


@cache
def zone_names(code: str) -> dict[str, str]:
    locale = i18n.LANGUAGES[code].locale
    named = []
    for zone, territory in get_global("zone_territories").items():
        if zone not in i18n.time_zones() or zone.startswith("Etc/"):
            continue
        if territory == WHOLE_WORLD or territory not in locale.territories:
            continue
        ending = zone.rpartition("/")[2].replace("_", " ")
        city = locale.time_zones.get(zone, {}).get("city") or ending
        named.append((zone, f"{city}, {locale.territories[territory]}"))
    return dict(sorted(named, key=lambda choice: i18n.sort_key(choice[1])))


def explain(form: FlaskForm, error: Refused) -> None:
    """Put a service's refusal beside its field, or above the form."""
    text = sentence(error.refusal, **error.values)
    field: Field | None = form._fields.get(error.field)
    if field is None:
        form.form_errors.append(text)
    else:
        field.errors = [*field.errors, text]
