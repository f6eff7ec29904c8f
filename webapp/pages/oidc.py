"""The door to an identity provider: going there, coming back, showing anew who one is, and leaving.

A link leads there, never a form: after a form the page's policy lets no browser go on to another site.
"""

import logging
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any

from flask import (
    Blueprint,
    Response,
    abort,
    g,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from webapp import i18n
from webapp.domain.access import Action
from webapp.models import SignInMethod, User, db
from webapp.models.loaded import SignIn
from webapp.models.transactions import attempt
from webapp.pages import asking, csrf, frames, guards, headers, htmx, sessions
from webapp.pages.frame import language
from webapp.pages.guards import View
from webapp.services import runtime
from webapp.services.accounts import doors, open_doors, waiting
from webapp.services.accounts import sessions as session_rows
from webapp.services.accounts.sessions import Came
from webapp.signin import limits, oidc
from webapp.signin.id_tokens import LEEWAY, Unproved
from webapp.signin.oidc import Journey, ProvedVisitor
from webapp.signin.provider import ProviderAway

log = logging.getLogger(__name__)
blueprint = Blueprint("oidc", __name__)

# The cookie's field for ways to the provider that have begun, by their state: a few, as in as many tabs.
JOURNEYS = "journeys"
MOST_JOURNEYS = 3
# A cookie has room for so long an address in each.
LONGEST_ONWARD = 600
# The provider may have much to ask: a new password, a second step.
JOURNEY_LASTS = timedelta(hours=1)
# A provider that does not say when somebody showed who it is may have known the person for days.
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
# The provider's own words for its faults (RFC 6749, 4.1.2.1).
ITS_FAULTS = {"server_error", "temporarily_unavailable"}

LOST = (
    _l("This sign-in is over"),
    _l("It was used already, was begun in another browser, or has taken too long. Begin again."),
)
AWAY = (
    _l("Your organisation's sign-in can't be reached"),
    _l(
        "It did not answer, or not as expected. Try again in a moment; if this keeps happening, "
        "tell whoever runs the portal."
    ),
)
UNPROVED = (
    _l("Your organisation's sign-in could not be verified"),
    _l(
        "Its answer does not prove who you are. Begin again; if this keeps happening, tell whoever runs the portal."
    ),
)
CANCELLED = (
    _l("You are not signed in"),
    _l("You did not sign in at your organisation, or it does not let you in here."),
)
SOMEBODY_ELSE = (
    _l("That was somebody else"),
    _l("Confirm as the person who is signed in here, or sign out first. Nothing has changed."),
)


def while_open(view: View) -> View:
    """Let a route be there only while the door is open."""

    @wraps(view)
    def look_first(*args: Any, **values: Any) -> Any:
        if not open_doors.is_open("oidc"):
            abort(404)
        return view(*args, **values)

    return look_first  # type: ignore[return-value]


@blueprint.get("/sign-in/oidc")
@guards.public
@headers.keeps_its_opener
@while_open
def start() -> AnyResponse:
    """Go to the provider, and remember in the cookie what its answer has to match. No provider is shown in a frame."""
    onward = htmx.local(request.args.get("next"))
    frame, again = frames.key_hash_in(request.args), "again" in request.args
    if frames.shown():
        return redirect(url_for("signin.sign_in", next=onward), 303)
    if current_user.is_authenticated and not (frame or again):
        return redirect(onward, 303)
    if len(onward) > LONGEST_ONWARD:
        onward = url_for("frame.home")
    journey = oidc.new_journey(onward=onward, frame=frame, again=again)
    address = oidc.way_in(runtime.settings(), journey, i18n.LANGUAGES[language()].html)
    begun = list(session.get(JOURNEYS, {}).items())[1 - MOST_JOURNEYS :]
    session[JOURNEYS] = {**dict(begun), journey.state: asdict(journey)}
    return redirect(address, 303)


def take_journey() -> Journey | None:
    """Take the way on which somebody comes back out of the cookie, so that it leads here once."""
    begun = session.get(JOURNEYS, {})
    stored = begun.pop(request.args.get("state", ""), None)
    session[JOURNEYS] = begun
    if stored is None:
        return None
    journey = Journey(**stored)
    age = datetime.now(UTC) - datetime.fromtimestamp(journey.begun, UTC)
    return journey if age < JOURNEY_LASTS else None


@blueprint.get(oidc.BACK)
@guards.public
@guards.writes
@headers.keeps_its_opener
@guards.limiter.limit(limits.BY_DOOR)
@while_open
def back() -> AnyResponse:
    """Let in whoever comes back from the provider, if its answer proves who that is."""
    journey = take_journey()
    if journey is None:
        # Somebody goes back in the browser, or was quicker in another tab.
        here = current_user.is_authenticated
        return redirect(url_for("frame.home"), 303) if here else failed(400, LOST)
    g.in_window = bool(journey.frame)
    if fault := request.args.get("error"):
        log.warning("identity provider refused a sign-in: %.100r", fault)
        return failed(503, AWAY) if fault in ITS_FAULTS else failed(403, CANCELLED)
    # The provider may take its time, so nobody must wait for this unit of work.
    db.session.rollback()
    arrival = oidc.arrive(runtime.settings(), journey, request.args)
    user = attempt(lambda: doors.let_in(arrival.visitor))
    if journey.frame:
        return leave_for_frame(user, arrival, journey.frame)
    return enter(user, came(arrival), arrival.proved_at or LONG_AGO, journey.onward)


def came(arrival: ProvedVisitor) -> Came:
    visitor = arrival.visitor
    return Came(visitor.issuer, visitor.subject, arrival.provider_session, arrival.id_token)


def leave_for_frame(user: User, arrival: ProvedVisitor, frame: str) -> Response:
    """Hand the code for a frame to the window that waits for it."""
    code = waiting.leave(user, came(arrival), arrival.proved_at or LONG_AGO, frame)
    return make_response(render_template("signin/window_done.html", frame=frame, code=code))


def enter(user: User, way: Came, proved_at: datetime, onward: str) -> AnyResponse:
    """Begin a session; or, if that very person is signed in here, go on as somebody who was asked again."""
    present = sessions.present()
    if present is None or present.method is not SignInMethod.OIDC:
        sessions.begin(user, SignInMethod.OIDC, way, proved_at)
    elif (present.issuer, present.subject) != (way.issuer, way.subject):
        return failed(403, SOMEBODY_ELSE)
    elif datetime.now(UTC) - proved_at < asking.FRESH:
        sessions.prove(way)
    return redirect(onward, 303)


@blueprint.get("/sign-in/oidc/again")
@guards.allow(Action.USE_ACCOUNT)
@guards.before_second_factor
@while_open
def again() -> str:
    """Show that a change asks anew who it is, with the way to the provider."""
    onward = htmx.local(request.args.get("next"))
    return render_template("signin/again.html", onward=onward)


@blueprint.get("/sign-in/oidc/window")
@guards.public
@headers.keeps_its_opener
@while_open
def window() -> str:
    """Stand between a frame and the provider: this window opens another one for it, and hands the frame its code.

    Some providers cut the tie between a window and the one that opened it. This one never leaves the portal.
    """
    onward = htmx.local(request.args.get("next"))
    frame, again = frames.key_hash_in(request.args), "again" in request.args
    return render_template("signin/window.html", frame=frame, again=again, onward=onward)


@blueprint.post("/sign-in/oidc/frame")
@guards.public
@guards.limiter.limit(limits.BY_DOOR)
@while_open
def take_over() -> AnyResponse:
    """Let a frame take over the sign-in that was left for it."""
    onward = htmx.local(request.form.get("next"))
    found = waiting.take(request.form.get("code", ""), frames.take_key())
    return enter(*found, onward) if found else failed(400, LOST)


@blueprint.post("/sign-in/oidc/logout")
@csrf.protection.exempt
@guards.public
@while_open
def end_sessions() -> Response:
    """End what the provider says is over: its server tells ours (OpenID Connect Back-Channel Logout 1.0, 2.5)."""
    try:
        over = oidc.logged_out(runtime.settings(), request.form.get("logout_token", ""))
    except (Unproved, ProviderAway) as error:
        log.warning("identity provider's logout was not believed: %s", error)
        answer = jsonify({"error": "invalid_request"})
        answer.status_code = 400
        return answer
    session_rows.end_of_identity(
        runtime.settings().oidc_issuer,
        subject=over.subject,
        provider_session=over.provider_session,
        begun_by=over.at + timedelta(seconds=LEEWAY),
    )
    return Response(status=200)


def leave(present: SignIn) -> str | None:
    """Make the address at which somebody signs out at the provider, too; None if it has none, or is away."""
    way = session_rows.came_of(present.id)
    # The provider may be asked for it first.
    db.session.rollback()
    return oidc.way_out(runtime.settings(), way.id_token if way else None)


@blueprint.errorhandler(ProviderAway)
def show_away(error: ProviderAway) -> Response:
    log.warning("identity provider: %s", error)
    return failed(503, AWAY)


@blueprint.errorhandler(Unproved)
def show_unproved(error: Unproved) -> Response:
    log.warning("identity provider was not believed: %s", error)
    return failed(403, UNPROVED)


def failed(status: int, texts: tuple[Any, Any]) -> Response:
    """Say why nobody was let in, with a way to begin again."""
    db.session.rollback()
    window = g.get("in_window", False)
    page = render_template("signin/door_failed.html", title=texts[0], text=texts[1], window=window)
    return make_response(page, status)
