"""The subscriptions of a client: add and edit."""

from flask import Blueprint, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response

from webapp.domain.access import Action
from webapp.models import AuditAction, Subscription
from webapp.pages import guards, notice_board, notices
from webapp.pages.htmx import Answer
from webapp.pages.saving import save
from webapp.pages.subscriptions_forms import SubscriptionForm, propose_currency
from webapp.services import audit
from webapp.services.clients import subscriptions

blueprint = Blueprint("subscriptions", __name__)


@blueprint.route("/partner/clients/<int:client_id>/subscriptions/new", methods=["GET", "POST"])
@guards.allow(Action.LOOK_AFTER_CLIENTS)
def add(client_id: int) -> Answer:
    """Add a subscription to a client."""
    client = guards.client_in_use(client_id)
    partner = client.partner
    form = SubscriptionForm(
        term_months=12,
        renews_itself=partner.renews_itself,
        deadline_by_rule=partner.deadline_rule is not None,
    )
    form.offer(partner.deadline_rule)
    propose_currency(form.currency, client.country)
    saved = save(form, lambda: subscriptions.add_subscription(current_user, client, form.details))
    if added := saved.value:
        text = _("Subscription added: %(product)s", product=added.product)
        entry = audit.entry_of(added, AuditAction.SUBSCRIPTION_ADDED)
        notice_board.say(text, entry, part=row_of(added))
        return to_renewals(client.id)
    page = render_template("subscriptions/add.html", client=client, form=form)
    return page, saved.status


@blueprint.route("/partner/subscriptions/<int:subscription_id>/edit", methods=["GET", "POST"])
@guards.allow(Action.LOOK_AFTER_CLIENTS)
def edit(subscription_id: int) -> Answer:
    """Change a subscription's details."""
    subscription = guards.own_subscription(subscription_id)
    stored = subscriptions.details_of(subscription).given
    form = SubscriptionForm(obj=stored, shown=subscriptions.shown(subscription))
    form.offer(subscription.client.partner.deadline_rule)
    propose_currency(form.currency, subscription.client.country)
    saved = save(
        form,
        lambda: subscriptions.edit_subscription(
            current_user, subscription, form.details, form.shown.data
        ),
        lambda: subscriptions.shown(subscription),
    )
    if saved.done:
        entry = saved.value
        notice_board.say(notices.outcome(entry), entry, part=row_of(subscription))
        return to_renewals(subscription.client_id)
    page = render_template(
        "subscriptions/edit.html",
        client=subscription.client,
        subscription=subscription,
        form=form,
        conflict=saved.conflict,
    )
    return page, saved.status


def row_of(subscription: Subscription) -> str:
    """Name the row of a subscription on its client's page."""
    return f"subscription-{subscription.id}"


def to_renewals(client_id: int) -> Response:
    return redirect(url_for("clients.renewals", client_id=client_id), 303)
