"""Personal data: handed over as files, or erased, for one's team and the people at one's clients."""

from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

from flask import Blueprint, abort, flash, redirect, render_template, send_file, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user
from werkzeug.wrappers import Response

from webapp.domain.access import Action
from webapp.models import User, db
from webapp.pages import asking, guards, listing
from webapp.pages.htmx import Answer
from webapp.pages.personal_data_forms import ErasePersonForm
from webapp.pages.saving import save
from webapp.services.erasing import export, person
from webapp.services.lists import overrides
from webapp.services.reminders import loading

blueprint = Blueprint("personal_data", __name__)


@blueprint.post("/partner/people/<int:user_id>/export", endpoint="export")
@guards.allow(Action.HAND_OUT_DATA)
@asking.proved
def hand_over(user_id: int) -> Response:
    """Send all that is stored of a person as an archive of files."""
    user = guards.own_person(user_id)
    content = BytesIO()
    with ZipFile(content, "w", ZIP_DEFLATED) as archive:
        for name, file in export.files(current_user, user):
            archive.writestr(name, file)
    content.seek(0)
    return send_file(content, "application/zip", True, f"person-{user.id}.zip")


@blueprint.route("/partner/people/<int:user_id>", methods=["GET", "POST"])
@guards.allow(Action.HAND_OUT_DATA)
@asking.proved
def erase(user_id: int) -> Answer:
    """Offer the data as files; say what goes, what follows and what stays, and erase a person whose name was typed."""
    user = guards.own_person(user_id)
    form = ErasePersonForm()
    own = user.id == current_user.id
    if own and form.is_submitted():
        abort(404)
    saved = save(form, lambda: person.check(user, form.name.data))
    if not saved.done:
        page = render_template(
            "personal_data/page.html",
            user=user,
            form=form,
            own=own,
            follows=None if own else follows(user),
            back=back_to(user),
        )
        return page, saved.status
    # One mail after the other would hold up whoever else writes; each step may be taken again.
    target = onward(user)
    for _step in person.erase_person(current_user, user):
        db.session.commit()
    flash(_("The person was erased."), "good")
    return redirect(target, 303)


def follows(user: User) -> str | None:
    """Tell beforehand what erasing somebody means for renewals, as deactivating tells it afterwards."""
    if user.is_client:
        holders = {holder.id for holder in loading.load_one(user.organisation_id).contacts.values()}
        alone = holders == {user.id}
        return _("Nobody will be left to tell about this client's renewals.") if alone else None
    total = overrides.looked_after(user) if user.active else 0
    return looked_after_text(total) if total else None


def looked_after_text(total: int) -> str:
    return listing.counted(
        total,
        lambda: ngettext(
            "This person is the point of contact for %(num)d client; somebody else will stand in.",
            "This person is the point of contact for %(num)d clients; somebody else will stand in.",
            total,
        ),
        lambda: _(
            "This person is the point of contact for more than %(number)s clients; somebody else will stand in.",
            number=listing.number_of(total),
        ),
    )


def back_to(user: User) -> str:
    """Return the address of the page on which a person is edited."""
    if user.organisation_id == current_user.organisation_id:
        return url_for("settings.member", user_id=user.id)
    return url_for("clients.edit_contact", client_id=user.organisation_id, user_id=user.id)


def onward(user: User) -> str:
    """Return the address of the list of people that this one is in."""
    if user.organisation_id == current_user.organisation_id:
        return url_for("settings.team")
    return url_for("clients.contacts", client_id=user.organisation_id)
