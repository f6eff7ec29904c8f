"""Sessions of pages: the key in the cookie, who is behind it, and when it was last used."""

from datetime import UTC, datetime, timedelta

from flask import Flask, Response, abort, g, session
from flask_login import LoginManager, current_user, login_user

from webapp.domain.doors import is_for_one_user
from webapp.domain.snapshots import SecurityMatter
from webapp.models import Login, SecurityAction, SessionEnd, SignInMethod, User, db
from webapp.models.loaded import SignIn
from webapp.services.accounts import kept, logins, security_log, sessions
from webapp.services.accounts.sessions import Came
from webapp.signin import devices, proxy

# A page writes nothing but this, and seldom.
SEEN_EVERY = timedelta(minutes=5)
# Fields of the cookie: the session's key, by the library's name for it; the session that is over and has a form
# kept, until somebody signs in.
KEY = "_user_id"
KEPT = "kept"
login_manager = LoginManager()
# The session's row says what the library would keep in the cookie.
login_manager.session_protection = None


def prepare(app: Flask) -> None:
    login_manager.init_app(app)
    app.after_request(note_use)


@login_manager.user_loader
def load_user(key: str) -> User | None:
    """Load the user of the cookie's key, and the session for ``present``."""
    found = None if g.get("broken") else sessions.find(key)
    if found is None or not is_still_named(found[1]):
        return None
    user, g.sign_in = found
    return user


def is_still_named(sign_in: SignIn) -> bool:
    """Tell whether the proxy names the same person as when it led to this session; of others there is none to ask."""
    if sign_in.method is not SignInMethod.PROXY:
        return True
    visitor = proxy.visitor()
    return visitor is not None and visitor.subject == sign_in.subject


def present() -> SignIn | None:
    """Return the session of this request; None if nobody is signed in."""
    sign_in: SignIn | None = g.get("sign_in") if current_user.is_authenticated else None
    return sign_in


def own() -> SignIn:
    """Return the session of this request, on a page for those who are signed in."""
    sign_in = present()
    assert sign_in is not None
    return sign_in


def for_one_user() -> bool:
    """Tell whether the session opens one user alone, and leaves alone what belongs to the login behind it."""
    return is_for_one_user(own().method)


def own_login() -> Login:
    """Return the login that is signed in."""
    return db.session.get_one(Login, own().login_id)


def own_address() -> str:
    """Return the address of the login that is signed in, case-folded."""
    return own_login().email_key


def begin(
    user: User,
    method: SignInMethod,
    came: Came | None = None,
    proved_at: datetime | None = None,
) -> None:
    """Begin a session of somebody who has just shown who it is, with nothing left over from an earlier one.

    ``came``: at which door, for a method that is one. ``proved_at``: when the person showed it there.
    """
    if before := present():
        sessions.end_one(before, SessionEnd.SWITCHED)
    waiting = session.get(KEPT)
    hand_out(sessions.begin(user, method, came, proved_at))
    if waiting:
        kept.pass_on(waiting, own().id)
    logins.signed_in(user)
    note_device(own_login(), method)


def note_device(login: Login, method: SignInMethod) -> None:
    """Remember this browser for a login. The first time its mailbox is told, unless a link from there let it in.

    Where a door let somebody in, new devices are the door's affair, and the login may be more than this user.
    """
    if is_for_one_user(method):
        return
    if method is not SignInMethod.LINK and not devices.known(login.email_key):
        logins.tell(login, SecurityMatter.NEW_DEVICE)
    devices.remember(login.email_key)


def switch(user: User) -> None:
    """Go on as another user of the same login, in a new session with nothing left over from this one."""
    hand_out(sessions.go_on(own(), user))
    logins.signed_in(user)


def prove(came: Came | None = None) -> None:
    """Go on as somebody who has just shown again who it is, with another key and all else as it was.

    ``came``: what a door has said of it this time.
    """
    before = own()
    take_up(sessions.go_on(before, current_user, proved=True, came=came))
    kept.pass_on(before.id, own().id)


def hand_out(key: str) -> None:
    """Give the browser another key, and this request its session."""
    session.clear()
    take_up(key)


def take_up(key: str) -> None:
    """Go on with another key. Whose access was ended in this very moment is led to sign in (webapp.pages.errors)."""
    user = load_user(key)
    if user is None:
        abort(401)
    login_user(user)
    # The library has stored the user's id. Whoever has a key is signed in until its session ends.
    session[KEY] = key


def end() -> None:
    """End the session, if there is one, and leave nothing of it in the cookie."""
    if sign_in := present():
        sessions.end_one(sign_in, SessionEnd.SIGNED_OUT)
        security_log.record(SecurityAction.SESSION_ENDED, current_user)
    waiting = session.get(KEPT)
    session.clear()
    if waiting:
        # Signing in takes several steps.
        session[KEPT] = waiting


def note_use(response: Response) -> Response:
    """Write that the session is used: after the answer, which must not wait for other writers."""
    sign_in: SignIn | None = g.get("sign_in")
    if sign_in is not None and datetime.now(UTC) - sign_in.seen_at >= SEEN_EVERY:
        engine, session_id = db.engine, sign_in.id
        response.call_on_close(lambda: sessions.note_use(engine, session_id))
    return response
