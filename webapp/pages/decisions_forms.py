"""The forms that decide about one renewal."""

from datetime import date
from typing import Any

from flask import request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict
from wtforms import BooleanField, Field, HiddenField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import ValidationError

from webapp import typography
from webapp.domain.facts import NotRenewed
from webapp.domain.refusals import Refusal
from webapp.domain.shown import changed_since
from webapp.domain.terms import next_term
from webapp.domain.todo import is_slip
from webapp.labels import renewal_words
from webapp.labels.codes import NOT_RENEWED
from webapp.labels.refusals import WORDS
from webapp.models import Subscription
from webapp.pages import forms
from webapp.pages.days import DayField
from webapp.pages.frame import language
from webapp.pages.subscriptions_forms import TERMS, AmountField, currency_choices, propose_currency
from webapp.services import runtime
from webapp.services.clients import renewals
from webapp.services.clients.renewals import NewTerms
from webapp.services.clients.subscriptions import LAST_DAY

# What is said about a deadline that looks like a slip.
PASSED = _l(
    "This day has passed, so the renewal would be overdue at once. If you mean it, save again."
)
BEFORE = _l("This day is before the present renewal date. If you mean it, save again.")


def reason_choices(_field: Field) -> list[SelectChoice]:
    reasons = (SelectChoice(reason.value, str(text)) for reason, text in NOT_RENEWED.items())
    return [SelectChoice("", _("Not said")), *reasons]


class RenewedForm(forms.SharedForm):
    """The terms on which a subscription was renewed. ``asked``: the deadline that was asked about already."""

    term_months = forms.DropdownField(_l("Renewed for"))
    amount = AmountField(_l("Amount per term"))
    currency = forms.DropdownField(_l("Currency"), currency_choices)
    deadline = DayField(_l("Another decision deadline"))
    asked = HiddenField()
    subscription: Subscription

    @classmethod
    def of(cls, subscription: Subscription) -> "RenewedForm":
        """Make the form as sent, else with the terms as they are. Each term tells the date that it leads to."""
        form = cls(
            term_months=str(subscription.term_months),
            amount=subscription.amount,
            currency=subscription.currency,
            shown=renewals.shown(subscription),
        )
        form.term_months.choices = list(term_choices(subscription))
        form.subscription = subscription
        propose_currency(form.currency, subscription.client.country)
        return form

    def validate_deadline(self, field: Field) -> None:
        """Ask about a deadline that looks like a slip. The same one, sent again, is meant."""
        if not field.data or self.term_months.errors or self.asked.data == field.data.isoformat():
            return
        subscription, months = self.subscription, int(self.term_months.data or 0)
        if self.shown.data and changed_since(self.shown.data, renewals.terms_of(subscription)):
            # Somebody was faster, perhaps this very form: there is nothing to ask.
            return
        following = next_term(subscription, None, term_months=months).renewal_date
        today = runtime.today(subscription.client.time_zone)
        if is_slip(field.data, subscription.renewal_date, following, today):
            self.asked.data = field.data.isoformat()
            raise ValidationError(PASSED if field.data < today else BEFORE)

    def validate_currency(self, field: Field) -> None:
        if self.amount.data is not None and not field.data:
            raise ValidationError(WORDS[Refusal.CURRENCY_NEEDED])

    @property
    def terms(self) -> NewTerms:
        """Return the terms. A currency without an amount means nothing and is dropped."""
        return NewTerms(
            term_months=int(self.term_months.data or 0),
            amount=self.amount.data,
            currency=self.currency.data if self.amount.data is not None else None,
            deadline=self.deadline.data,
        )


def term_choices(subscription: Subscription) -> Any:
    for months in sorted({*TERMS, subscription.term_months}):
        following = next_term(subscription, None, term_months=months)
        if following.renewal_date <= LAST_DAY:
            text = _(
                "%(term)s, until %(date)s",
                term=renewal_words.term(months),
                date=typography.long_date(following.renewal_date, language()),
            )
            yield SelectChoice(str(months), text)


class NotRenewedForm(forms.SharedForm):
    """The reason why a subscription was not renewed."""

    reason = forms.DropdownField(_l("Reason"), reason_choices)
    note = forms.note_field()

    @property
    def chosen(self) -> NotRenewed | None:
        return NotRenewed(self.reason.data) if self.reason.data else None


class RemindForm(forms.SharedForm):
    """The day on which somebody wants to be reminded. ``never``: not any more."""

    on = DayField(_l("Another day"))
    never = BooleanField()

    @classmethod
    def of(cls, subscription: Subscription) -> "RemindForm":
        """Make the form as sent, else with the day as it is. A button with a quick choice sends its day."""
        sent = MultiDict(request.form)
        if "quick" in sent:
            sent["on"] = sent["quick"]
        return cls(
            sent if request.method == "POST" else None,
            on=subscription.remind_on,
            shown=renewals.shown(subscription),
        )

    def validate_on(self, field: Field) -> None:
        if not (field.data or field.errors or self.never.data):
            raise ValidationError(WORDS[Refusal.EMPTY])

    @property
    def day(self) -> date | None:
        return None if self.never.data else self.on.data


class NoteForm(forms.SharedForm):
    """A note about a subscription."""

    note = forms.note_field()
