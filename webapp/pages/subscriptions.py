"""The subscriptions of a client: add, edit, mark as renewed, cancel."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from werkzeug.wrappers import Response

from webapp.domain.access import Action
from webapp.domain.terms import next_term
from webapp.models import Subscription, User
from webapp.models.audit import TrailEntry
from webapp.pages import guards, notices
from webapp.pages.forms import SharedForm
from webapp.pages.htmx import Answer
from webapp.pages.saving import save
from webapp.pages.subscriptions_forms import SubscriptionForm, currency_of
from webapp.services.clients import renewals, subscriptions

blueprint = Blueprint("subscriptions", __name__)
CloseRenewal = Callable[[User | None, Subscription, str | None], TrailEntry | None]


@blueprint.route("/partner/clients/<int:client_id>/subscriptions/new", methods=["GET", "POST"])
@guards.allow(Action.LOOK_AFTER_CLIENTS)
def add(client_id: int) -> Answer:
    """Add a subscription to a client."""
    client = guards.client_in_use(client_id)
    partner = client.partner
    form = SubscriptionForm(
        term_months=12,
        currency=currency_of(client.country),
        renews_itself=partner.renews_itself,
        deadline_by_rule=partner.deadline_rule is not None,
    )
    form.offer(partner.deadline_rule)
    saved = save(form, lambda: subscriptions.add_subscription(current_user, client, form.details))
    if added := saved.value:
        flash(_("Subscription added: %(product)s", product=added.product), "good")
        return to_renewals(client.id)
    page = render_template("subscriptions/add.html", client=client, form=form)
    return page, saved.status


@blueprint.route("/partner/subscriptions/<int:subscription_id>/edit", methods=["GET", "POST"])
@guards.allow(Action.LOOK_AFTER_CLIENTS)
def edit(subscription_id: int) -> Answer:
    """Change a subscription's details."""
    subscription = guards.own_subscription(subscription_id)
    form = SubscriptionForm(obj=subscription, shown=subscriptions.shown(subscription))
    form.offer(subscription.client.partner.deadline_rule)
    saved = save(
        form,
        lambda: subscriptions.edit_subscription(
            current_user, subscription, form.details, form.shown.data
        ),
        lambda: subscriptions.shown(subscription),
    )
    if saved.done:
        flash(notices.outcome(saved.value), "good")
        return to_renewals(subscription.client_id)
    page = render_template(
        "subscriptions/edit.html",
        client=subscription.client,
        subscription=subscription,
        form=form,
        conflict=saved.conflict,
    )
    return page, saved.status


@blueprint.route("/partner/subscriptions/<int:subscription_id>/renewed", methods=["GET", "POST"])
@guards.allow(Action.LOOK_AFTER_CLIENTS)
def renewed(subscription_id: int) -> Answer:
    """Show the next date, and move the subscription on to it."""
    text = _l("Renewed: %(product)s")
    return close_renewal(subscription_id, "subscriptions/renewed.html", renewals.renew, text)


@blueprint.route("/partner/subscriptions/<int:subscription_id>/cancelled", methods=["GET", "POST"])
@guards.allow(Action.LOOK_AFTER_CLIENTS)
def cancelled(subscription_id: int) -> Answer:
    """Show the consequences, and cancel the subscription."""
    text = _l("Cancelled: %(product)s")
    return close_renewal(subscription_id, "subscriptions/cancelled.html", renewals.cancel, text)


def close_renewal(subscription_id: int, template: str, service: CloseRenewal, text: Any) -> Answer:
    """Ask for confirmation, and settle the renewal that the page showed, with an Undo."""
    subscription = guards.own_subscription(subscription_id)
    form = SharedForm(shown=subscriptions.shown(subscription))
    saved = save(
        form,
        lambda: service(current_user, subscription, form.shown.data),
        lambda: subscriptions.shown(subscription),
    )
    if saved.done:
        notices.flash_with_undo(text % {"product": subscription.product}, saved.value)
        return to_renewals(subscription.client_id)
    page = render_template(
        template,
        client=subscription.client,
        subscription=subscription,
        following=next_term(subscription, subscription.client.partner.deadline_rule),
        form=form,
        conflict=saved.conflict,
    )
    return page, saved.status


def to_renewals(client_id: int) -> Response:
    return redirect(url_for("clients.renewals", client_id=client_id), 303)
