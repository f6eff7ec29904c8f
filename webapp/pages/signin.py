"""Signing in and out, and setting a password by a link."""

from datetime import UTC, datetime, timedelta

from flask import (
    Blueprint,
    Response,
    flash,
    g,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_babel import gettext as _
from flask_login import current_user, login_user
from werkzeug.wrappers import Response as AnyResponse

from webapp.models import Link, LinkPurpose, User, db
from webapp.pages import frame, guards, htmx
from webapp.pages.htmx import Answer
from webapp.pages.ids import row_id
from webapp.pages.signin_forms import ForgottenForm, LinkForm, SignInForm
from webapp.services.accounts import logins
from webapp.services.errors import Refused
from webapp.signin import limits, links, password

blueprint = Blueprint("signin", __name__)

# The time to choose an organisation after the right password.
CHOICE_LASTS = timedelta(minutes=10)


def failed(response: Response) -> bool:
    """Tell whether the answer was "wrong e-mail or password". Only these count against the address."""
    return bool(g.get("sign_in_failed"))


def typed_email() -> str:
    """Return the form's e-mail as limits count it, the same for all spellings of an address."""
    text = request.form.get("email", "")
    return logins.email_key(text) or text.strip().casefold()[:254]


@blueprint.route("/sign-in", methods=["GET", "POST"])
@guards.public
@guards.limiter.limit(limits.BY_ADDRESS, methods=["POST"])
@guards.limiter.limit(
    limits.FAILURES_BY_EMAIL, key_func=typed_email, methods=["POST"], deduct_when=failed
)
def sign_in() -> Answer:
    """Sign in with e-mail and password. Unknown addresses and wrong passwords get the same answer, as fast."""
    onward = htmx.local(request.values.get("next"))
    if current_user.is_authenticated and request.method == "GET":
        return redirect(onward, 303)
    form = SignInForm()
    if form.validate_on_submit():
        users = users_behind(form.email.data, form.password.data)
        if users:
            return enter(users, onward)
        g.sign_in_failed = True
        form.form_errors.append(
            _("E-mail and password don't match. Check both, or set a new password.")
        )
    page = render_template("signin/sign_in.html", form=form, onward=onward)
    return page, 422 if form.errors else 200


def users_behind(email: str, given: str) -> list[User]:
    """List the users that an e-mail and its password let in; none if they don't match."""
    key = logins.email_key(email)
    stored = logins.password_hash_of(key)
    # Verifying takes long on purpose, so it must not run while we hold SQLite's write lock.
    db.session.rollback()
    return logins.users_with(key) if password.verify(stored, given) else []


def enter(users: list[User], onward: str) -> AnyResponse:
    """Sign in the only user, or let the person choose among several."""
    if len(users) == 1:
        start_session(users[0])
        return redirect(onward, 303)
    session.clear()
    key = users[0].email_key
    session["choosing"] = [key, datetime.now(UTC).timestamp(), password_since(key)]
    return redirect(url_for("signin.choose", next=onward), 303)


def password_since(key: str) -> float:
    """Return the moment when an address got its present password, as a number for the session."""
    changed_at = logins.changed_at(key)
    return changed_at.timestamp() if changed_at else 0.0


def start_session(user: User) -> None:
    """Begin a session of this user, with nothing left over from an earlier one."""
    session.clear()
    login_user(user)
    logins.signed_in(user)


@blueprint.post("/sign-out")
@guards.public
def sign_out() -> AnyResponse:
    return end_session(_("You are signed out."))


def end_session(text: str) -> AnyResponse:
    """End the session, if there is one, and go to sign in with a notice, in the language of this answer."""
    response = redirect(url_for("signin.sign_in"), 303)
    frame.keep_language(response)
    session.clear()
    flash(text, "good")
    return response


@blueprint.route("/sign-in/organisation", methods=["GET", "POST"])
@guards.public
def choose() -> AnyResponse | str:
    """Choose one of the person's organisations, right after the password."""
    key, since, known_password = session.get("choosing", ("", 0.0, 0.0))
    fresh = datetime.now(UTC) - datetime.fromtimestamp(since, UTC) < CHOICE_LASTS
    # If the password was changed meanwhile, this choice ends like a session.
    users = logins.users_with(key) if fresh and known_password == password_since(key) else []
    onward = htmx.local(request.args.get("next"))
    if not users:
        return redirect(url_for("signin.sign_in", next=onward), 303)
    if request.method == "POST":
        chosen = request.form.get("user_id", type=row_id)
        start_session(guards.found(next((user for user in users if user.id == chosen), None)))
        return redirect(onward, 303)
    return render_template("signin/choose.html", users=users, onward=onward)


@blueprint.route("/forgotten-password", methods=["GET", "POST"])
@guards.public
@guards.limiter.limit(limits.BY_ADDRESS, methods=["POST"])
@guards.limiter.limit(limits.MAILS_BY_EMAIL, key_func=typed_email, methods=["POST"])
def forgotten() -> Answer:
    """Ask for a link to set a new password. The answer doesn't tell whether the address is known."""
    form = ForgottenForm()
    if form.validate_on_submit():
        logins.request_reset(form.email.data)
        return redirect(url_for("signin.forgotten", sent=1), 303)
    sent = "sent" in request.args
    page = render_template("signin/forgotten.html", form=form, sent=sent)
    return page, 422 if form.errors else 200


@blueprint.route("/link/<token>", methods=["GET", "POST"])
@guards.public
@guards.limiter.limit(limits.BY_ADDRESS, methods=["POST"])
def link(token: str) -> Answer:
    """Show the page of an invitation or a reset. Opening it changes nothing, since mail scanners open it, too."""
    found = links.read(token)
    if found:
        frame.speak_to(found.user)
    if found is None or not logins.is_open(found):
        return render_template("signin/link_over.html"), 410
    if found.purpose is LinkPurpose.INVITATION and logins.has_login(found.user.email_key):
        return accept(found)
    form = LinkForm()
    if form.validate_on_submit():
        return set_password(token, form.password.data)
    page = render_template("signin/link.html", form=form, link=found)
    return page, 422 if form.errors else 200


def accept(invitation: Link) -> Answer:
    """Accept the invitation of somebody who has a password already, and keep the password."""
    if request.method == "GET":
        return render_template("signin/accept.html", link=invitation), 200
    try:
        logins.use_link(invitation, None)
    except Refused:
        # A second click was quicker.
        return render_template("signin/link_over.html"), 410
    return end_session(_("Accepted. Sign in with the password that you have."))


def set_password(token: str, chosen: str) -> Answer:
    # Hashing takes long on purpose, so it must not run while we hold SQLite's write lock.
    db.session.rollback()
    password_hash = password.hash_password(chosen)
    found = guards.found(links.read(token))
    try:
        user = logins.use_link(found, password_hash)
    except Refused:
        return render_template("signin/link_over.html"), 410
    start_session(user)
    flash(_("Your password is set."), "good")
    return redirect(url_for("frame.home"), 303)
