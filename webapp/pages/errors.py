"""Error pages: localised, with a way back and the request id of the log."""

import logging
from time import time
from typing import Any

from flask import Flask, Response, g, make_response, render_template, request
from flask_babel import lazy_gettext as _l
from flask_limiter.errors import RateLimitExceeded
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import (
    BadHost,
    HTTPException,
    InternalServerError,
    SecurityError,
    Unauthorized,
)
from werkzeug.wrappers import Response as AnyResponse

from webapp.labels import codes, security
from webapp.labels.refusals import sentence
from webapp.models import db
from webapp.models.loaded import SignIn
from webapp.pages import asking, frames, guards, htmx, problems, proxy
from webapp.pages.incoming import OtherSite
from webapp.pages.notices import Quicker, quicker
from webapp.services.accounts import doors, open_doors
from webapp.services.accounts.doors import NotLetIn
from webapp.services.errors import Conflict, Refused, TooMany
from webapp.signin.network import client_network

log = logging.getLogger(__name__)
# PostgreSQL's code for the loser of two transactions that waited for each other. It was rolled back.
DEADLOCK = "40P01"

TEXTS = {
    400: (_l("This request can't be read"), _l("Go back and try once more.")),
    403: (
        _l("This page is not for your role"),
        _l(
            "It is for admins or for another kind of account. An admin of your organisation can change your role."
        ),
    ),
    404: (
        _l("There is no such page here"),
        _l("It may have moved, or it belongs to another organisation."),
    ),
    405: (_l("This address can't be used that way"), _l("Go back and use the page's own buttons.")),
    409: (
        _l("This was changed at the same moment"),
        _l("Nothing of yours was saved. Open the page again to see what changed."),
    ),
    413: (_l("That is too much at once"), _l("Send less text or a smaller file.")),
    500: (
        _l("Something broke on our side"),
        _l("Nothing was half-saved. Try again; if it stays, tell your operator the number below."),
    ),
    503: (
        _l("The portal is being updated"),
        _l("Try again in a few minutes. Until then nothing is saved."),
    ),
}
TOO_MANY = _l("Too many attempts")
TOO_MANY_MAILS = _l("Too many mails in a short time")
# What somebody tried in vain: broken or foreign requests, another role's, another organisation's, too many.
NOTED = {400, 403, 404, 429}
CHANGED_MEANWHILE = (
    _l("This has changed meanwhile"),
    _l("Nothing of yours was saved. Open the page again to see what changed."),
)
SESSION_ENDED = (
    _l("This form has expired"),
    _l(
        "Your session ended or the page stood open for long. Load it again; what you typed is not saved."
    ),
)
NO_COOKIES = (
    _l("Your browser keeps no cookies here"),
    _l(
        "The portal is shown inside a page of another site, and your browser does not let it keep cookies there, "
        "so it can't know who you are. Nothing was saved. In a tab of its own it works."
    ),
)
NO_COOKIES_AT_ALL = (
    NO_COOKIES[0],
    _l(
        "Without them the portal can't know who you are. Allow cookies for this address, then try again."
    ),
)
OTHER_SITE = (
    _l("This request came from another site"),
    _l("Nothing was saved. Open the portal itself, and do there what you wanted to do."),
)
ONE_USER_ONLY = (
    _l("Not available with this way of signing in"),
    _l(
        "You came in through your organisation's own sign-in, or with a link from whoever runs "
        "the portal. In such a session, password, address and two-step verification can't be "
        "changed, and other organisations can't be opened. With a link, changes of rights work "
        "for 15 minutes; ask for another one after that."
    ),
)


def prepare(app: Flask) -> None:
    app.register_error_handler(HTTPException, show)
    app.register_error_handler(SecurityError, show_unknown_host)
    app.register_error_handler(BadHost, show_unknown_host)
    app.register_error_handler(Unauthorized, show_sign_in)
    app.register_error_handler(OtherSite, show_other_site)
    app.register_error_handler(guards.OneUserOnly, show_one_user_only)
    app.register_error_handler(NotLetIn, show_not_let_in)
    app.register_error_handler(proxy.NoCookies, show_no_cookies)
    app.register_error_handler(RateLimitExceeded, show_too_many)
    app.register_error_handler(CSRFError, show_expired)
    app.register_error_handler(Conflict, show_conflict)
    app.register_error_handler(TooMany, show_too_many_mails)
    app.register_error_handler(StaleDataError, show_same_moment)
    app.register_error_handler(Exception, show_breakdown)


