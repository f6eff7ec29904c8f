"""People: the users of an organisation, added and edited."""

from collections.abc import Container, Set
from typing import Any, TypedDict, Unpack

from sqlalchemy import bindparam, func, select

from webapp.domain.ownership import Person
from webapp.domain.shown import token_of
from webapp.domain.todo import Pace, Rhythm
from webapp.models import (
    AuditEntry,
    LinkPurpose,
    Organisation,
    Partner,
    User,
    db,
)
from webapp.models.audit import CHANGING_USERS, AuditAction, TrailEntry
from webapp.models.tables import fetch, user_table
from webapp.models.user import name_key
from webapp.services import audit, search_words
from webapp.services.accounts import addresses, admin_notices, first_run, links, membership
from webapp.services.accounts.names import (
    changed_address,
    checked_address,
    checked_name,
    checked_note,
    checked_phone,
)
from webapp.services.locks import lock_clients
from webapp.services.reminders import situations
from webapp.services.reminders.loading import person_of
from webapp.services.sending import after_changes, todo


class PersonDetails(TypedDict, total=False):
    """A form's values of a person, or some of them: a page changes what it shows."""

    name: str
    email: str
    job_title: str | None
    phone: str | None
    note: str | None
    language: str | None
    time_zone: str | None
    admin: bool
    todo_rhythm: Rhythm
    todo_weekday: int
    todo_hour: int


# What the moment of somebody's To-do mail depends on.
PACE = {"time_zone", "todo_rhythm", "todo_weekday", "todo_hour"}
# By these a person's client is found.
NAMED = {"name", "email"}
EDITABLE = tuple(PersonDetails.__annotations__)
ALL = (
    select(User)
    .where(User.organisation_id == bindparam("organisation"))
    .order_by(User.active.desc(), func.lower(User.name), User.id)
)
TEAM = ALL.where(User.erased_at.is_(None))
PERSONS = ALL.with_only_columns(
    *(user_table.c[name] for name in ("id", "name", "email", "language", "time_zone", "active")),
    user_table.c.rejected_reply,
)


def shown(user: User, fields: Container[str]) -> str:
    """Make the token of a form that shows some fields of a person.

    It must hold no others: whoever reads it can test guesses of a value, such as a note that is not for them.
    """
    return token_of({field: getattr(user, field) for field in EDITABLE if field in fields})


def add_person(
    actor: User | None,
    organisation: Organisation,
    *,
    name: str,
    email: str,
    language: str | None = None,
    job_title: str | None = None,
    phone: str | None = None,
    note: str | None = None,
    admin: bool = False,
    time_zone: str | None = None,
    action: AuditAction = AuditAction.USER_ADDED,
) -> User:
    """Add a user. Even before the first sign-in, a user can be a contact and gets mail.

    ``action``: how the trail calls it. Raises Refused: ``name`` missing or unprintable, ``email`` malformed or taken
    in this organisation.
    """
    user = User(
        **columns(
            organisation.id,
            name=name,
            email=checked_address(organisation.id, email),
            language=language,
            job_title=job_title,
            phone=checked_phone(phone),
            note=checked_note(note),
            admin=admin,
            time_zone=time_zone,
        ),
        todo_at=todo.next_at(organisation, Pace(), time_zone),
    )
    db.session.add(user)
    db.session.flush()
    search_words.refresh([organisation.id])
    audit.record_change(actor, action, user, {"email": (None, user.email)})
    if isinstance(organisation, Partner):
        first_run.finish(organisation)
    return user


def columns(
    organisation_id: int,
    *,
    name: str,
    email: str,
    language: str | None = None,
    job_title: str | None = None,
    phone: str | None = None,
    note: str | None = None,
    admin: bool = False,
    time_zone: str | None = None,
) -> dict[str, Any]:
    """Make the columns of a new user at a normalised address that nobody has. Raises Refused."""
    name = checked_name(name)
    return {
        "organisation_id": organisation_id,
        "name": name,
        "name_key": name_key(name),
        "email": email,
        "email_key": email.casefold(),
        "language": language,
        "job_title": job_title or None,
        "phone": phone,
        "note": note,
        "admin": admin,
        "time_zone": time_zone,
    }


