"""Client details: facts on the left; renewals, contacts and activity as tabs that are URLs."""

from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

from flask import flash, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response

from webapp import i18n, typography
from webapp.domain.access import Action
from webapp.domain.facts import ClientFacts
from webapp.domain.recipients import Reachability, missing_roles, reachability
from webapp.domain.reminders import DayPlan, coming, day_plans
from webapp.labels import codes
from webapp.models import Client
from webapp.pages import asking, forms, guards, history, htmx, notices
from webapp.pages.clients import blueprint
from webapp.pages.dashboard import last_address
from webapp.pages.frame import language, time_zone
from webapp.pages.people_forms import ContactForm, StoredContactForm, add_person, save_person, show
from webapp.pages.saving import carry_out
from webapp.services import runtime
from webapp.services.accounts import membership, people
from webapp.services.audit import line_of
from webapp.services.clients import archiving, ownership
from webapp.services.clients.contacts import held_in, with_roles
from webapp.services.clients.ownership import Why
from webapp.services.lists import past_renewals, remarks, renewal_history
from webapp.services.reminders import loading


@blueprint.get("/partner/clients/<int:client_id>")
@guards.allow(Action.LOOK_AFTER_CLIENTS)
def details(client_id: int) -> Response:
    """Redirect to the client's first tab."""
    guards.own_client(client_id)
    return redirect(url_for("clients.renewals", client_id=client_id), 303)


@blueprint.get("/partner/clients/<int:client_id>/renewals")
@guards.allow(Action.LOOK_AFTER_CLIENTS)
def renewals(client_id: int) -> str:
    """Show who owns and why, what renews when, who gets what next, and what went out."""
    client = guards.own_client(client_id)
    known = loading.of_client(client)
    return show_tab(renewals_of(client, known))


@blueprint.get("/partner/clients/<int:client_id>/reminders/<int:reminder_id>")
@guards.allow(Action.LOOK_AFTER_CLIENTS)
def reminder(client_id: int, reminder_id: int) -> Response:
    """Show the way of a reminder and of each of its mails: in its line of the Renewals tab, or as a page."""
    client = guards.own_client(client_id)
    return htmx.page_or_fragment(
        "clients/reminder.html",
        "clients/_reminder.html",
        client=client,
        renewal=guards.found(renewal_history.load_reminder(client.id, reminder_id)),
        moments=renewal_history.moments,
        zone=time_zone() or client.time_zone,
    )


@blueprint.get("/partner/clients/<int:client_id>/contacts")
@guards.allow(Action.LOOK_AFTER_CLIENTS)
def contacts(client_id: int) -> str:
    """Show the client's people and their roles."""
    client = guards.own_client(client_id)
    known = loading.of_client(client)
    return show_tab(around("contacts", client, known) | contacts_of(client, known))


@blueprint.route("/partner/clients/<int:client_id>/contacts/new", methods=["GET", "POST"])
@guards.allow(Action.LOOK_AFTER_CLIENTS)
def add_contact(client_id: int) -> Response | tuple[str, int]:
    """Add a person at the client."""
    client = guards.client_in_use(client_id)
    form = ContactForm()
    form.offer(client)
    saved = add_person(form, client)
    if saved.done:
        return redirect(url_for("clients.contacts", client_id=client.id), 303)
    page = render_template("clients/add_contact.html", client=client, form=form)
    return page, saved.status


@blueprint.route(
    "/partner/clients/<int:client_id>/contacts/<int:user_id>/edit", methods=["GET", "POST"]
)
@guards.allow(Action.LOOK_AFTER_CLIENTS)
def edit_contact(client_id: int, user_id: int) -> Response | tuple[str, int]:
    """Edit a person at the client. The address can be corrected only before the first sign-in."""
    client = guards.client_in_use(client_id)
    person = guards.contact_of(client.id, user_id)
    form = StoredContactForm(obj=person)
    form.offer(client)
    show(form, person)
    saved = save_person(form, person)
    if saved.done:
        return redirect(url_for("clients.contacts", client_id=client.id), 303)
    page = render_template(
        "clients/edit_contact.html",
        client=client,
        user=person,
        form=form,
        conflict=saved.conflict,
    )
    return page, saved.status


