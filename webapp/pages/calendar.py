"""The calendars of a partner's people: a private address for each, which calendar programs ask for by themselves.

Only here is a token part of an address: such programs send no header. So no log and no page repeats it.
"""

from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, g, request
from flask_babel import gettext as _

from webapp import typography
from webapp.domain.access import Action
from webapp.labels import calendar_words, codes
from webapp.models import Opens, User, loaded
from webapp.pages import bearers, frame, guards, headers
from webapp.pages.calendar_text import MEDIA_TYPE, AllDay, CalendarFile, tag, written
from webapp.services import runtime
from webapp.services.accounts.access_tokens import Bearer
from webapp.services.lists import calendar
from webapp.services.lists.calendar import CalendarDays, Whose

blueprint = Blueprint("calendar", __name__)
WHOSE = {
    Opens.CALENDAR_ALL: Whose.ALL,
    Opens.CALENDAR_MINE: Whose.MINE,
    Opens.CALENDAR_CLIENT: Whose.CLIENT,
}
# Programs ask every quarter of an hour at most.
LIMIT = "60 per hour"


def by_token() -> str:
    """Name the token of a request for the counting of requests, without telling it."""
    return sha256(str((request.view_args or {}).get("token")).encode()).hexdigest()


@blueprint.get("/calendar/<token>.ics")
@guards.public
@guards.limiter.limit(LIMIT, key_func=by_token)
def show(token: str) -> Response:
    """Answer with the calendar of a token, if it is not the one that the program has already."""
    if not (bearers.present(token, WHOSE) and bearers.user().may(Action.LOOK_AFTER_CLIENTS)):
        abort(404)
    file = of_user(bearers.user(), bearers.bearer())
    response, etag = Response(mimetype=MEDIA_TYPE), tag(file)
    response.set_etag(etag, weak=True)
    g.cache_control = headers.ASKED_EACH_TIME
    if request.if_none_match.contains_weak(etag):
        response.status_code = 304
    else:
        response.data = written(file)
    return response


def of_user(user: User, bearer: Bearer) -> CalendarFile:
    """Make the calendar that a token opens, in the language of this answer. Of a client that is gone: 404."""
    whose, of_client = WHOSE[bearer.opens], None
    if whose is Whose.CLIENT:
        of_client = guards.found(loaded.client_of(bearer.client_id or 0, user.organisation))
    portal = codes.portal_name(runtime.settings().name)
    names = {
        Whose.ALL: _("all clients"),
        Whose.MINE: _("my clients"),
        Whose.CLIENT: of_client.name if of_client else "",
    }
    found = calendar.days(user, whose, bearer.client_id)
    return CalendarFile(
        name=typography.plain(f"{portal}: {names[whose]}"),
        about=about(found),
        entries=tuple(entries(found)),
    )


def about(found: CalendarDays) -> str:
    if found.reaches is None:
        return ""
    day = typography.long_date(found.reaches, frame.language())
    return typography.plain(calendar_words.most(calendar.MOST, day))


def entries(found: CalendarDays) -> Iterator[AllDay]:
    """Make the entries of a calendar. Their names hold the portal's host, so that no other calendar has them."""
    settings, language = runtime.settings(), frame.language()
    host = urlsplit(settings.base_url).hostname
    today = cache(runtime.today)
    for day in found.days:
        address = bearers.client_page(day.client.id)
        told = calendar_words.lines(
            day, settings.vendor_name, today(day.client.time_zone), language
        )
        changed = found.changed[day.subscription.id]
        yield AllDay(
            uid=f"{day.key}@{host}",
            on=day.on,
            title=typography.plain(calendar_words.title(day)),
            text=typography.plain("\n".join([*told, address])),
            address=address,
            changed_at=changed.at,
            revision=changed.version,
        )
