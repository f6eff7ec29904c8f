"""Personal settings: profile and password, and the team for its admins."""

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user
from werkzeug.wrappers import Response

from webapp.domain.access import Action
from webapp.models import AuditAction, Login, SecurityAction, SignInMethod, User, db
from webapp.pages import (
    asking,
    guards,
    listing,
    notice_board,
    notices,
    own_sessions,
    proving,
    sessions,
)
from webapp.pages.communications_forms import SwitchForm
from webapp.pages.htmx import Answer
from webapp.pages.notices import Quicker
from webapp.pages.people_forms import add_person, leave_address, leave_note, save_person, show
from webapp.pages.saving import carry_out
from webapp.pages.settings_forms import InviteForm, MemberForm, ProfileForm, ToDoForm
from webapp.pages.signin_forms import PasswordForm, hash_of_new
from webapp.services import audit
from webapp.services.accounts import addresses, logins, membership, people, second_factor
from webapp.services.accounts.own_words import own_words
from webapp.services.accounts.second_factor import REQUIREMENT
from webapp.services.lists import overrides
from webapp.services.reminders import loading
from webapp.signin import limits, password
from webapp.typography import address

blueprint = Blueprint("settings", __name__)


@blueprint.get("/settings")
@guards.allow(Action.USE_ACCOUNT)
def index() -> Response:
    return redirect(url_for("settings.profile"), 303)


@blueprint.route("/settings/profile", methods=["GET", "POST"])
@guards.allow(Action.USE_ACCOUNT)
def profile() -> Answer:
    """Edit the user's own name, language and time zone."""
    form = profile_form()
    saved = save_person(form, current_user)
    if saved.done:
        return redirect(url_for("settings.profile"), 303)
    return profile_page(form, PasswordForm(formdata=None), saved.status, saved.conflict)


def profile_form(**options: Any) -> ProfileForm:
    form = ProfileForm(obj=current_user, **options)
    leave_address(form, current_user)
    show(form, current_user)
    return form


def profile_page(
    form: ProfileForm, password_form: PasswordForm, status: int, conflict: Quicker | None = None
) -> tuple[str, int]:
    login = None if sessions.for_one_user() else sessions.own_login()
    page = render_template(
        "settings/profile.html",
        form=form,
        password_form=password_form,
        conflict=conflict,
        waiting=addresses.waiting(current_user),
        login=login,
        factor=second_factor.app_of(login),
        **own_sessions.listed(),
    )
    return page, status


@blueprint.route("/settings/profile/to-do", methods=["GET", "POST"])
@guards.allow(Action.LOOK_AFTER_CLIENTS)
def to_do() -> Answer:
    """Choose how often the own To-do mail comes, and when."""
    form = ToDoForm(obj=current_user)
    show(form, current_user)
    saved = save_person(form, current_user)
    if saved.done:
        return redirect(url_for("settings.profile"), 303)
    return render_template("settings/to_do.html", form=form, conflict=saved.conflict), saved.status


@blueprint.post("/settings/profile/address", endpoint="cancel_address")
@guards.allow(Action.USE_ACCOUNT)
@guards.whole_login
def cancel_address() -> Response:
    """Give up on the own new address that waits to be confirmed."""
    addresses.cancel(current_user)
    flash(_("Your address stays as it is: %(email)s", email=address(current_user.email)), "good")
    return redirect(url_for("settings.profile"), 303)


@blueprint.post("/settings/profile/password", endpoint="password")
@guards.allow(Action.USE_ACCOUNT)
@guards.whole_login
@guards.limiter.limit(limits.BY_ADDRESS)
@proving.limit_failures(sessions.own_address)
def change_password() -> Answer:
    """Set a new password; all other sessions of this login end.

    It counts as having shown who one is, so the present password alone does only for who has no second step.
    """
    if second_factor.app_of(sessions.own_login()):
        asking.require_proof()
    form = PasswordForm()
    if form.validate():
        login = sessions.own_login()
        login_id, stored = login.id, logins.password_of(login)
        secret = stored.secret if stored else None
        words = own_words(logins.users_of(login), login.email)
        # Argon2 takes long on purpose, so it must not run while we hold SQLite's write lock.
        db.session.rollback()
        if not password.verify(secret, form.present.data):
            proving.failed(sessions.own_address())
            form.present.errors = [_("This is not your present password.")]
        elif password_hash := hash_of_new(form.password, words):
            login = db.session.get_one(Login, login_id)
            logins.change_password(login, password_hash, SecurityAction.PASSWORD_CHANGED)
            sessions.begin(current_user._get_current_object(), SignInMethod.PASSWORD)
            flash(_("Your password is changed. Everywhere else you are signed out."), "good")
            return redirect(url_for("settings.profile"), 303)
    return profile_page(profile_form(formdata=None), form, 422)


