"""The demo bar, its clock, and the inbox with the mails that went out, as their readers see them."""

from itertools import groupby
from operator import attrgetter
from typing import Any

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    flash,
    redirect,
    render_template,
    request,
)
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response as AnyResponse

from webapp.demo import clock as demo_clock
from webapp.demo import inbox as demo_inbox
from webapp.demo import people
from webapp.demo.inbox import InboxQuery
from webapp.domain.ids import row_id
from webapp.models import InboxMail, SignInMethod, User, db
from webapp.pages import frame, guards, htmx, listing, sessions
from webapp.pages.mail_view import html_alone, parse, text_of
from webapp.services import runtime
from webapp.services.accounts import logins

blueprint = Blueprint("demo", __name__)
MOVES = {"day": 1, "month": 30}


def bar() -> dict[str, Any]:
    """Gather the values for the demo bar."""
    zone = frame.time_zone() or "UTC"
    return {
        "today": runtime.today(zone),
        "accounts": people.accounts(),
        "mails": demo_inbox.count(),
    }


def people_by_partner() -> list[tuple[str, list[people.DemoAccount]]]:
    """Group the demo people by partner. People who speak the page's language come first."""
    groups = [
        (partner, list(team)) for partner, team in groupby(people.accounts(), attrgetter("partner"))
    ]
    return sorted(groups, key=lambda group: group[1][0].language != frame.language())


@blueprint.post("/sign-in/demo")
@guards.public
def sign_in() -> AnyResponse:
    """Sign in as a demo person with one click."""
    user = db.session.get(User, request.form.get("user_id", 0, type=row_id))
    if user is None or user not in logins.by_password(logins.of(user)):
        abort(404)
    # As if by a link from their mailbox, which everybody reads: nobody is told of a new device.
    sessions.begin(user, SignInMethod.LINK)
    return redirect(htmx.local(request.form.get("next")), 303)


@blueprint.post("/demo/clock")
@guards.public
def clock() -> AnyResponse:
    """Move business time; the worker runs day by day."""
    move = request.form.get("move", "")
    work = current_app.extensions["demo_work"]
    if move == "event":
        days, sent = demo_clock.move_to_next_mail(work)
        if not days:
            flash(_("No mail is to come: the clock stays."), "neutral")
    elif move in MOVES:
        days, sent = demo_clock.move(MOVES[move], work)
    else:
        abort(400)
    if days:
        text = ngettext("%(num)d mail went out", "%(num)d mails went out", sent)
        flash(text if sent else _("No mail went out"), "good" if sent else "neutral")
    return redirect(htmx.local(request.form.get("next")), 303)


@blueprint.get("/demo/inbox")
@guards.public
def inbox() -> str:
    """Show the mails that went out, newest first; ``to`` shows only those of one recipient."""
    query = listing.read(InboxQuery)
    page = demo_inbox.mails(query)
    readers = demo_inbox.recipients()
    return render_template(
        "demo/inbox.html",
        mails=[(row, parse(row.message)) for row in page.rows],
        recipients=readers,
        names={reader.address: reader.name for reader in readers},
        zone=frame.time_zone() or "UTC",
        **listing.leads("demo.inbox", query, page),
    )


@blueprint.get("/demo/inbox/<int:mail_id>")
@guards.public
def mail(mail_id: int) -> str:
    """Show one mail: headers, text, and the HTML in a frame of its own."""
    row = guards.found(db.session.get(InboxMail, mail_id))
    message = parse(row.message)
    return render_template(
        "demo/mail.html", row=row, message=message, text=text_of(message, "plain")
    )


@blueprint.get("/demo/inbox/<int:mail_id>/html")
@guards.public
def mail_html(mail_id: int) -> Response:
    """Show only the HTML part."""
    row = guards.found(db.session.get(InboxMail, mail_id))
    return html_alone(parse(row.message))
