"""People in forms: options of dropdowns, and the same fields on all pages that edit a person."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from flask import flash
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from wtforms import BooleanField
from wtforms.fields.choices import SelectChoice

from webapp import i18n
from webapp.domain.ownership import Person
from webapp.labels import codes
from webapp.models import Client, Organisation, User
from webapp.models.audit import AuditAction, TrailEntry
from webapp.pages import asking, forms, frame, notice_board, notices, sessions
from webapp.pages.forms import DropdownField, Form, SharedForm, email_field, text_field
from webapp.pages.saving import Saved, save
from webapp.services import audit
from webapp.services.accounts import addresses, membership, people
from webapp.typography import address

# A change of these lets somebody else in, or in further.
SENSITIVE = ("email", "admin")


def languages_with_default(*_: Any) -> list[SelectChoice]:
    """List the organisation's language, which a person may follow, and all languages."""
    own = i18n.LANGUAGES[current_user.organisation.language].endonym
    follow = _l("As the organisation: %(value)s", value=own)
    return [SelectChoice("", follow), *forms.language_choices()]


class PersonForm(Form):
    """Somebody, whoever looks after them."""

    name = text_field(_l("Full name"))
    email = email_field()
    language = DropdownField(_l("Language"), languages_with_default)
    phone = forms.phone_field()


class ColleagueForm(PersonForm):
    """A person of the user's own organisation."""

    job_title = text_field(_l("Job title"), optional=True)


class ContactForm(PersonForm):
    """A person at a client, as its partner sees them. The roles are the client's own to assign."""

    # The partner's own: no page of the client shows it.
    note = forms.note_field()

    def offer(self, client: Client) -> None:
        """Let each language be chosen, or the company's followed."""
        inherited = _("As the company: %(language)s", language=codes.ENDONYMS[client.language])
        self.language.choices = [SelectChoice("", inherited), *forms.language_choices()]


class StoredPersonForm(SharedForm):
    """The additional fields for a stored person."""

    address_right = BooleanField(_l("The address is right: try it again"))


class StoredColleagueForm(ColleagueForm, StoredPersonForm):
    """A stored person of the user's own organisation."""


class StoredContactForm(ContactForm, StoredPersonForm):
    """A person at a client who is stored."""


def leave_address(form: SharedForm, user: User) -> None:
    """Leave out of a form the own address of somebody whose session opens one user alone: a door says it."""
    if user.id == current_user.id and sessions.for_one_user():
        del form["email"]


def leave_note(form: Form) -> None:
    """Leave out of a form the note about a person: it is its partner's own, and no page of a client has it."""
    if not current_user.is_partner:
        del form["note"]


def show(form: SharedForm, user: User) -> None:
    """Put the token of a stored person into a form that was not sent. Fields that are left out must be so by now."""
    if form.shown.raw_data is None:
        form.shown.data = people.shown(user, form.data)


def add_person(
    form: PersonForm, organisation: Organisation, *, invite: bool = False
) -> Saved[User]:
    """Add a form's person, invited if wanted, and say so on the next page."""

    def add() -> User:
        if form.data.get("admin"):
            asking.require_proof()
        user = people.add_person(current_user, organisation, **form.data)
        if invite:
            membership.invite(current_user, user)
        return user

    saved = save(form, add)
    if user := saved.value:
        entry = audit.entry_of(user, AuditAction.USER_ADDED)
        if invite:
            text = _("Invited: %(name)s, %(email)s", name=user.name, email=address(user.email))
            text, kind = notices.mailed(text)
            notice_board.say(text, entry, kind, part=row_of(user))
        else:
            text = _("Added: %(name)s", name=user.name)
            notice_board.say(text, entry, part=row_of(user))
    return saved


def save_person(form: SharedForm, user: User) -> Saved[TrailEntry | None]:
    """Save a person's form, with a notice on the next page."""

    def edit() -> TrailEntry | None:
        wanted = form.data
        if any(name in wanted and wanted[name] != getattr(user, name) for name in SENSITIVE):
            asking.require_proof()
        return people.edit_person(current_user, user, **wanted)

    saved = save(form, edit, lambda: people.shown(user, form.data))
    if saved.done:
        entry = saved.value
        if entry and "language" in entry.changes and user.id == current_user.id:
            frame.speak_as_chosen()
        asked = (
            addresses.waiting(user) if "email" in form.data and user.id == current_user.id else None
        )
        if asked:
            text = _(
                "One more step: confirm %(email)s with the link in the mail just sent there.",
                email=address(asked.email),
            )
            flash(*notices.mailed(text, "warn"))
        if entry or not asked:
            notice_board.say(notices.outcome(entry), entry, part=row_of(user))
    return saved


def row_of(user: User) -> str:
    """Name the row of a person in any list of people."""
    return f"user-{user.id}"


def options(people: Iterable[Person]) -> list[SelectChoice]:
    """List people to choose from, by id. Namesakes are shown with their address."""
    listed = list(people)
    names = Counter(person.name for person in listed)
    return [
        SelectChoice(str(person.id), label(person, namesakes=names[person.name] > 1))
        for person in listed
    ]


def label(person: Person, *, namesakes: bool) -> str:
    name = f"{person.name}, {address(person.email)}" if namesakes else person.name
    if person.active and person.rejected:
        return _("%(name)s (address rejected)", name=name)
    return codes.person_name(name, person.active)