@blueprint.get("/settings/team")
@guards.allow(Action.MANAGE_TEAM)
def team() -> Answer:
    """Show everybody of the user's organisation, and whether they may sign in or only get mail."""
    own = current_user.may(Action.CHANGE_SETTINGS) and not sessions.for_one_user()
    form = requirement_form() if own else None
    return team_page(form, 200)


def team_page(
    requirement: SwitchForm | None, status: int, conflict: Quicker | None = None
) -> tuple[str, int]:
    page = render_template(
        "settings/team.html",
        users=people.team(current_user.organisation_id),
        form=requirement,
        conflict=conflict,
    )
    return page, status


def requirement_form(sent: Any = None) -> SwitchForm:
    """Ask whether the own team must verify in two steps, as sent, else as stored."""
    form = SwitchForm.of(guards.own_partner(), REQUIREMENT, sent)
    form.on.label.text = _("When somebody of the team signs in")
    return form


@blueprint.route("/settings/team/new", methods=["GET", "POST"])
@guards.allow(Action.MANAGE_TEAM)
def invite() -> Answer:
    """Add somebody to the team and invite them."""
    form = InviteForm()
    leave_note(form)
    saved = add_person(form, current_user.organisation, invite=True)
    if saved.done:
        return redirect(url_for("settings.team"), 303)
    return render_template("settings/invite.html", form=form), saved.status


@blueprint.route("/settings/team/<int:user_id>", methods=["GET", "POST"])
@guards.allow(Action.MANAGE_TEAM)
def member(user_id: int) -> Answer:
    """Edit one person of the team: details and role."""
    user = guards.own_member(user_id)
    form = MemberForm(obj=user)
    leave_address(form, user)
    leave_note(form)
    show(form, user)
    saved = save_person(form, user)
    if saved.done:
        onward = "settings.team" if current_user.may(Action.MANAGE_TEAM) else "settings.profile"
        return redirect(url_for(onward), 303)
    page = render_template(
        "settings/member.html",
        form=form,
        user=user,
        conflict=saved.conflict,
        factor=user.id != current_user.id and second_factor.app_of(logins.of(user)),
    )
    return page, saved.status


@blueprint.post("/settings/team/<int:user_id>/invitation", endpoint="resend")
@guards.allow(Action.MANAGE_TEAM)
def resend_invitation(user_id: int) -> Response:
    """Send an invitation, or a new one that replaces the last."""
    user = guards.own_member(user_id)
    if carry_out(lambda: membership.invite(current_user, user)):
        text = _("Invited: %(name)s, %(email)s", name=user.name, email=address(user.email))
        flash(*notices.mailed(text))
    return redirect(url_for("settings.member", user_id=user.id), 303)


@blueprint.post("/settings/team/<int:user_id>/active")
@guards.allow(Action.MANAGE_TEAM)
def set_active(user_id: int) -> Response:
    """Deactivate somebody, or activate them again."""
    user = guards.own_member(user_id)
    wanted = request.form.get("active")
    if wanted not in ("0", "1"):
        abort(400)
    if wanted == "1":
        asking.require_proof()
    service = membership.activate if wanted == "1" else membership.deactivate
    if carry_out(lambda: service(current_user, user)):
        tell_of_access(user)
    return redirect(url_for("settings.member", user_id=user.id), 303)


def tell_of_access(user: User) -> None:
    """Say that somebody is active or not any more, and what follows from it."""
    if user.active:
        text, entry = _("Activated: %(name)s", name=user.name), AuditAction.USER_ACTIVATED
        notice_board.say(text, audit.entry_of(user, entry))
        return
    text, entry = _("Deactivated: %(name)s", name=user.name), AuditAction.USER_DEACTIVATED
    notice_board.say(text, audit.entry_of(user, entry))
    if clients := overrides.looked_after(user):
        flash(looked_after_text(clients), "warn")
    if user.is_client and loading.load_one(user.organisation_id).circle.blocked:
        flash(_("Nobody can be told about your renewals. Choose at least one contact."), "warn")


def looked_after_text(total: int) -> str:
    return listing.counted(
        total,
        lambda: ngettext(
            "This person was the point of contact for %(num)d client; somebody else stands in.",
            "This person was the point of contact for %(num)d clients; somebody else stands in.",
            total,
        ),
        lambda: _(
            "This person was the point of contact for more than %(number)s clients; somebody else stands in.",
            number=listing.number_of(total),
        ),
    )
