"""Settings > Partners > Communications: the default owner, the schedule, and the sending switch."""

from collections.abc import Mapping
from typing import Any

from flask import Response, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from webapp.domain.access import Action
from webapp.models import AuditEntry, MailKind, Partner
from webapp.models.audit import AuditAction
from webapp.pages import guards, htmx, notices
from webapp.pages.communications_forms import (
    DefaultForm,
    ModeForm,
    ScheduleForm,
    TestMailForm,
)
from webapp.pages.forms import explain
from webapp.pages.frame import language
from webapp.pages.settings import blueprint
from webapp.services import runtime
from webapp.services.accounts import partners, people
from webapp.services.errors import Conflict, Refused
from webapp.services.sending import after_changes, sample_mails

PREVIEWED = 10


@blueprint.get("/settings/partners", endpoint="partners")
@guards.allow(Action.CHANGE_SETTINGS)
def partners_page() -> str:
    """Everything that decides about renewal communication for all clients."""
    return whole_page(guards.own_partner())


@blueprint.post("/settings/partners/default")
@guards.allow(Action.CHANGE_SETTINGS)
def save_default() -> AnyResponse:
    """Save the two dropdowns: with a script at once, by choosing."""
    partner = guards.own_partner()
    form = default_form(partner, request.form)
    if not form.validate():
        return answer(partner, "default", 422, default_form=form)
    try:
        entry = partners.save_default(current_user, partner, form.wanted, form.seen.data)
    except Refused as error:
        explain(form, error)
        return answer(partner, "default", 422, default_form=form)
    except Conflict:
        form.seen.data = partners.seen(partners.default_of(partner))
        return answer(partner, "default", 409, AuditAction.DEFAULT_CHANGED, default_form=form)
    return saved(partner, "default", entry)


@blueprint.post("/settings/partners/schedule")
@guards.allow(Action.CHANGE_SETTINGS)
def save_schedule() -> AnyResponse:
    """Save steps and sending window."""
    partner = guards.own_partner()
    form = schedule_form(partner, request.form)
    if not form.validate():
        return answer(partner, "schedule", 422, schedule_form=form)
    try:
        entry = partners.save_schedule(current_user, partner, form.wanted, form.seen.data)
    except Refused as error:
        explain(form, error)
        return answer(partner, "schedule", 422, schedule_form=form)
    except Conflict:
        form.seen.data = partners.seen(partners.schedule_of(partner))
        return answer(partner, "schedule", 409, AuditAction.SCHEDULE_CHANGED, schedule_form=form)
    return saved(partner, "schedule", entry)


@blueprint.post("/settings/partners/sending")
@guards.allow(Action.CHANGE_SETTINGS)
def save_sending() -> AnyResponse:
    """Turn sending on or off."""
    partner = guards.own_partner()
    wanted = request.form.get("sending")
    if wanted not in ("0", "1"):
        abort(400)
    entry = partners.save_sending(current_user, partner, wanted == "1")
    text = (
        _("Sending is on: reminders go out in the sending window.")
        if partner.sending
        else _("Sending is off: no reminder goes out until an admin turns it on again.")
    )
    return saved(partner, "sending", entry, text)


@blueprint.post("/settings/partners/mode")
@guards.allow(Action.CHANGE_SETTINGS)
def save_mode() -> AnyResponse:
    """Choose what becomes of mails when it is not sure whether they arrived."""
    partner = guards.own_partner()
    wanted = request.form.get("insistent")
    if wanted not in ("0", "1"):
        abort(400)
    entry = partners.save_mode(current_user, partner, wanted == "1")
    return saved(partner, "mode", entry)


@blueprint.post("/settings/partners/test")
@guards.allow(Action.CHANGE_SETTINGS)
def send_test() -> AnyResponse:
    """Send a mail of one kind, with made-up data, to oneself."""
    partner = guards.own_partner()
    form = TestMailForm(request.form)
    if not form.validate():
        return answer(partner, "test", 422, test_form=form)
    kind, chosen = MailKind(form.kind.data or ""), form.language.data or ""
    sample_mails.send(current_user, partner, kind, chosen)
    text = _("Test mail on its way to: %(email)s", email=current_user.email)
    if htmx.wanted():
        return answer(partner, "test", 200, test_form=form, note=text)
    flash(text, "good")
    return redirect(url_for("settings.partners"), 303)


def default_form(partner: Partner, sent: Mapping[str, str] | None = None) -> DefaultForm:
    """The form as sent, else as stored."""
    stored = partners.default_of(partner)
    form = DefaultForm(
        sent,
        owner=stored.owner.value,
        notified_user_id=str(stored.notified_user_id or ""),
        seen=partners.seen(stored),
    )
    form.offer(people.team(partner.id), stored.notified_user_id)
    return form


def schedule_form(partner: Partner, sent: Mapping[str, str] | None = None) -> ScheduleForm:
    """The form as sent, else as stored."""
    stored = partners.schedule_of(partner)
    return ScheduleForm(
        sent,
        steps_text=stored.steps_text.replace(",", ", "),
        window_opens=stored.window_opens,
        window_closes=stored.window_closes,
        window_days=list(stored.window_days),
        seen=partners.seen(stored),
    )


def whole_page(partner: Partner, **context: Any) -> str:
    now = runtime.now()
    following, own = partners.override_counts(partner)
    values = {
        "partner": partner,
        "following": following_text(following),
        "own": own_text(own),
        "first": after_changes.first_mails(partner.id, now, PREVIEWED),
        "now": now,
    }
    if "default_form" not in context:
        values["default_form"] = default_form(partner)
    if "schedule_form" not in context:
        values["schedule_form"] = schedule_form(partner)
    if "test_form" not in context:
        values["test_form"] = TestMailForm(None, language=language())
    values["mode_form"] = ModeForm(None, insistent="1" if partner.insistent else "0")
    template = context.pop("template", "communications/page.html")
    return render_template(template, **values, **context)


def following_text(number: int) -> str:
    if not number:
        return _("No client follows the default")
    return ngettext(
        "%(num)d client follows the default", "%(num)d clients follow the default", number
    )


def own_text(number: int) -> str:
    if not number:
        return _("No client has its own setting")
    return ngettext(
        "%(num)d client has its own setting", "%(num)d clients have their own setting", number
    )


def answer(
    partner: Partner,
    part: str,
    status: int,
    conflict: AuditAction | None = None,
    **context: Any,
) -> AnyResponse:
    """One part of the page for htmx, else all of it: with what stands against saving, or what was saved."""
    entry = partners.last_change(partner, conflict) if conflict else None
    template = f"communications/_{part}.html" if htmx.wanted() else "communications/page.html"
    page = whole_page(partner, template=template, part=part, **notices.beside(entry), **context)
    return Response(page, status)


def saved(
    partner: Partner, part: str, entry: AuditEntry | None, text: str | None = None
) -> AnyResponse:
    """Say in place what was saved, with a way back."""
    if entry is None:
        text = _("Nothing to save: it is set like this already")
    text = text or _("Saved.")
    if htmx.wanted():
        changed = list(entry.changes) if entry else []
        return answer(
            partner, part, 200, note=text, undo_url=notices.undo_url(entry), changed=changed
        )
    notices.flash_with_undo(text, entry)
    return redirect(url_for("settings.partners"), 303)
