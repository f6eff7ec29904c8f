"""Days as people type them: a text field that tells its form, and then says the day with its month by name.

A browser's own field for dates speaks the browser's language, which need not be the page's.
"""

import re
from datetime import date
from functools import cache
from typing import Any

from flask_babel import gettext as _
from markupsafe import Markup
from wtforms import StringField
from wtforms.widgets import TextInput

from webapp import typography
from webapp.domain.cells import ISO_DATE, CellError, Problem, read_date
from webapp.i18n import LANGUAGES
from webapp.pages import forms
from webapp.pages.frame import language

# A day and a year that stand for any; the script puts those that were typed in their places.
ANY_DAY, ANY_YEAR = 22, 2222


def read_day(text: str, sample: str) -> date:
    """Read a day in the order of the sample (domain.cells), whatever stands between the figures, or an ISO date."""
    if ISO_DATE.fullmatch(text):
        return read_date(text)
    mark = sample.strip("0123456789")[0]
    return read_date(re.sub(r" *[-., /] *", mark, text), sample)


@cache
def months(code: str) -> str:
    """Write a day in each month, then how the first of a month is written, for the script."""
    days = [typography.long_date(date(ANY_YEAR, month, ANY_DAY), code) for month in range(1, 13)]
    return "|".join([*days, LANGUAGES[code].first])


class DayInput(TextInput):
    """The control and, beside it, its form by an example, or the day that was typed in words."""

    def __call__(self, field: Any, **given: Any) -> Markup:
        code = language()
        words = f"{field.id}-words"
        example = _("For example: %(date)s", date=LANGUAGES[code].numeric_date)
        given["aria-describedby"] = " ".join(filter(None, [given.get("aria-describedby"), words]))
        control = super().__call__(
            field,
            **given,
            autocomplete="off",
            inputmode="decimal",
            data_day=LANGUAGES[code].numeric_date,
        )
        said = forms.attributes(
            id=words, for_=field.id, data_example=example, data_months=months(code)
        )
        text = typography.long_date(field.data, code) if field.data else example
        return Markup('<div class="day">{}<output {}>{}</output></div>').format(control, said, text)


class DayField(StringField):
    """A day, or None if the field is empty."""

    widget = DayInput()
    data: date | None

    def process_formdata(self, valuelist: list[str]) -> None:
        text = "".join(valuelist).strip()
        # Blanks count as no date, for the check of required fields, too.
        self.raw_data = [text]
        self.data = None
        if text:
            sample = LANGUAGES[language()].numeric_date
            try:
                self.data = read_day(text, sample)
            except CellError as error:
                if error.problem is Problem.NO_DAY:
                    raise ValueError(_("There is no such day in the calendar.")) from None
                raise ValueError(
                    _(
                        "Write a date such as %(date)s, between the years 2000 and 2199.",
                        date=sample,
                    )
                ) from None

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return typography.figures(self.data, language()) if self.data else ""
