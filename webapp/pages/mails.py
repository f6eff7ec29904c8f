"""A mail as it went out: for the partner any of its own, for people at a client what they have got themselves."""

from flask import Blueprint, Response, render_template, url_for
from flask_login import current_user

from webapp.domain.access import Action
from webapp.pages import guards, listing, mail_view
from webapp.pages.frame import time_zone
from webapp.services.lists import mails
from webapp.services.lists.mails import OpenedMail, OwnMailsQuery

blueprint = Blueprint("mails", __name__)


@blueprint.get("/partner/deliveries/<int:delivery_id>")
@guards.allow(Action.LOOK_AFTER_CLIENTS)
def sent(delivery_id: int) -> str:
    """Show a mail of the partner."""
    return page(sent_mail(delivery_id), "mails.sent", url_for("deliveries.index"))


@blueprint.get("/partner/deliveries/<int:delivery_id>/html")
@guards.allow(Action.LOOK_AFTER_CLIENTS)
def sent_html(delivery_id: int) -> Response:
    """Show only its HTML part."""
    return mail_view.html_alone(mail_view.parse(bytes_of(sent_mail(delivery_id))))


@blueprint.get("/partner/deliveries/<int:delivery_id>/eml")
@guards.allow(Action.LOOK_AFTER_CLIENTS)
def sent_file(delivery_id: int) -> Response:
    """Hand it out as a file."""
    return mail_view.as_file(bytes_of(sent_mail(delivery_id)), delivery_id)


@blueprint.get("/account/mails")
@guards.allow(Action.SEE_COMPANY)
def own() -> str:
    """List the mails that the user has got about the company's renewals, newest first."""
    query = listing.read(OwnMailsQuery)
    found = mails.own(current_user, query)
    return render_template(
        "mails/index.html",
        entry="mails",
        mails=found.rows,
        zone=time_zone(),
        **listing.leads("mails.own", query, found),
    )


@blueprint.get("/account/mails/<int:delivery_id>")
@guards.allow(Action.SEE_COMPANY)
def got(delivery_id: int) -> str:
    """Show a mail that the user has got."""
    return page(got_mail(delivery_id), "mails.got", url_for("mails.own"))


@blueprint.get("/account/mails/<int:delivery_id>/html")
@guards.allow(Action.SEE_COMPANY)
def got_html(delivery_id: int) -> Response:
    """Show only its HTML part."""
    return mail_view.html_alone(mail_view.parse(bytes_of(got_mail(delivery_id))))


@blueprint.get("/account/mails/<int:delivery_id>/eml")
@guards.allow(Action.SEE_COMPANY)
def got_file(delivery_id: int) -> Response:
    """Hand it out as a file."""
    return mail_view.as_file(bytes_of(got_mail(delivery_id)), delivery_id)


def sent_mail(delivery_id: int) -> OpenedMail:
    """Load a mail of the signed-in partner user's organisation; else 404."""
    found: OpenedMail = guards.found(mails.of_partner(current_user.organisation_id, delivery_id))
    return found


def got_mail(delivery_id: int) -> OpenedMail:
    """Load a mail to the signed-in user of a client; else 404."""
    found: OpenedMail = guards.found(mails.of_reader(current_user, delivery_id))
    return found


def bytes_of(mail: OpenedMail) -> bytes:
    """Return what went out; 404 if it is not kept."""
    content: bytes = guards.found(mail.content)
    return content


def page(mail: OpenedMail, endpoint: str, back: str) -> str:
    """Show a mail, or why there is nothing of it to show. ``endpoint``: the page's own."""
    message = None if mail.content is None else mail_view.parse(mail.content)
    return render_template(
        "mails/mail.html",
        mail=mail,
        message=message,
        text=message and mail_view.text_of(message, "plain"),
        html_url=url_for(f"{endpoint}_html", delivery_id=mail.id),
        file_url=url_for(f"{endpoint}_file", delivery_id=mail.id),
        back=back,
        zone=time_zone(),
    )
