"""Signing in and out, and setting a password by a link."""

from datetime import UTC, datetime, timedelta

from flask import (
    Blueprint,
    flash,
    g,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from webapp.domain.refusals import Refusal
from webapp.labels.refusals import sentence
from webapp.models import Link, LinkPurpose, Login, SecurityAction, SignInMethod, db
from webapp.pages import frame, guards, htmx, proving, sessions
from webapp.pages.htmx import Answer
from webapp.pages.ids import row_id
from webapp.pages.signin_forms import ForgottenForm, LinkForm, SignInForm, hash_of_new
from webapp.services.accounts import addresses, links, logins, membership, resets, second_factor
from webapp.services.accounts.own_words import own_words
from webapp.services.errors import Refused
from webapp.signin import limits, password, tokens
from webapp.typography import address

blueprint = Blueprint("signin", __name__)

# The time for what comes after the right password: the second step, and the choice of an organisation.
PENDING_LASTS = timedelta(minutes=10)
PROVING, CHOOSING = "proving", "choosing"


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
    if current_user.is_authenticated and request.method == "GET":
        return redirect(onward, 303)
    form = SignInForm()
    if form.validate_on_submit():
        login = login_behind(form.email.data, form.password.data)
        if login:
            return enter(login, SignInMethod.PASSWORD, onward)
        proving.failed(typed_email())
        form.form_errors.append(
            g.get("shut_out")
            or _("E-mail and password don't match. Check both, or set a new password.")
        )
    page = render_template("signin/sign_in.html", form=form, onward=onward)
    return page, 422 if form.errors else 200


def login_behind(email: str, given: str) -> Login | None:
    """Find the login that an e-mail and its password prove, if it opens anything."""
    key = logins.email_key(email)
    secret = logins.secret_of(key)
    # Verifying takes long on purpose, so it must not run while we hold SQLite's write lock.
    db.session.rollback()
    if not password.verify(secret, given):
        return None
    login = logins.find(key)
    if logins.users_of(login):
        return login
    if logins.shut_out(login):
        g.shut_out = _(
            "Your company's access is closed: your partner has archived it. Your partner can open it again."
        )
    return None


def enter(login: Login, method: SignInMethod, onward: str) -> AnyResponse:
    """Ask for the second step if the login has one, else let it in."""
    if second_factor.app_of(login) is None:
        return admit(login, method, onward)
    sessions.end()
    session[PROVING] = pending(login, method)
    return redirect(url_for("signin_code.ask", next=onward), 303)


def admit(login: Login, method: SignInMethod, onward: str) -> AnyResponse:
    """Sign in the only user of a login, or let the person choose among several."""
    users = logins.users_of(login)
    if len(users) == 1:
        sessions.begin(users[0], method)
        return redirect(onward, 303)
    sessions.end()
    session[CHOOSING] = pending(login, method)
    return redirect(url_for("signin.choose", next=onward), 303)


def pending(login: Login, method: SignInMethod) -> list[object]:
    """Note in the cookie how far a sign-in has come: whose, when, how, and with which credentials."""
    known = logins.credentials_since(login).timestamp()
    return [login.id, datetime.now(UTC).timestamp(), method.value, known]


def pending_login(name: str) -> tuple[Login | None, SignInMethod]:
    """Find the login of a pending sign-in, which lasts ten minutes. A new password or app ends it like a session."""
    login_id, begun, method, known = session.get(name, (0, 0.0, SignInMethod.PASSWORD, 0.0))
    fresh = datetime.now(UTC) - datetime.fromtimestamp(begun, UTC) < PENDING_LASTS
    login = db.session.get(Login, login_id) if fresh else None
    same = login is not None and known == logins.credentials_since(login).timestamp()
    return login if same else None, SignInMethod(method)


@blueprint.post("/sign-out")
@guards.public
def sign_out() -> AnyResponse:
    return end_session(_("You are signed out."))


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
    users = logins.users_of(login)
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
    form = ForgottenForm()
    if form.validate_on_submit():
        resets.ask(form.email.data)
        return redirect(url_for("signin.forgotten", sent=1), 303)
    sent = "sent" in request.args
    page = render_template("signin/forgotten.html", form=form, sent=sent)
    return page, 422 if form.errors else 200


@blueprint.route("/link/<token>", methods=["GET", "POST"])
@guards.public
@guards.limiter.limit(limits.BY_ADDRESS, methods=["POST"])
def link(token: str) -> Answer:
    """Show the page of a link. Opening it changes nothing, since mail scanners open it, too."""
    found = tokens.read(token)
    if found:
        frame.speak_to(found.user)
    if found is None or not links.is_open(found):
        return over()
    return USES[found.purpose](found)


def over() -> tuple[str, int]:
    return render_template("signin/link_over.html"), 410


def invitation(found: Link) -> Answer:
    """Let somebody in: by a new password, by the one that the mailbox has already, or as who is signed in."""
    own = sessions.own_login() if current_user.is_authenticated else None
    if own is not None and membership.is_inviters(found, own):
        own = None
    if own is not None and request.form.get("as") == "own":
        return accept(found, own)
    if logins.password_of(logins.find(found.email.casefold())) is None:
        return with_new_password(found, own)
    if request.method == "POST":
        return accept(found)
    return render_template("signin/accept.html", link=found, own=own), 200


def accept(found: Link, own: Login | None = None) -> Answer:
    """Accept an invitation, with the password that the mailbox has or as the login that is signed in."""
    try:
        membership.accept(found, login=own)
    except Refused as refused:
        db.session.rollback()
        if refused.refusal is Refusal.LINK_OVER:
            return over()  # A second click was quicker.
        error = sentence(refused.refusal)
        return render_template("signin/accept.html", link=found, own=None, error=error), 422
    if own is None:
        return end_session(_("Accepted. Sign in with the password that you have."))
    sessions.switch(found.user)
    flash(_("Accepted. You are signed in for this organisation now."), "good")
    return redirect(url_for("frame.home"), 303)


def with_new_password(found: Link, own: Login | None = None) -> Answer:
    """Let the reader of a mail set a password for its mailbox, and come in."""
    form = LinkForm()
    password_hash = None
    if form.validate_on_submit():
        link_id = found.id
        words = own_words([found.user, *logins.users_of(found.login)], found.email)
        # Hashing takes long on purpose, so it must not run while we hold SQLite's write lock.
        db.session.rollback()
        password_hash = hash_of_new(form.password, words)
    if password_hash is None:
        page = render_template("signin/link.html", form=form, link=found, own=own)
        return page, 422 if form.errors else 200
    try:
        login = set_password(db.session.get_one(Link, link_id), password_hash)
    except Refused:
        db.session.rollback()
        return over()
    flash(_("Your password is set."), "good")
    return enter(login, SignInMethod.LINK, url_for("frame.home")) if login else over()


def set_password(found: Link, password_hash: str) -> Login | None:
    """Use a link up, and return the login that it lets in, if that opens anything. Raises Refused."""
    if found.purpose is LinkPurpose.INVITATION:
        return membership.accept(found, password_hash)
    links.take(found)
    if found.login is None:
        return None
    logins.change_password(found.login, password_hash, SecurityAction.PASSWORD_RESET)
    return found.login if logins.users_of(found.login) else None


def new_address(found: Link) -> Answer:
    """Confirm a new address. Who does so holds its mailbox, and is signed in as the one who entered it."""
    if not current_user.is_authenticated or current_user.id != found.user_id:
        if request.method == "POST":
            return over()
        return render_template("signin/confirm_elsewhere.html", link=found), 200
    if request.method == "GET":
        return render_template("signin/confirm_address.html", link=found), 200
    try:
        addresses.confirm(found)
    except Refused as refused:
        db.session.rollback()
        if refused.refusal is Refusal.LINK_OVER:
            return over()
        text = sentence(refused.refusal)
        return render_template("signin/confirm_address.html", link=found, error=text), 422
    flash(
        _("Confirmed: %(email)s. Sign in with this address from now on.", email=shown(found)),
        "good",
    )
    return redirect(url_for("settings.profile"), 303)


def stopped_address(found: Link) -> Answer:
    """Stop a new address from the old mailbox, whoever is signed in."""
    if request.method == "GET":
        return render_template("signin/stop_address.html", link=found), 200
    try:
        addresses.stop(found)
    except Refused as refused:
        db.session.rollback()
        if refused.refusal is Refusal.LINK_OVER:
            return over()
        text = sentence(refused.refusal)
        return render_template("signin/stop_address.html", link=found, error=text), 422
    if found.login_id is None:
        return end_session(_("Stopped: mail goes to %(email)s.", email=shown(found)))
    return end_session(
        _(
            "Stopped. Everybody is signed out, and a link to set a new password is on its way to %(email)s.",
            email=shown(found),
        )
    )


def shown(found: Link) -> str:
    return address(found.email)


USES = {
    LinkPurpose.INVITATION: invitation,
    LinkPurpose.PASSWORD_RESET: with_new_password,
    LinkPurpose.ADDRESS_CONFIRMATION: new_address,
    LinkPurpose.ADDRESS_STOP: stopped_address,
}
