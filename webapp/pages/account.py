"""The client portal: Account & Billing > Company & Contacts."""

from flask import Blueprint, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response

from webapp.domain.access import Action
from webapp.domain.facts import ClientFacts
from webapp.domain.ownership import Owner
from webapp.domain.recipients import missing_roles, reachable
from webapp.domain.reminders import DayPlan, day_plans
from webapp.labels import audit
from webapp.labels.codes import CONTACT_ROLES
from webapp.models.audit import TrailEntry
from webapp.pages import guards, notice_board, notices
from webapp.pages.account_forms import RolesForm
from webapp.pages.htmx import Answer
from webapp.pages.notices import Quicker
from webapp.pages.people_forms import (
    ColleagueForm,
    StoredColleagueForm,
    add_person,
    save_person,
    show,
)
from webapp.pages.saving import save
from webapp.services import runtime
from webapp.services.accounts import people
from webapp.services.clients import contacts
from webapp.services.reminders import loading

blueprint = Blueprint("account", __name__)


@blueprint.get("/account")
@guards.allow(Action.SEE_COMPANY)
def index() -> Response:
    return redirect(url_for("account.company"), 303)


@blueprint.get("/account/company")
@guards.allow(Action.SEE_COMPANY)
def company() -> str:
    """Show everybody at the company with their roles, and the next mails to the company."""
    return company_page()


def company_page(
    form: RolesForm | None = None, conflict: Quicker | None = None, *, warned: bool = False
) -> str:
    """Render the page, with a form that was sent. ``warned``: nobody would be left, which is to be confirmed."""
    client = guards.own_company()
    known = loading.load_one(client.id)
    team, held = people.team(client.id), contacts.held_in(known)
    return render_template(
        "account/company.html",
        client=client,
        contacts=contacts.with_roles(team, held),
        held=held,
        missing=[CONTACT_ROLES[role] for role in missing_roles(known.contacts)],
        names={user.id: user.name for user in team},
        form=form or RolesForm.of(team, held),
        conflict=conflict,
        warned=warned,
        known=known,
        plans=() if client.archived_at else upcoming(known),
        today=runtime.today(client.time_zone),
    )


def upcoming(known: ClientFacts) -> tuple[DayPlan, ...]:
    """Plan the next reminders to the company's own people. None come if its partner doesn't send, or owns."""
    if known.owner.owner is Owner.PARTNER or not known.partner.sending:
        return ()
    return tuple(plan for plan in day_plans(known, runtime.now()) if not plan.blocked)


@blueprint.post("/account/company")
@guards.allow(Action.ASSIGN_CONTACTS)
def assign() -> Answer:
    """Choose the three contacts. That nobody is left is to be confirmed before it is saved."""
    client = guards.own_company()
    known, team = loading.load_one(client.id), people.team(client.id)
    form = RolesForm.of(team, contacts.held_in(known))
    if form.validate() and "confirmed" not in request.form:
        chosen = form.chosen_of(team)
        if reachable(known.contacts) and not reachable(chosen):
            return company_page(form, warned=True), 422
    saved = save(
        form,
        lambda: contacts.assign_contacts(current_user, client, form.wanted, form.shown.data),
        lambda: contacts.shown(contacts.holders(client.id)),
    )
    if not saved.done:
        return company_page(form, saved.conflict), saved.status
    text, kind = what_follows(saved.value, loading.load_one(client.id))
    notice_board.say(text, saved.value, kind, "contact-information")
    return redirect(url_for("account.company"), 303)


def what_follows(entry: TrailEntry | None, known: ClientFacts) -> tuple[str, str]:
    """Tell what was saved, its consequence for the reminders, and the look of that notice."""
    if entry is None:
        return notices.outcome(entry), "good"
    name = audit.named(entry)
    if known.owner.owner is Owner.PARTNER:
        return _(
            "Saved: %(name)s. At present your partner writes to you itself, so no reminders come.",
            name=name,
        ), "good"
    if known.circle.blocked:
        return _("Saved: %(name)s. Now nobody can be told about your renewals.", name=name), "warn"
    return _("Saved: %(name)s. Reminders go to these people from now on.", name=name), "good"


@blueprint.route("/account/company/contacts/new", methods=["GET", "POST"])
@guards.allow(Action.ASSIGN_CONTACTS)
def add_contact() -> Answer:
    """Add somebody to the company. They can get mail without ever signing in."""
    form = ColleagueForm()
    saved = add_person(form, guards.own_company())
    if saved.done:
        return redirect(url_for("account.company"), 303)
    return render_template("account/add_contact.html", form=form), saved.status


@blueprint.route("/account/company/contacts/<int:user_id>", methods=["GET", "POST"])
@guards.allow(Action.ASSIGN_CONTACTS)
def edit_contact(user_id: int) -> Answer:
    """Edit somebody of the company: name, e-mail, language."""
    user = guards.own_member(user_id)
    form = StoredColleagueForm(obj=user)
    show(form, user)
    saved = save_person(form, user)
    if saved.done:
        return redirect(url_for("account.company"), 303)
    page = render_template(
        "account/edit_contact.html", form=form, user=user, conflict=saved.conflict
    )
    return page, saved.status
