"""The frame of every page: language, request id, headers, the transaction, and a few shared routes."""

import logging
from collections.abc import Iterator
from datetime import timedelta

from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    current_app,
    g,
    has_request_context,
    redirect,
    request,
    session,
    url_for,
)
from flask_babel import refresh
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from webapp import i18n
from webapp.domain.access import Action
from webapp.models import User, db
from webapp.models.transactions import attempt, writing
from webapp.pages import (
    addresses,
    frames,
    guards,
    headers,
    htmx,
    incoming,
    notice_board,
    readiness,
    sessions,
    statics,
)
from webapp.pages.asking import require_proof, way_in
from webapp.services.accounts import people
from webapp.services.trail import undo as undo_service
from webapp.signin import cookies

blueprint = Blueprint("frame", __name__)
COOKIE = "portal_language"
LASTS = timedelta(days=365)
# Everything that an answer may depend on: the last header that is set (factory.OwnSession).
VARY = (
    "Accept-Encoding, Accept-Language, Cookie, HX-Request, HX-Request-Type, "
    "Sec-Fetch-Dest, Sec-Fetch-Site"
)


def prepare(app: Flask) -> None:
    """Hook the frame into the app. The unit of work begins before the user is loaded."""
    readiness.prepare(app)
    app.before_request(begin)
    app.before_request(incoming.refuse_other_sites)
    app.before_request(lambda: guards.enforce(app))
    app.after_request(finish)
    app.teardown_request(release)
    app.jinja_env.globals |= {
        "asset": statics.asset,
        "demo": app.config["PORTAL"].demo,
        "fragment_wanted": htmx.wanted,
        "frame_key_hash": frames.own_key_hash,
        "in_frame": frames.shown,
        "told_of_frame": frames.told,
        "languages": tuple(i18n.LANGUAGES.values()),
        "may": may,
        "noticed_parts": notice_board.parts,
        "page_to_return_to": page_to_return_to,
        "refused": refused,
        "signed_in": sessions.present,
        "take_notices": notice_board.take,
        "url_for": addresses.url_for,
        "url_pattern": addresses.url_pattern,
        "vendor": app.config["PORTAL"].vendor_name,
    }


def begin() -> None:
    g.request_id = incoming.request_id()
    incoming.refuse_unknown_host()
    writing.set(guards.is_written(current_app))
    readiness.refuse_other_revision()
    remember_language()


def release(error: BaseException | None) -> None:
    writing.set(False)


def remember_language() -> None:
    """Remember the choice of ``?lang=pl`` in the session or, signed out, in a cookie. A GET writes nothing else."""
    asked = request.args.get("lang")
    if asked in i18n.LANGUAGES:
        g.asked_language = asked
        if current_user.is_authenticated:
            session["language"] = asked


def language() -> str:
    """Choose the language of this answer.

    Signed in: the session's choice, else the user's, else the organisation's. Signed out: the cookie,
    else the browser's, else the application's. The page of a link has the language of its person (speak_to).
    """
    if not has_request_context():
        return current_app.config["PORTAL"].language
    chosen: str | None = g.get("language")
    if chosen is None:
        chosen = g.language = choose_language()
    return chosen


def speak_to(user: User) -> None:
    """Answer in the language of whom this page is for, unless another one was chosen on this very page.

    Who reads it may be signed out, or signed in as somebody else.
    """
    page, switched = session.get("switched", ("", None))
    here = page == request.script_root + request.path
    g.language = (
        g.get("asked_language")
        or (switched if here else None)
        or user.language
        or user.organisation.language
    )
    refresh()


def speak_as_chosen() -> None:
    """Go on in the language that the user has just chosen, whatever an address asked for before."""
    session.pop("language", None)
    for name in ("asked_language", "language"):
        g.pop(name, None)
    refresh()


def keep_language(response: AnyResponse) -> None:
    """Let this browser's pages have the language of this answer while nobody is signed in."""
    cookies.put(response, COOKIE, language(), LASTS)


def choose_language() -> str:
    known = (wish for wish in wishes() if wish in i18n.LANGUAGES)
    return next(known, current_app.config["PORTAL"].language)


