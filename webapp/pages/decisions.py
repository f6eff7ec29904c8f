"""Decisions about one renewal: renewed, not renewed, to be reminded of, noted. Each is a dialog, or a page."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import Response, request
from flask_babel import gettext as _
from flask_login import current_user

from webapp import typography
from webapp.domain.access import Action
from webapp.domain.quick_days import quick_days
from webapp.domain.todo import WEEK, is_early
from webapp.i18n import LANGUAGES
from webapp.models import Subscription
from webapp.models.audit import TrailEntry
from webapp.pages import guards, htmx, notices, places
from webapp.pages.decisions_forms import NoteForm, NotRenewedForm, RemindForm, RenewedForm
from webapp.pages.forms import SharedForm
from webapp.pages.frame import language, time_zone
from webapp.pages.htmx import Answer
from webapp.pages.saving import Saved, save
from webapp.pages.subscriptions import blueprint
from webapp.services import runtime
from webapp.services.clients import follow_ups, renewals
from webapp.services.sending import todo


@blueprint.route("/partner/subscriptions/<int:subscription_id>/renewed", methods=["GET", "POST"])
@guards.allow(Action.LOOK_AFTER_CLIENTS)
def renewed(subscription_id: int) -> Answer:
    """Show the next date of each term, and move the subscription on, on the same terms or on others."""
    subscription = guards.own_subscription(subscription_id)
    form = RenewedForm.of(subscription)
    answer = save(
        form,
        lambda: renewals.renew(current_user, subscription, form.shown.data, form.terms),
        lambda: renewals.shown(subscription),
    )
    if answer.done:
        until = typography.long_date(subscription.renewal_date, language())
        text = _("Renewed until %(date)s: %(name)s", date=until, name=name_of(subscription))
        return saved(subscription, text, answer.value)
    return show("_renewed.html", subscription, form, answer, early=early(subscription))


@blueprint.route("/partner/subscriptions/<int:subscription_id>/cancelled", methods=["GET", "POST"])
@guards.allow(Action.LOOK_AFTER_CLIENTS)
def cancelled(subscription_id: int) -> Answer:
    """Show the consequences, and end a subscription that was not renewed, with the reason."""
    subscription = guards.own_subscription(subscription_id)
    form = NotRenewedForm(obj=subscription, shown=renewals.shown(subscription))
    answer = save(
        form,
        lambda: renewals.cancel(
            current_user, subscription, form.shown.data, form.chosen, note=form.note.data
        ),
        lambda: renewals.shown(subscription),
    )
    if answer.done:
        text = _("Not renewed: %(name)s", name=name_of(subscription))
        return saved(subscription, text, answer.value)
    return show("_not_renewed.html", subscription, form, answer)


@blueprint.route("/partner/subscriptions/<int:subscription_id>/remind", methods=["GET", "POST"])
@guards.allow(Action.LOOK_AFTER_CLIENTS)
def remind(subscription_id: int) -> Answer:
    """Put a decision off to a day, or take that back. Mails to the client go out as planned."""
    subscription = guards.own_subscription(subscription_id)
    form = RemindForm.of(subscription)
    answer = save(
        form,
        lambda: follow_ups.remind(current_user, subscription, form.day, form.shown.data),
        lambda: renewals.shown(subscription),
    )
    if answer.done:
        return saved(subscription, reminded_text(subscription), answer.value)
    today = runtime.today_of(current_user)
    return show(
        "_remind.html",
        subscription,
        form,
        answer,
        today=today,
        quick=quick_days(today, subscription.base_date),
        weekday=mail_weekday(subscription),
    )


@blueprint.route("/partner/subscriptions/<int:subscription_id>/note", methods=["GET", "POST"])
@guards.allow(Action.LOOK_AFTER_CLIENTS)
def note(subscription_id: int) -> Answer:
    """Write a note about a subscription for the whole team, or delete it."""
    subscription = guards.own_subscription(subscription_id)
    form = NoteForm(obj=subscription, shown=renewals.shown(subscription))
    answer = save(
        form,
        lambda: follow_ups.note(current_user, subscription, form.note.data, form.shown.data),
        lambda: renewals.shown(subscription),
    )
    if answer.done:
        words = _("Note saved: %(name)s") if subscription.note else _("Note deleted: %(name)s")
        text = words % {"name": name_of(subscription)}
        return saved(subscription, notices.outcome(answer.value, text), answer.value)
    return show("_note.html", subscription, form, answer)


def name_of(subscription: Subscription) -> str:
    """Name a subscription where others stand beside it: Acme · Marketing Hub."""
    return f"{subscription.client.name} · {subscription.product}"


@dataclass(frozen=True, slots=True)
class Early:
    """The words for a renewal that nobody decides about yet. ``again``: since it was renewed already."""

    text: str
    again: bool


def early(subscription: Subscription) -> Early | None:
    """Tell until when a subscription runs and who has renewed it, where nobody decides about the next renewal yet."""
    today = runtime.today(subscription.client.time_zone)
    if subscription.cancelled or not is_early(
        subscription.base_date, subscription.term_months, today
    ):
        return None
    until = typography.long_date(subscription.renewal_date, language())
    entry = renewals.renewed_to(subscription)
    if entry is None:
        text = _("It runs until %(until)s. Mark it only if it was renewed early.", until=until)
        return Early(text, again=False)
    return Early(
        _(
            "Renewed already: %(name)s, %(time)s. It runs until %(until)s.",
            name=notices.author(entry),
            time=typography.local_time(
                entry.at, time_zone() or subscription.client.time_zone, language()
            ),
            until=until,
        ),
        again=True,
    )


def reminded_text(subscription: Subscription) -> str:
    """Say until when a decision is put off, or that it is not any more."""
    if subscription.remind_on is None:
        return _("Reminder removed: %(name)s", name=name_of(subscription))
    day, decided = (
        typography.long_date(one, language())
        for one in (subscription.remind_on, subscription.base_date)
    )
    if subscription.remind_on > subscription.base_date:
        text = _(
            "Put off until %(date)s, which is after its date (%(decided)s): %(name)s",
            date=day,
            decided=decided,
            name=name_of(subscription),
        )
    else:
        text = _("Put off until %(date)s: %(name)s", date=day, name=name_of(subscription))
    return with_mail(text, subscription, subscription.remind_on)


def with_mail(text: str, subscription: Subscription, day: date) -> str:
    """Add the day of the To-do mail that reminds the user, where it is a later one."""
    mail_on = todo.pace_of(current_user).day_from(day)
    if mail_on == day or not subscription.client.partner.sending:
        return text
    return _(
        "%(text)s. To-do mail about it: %(date)s",
        text=text,
        date=typography.full_date(mail_on, language()),
    )


def mail_weekday(subscription: Subscription) -> str | None:
    """Name the weekday of the user's To-do mail, if it comes once a week."""
    pace = todo.pace_of(current_user)
    if pace.step != WEEK or not subscription.client.partner.sending:
        return None
    return str(LANGUAGES[language()].locale.days["stand-alone"]["wide"][pace.weekday])


def saved(subscription: Subscription, text: str, entry: TrailEntry | None) -> Answer:
    client = subscription.client
    return places.saved(places.opened_from(client), client, text, entry)


def show(
    dialog: str, subscription: Subscription, form: SharedForm, answer: Saved[Any], **others: Any
) -> Response:
    """Render a dialog, or without scripts its page."""
    dialog = f"decisions/{dialog}"
    return htmx.page_or_fragment(
        "decisions/page.html",
        dialog,
        answer.status,
        dialog=dialog,
        address=request.script_root + request.path,
        client=subscription.client,
        subscription=subscription,
        form=form,
        conflict=answer.conflict,
        place=places.opened_from(subscription.client),
        **others,
    )
