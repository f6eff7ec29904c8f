"""The help article, and feedback from its readers."""

from datetime import date

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from webapp.pages import frame, guards, htmx
from webapp.pages.help_forms import FeedbackForm
from webapp.services.feedback import give_feedback

blueprint = Blueprint("help", __name__)
ARTICLE = "renewal-owners"
# The day on which the text of the article was last changed.
LAST_UPDATED = date(2026, 11, 30)


@blueprint.get("/help/renewal-owners")
@guards.public
def renewal_owners() -> str:
    """Show the article from the two source texts, true to the screens of this portal."""
    return render_template("help/renewal_owners.html", form=FeedbackForm(), updated=LAST_UPDATED)


@blueprint.post("/help/renewal-owners/feedback")
@guards.public
@guards.limiter.limit("20 per hour")
def feedback() -> AnyResponse | str:
    """Store feedback, even from somebody signed out."""
    form = FeedbackForm(request.form)
    if not form.validate():
        return htmx.page_or_fragment(
            "help/renewal_owners.html",
            "help/_feedback.html",
            422,
            form=form,
            updated=LAST_UPDATED,
        )
    give_feedback(
        current_user if current_user.is_authenticated else None,
        ARTICLE,
        frame.language(),
        helpful=form.helpful.data == "yes",
        comment=form.comment.data,
    )
    thanks = _("Thank you. Your answer helps to improve this article.")
    if htmx.wanted():
        return render_template("help/_thanks.html", text=thanks)
    flash(thanks, "good")
    return redirect(url_for("help.renewal_owners"), 303)