def page(
    code: int, texts: tuple[Any, Any], conflict: Quicker | None = None, tab: str | None = None
) -> Response:
    # The database itself may be broken, so this page doesn't ask it anything, not even for the user.
    g.broken = code >= 500
    db.session.rollback()
    if code in NOTED and request.endpoint:
        note_refusal(code)
    if problems.wanted():
        return problems.of_error(code, texts)
    return make_response(
        render_template(
            "errors/error.html",
            code=code,
            title=texts[0],
            text=texts[1],
            conflict=conflict,
            tab=tab,
            request_id=g.request_id,
        ),
        code,
    )


def note_refusal(code: int) -> None:
    """Log who tried what in vain, by ids: an address may hold the key of a link, and a name anything."""
    sign_in: SignIn | None = g.get("sign_in")
    ids = {name: value for name, value in (request.view_args or {}).items() if type(value) is int}
    log.warning(
        "refused with %(code)s: %(method)s %(route)s %(ids)s, login %(login)s, from %(network)s",
        {
            "code": code,
            "method": request.method,
            "route": request.endpoint,
            "ids": ids,
            "login": sign_in.login_id if sign_in else None,
            "network": client_network(),
        },
    )


def show(error: HTTPException) -> Response:
    if error.response is not None:
        return error.response  # type: ignore[return-value]
    code = error.code or 500
    response = page(code, TEXTS.get(code, TEXTS[500 if code >= 500 else 400]))
    # The error's own headers: Allow of 405, Retry-After of 429.
    for name, value in error.get_headers():
        if name != "Content-Type":
            response.headers[name] = value
    return response


def show_unknown_host(error: HTTPException) -> Response:
    """Tell that there is nothing here. The page has no links, whose addresses can't be made, and asks no database."""
    g.broken = True
    return make_response(render_template("errors/unknown_host.html", request_id=g.request_id), 400)


def show_sign_in(error: Unauthorized) -> AnyResponse:
    """Lead somebody to sign in whose access was ended while this request ran. None of it is saved."""
    db.session.rollback()
    return asking.to_sign_in()


def show_other_site(error: OtherSite) -> Response:
    """Refuse it, with the reason if a frame is walled off: its forms are nobody's, and it has no cookies."""
    if frames.without_cookies() and request.headers.get("Origin") == "null":
        return page(403, NO_COOKIES, tab=htmx.local(htmx.current_page()))
    return page(403, OTHER_SITE)


def show_one_user_only(error: guards.OneUserOnly) -> Response:
    return page(403, ONE_USER_ONLY)


def show_no_cookies(error: proxy.NoCookies) -> Response:
    if frames.shown():
        return page(400, NO_COOKIES, tab=htmx.local(request.args.get("next")))
    return page(400, NO_COOKIES_AT_ALL)


def show_not_let_in(error: NotLetIn) -> Response:
    """Say why a door's visitor is not let in, and whom to ask. The security log tells the partner's admins."""
    db.session.rollback()
    doors.note_refusal(error)
    db.session.commit()
    password = open_doors.is_open("password")
    text = security.TURNED_AWAY[error.reason]
    return make_response(
        render_template("signin/not_let_in.html", text=text, password=password), 403
    )


def show_too_many(error: RateLimitExceeded) -> Response:
    """Tell after how long the next try counts, in words and to machines."""
    limit = guards.limiter.current_limit
    return wait(int(limit.reset_at - time()) if limit else 60, TOO_MANY)


def show_too_many_mails(error: TooMany) -> Response:
    return wait(error.seconds, TOO_MANY_MAILS, sentence(error.refusal, **error.values))


def wait(seconds: int, title: Any, text: str | None = None) -> Response:
    """Answer that something is too much for now. ``text``: by default how long one has to wait."""
    response = page(429, (title, text or codes.try_again_in(seconds)))
    response.headers["Retry-After"] = str(max(seconds, 1))
    return response


def show_expired(error: CSRFError) -> Response:
    """Tell that a form's token does not count, or, in a frame without cookies, why it never will."""
    if frames.without_cookies():
        return page(400, NO_COOKIES, tab=htmx.local(htmx.current_page()))
    return page(400, SESSION_ENDED)


def show_conflict(error: Conflict) -> Response:
    """Somebody was quicker than a button, which has no form to say it in; or what it would do is refused by now."""
    refused = error.__cause__
    texts = CHANGED_MEANWHILE
    if isinstance(refused, Refused):
        texts = (texts[0], sentence(refused.refusal, **refused.values))
    return page(409, texts, quicker(error.entry) if error.entry else None)


def show_same_moment(error: StaleDataError) -> Response:
    return page(409, TEXTS[409])


def show_breakdown(error: Exception) -> Response:
    if isinstance(error, OperationalError) and getattr(error.orig, "sqlstate", "") == DEADLOCK:
        log.warning("deadlock", exc_info=error)
        return page(409, TEXTS[409])
    log.exception("unhandled error")
    return page(InternalServerError.code, TEXTS[500])
