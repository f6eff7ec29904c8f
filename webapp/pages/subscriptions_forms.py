"""The forms of a subscription."""

from collections.abc import Mapping
from dataclasses import asdict
from decimal import Decimal
from functools import cache
from typing import Any

from babel import numbers
from babel.core import get_global
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, Field, RadioField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import ValidationError

from webapp import i18n
from webapp.domain import schedule
from webapp.domain.cells import CellError, is_unclear, read_amount
from webapp.domain.refusals import Refusal
from webapp.domain.terms import DeadlineRule
from webapp.labels import renewal_words
from webapp.labels.refusals import WORDS
from webapp.pages import forms
from webapp.pages.days import DayField
from webapp.pages.frame import language
from webapp.services.clients.subscriptions import SubscriptionDetails

TERMS = (1, 2, 3, 4, 6, 12, 18, 24, 36, 48, 60)


class AmountField(StringField):
    """An amount as people write it in any of the languages; None if empty. One that was not sent stays."""

    def process_formdata(self, valuelist: list[str]) -> None:
        if not valuelist:
            return
        text = "".join(valuelist).strip()
        self.data = None
        if text:
            self.data = self.read(text)

    def read(self, text: str) -> Decimal:
        """Read an amount. Cents or a group of thousands behind its last sign: that is no guess."""
        try:
            amount = read_amount(text)
        except CellError:
            raise ValueError(WORDS[Refusal.AMOUNT]) from None
        if is_unclear(text, numbers.get_decimal_symbol(i18n.LANGUAGES[language()].locale)):
            raise ValueError(
                _(
                    "Three digits after the point are not clear: write %(whole)s, or two digits after the point.",
                    whole=int(amount),
                )
            )
        return amount

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return plain_amount(self.data) if isinstance(self.data, Decimal) else ""


def plain_amount(amount: Decimal) -> str:
    """Write an amount with the decimal mark of the page's language, not grouped."""
    return numbers.format_decimal(amount, "0.00", locale=i18n.LANGUAGES[language()].locale)


def term_choices(field: Field) -> list[SelectChoice]:
    """List the usual terms, and the present one in any case."""
    present = int(field.object_data or TERMS[0])
    return [SelectChoice(str(term), renewal_words.term(term)) for term in sorted({*TERMS, present})]


@cache
def present_currencies() -> frozenset[str]:
    """Return the currencies that are legal tender somewhere today."""
    return frozenset(
        code
        for uses in get_global("territory_currencies").values()
        for code, _start, end, tender in uses
        if tender and end is None
    )


def currency_choices(field: Field) -> list[SelectChoice]:
    names = i18n.LANGUAGES[language()].locale.currencies
    codes = present_currencies() | ({field.object_data} if field.object_data else set())
    return [
        SelectChoice("", "–"),
        *(SelectChoice(code, f"{code} – {names.get(code, code)}") for code in sorted(codes)),
    ]


def propose_currency(field: Field, country: str | None) -> None:
    """Propose the currency of a country in a form that has none. Without an amount, forms drop it."""
    if country and not field.data and field.raw_data is None:
        field.data = next(iter(numbers.get_territory_currencies(country)), None)


def off_or_on(value: Any) -> Any:
    """Turn a stored switch into its answer in a form, and leave what was sent as it is."""
    return str(int(value)) if isinstance(value, bool) else value


class SubscriptionForm(forms.SharedForm):
    """A subscription's facts."""

    product = forms.text_field(_l("Product"))
    term_months = forms.DropdownField(_l("Term"), term_choices)
    renewal_date = DayField(_l("Renewal date"), validators=[forms.required()])
    deadline = DayField(_l("Decision deadline"))
    deadline_by_rule = BooleanField()
    renews_itself = RadioField(
        _l("At the end of the term"),
        choices=[SelectChoice(str(value), text) for value, text in enumerate(renewal_words.ENDS)],
        coerce=off_or_on,
        invalid_choice_message=WORDS[Refusal.NO_OPTION],
    )
    amount = AmountField(_l("Amount per term"))
    currency = forms.DropdownField(_l("Currency"), currency_choices)

    def offer(self, rule: DeadlineRule | None) -> None:
        """Offer the partner's rule for deadlines; None: only a subscription that followed one may leave it."""
        if rule is None and not self.deadline_by_rule.data:
            del self.deadline_by_rule
            return
        self.deadline_by_rule.label.text = renewal_words.by_rule(rule)
        if self.deadline_by_rule.data and self.deadline.raw_data is None:
            # The day by the rule is none that somebody typed.
            self.deadline.data = None

    def validate_deadline(self, field: Field) -> None:
        # The service refuses it, too. Checked here, it is shown together with all other faults.
        renewal = self.renewal_date.data
        if renewal and not schedule.decided_in_time(renewal, field.data):
            raise ValidationError(WORDS[Refusal.DEADLINE_LATE])
        if field.data and self.by_rule:
            raise ValidationError(_("Choose one of the two: a day of its own, or your rule."))

    def validate_currency(self, field: Field) -> None:
        if self.amount.data is not None and not field.data:
            raise ValidationError(WORDS[Refusal.CURRENCY_NEEDED])

    @property
    def by_rule(self) -> bool:
        return bool(self.deadline_by_rule and self.deadline_by_rule.data)

    @property
    def sent(self) -> Mapping[str, object]:
        return asdict(self.details)

    @property
    def details(self) -> SubscriptionDetails:
        """Return the details. A currency without an amount is only the form's proposal and is dropped."""
        assert self.renewal_date.data
        return SubscriptionDetails(
            product=self.product.data or "",
            term_months=int(self.term_months.data or 0),
            renewal_date=self.renewal_date.data,
            deadline=self.deadline.data,
            amount=self.amount.data,
            currency=self.currency.data if self.amount.data is not None else None,
            renews_itself=self.renews_itself.data == "1",
            deadline_by_rule=self.by_rule,
        )
