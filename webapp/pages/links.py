"""Links in mails: invitations, new passwords, and new addresses."""

from collections.abc import Callable

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user

from webapp.domain.refusals import Refusal
from webapp.labels.refusals import sentence
from webapp.models import Link, LinkPurpose, Login, SecurityAction, SignInMethod, db
from webapp.pages import frame, guards, sessions
from webapp.pages.htmx import Answer
from webapp.pages.signin import blueprint, end_session, enter
from webapp.pages.signin_forms import LinkForm, hash_of_new
from webapp.services.accounts import addresses, links, logins, membership, open_doors
from webapp.services.accounts.own_words import own_words
from webapp.services.errors import Refused
from webapp.signin import limits, tokens
from webapp.typography import address


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
    if found.purpose in OF_PASSWORD and not open_doors.by_password([found.user]):
        own = open_doors.is_own(found.user.organisation)
        return render_template("signin/no_password.html", link=found, by_door=own), 200
    return USES[found.purpose](found)


def over() -> tuple[str, int]:
    return render_template("signin/link_over.html"), 410


def use(
    found: Link, template: str, service: Callable[[Link], object], **context: object
) -> Answer | None:
    """Show what a link is for, and call the service once that is confirmed. Return None if it is done."""
    error = None
    if request.method == "POST":
        try:
            service(found)
            return None
        except Refused as refused:
            db.session.rollback()
            if refused.refusal is Refusal.LINK_OVER:
                return over()  # A second click was quicker.
            error = sentence(refused.refusal)
    page = render_template(template, link=found, error=error, **context)
    return page, 422 if error else 200


def invitation(found: Link) -> Answer:
    """Let somebody in: by a new password, by the one that the mailbox has already, or as who is signed in."""
    whole = current_user.is_authenticated and not sessions.for_one_user()
    own = sessions.own_login() if whole else None
    if own is not None and membership.is_inviters(found, own):
        own = None
    as_own = own if request.form.get("as") == "own" else None
    if as_own is None and logins.password_of(logins.find(found.email.casefold())) is None:
        return with_new_password(found, own)
    answer = use(
        found, "signin/accept.html", lambda link: membership.accept(link, login=as_own), own=own
    )
    if answer is not None:
        return answer
    if as_own is None:
        return end_session(_("Accepted. Sign in with the password that you have."))
    sessions.switch(found.user)
    flash(_("Accepted. You are signed in to this organisation now."), "good")
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
    return found.login if logins.by_password(found.login) else None


def new_address(found: Link) -> Answer:
    """Confirm a new address. Who does so holds its mailbox, and is signed in as the one who entered it."""
    own = current_user.is_authenticated and current_user.id == found.user_id
    if own and sessions.for_one_user():
        raise guards.OneUserOnly()
    if not own:
        status = 403 if request.method == "POST" else 200
        return render_template("signin/confirm_elsewhere.html", link=found), status
    answer = use(found, "signin/confirm_address.html", addresses.confirm)
    if answer is not None:
        return answer
    flash(
        _("Confirmed: %(email)s. Sign in with this address from now on.", email=shown(found)),
        "good",
    )
    return redirect(url_for("settings.profile"), 303)


def stopped_address(found: Link) -> Answer:
    """Stop a new address from the old mailbox, whoever is signed in."""
    answer = use(found, "signin/stop_address.html", addresses.stop)
    if answer is not None:
        return answer
    if found.login_id is None:
        return end_session(
            _("Address change cancelled: mail goes to %(email)s.", email=shown(found))
        )
    return end_session(
        _(
            "Address change cancelled. All sessions have ended, and a link to set a new password is on its way "
            "to %(email)s.",
            email=shown(found),
        )
    )


def shown(found: Link) -> str:
    return address(found.email)


def emergency(found: Link) -> Answer:
    """Let somebody in for whom whoever runs the portal has made this link, whatever doors are stuck."""
    answer = use(found, "signin/come_in.html", links.take)
    if answer is not None:
        return answer
    sessions.begin(found.user, SignInMethod.OPERATOR)
    return redirect(url_for("frame.home"), 303)


# Of no use to somebody whom no password lets in.
OF_PASSWORD = {LinkPurpose.INVITATION, LinkPurpose.PASSWORD_RESET}
USES = {
    LinkPurpose.INVITATION: invitation,
    LinkPurpose.PASSWORD_RESET: with_new_password,
    LinkPurpose.ADDRESS_CONFIRMATION: new_address,
    LinkPurpose.ADDRESS_STOP: stopped_address,
    LinkPurpose.SIGN_IN: emergency,
}
