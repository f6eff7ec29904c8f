"""Settings > Partners > Communications: the default owner, the schedule, and the sending switch."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from flask import Response, abort, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from webapp.domain.access import Action
from webapp.mail.server_name import server_name
from webapp.models import MailKind, Partner
from webapp.models.audit import TrailEntry
from webapp.pages import guards, htmx, listing, notices
from webapp.pages.communications_forms import (
    QUESTIONS,
    DefaultForm,
    ScheduleForm,
    SwitchForm,
    TermsForm,
    TestMailForm,
    switched,
)
from webapp.pages.frame import language
from webapp.pages.saving import Saved, save
from webapp.pages.settings import blueprint
from webapp.pages.steps_forms import ADD, REMOVE, rearranged, spread
from webapp.services import runtime
from webapp.services.accounts import partners, people
from webapp.services.lists.overrides import override_counts
from webapp.services.sending import sample_mails
from webapp.typography import address

# The element of each part that has another name.
PLACES = {"default": "default-owner", "test": "test-mail"}


@blueprint.get("/settings/partners", endpoint="partners")
@guards.allow(Action.CHANGE_SETTINGS)
def partners_page() -> str:
    """Show all settings of renewal communication that hold for every client."""
    return whole_page(guards.own_partner())


@blueprint.post("/settings/partners/default")
@guards.allow(Action.CHANGE_SETTINGS)
def save_default() -> AnyResponse:
    """Save the two dropdowns. With scripts each choice is saved at once."""
    partner = guards.own_partner()
    form = default_form(partner, request.form)
    saved = save(
        form,
        lambda: partners.save_default(current_user, partner, form.wanted, form.shown.data),
        lambda: partners.shown(partners.default_of(partner)),
    )
    return answer_saved(partner, "default", saved, default_form=form)


@blueprint.post("/settings/partners/schedule")
@guards.allow(Action.CHANGE_SETTINGS)
def save_schedule() -> AnyResponse:
    """Save steps and sending window; or only add a row of steps to the form, or remove one from it."""
    partner = guards.own_partner()
    if ADD in request.form or REMOVE in request.form:
        form = schedule_form(partner, rearranged(request.form))
        focus = f"up_to_{len(form.rows) - 1}" if ADD in request.form else ADD
        return answer(partner, "schedule", 200, schedule_form=form, focus=focus)
    form = schedule_form(partner, request.form)
    saved = save(
        form,
        lambda: partners.save_schedule(current_user, partner, form.wanted, form.shown.data),
        lambda: partners.shown(partners.schedule_of(partner)),
    )
    return answer_saved(partner, "schedule", saved, schedule_form=form)


@blueprint.post("/settings/partners/terms")
@guards.allow(Action.CHANGE_SETTINGS)
def save_terms() -> AnyResponse:
    """Save what new subscriptions do at the end of a term, and the rule for decision deadlines."""
    partner = guards.own_partner()
    form = terms_form(partner, request.form)
    saved = save(
        form,
        lambda: partners.save_terms(current_user, partner, form.wanted, form.shown.data),
        lambda: partners.shown(partners.terms_of(partner)),
    )
    return answer_saved(partner, "terms", saved, terms_form=form)


@blueprint.post("/settings/partners/switches/<name>")
@guards.allow(Action.CHANGE_SETTINGS)
def save_switch(name: str) -> AnyResponse:
    """Turn one of the on-or-off settings on or off."""
    partner = guards.own_partner()
    if name not in partners.SWITCHES:
        abort(404)
    form = SwitchForm.of(partner, name, request.form)
    saved = save(
        form,
        lambda: partners.switch(current_user, partner, name, form.on.data == "1", form.shown.data),
        lambda: partners.shown_switch(partner, name),
    )
    text = sending_text(partner.sending) if name == "sending" else None
    return answer_saved(partner, name, saved, text, switches={name: form})


def sending_text(sending: bool) -> str:
    if sending:
        return _("Sending is on: reminders go out in the sending window.")
    return _("Sending is off: no reminder goes out until an admin turns it on again.")


@blueprint.post("/settings/partners/test")
@guards.allow(Action.CHANGE_SETTINGS)
def send_test() -> AnyResponse:
    """Send oneself a mail of one kind, with made-up data."""
    partner = guards.own_partner()
    form = TestMailForm(request.form)
    saved = save(
        form,
        lambda: sample_mails.send(
            current_user, partner, MailKind(form.kind.data or ""), form.language.data or ""
        ),
    )
    if not saved.done:
        return answer(partner, "test", saved.status, test_form=form)
    text, kind = notices.mailed(
        _("Test mail on its way to: %(email)s", email=address(current_user.email))
    )
    fragment = partial(answer, partner, "test", 200, test_form=form)
    return notices.report(text, None, place("test"), fragment, kind)


def default_form(partner: Partner, sent: Mapping[str, str] | None = None) -> DefaultForm:
    """Make the form as sent, else as stored."""
    stored = partners.default_of(partner)
    form = DefaultForm(
        sent,
        owner=stored.default_owner.value,
        notified_user_id=str(stored.notified_user_id or ""),
        shown=partners.shown(stored),
    )
    form.offer(people.persons(partner), stored.notified_user_id)
    return form


def schedule_form(partner: Partner, sent: Mapping[str, str] | None = None) -> ScheduleForm:
    """Make the form as sent, else as stored."""
    stored = partners.schedule_of(partner)
    return ScheduleForm(
        sent,
        window_opens=f"{stored.window_opens:%H:%M}",
        window_closes=f"{stored.window_closes:%H:%M}",
        window_days=list(stored.window_days),
        shown=partners.shown(stored),
        **spread(partner.steps),
    )


def terms_form(partner: Partner, sent: Mapping[str, str] | None = None) -> TermsForm:
    """Make the form as sent, else as stored. What new subscriptions do has the words of the trail."""
    stored = partners.terms_of(partner)
    rule = partner.deadline_rule
    form = TermsForm(
        sent,
        renews_itself="1" if stored.renews_itself else "0",
        deadline_unit=rule and ("D" if rule.days else "M"),
        deadline_count=rule and (rule.days or rule.months),
        shown=partners.shown(stored),
    )
    form.renews_itself.choices = switched("renews_itself")
    return form


def whole_page(partner: Partner, **context: Any) -> str:
    following, own = override_counts(partner)
    values = {
        "partner": partner,
        "following": following_text(following),
        "own": own_text(own),
    }
    if "default_form" not in context:
        values["default_form"] = default_form(partner)
    if "schedule_form" not in context:
        values["schedule_form"] = schedule_form(partner)
    if "terms_form" not in context:
        values["terms_form"] = terms_form(partner)
    if "test_form" not in context:
        values["test_form"] = TestMailForm(None, language=language())
    values["questions"] = QUESTIONS
    values["mail_server"] = server_name(runtime.settings())
    values["switches"] = {
        name: SwitchForm.of(partner, name) for name in partners.SWITCHES
    } | context.pop("switches", {})
    template = context.pop("template", "communications/page.html")
    return render_template(template, **values, **context)


def following_text(total: int) -> str:
    return listing.counted(
        total,
        lambda: ngettext(
            "%(num)d client follows the default", "%(num)d clients follow the default", total
        ),
        lambda: _(
            "More than %(number)s clients follow the default", number=listing.number_of(total)
        ),
        lambda: _("No client follows the default"),
    )


def own_text(total: int) -> str:
    return listing.counted(
        total,
        lambda: ngettext(
            "%(num)d client has its own setting", "%(num)d clients have their own setting", total
        ),
        lambda: _(
            "More than %(number)s clients have their own setting", number=listing.number_of(total)
        ),
        lambda: _("No client has its own setting"),
    )


def answer(partner: Partner, part: str, status: int, **context: Any) -> AnyResponse:
    """Render one part of the page for htmx, else all of it, with faults of the form or a notice."""
    fragment = "switch" if part in QUESTIONS else part
    template = f"communications/_{fragment}.html" if htmx.wanted() else "communications/page.html"
    page = whole_page(partner, template=template, part=part, name=part, **context)
    return Response(page, status)


def place(part: str) -> str:
    """Return the address of a part of the page."""
    return url_for("settings.partners", _anchor=PLACES.get(part, part))


def answer_saved(
    partner: Partner,
    part: str,
    saved: Saved[TrailEntry | None],
    text: str | None = None,
    **forms: Any,
) -> AnyResponse:
    """Report in place what was saved, with an Undo, or show the form as it was sent."""
    if not saved.done:
        return answer(partner, part, saved.status, conflict=saved.conflict, **forms)
    entry = saved.value
    changed = list(entry.changes) if entry else []
    return notices.report(
        notices.outcome(entry, text),
        entry,
        place(part),
        partial(answer, partner, part, 200, changed=changed),
    )