def wishes() -> Iterator[str | None]:
    """Look for a language, the strongest wish first; the weaker ones are not asked for in vain."""
    yield g.get("asked_language")
    if not g.get("broken") and current_user.is_authenticated:
        yield session.get("language")
        yield current_user.language
        yield current_user.organisation.language
    yield cookies.read(COOKIE)
    yield i18n.best_language(request.accept_languages.values())


def babel_locale() -> str:
    return str(i18n.LANGUAGES[language()].locale.language)


def time_zone() -> str | None:
    if has_request_context() and current_user.is_authenticated:
        return current_user.time_zone or current_user.organisation.time_zone
    return None


def finish(response: Response) -> Response:
    """Commit the changes of a successful request that may write, roll back any other, and set the headers."""
    if guards.is_written(current_app):
        if response.status_code < 400:
            db.session.commit()
        else:
            db.session.rollback()
    settings = current_app.config["PORTAL"]
    policy = headers.content_policy(settings.frame_ancestors)
    response.headers.setdefault("Content-Security-Policy", policy)
    # No route sets one of them, so they need not be looked for, which takes longer than to write them.
    response.headers.extend(headers.of_page(current_app, request.endpoint))
    response.headers["X-Request-ID"] = g.get("request_id", "")
    # The header holds for the whole host, which is not ours if the portal is mounted below a path.
    if settings.secure and not request.script_root:
        response.headers["Strict-Transport-Security"] = headers.STRICT_TRANSPORT
    response.headers["Cache-Control"] = g.get("cache_control", headers.NEVER_KEPT)
    response.headers["Content-Language"] = i18n.LANGUAGES[language()].html
    if g.get("asked_language") and not current_user.is_authenticated:
        cookies.put(response, COOKIE, g.asked_language, LASTS)
    return response


def may(action: str) -> bool:
    """Tell templates whether the user may do something, by the action's name."""
    return bool(current_user.is_authenticated and current_user.may(Action[action]))


def refused() -> bool:
    """Tell whether a form of this request has faults, each of which has said that it is there."""
    return any(form.errors for form in g.get("forms", ()))


def page_to_return_to() -> str:
    """Choose the page that the switcher, the clock and Undo lead back to, never one that only takes a POST.

    Its query is left out if that asks for a language itself.
    """
    page = htmx.local(htmx.current_page())
    return page.partition("?")[0] if "lang" in request.args else page


def add_request_id(record: logging.LogRecord) -> bool:
    record.request_id = g.get("request_id", "-") if has_request_context() else "-"
    return True


@blueprint.get("/")
@guards.public
def home() -> AnyResponse:
    """Redirect people to their own first page."""
    if not current_user.is_authenticated:
        return redirect(way_in(), 303)
    first = "todo.index" if current_user.is_partner else "account.company"
    return redirect(url_for(first), 303)


@blueprint.post("/language", endpoint="language")
@guards.public
def set_language() -> AnyResponse:
    """Set the language by the switcher: if signed in, the user's own, for pages and mails alike."""
    chosen = request.form.get("language", "")
    if chosen not in i18n.LANGUAGES:
        abort(400)
    page = htmx.local(request.form.get("next"))
    response = redirect(page, 303)
    session["switched"] = [page.partition("?")[0], chosen]
    if current_user.is_authenticated:
        attempt(lambda: people.set_language(current_user, chosen))
        speak_as_chosen()
    else:
        cookies.put(response, COOKIE, chosen, LASTS)
        g.language = chosen
        refresh()
    return response


@blueprint.post("/undo/<int:entry_id>")
@guards.allow(Action.USE_ACCOUNT)
def undo(entry_id: int) -> AnyResponse:
    """Put back the values of one audit entry, unless they have changed again since."""
    entry = guards.own_entry(entry_id)
    if undo_service.is_others(current_user, entry):
        abort(403)
    if undo_service.needs_proof(entry):
        require_proof()
    attempt(lambda: undo_service.undo(current_user, entry))
    page, part = notice_board.page_and_part(htmx.local(request.form.get("next")))
    notice_board.say_undone(entry, part)
    return redirect(page, 303)
