"""Settings > Mail texts: the partner's own words in its mails to clients, and the mails as they go out."""

from functools import partial
from typing import Any

from flask import Blueprint, Response, abort, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from webapp.domain.access import Action
from webapp.i18n import LANGUAGES
from webapp.models import MailKind, Partner
from webapp.models.audit import TrailEntry
from webapp.pages import guards, htmx, mail_view, notices
from webapp.pages.mail_texts_forms import CompanyForm, TextsForm
from webapp.pages.saving import Saved, save
from webapp.services.accounts import mail_texts
from webapp.services.sending import sample_mails

blueprint = Blueprint("mail_texts", __name__)
# The kinds of mail that have words of the partner's own.
PREVIEWED = (MailKind.REMINDER_CLIENT, MailKind.REMINDER_PARTNER)
COMPANY = "company"


@blueprint.get("/settings/mail-texts")
@guards.allow(Action.CHANGE_SETTINGS)
def index() -> str:
    """Show what a partner's mails to clients say in its own words."""
    return whole_page(guards.own_partner())


@blueprint.post("/settings/mail-texts/company")
@guards.allow(Action.CHANGE_SETTINGS)
def save_company() -> AnyResponse:
    """Save what every mail to clients carries."""
    partner = guards.own_partner()
    form = CompanyForm.of(mail_texts.company_of(partner), request.form)
    saved = save(
        form,
        lambda: mail_texts.save_company(current_user, partner, form.wanted, form.shown.data),
        lambda: mail_texts.shown(mail_texts.company_of(partner)),
    )
    return answer_saved(partner, COMPANY, saved, company_form=form)


@blueprint.post("/settings/mail-texts/<language>")
@guards.allow(Action.CHANGE_SETTINGS)
def save_texts(language: str) -> AnyResponse:
    """Save the texts in one language."""
    partner = guards.own_partner()
    if language not in LANGUAGES:
        abort(404)
    form = TextsForm.of(language, mail_texts.texts_of(partner)[language], request.form)
    saved = save(
        form,
        lambda: mail_texts.save_texts(
            current_user, partner, language, form.wanted, form.shown.data
        ),
        lambda: mail_texts.shown(mail_texts.texts_of(partner)[language]),
    )
    return answer_saved(partner, language, saved, texts_forms={language: form})


@blueprint.get("/settings/mail-texts/<language>/<kind>")
@guards.allow(Action.CHANGE_SETTINGS)
def preview(language: str, kind: str) -> str:
    """Show a mail of this kind as it goes out."""
    partner = guards.own_partner()
    message = mail_view.parse(written(partner, language, kind))
    return render_template(
        "mail_texts/preview.html",
        message=message,
        text=mail_view.text_of(message, "plain"),
        written_in=LANGUAGES[language],
        kind=kind,
        kinds=PREVIEWED,
        texts=mail_texts.texts_of(partner)[language],
    )


@blueprint.get("/settings/mail-texts/<language>/<kind>/html")
@guards.allow(Action.CHANGE_SETTINGS)
def preview_html(language: str, kind: str) -> Response:
    """Show only its HTML part."""
    return mail_view.html_alone(mail_view.parse(written(guards.own_partner(), language, kind)))


def written(partner: Partner, language: str, kind: str) -> bytes:
    """Write the mail to preview; there is none for other languages and kinds."""
    if language not in LANGUAGES or kind not in PREVIEWED:
        abort(404)
    return sample_mails.preview(current_user, partner, MailKind(kind), language)


def whole_page(partner: Partner, **context: Any) -> str:
    texts = mail_texts.texts_of(partner)
    values = {"partner": partner, "texts": texts}
    if "company_form" not in context:
        values["company_form"] = CompanyForm.of(mail_texts.company_of(partner))
    values["texts_forms"] = {
        language: TextsForm.of(language, stored) for language, stored in texts.items()
    } | context.pop("texts_forms", {})
    template = context.pop("template", "mail_texts/page.html")
    return render_template(template, **values, **context)


def answer(partner: Partner, part: str, status: int, **context: Any) -> AnyResponse:
    """Render one part of the page for htmx, else all of it, with faults of the form or a notice."""
    fragment = part if part == COMPANY else "texts"
    template = f"mail_texts/_{fragment}.html" if htmx.wanted() else "mail_texts/page.html"
    page = whole_page(partner, template=template, part=part, code=part, **context)
    return Response(page, status)


def answer_saved(
    partner: Partner, part: str, saved: Saved[TrailEntry | None], **forms: Any
) -> AnyResponse:
    """Report in place what was saved, with an Undo, or show the form as it was sent."""
    if not saved.done:
        return answer(partner, part, saved.status, conflict=saved.conflict, **forms)
    return notices.report(
        notices.outcome(saved.value),
        saved.value,
        url_for("mail_texts.index", _anchor=part if part == COMPANY else f"texts-{part}"),
        partial(answer, partner, part, 200),
    )
