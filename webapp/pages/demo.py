"""The demo bar, its clock, and the inbox: the mails that went out, as their readers see them."""

from collections.abc import Callable, Mapping
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Any

from flask import (
    Blueprint,
    Flask,
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

from webapp.mail.addresses import one_line
from webapp.models import InboxMail, db
from webapp.pages import frame, guards, htmx
from webapp.pages.ids import row_id
from webapp.services import demo, runtime

blueprint = Blueprint("demo", __name__)
PAGE = 50
# What a mail shows runs nothing, loads nothing, and is nobody's origin.
MAIL_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors"
MOVES = {"day": 1, "month": 30}


def prepare(app: Flask, work: Callable[[Flask], Mapping[str, int]]) -> None:
    """Refuse real data in demo mode, and keep the worker's round for the clock.

    The round is handed in, because the worker stands above the pages.
    """
    if app.config["PORTAL"].demo:
        with app.app_context():
            try:
                demo.refuse_other_data()
            finally:
                # A server that forks after this must not share a connection.
                db.engine.dispose()
    app.extensions["demo_work"] = lambda: work(app)
    app.context_processor(lambda: {"demo_bar": bar})


def bar() -> dict[str, Any]:
    """What the demo bar shows."""
    zone = frame.time_zone() or "UTC"
    return {
        "today": runtime.today(zone),
        "accounts": demo.accounts(),
        "mails": demo.inbox_count(),
    }


@blueprint.post("/demo/clock")
@guards.demo_only
def clock() -> AnyResponse:
    """Move business time; the worker runs day by day."""
    move = request.form.get("move", "")
    work = current_app.extensions["demo_work"]
    before = demo.inbox_count()
    if move == "event":
        days = demo.days_to_next_event()
        if not days:
            flash(_("No mail is to come: the clock stays."), "neutral")
        demo.move_clock(days, work, until_sent=True)
    elif move in MOVES:
        days = demo.move_clock(MOVES[move], work)
    else:
        abort(400)
    if days:
        sent = demo.inbox_count() - before
        text = ngettext("%(num)d mail went out", "%(num)d mails went out", sent)
        flash(text if sent else _("No mail went out"), "good" if sent else "neutral")
    return redirect(htmx.local(request.form.get("next")), 303)


@blueprint.get("/demo/inbox")
@guards.demo_only
def inbox() -> str:
    """All mails that went out, newest first; ``to`` shows those of one recipient."""
    recipient = one_line(request.args.get("to", ""))
    before = request.args.get("before", type=row_id)
    rows = demo.inbox(recipient, before, PAGE + 1)
    return render_template(
        "demo/inbox.html",
        mails=[(row, parse(row)) for row in rows[:PAGE]],
        more=len(rows) > PAGE,
        recipients=demo.inbox_recipients(),
        recipient=recipient,
        before=before,
        zone=frame.time_zone() or "UTC",
    )


@blueprint.get("/demo/inbox/<int:mail_id>")
@guards.demo_only
def mail(mail_id: int) -> str:
    """One mail: headers, text, and the HTML in a frame of its own."""
    row = guards.found(db.session.get(InboxMail, mail_id))
    message = parse(row)
    return render_template("demo/mail.html", row=row, message=message, text=part(message, "plain"))


@blueprint.get("/demo/inbox/<int:mail_id>/html")
@guards.demo_only
def mail_html(mail_id: int) -> Response:
    """The HTML part alone, shut in by a policy of its own."""
    message = parse(guards.found(db.session.get(InboxMail, mail_id)))
    response = Response(part(message, "html"), mimetype="text/html")
    # Every page around it is asked, also one that shows the portal in a frame.
    around = " ".join(["'self'", *runtime.settings().frame_ancestors])
    response.headers["Content-Security-Policy"] = f"{MAIL_POLICY} {around}"
    return response


def parse(row: InboxMail) -> EmailMessage:
    return BytesParser(EmailMessage, policy=policy.default).parsebytes(row.message)


def part(message: EmailMessage, kind: str) -> str:
    """The text of one part: ``plain`` or ``html``."""
    body = message.get_body((kind,))
    return str(body.get_content()) if body else ""
