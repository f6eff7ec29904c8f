"""What a client subscribes to: add, edit, renewed, cancelled."""

from collections.abc import Callable
from datetime import date
from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from werkzeug.wrappers import Response

from webapp.domain.access import Action
from webapp.domain.cells import CellError, read_date
from webapp.models import AuditEntry, Subscription, User
from webapp.pages import guards, notices
from webapp.pages.forms import explain
from webapp.pages.subscriptions_forms import StepForm, SubscriptionForm, currency_of
from webapp.services.clients import subscriptions
from webapp.services.errors import Conflict, Refused

blueprint = Blueprint("subscriptions", __name__)
Answer = Response | tuple[str, int]
Step = Callable[[User | None, Subscription, date | None], AuditEntry | None]


@blueprint.route("/partner/clients/<int:client_id>/subscriptions/new", methods=["GET", "POST"])
@guards.allow(Action.LOOK_AFTER_CLIENTS)
def add(client_id: int) -> Answer:
    """Add a subscription to a client."""
    client = guards.own_client(client_id)
    form = SubscriptionForm(term_months=12, currency=currency_of(client.country))
    if form.validate_on_submit():
        try:
            added = subscriptions.add_subscription(current_user, client, form.details)
        except Refused as error:
            explain(form, error)
        else:
            flash(_("Subscription added: %(product)s", product=added.product), "good")
            return to_renewals(client.id)
    page = render_template("subscriptions/add.html", client=client, form=form)
    return page, 422 if form.errors else 200


@blueprint.route("/partner/subscriptions/<int:subscription_id>/edit", methods=["GET", "POST"])
@guards.allow(Action.LOOK_AFTER_CLIENTS)
def edit(subscription_id: int) -> Answer:
    """Change a subscription's facts; 409 when somebody else changed them meanwhile."""
    subscription = guards.own_subscription(subscription_id)
    form = SubscriptionForm(obj=subscription)
    if not form.validate_on_submit():
        return edit_page(subscription, form, 422 if form.errors else 200)
    stale = form.version.data != str(subscription.version)
    if stale and form.details != subscriptions.details_of(subscription):
        form.version.data = str(subscription.version)
        return edit_page(subscription, form, 409, subscriptions.last_change(subscription))
    try:
        changed = subscriptions.edit_subscription(current_user, subscription, form.details)
    except Refused as error:
        explain(form, error)
        return edit_page(subscription, form, 422)
    flash(_("Saved.") if changed else _("Nothing was different."), "good")
    return to_renewals(subscription.client_id)


@blueprint.route("/partner/subscriptions/<int:subscription_id>/renewed", methods=["GET", "POST"])
@guards.allow(Action.LOOK_AFTER_CLIENTS)
def renewed(subscription_id: int) -> Answer:
    """Show the next date, and move on to it."""
    text = _l("Renewed: %(product)s")
    return settle(subscription_id, "subscriptions/renewed.html", subscriptions.renew, text)


@blueprint.route("/partner/subscriptions/<int:subscription_id>/cancelled", methods=["GET", "POST"])
@guards.allow(Action.LOOK_AFTER_CLIENTS)
def cancelled(subscription_id: int) -> Answer:
    """Say what ends, and end it."""
    text = _l("Cancelled: %(product)s")
    return settle(subscription_id, "subscriptions/cancelled.html", subscriptions.cancel, text)


def settle(subscription_id: int, template: str, step: Step, text: Any) -> Answer:
    """Ask whether a renewal was settled, and settle the one that was looked at."""
    subscription = guards.own_subscription(subscription_id)
    form = StepForm(seen=subscription.renewal_date.isoformat())
    if not form.validate_on_submit():
        return step_page(template, subscription, form)
    try:
        entry = step(current_user, subscription, day(form.seen.data))
    except Conflict:
        form = StepForm(formdata=None, seen=subscription.renewal_date.isoformat())
        return step_page(template, subscription, form, 409)
    return said(subscription, text % {"product": subscription.product}, entry)


def day(text: str | None) -> date:
    """The date that a page was about; one that can't be read is none that anything has."""
    try:
        return read_date(text or "")
    except CellError:
        return date.min


def said(subscription: Subscription, text: str, entry: AuditEntry | None) -> Response:
    """Back to the client's renewals, where it is said, with a way to undo it."""
    notices.flash_with_undo(text, entry)
    return to_renewals(subscription.client_id)


def to_renewals(client_id: int) -> Response:
    return redirect(url_for("clients.renewals", client_id=client_id), 303)


def edit_page(
    subscription: Subscription,
    form: SubscriptionForm,
    status: int,
    entry: AuditEntry | None = None,
) -> tuple[str, int]:
    page = render_template(
        "subscriptions/edit.html",
        client=subscription.client,
        subscription=subscription,
        form=form,
        **notices.beside(entry),
    )
    return page, status


def step_page(
    template: str, subscription: Subscription, form: StepForm, status: int = 200
) -> tuple[str, int]:
    page = render_template(
        template,
        client=subscription.client,
        subscription=subscription,
        next_date=subscriptions.next_date(subscription),
        next_deadline=subscriptions.next_deadline(subscription),
        form=form,
        status=status,
    )
    return page, status
