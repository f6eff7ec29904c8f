"""The first steps of a partner, and a look at what its reminders will be before they go out."""

from functools import partial
from typing import TYPE_CHECKING

from flask import Blueprint, redirect, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from webapp.domain.access import Action
from webapp.models.transactions import attempt
from webapp.pages import communications, guards, htmx, notice_board, notices
from webapp.pages.frame import language
from webapp.services import runtime
from webapp.services.accounts import first_run
from webapp.services.accounts.first_run import FirstStep
from webapp.services.lists.overrides import override_counts
from webapp.typography import full_date, number

if TYPE_CHECKING:
    from webapp.services.sending.first_mails import FirstMails

blueprint = Blueprint("first_run", __name__)
# The day plans that are listed; the figures above them are of all.
LISTED = 50


@blueprint.app_template_global("first_steps")
def steps() -> dict[FirstStep, bool]:
    """Tell an admin which of the first steps are done; nothing for others, or once all are."""
    if not current_user.may(Action.CHANGE_SETTINGS):
        return {}
    return first_run.progress(current_user.organisation)


@blueprint.get("/settings/partners/first-mails")
@guards.allow(Action.CHANGE_SETTINGS)
def mails() -> AnyResponse:
    """Sum up what goes out first; ``days``: or show it day by day, as a page of its own always does."""
    # Imported here, since a partner begins once.
    from webapp.services.sending.first_mails import MANY_CLIENTS, first_mails

    partner = guards.own_partner()
    found = first_mails(
        partner.id, runtime.now(), many=sum(override_counts(partner)) > MANY_CLIENTS
    )
    return htmx.page_or_fragment(
        "first_run/mails.html",
        "first_run/_mails.html",
        partner=partner,
        first=found,
        figures=figures(found) if found.plans else [],
        days=found.by_day(LISTED) if "days" in request.args or not htmx.wanted() else None,
        left_out=max(0, len(found.plans) - LISTED),
    )


def figures(found: "FirstMails") -> list[str]:
    """Write the number of mails, of people who get them, and the day of the last one."""
    return [
        _("More than %(number)s mails", number=number(found.mails, language()))
        if found.more
        else ngettext("%(num)d mail", "%(num)d mails", found.mails),
        _("More than %(number)s people", number=number(found.people, language()))
        if found.more
        else ngettext("%(num)d person", "%(num)d people", found.people),
        _("Last mail: %(day)s", day=full_date(found.last, language())),
    ]


@blueprint.post("/settings/partners/first-mails/seen")
@guards.allow(Action.CHANGE_SETTINGS)
def seen() -> AnyResponse:
    """Keep that an admin has looked at what goes out first."""
    partner = guards.own_partner()
    attempt(partial(first_run.see, partner))
    return notices.report(
        _("Noted: you have looked at what goes out first."),
        None,
        url_for("settings.partners", _anchor="sending"),
        lambda: communications.answer(partner, "sending", 200),
    )


@blueprint.post("/settings/partners/first-steps")
@guards.allow(Action.CHANGE_SETTINGS)
def put_away() -> AnyResponse:
    """Put the list of first steps away."""
    partner = guards.own_partner()
    attempt(partial(first_run.put_away, partner))
    notice_board.say(
        _("The list of first steps is put away."), way_back=url_for("first_run.bring_back")
    )
    return redirect(htmx.local(request.form.get("next")), 303)


@blueprint.post("/settings/partners/first-steps/back")
@guards.allow(Action.CHANGE_SETTINGS)
def bring_back() -> AnyResponse:
    """Bring the list of first steps back."""
    partner = guards.own_partner()
    attempt(partial(first_run.bring_back, partner))
    done = partner.set_up_at is not None
    # Whose message takes the focus, which its Undo had.
    notice_board.say(
        _("All first steps are done.") if done else _("The list of first steps is shown again.")
    )
    return redirect(htmx.local(request.form.get("next")), 303)