@blueprint.post("/partner/clients/<int:client_id>/contacts/<int:user_id>/invite")
@guards.allow(Action.LOOK_AFTER_CLIENTS)
def invite_contact(client_id: int, user_id: int) -> Response:
    """Send a person at the client an invitation to its portal."""
    client = guards.client_in_use(client_id)
    person = guards.contact_of(client.id, user_id)
    if current_user.admin and not membership.has_admin(client.id):
        # The person becomes the client's admin.
        asking.require_proof()
    if carry_out(lambda: membership.invite(current_user, person)):
        email = typography.address(person.email)
        flash(*notices.mailed(_("Invitation on its way to: %(email)s", email=email)))
    return redirect(url_for("clients.contacts", client_id=client.id), 303)


@blueprint.get("/partner/clients/<int:client_id>/activity")
@guards.allow(Action.LOOK_AFTER_CLIENTS)
def activity(client_id: int) -> str:
    """Show the client's audit trail, newest first; ``?before=`` an entry shows the older ones."""
    client = guards.own_client(client_id)
    known = loading.of_client(client)
    return show_tab(around("activity", client, known) | history.of_client(client))


def show_tab(shown: dict[str, Any]) -> str:
    """Render the page with one tab open, and what stands around it."""
    return render_template("clients/details.html", **shown)


def around(
    tab: str, client: Client, known: ClientFacts, plans: Iterator[DayPlan] | None = None
) -> dict[str, Any]:
    """Gather the values for the strip above the tabs and the facts beside them.

    ``plans``: the client's day plans, soonest first, if they are made already.
    """
    plans = coming(known, runtime.now()) if plans is None else plans
    territories = i18n.LANGUAGES[language()].locale.territories
    circle = known.circle
    reach = reachability(circle)
    resting = client.archived_at is not None
    at_risk = None if resting or reach is Reachability.GREEN else next(plans, None)
    today = runtime.today(client.time_zone)
    return {
        "tab": tab,
        "client": client,
        "known": known,
        "circle": circle,
        "reach": reach,
        "at_risk": at_risk.day if at_risk else None,
        "today": today,
        "soonest": known.next_renewal(today),
        "dashboard": last_address(),
        "archived": archived_line(client) if resting else None,
        "zone_name": forms.zone_name(client.time_zone),
        "country": territories.get(client.country or "", client.country),
    }


def renewals_of(client: Client, known: ClientFacts) -> dict[str, Any]:
    """Gather the values for the Renewals tab, which a saved dialog shows again."""
    now = runtime.now()
    plans = () if client.archived_at else day_plans(known, now)
    zone = time_zone() or client.time_zone
    every = (*known.subscriptions, *known.cancelled)
    return around("renewals", client, known, iter(plans)) | {
        "why": why_line(ownership.why(client, known), zone),
        "plans": plans,
        "subscriptions": [
            *((subscription, False) for subscription in known.subscriptions),
            *((subscription, True) for subscription in known.cancelled),
        ],
        "remarks": remarks.of_client(client.id),
        "names": {
            person.id: codes.person_name(person.name, person.active)
            for person in known.partner.team
        },
        "rule": client.partner.deadline_rule,
        "past": past_renewals.load(client.id, renewed=any(one.cycle > 1 for one in every)),
    }


def contacts_of(client: Client, known: ClientFacts) -> dict[str, Any]:
    """Gather the client's people with their roles, and the roles that nobody active holds."""
    return {
        "contacts": with_roles(people.team(client.id), held_in(known)),
        "missing": [codes.CONTACT_ROLES[role] for role in missing_roles(known.contacts)],
    }


def archived_line(client: Client) -> str:
    """Tell who archived a client, or erased it, and when."""
    entry = archiving.last_change(client)
    if entry is None:
        return _("Archived")
    return history.what_and_who(line_of(entry), time_zone() or client.time_zone)


def why_line(why: Why, zone: str) -> str:
    """Explain in one sentence why an owner is in effect. ``zone``: the time zone for its date."""
    owner = codes.owner_name(why.owner, runtime.settings().vendor_name)
    if not why.own:
        return _("%(owner)s: your default", owner=owner)
    if why.by is None or why.at is None:
        return _("%(owner)s: set for this client", owner=owner)
    day = why.at.astimezone(ZoneInfo(zone)).date()
    return _(
        "%(owner)s: set for this client by %(name)s, %(date)s",
        owner=owner,
        name=why.by,
        date=typography.long_date(day, language()),
    )
