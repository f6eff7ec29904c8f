"""The second step of signing in, right after the password: a code from the app, or a recovery code."""

from datetime import UTC, datetime

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from webapp.models import Login, SignInMethod, db
from webapp.pages import guards, htmx, proving, signin
from webapp.pages.htmx import Answer
from webapp.pages.signin_forms import CodeForm
from webapp.services.accounts import second_factor
from webapp.signin import authenticator, limits, password, recovery

blueprint = Blueprint("signin_code", __name__)
WRONG_CODE = _l("This code is wrong, or was used already. Check it, or wait for the next one.")


def pending_address() -> str:
    """Return the address whose password was right, case-folded, as failures count by it."""
    login, _method = signin.pending_login(signin.PROVING)
    return login.email_key if login else "nobody"


def tell_of_codes(left: int) -> None:
    """Say how many recovery codes are left, after one was used."""
    text = ngettext(
        "You signed in with a recovery code. %(num)d code is left; make new ones in your profile.",
        "You signed in with a recovery code. %(num)d codes are left; make new ones in your profile.",
        left,
    )
    none = _("That was your last recovery code. Make new ones in your profile.")
    flash(text if left else none, "warn")


@blueprint.route("/sign-in/code", methods=["GET", "POST"])
@guards.public
@guards.limiter.limit(limits.BY_ADDRESS, methods=["POST"])
@proving.limit_failures(pending_address)
def ask() -> Answer:
    """Ask for a code. Nobody is signed in before it was right."""
    login, _method = signin.pending_login(signin.PROVING)
    onward = htmx.local(request.args.get("next"))
    if login is None:
        return redirect(url_for("signin.sign_in", next=onward), 303)
    form = CodeForm()
    if form.validate_on_submit():
        login_id, email_key = login.id, login.email_key
        method = proved(login, authenticator.digits(form.code.data))
        if method:
            login = db.session.get_one(Login, login_id)
            answer = signin.admit(login, method, onward)
            if method is SignInMethod.RECOVERY_CODE:
                tell_of_codes(len(second_factor.codes_of(login)))
            return answer
        proving.failed(email_key)
        form.code.errors = [WRONG_CODE]
    page = render_template("signin/code.html", form=form, onward=onward)
    return page, 422 if form.errors else 200


def proved(login: Login, code: str) -> SignInMethod | None:
    """Use a code up, and tell what kind it was; None if it isn't right."""
    if len(code) == authenticator.DIGITS:
        return SignInMethod.AUTHENTICATOR if by_app(login, code) else None
    if len(code) == recovery.DIGITS:
        return SignInMethod.RECOVERY_CODE if by_recovery(login, code) else None
    return None


def by_app(login: Login, code: str) -> bool:
    app = second_factor.app_of(login)
    if app is None or app.secret is None:
        return False
    step = authenticator.step_of(app.secret, code, datetime.now(UTC))
    return step is not None and second_factor.use_step(app, step)


def by_recovery(login: Login, code: str) -> bool:
    known = [(stored.id, stored.secret) for stored in second_factor.codes_of(login)]
    # Verifying takes long on purpose, so it must not run while we hold SQLite's write lock.
    db.session.rollback()
    matching = next((id for id, secret in known if password.verify(secret, code)), None)
    return matching is not None and second_factor.use_code(login, matching)
