"""Signing in and out, and asking for a new password."""

from datetime import UTC, datetime, timedelta

from flask import (
    Blueprint,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from webapp.domain.ids import row_id
from webapp.models import Login, SignInMethod, db
from webapp.models.loaded import SignIn
from webapp.pages import frame, guards, htmx, oidc, proving, sessions
from webapp.pages.htmx import Answer
from webapp.pages.signin_forms import ForgottenForm, SignInForm
from webapp.services import runtime
from webapp.services.accounts import doors, logins, open_doors, resets, second_factor
from webapp.signin import limits, password, proxy

blueprint = Blueprint("signin", __name__)

# The time for what comes after the right password: the second step, and the choice of an organisation.
PENDING_LASTS = timedelta(minutes=10)
PROVING, CHOOSING = "proving", "choosing"
# What ends it. A code counts once, and so does a choice: a copy of the cookie is worth nothing after that.
UNCHANGED = {PROVING: logins.credentials_since, CHOOSING: logins.let_in_since}


def typed_email() -> str:
    """Return the form's e-mail as limits count it, the same for all spellings of an address."""
    text = request.form.get("email", "")
    return logins.email_key(text) or text.strip().casefold()[:254]


@blueprint.route("/sign-in", methods=["GET", "POST"])
@guards.public
@guards.limiter.limit(limits.BY_ADDRESS, methods=["POST"])
@proving.limit_failures(typed_email)
def sign_in() -> Answer:
    """Sign in with e-mail and password. Unknown addresses and wrong passwords get the same answer, as fast."""
    onward = htmx.local(request.values.get("next"))
    if request.method == "GET":
        if current_user.is_authenticated:
            return redirect(onward, 303)
        # Whom a proxy has signed in, but lets choose, has asked for the password.
        if proxy.visitor() and "password" not in request.args:
            return redirect(url_for("proxy.sign_in", next=onward), 303)
    form = SignInForm()
    if not open_doors.is_open("password"):
        return sign_in_page(form, onward, 200 if request.method == "GET" else 403)
    if form.validate_on_submit():
        login = login_behind(form.email.data, form.password.data)
        if login and logins.by_password(login):
            return enter(login, SignInMethod.PASSWORD, onward)
        form.form_errors.append(why_not(login))
    return sign_in_page(form, onward, 422 if form.errors else 200)


def sign_in_page(form: SignInForm, onward: str, status: int) -> tuple[str, int]:
    """Show the doors that are open, with the name of the partner for whom some of them speak."""
    partner = doors.own_partner() if open_doors.of_partner() else None
    page = render_template(
        "signin/sign_in.html",
        form=form,
        onward=onward,
        doors=runtime.settings().sign_in,
        partner=partner.name if partner else "",
    )
    return page, status


def login_behind(email: str, given: str) -> Login | None:
    """Find the login that an e-mail and its password prove."""
    key = logins.email_key(email)
    secret = logins.secret_of(key)
    # Verifying takes long on purpose, so it must not run while we hold SQLite's write lock.
    db.session.rollback()
    return logins.find(key) if password.verify(secret, given) else None


def why_not(login: Login | None) -> str:
    """Say why nobody was let in. Strangers don't learn more than that e-mail and password don't match."""
    if logins.shut_out(login):
        return _(
            "Your company's access is closed: your partner has archived it. Your partner can open it again."
        )
    if partner := logins.only_by_door(login):
        return _(
            "People at %(organisation)s come in through that organisation's own sign-in. No password is needed here.",
            organisation=partner.name,
        )
    proving.failed(typed_email())
    return _("E-mail and password don't match. Check both, or set a new password.")


def enter(login: Login, method: SignInMethod, onward: str) -> AnyResponse:
    """Ask for the second step if the login has one, else let it in."""
    if second_factor.app_of(login) is None:
        return admit(login, method, onward)
    sessions.end()
    note(PROVING, login, method)
    return redirect(url_for("signin_code.ask", next=onward), 303)


def admit(login: Login, method: SignInMethod, onward: str) -> AnyResponse:
    """Sign in the only user of a login, or let the person choose among several."""
    users = logins.by_password(login)
    if len(users) == 1:
        sessions.begin(users[0], method)
        return redirect(onward, 303)
    sessions.end()
    note(CHOOSING, login, method)
    return redirect(url_for("signin.choose", next=onward), 303)


def note(step: str, login: Login, method: SignInMethod) -> None:
    """Note in the cookie how far a sign-in has come: whose, when, how, and what it goes on from."""
    known = UNCHANGED[step](login).timestamp()
    session[step] = [login.id, datetime.now(UTC).timestamp(), method.value, known]


def pending_login(step: str) -> tuple[Login | None, SignInMethod]:
    """Find the login of a pending sign-in, which lasts ten minutes. A new password or app ends it like a session."""
    login_id, begun, method, known = session.get(step, (0, 0.0, SignInMethod.PASSWORD, 0.0))
    fresh = datetime.now(UTC) - datetime.fromtimestamp(begun, UTC) < PENDING_LASTS
    login = db.session.get(Login, login_id) if fresh else None
    same = login is not None and known == UNCHANGED[step](login).timestamp()
    return login if same else None, SignInMethod(method)


@blueprint.post("/sign-out")
@guards.public
def sign_out() -> AnyResponse:
    """End the session. Who came in at a door goes on to sign out there, else the next page would let them in again."""
    present = sessions.present()
    address = LEAVING[present.method](present) if present and present.method in LEAVING else None
    if address is None:
        return end_session(_("You are signed out."))
    # Chosen now: the session may be what says which language it is.
    frame.language()
    sessions.end()
    response = make_response(render_template("signin/signed_out.html", address=address))
    frame.keep_language(response)
    return response


def leave_proxy(present: SignIn) -> str:
    return runtime.settings().sign_out_url


# Where to sign out, too, by how somebody came in; empty: nowhere that the portal knows; None: there is no need.
LEAVING = {SignInMethod.PROXY: leave_proxy, SignInMethod.OIDC: oidc.leave}


def end_session(text: str) -> AnyResponse:
    """End the session, if there is one, and go to sign in with a notice, in the language of this answer."""
    response = redirect(url_for("signin.sign_in"), 303)
    frame.keep_language(response)
    sessions.end()
    flash(text, "good")
    return response


@blueprint.route("/sign-in/organisation", methods=["GET", "POST"])
@guards.public
def choose() -> AnyResponse | str:
    """Choose one of the person's organisations, right after the password."""
    login, method = pending_login(CHOOSING)
    users = logins.by_password(login)
    onward = htmx.local(request.args.get("next"))
    if not users:
        return redirect(url_for("signin.sign_in", next=onward), 303)
    if request.method == "POST":
        chosen = request.form.get("user_id", type=row_id)
        user = guards.found(next((user for user in users if user.id == chosen), None))
        sessions.begin(user, SignInMethod(method))
        return redirect(onward, 303)
    return render_template("signin/choose.html", users=users, onward=onward)


@blueprint.route("/forgotten-password", methods=["GET", "POST"])
@guards.public
@guards.limiter.limit(limits.BY_ADDRESS, methods=["POST"])
def forgotten() -> Answer:
    """Ask for a link to set a new password. Neither the answer nor its time tells whether the address is known."""
    if not open_doors.is_open("password"):
        return redirect(url_for("signin.sign_in"), 303)
    form = ForgottenForm()
    if form.validate_on_submit():
        resets.ask(form.email.data)
        return redirect(url_for("signin.forgotten", sent=1), 303)
    sent = "sent" in request.args
    page = render_template("signin/forgotten.html", form=form, sent=sent)
    return page, 422 if form.errors else 200