def edit_person(
    actor: User | None,
    user: User,
    *,
    shown: str | None = None,
    address_right: bool = False,
    action: AuditAction = AuditAction.USER_CHANGED,
    **details: Unpack[PersonDetails],
) -> TrailEntry | None:
    """Change some details; None if nothing changed. ``shown``: the token of the form in which that was done.

    ``address_right``: the address that a server rejected is right after all; mails go there again.
    ``action``: how the trail calls the change.

    A new address says where mail goes; whoever signs in as this user still does. An own one waits until it is
    confirmed. A user who has been invited is invited again at the new address. Raises Refused, Conflict.
    """
    wanted = checked_details(actor, user, details)
    stored = {field: getattr(user, field) for field in wanted}
    if stored != wanted:
        lock_clients([user.organisation_id])
        audit.refuse_stale(
            shown,
            stored,
            AuditEntry.organisation_id == audit.trail_of(user)["organisation_id"],
            AuditEntry.subject_id == user.id,
            AuditEntry.action.in_(CHANGING_USERS),
        )
    if user.admin and not wanted.get("admin", True):
        membership.keep_an_admin(user, "admin")
    # Compared by id: a page hands in a proxy of the user.
    own = actor is not None and actor.id == user.id
    if own and user.joined and wanted.get("email", user.email) != user.email:
        addresses.ask(user, wanted.pop("email"))
    freed = address_right and user.rejected_reply is not None
    if freed or wanted.get("email", user.email) != user.email:
        after_changes.reconsider_person(actor, user)
    changes = audit.assign(user, **wanted)
    if "email" in changes:
        addresses.note_move(user, before=changes["email"][0])
        invite_again(actor, user)
        addresses.note_change(actor, user, before=changes["email"][0])
    elif freed:
        changes |= audit.assign(user, rejected_reply=None)
    if not changes:
        return None
    let_follow(actor, user, changes.keys())
    db.session.flush()
    if changes.keys() & {"email", "rejected_reply"}:
        situations.refresh_person(user)
    return audit.record_change(actor, action, user, changes)


def let_follow(actor: User | None, user: User, changed: Set[str]) -> None:
    """Let the next To-do mail follow a change of its moment, searches a name, and sessions a change of the role."""
    if changed & PACE:
        todo.schedule(user)
    if changed & NAMED:
        search_words.refresh([user.organisation_id])
    if "admin" in changed:
        membership.role_changed(actor, user)


def invite_again(actor: User | None, user: User) -> None:
    """Let an invitation that nobody has accepted follow its user to another address.

    If a partner moves that of a client's admin, the client's other people are told where it goes now.
    """
    links.void(user, LinkPurpose.INVITATION)
    # Deactivated users are invited once they are active.
    if user.invited_at and not user.joined and user.active:
        membership.invite(actor, user)
        if user.admin and actor is not None and actor.organisation_id != user.organisation_id:
            admin_notices.tell(actor, user)


def set_language(user: User, language: str) -> None:
    """Let a user read pages and mail in a language, as the switcher does: no change that the trail tells."""
    user.language = language
    db.session.flush()


def checked_details(actor: User | None, user: User, details: PersonDetails) -> PersonDetails:
    """Details as they are stored. Raises Refused."""
    unknown = details.keys() - set(EDITABLE)
    if unknown:
        raise TypeError(f"not to be edited: {', '.join(sorted(unknown))}")
    checked = details.copy()
    if "name" in details:
        checked["name"] = checked_name(details["name"])
    if "email" in details:
        checked["email"] = changed_address(actor, user, details["email"])
    if "job_title" in details:
        checked["job_title"] = details["job_title"] or None
    if "phone" in details:
        checked["phone"] = checked_phone(details["phone"])
    if "note" in details:
        checked["note"] = checked_note(details["note"])
    return checked


def persons(organisation: Organisation) -> list[Person]:
    """List the team as the rules see it."""
    return [
        person_of(row, organisation.language, organisation.time_zone)
        for row in fetch(PERSONS, {"organisation": organisation.id})
    ]


def team(organisation_id: int) -> list[User]:
    """List all users of an organisation but erased ones, active ones first, by name."""
    return list(db.session.scalars(TEAM, {"organisation": organisation_id}))
