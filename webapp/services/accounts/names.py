"""Checks of names, addresses, phone numbers and texts: each returns the value to store, or refuses it."""

from sqlalchemy import select

from webapp.domain import plain_text
from webapp.domain.cells import CellError, Problem
from webapp.domain.phones import read_phone
from webapp.domain.refusals import Refusal
from webapp.mail.addresses import AddressError, check_name, normalise
from webapp.models import (
    User,
    db,
)
from webapp.models.user import LONGEST_NOTE, LONGEST_PHONE
from webapp.services.errors import Refused
from webapp.services.locks import lock_organisation

LONGEST_NAME = 200
# Possible reasons to refuse a line of text.
TEXT_REFUSALS = {
    Problem.CONTROL: Refusal.CONTROL,
    Problem.UNSEEN: Refusal.UNSEEN,
    Problem.TOO_LONG: Refusal.TOO_LONG,
    Problem.PHONE: Refusal.PHONE,
}


def checked_name(name: str, field: str = "name") -> str:
    """Return the name of a person or an organisation as it is stored. Raises Refused."""
    try:
        clean = check_name(name)
    except AddressError as error:
        raise Refused(field, error.refusal) from None
    if not clean:
        raise Refused(field, Refusal.EMPTY)
    if len(clean) > LONGEST_NAME:
        raise Refused(field, Refusal.TOO_LONG, max=LONGEST_NAME)
    return clean


def checked_address(organisation_id: int, email: str, user: User | None = None) -> str:
    """Return the address as it is stored. Raises Refused if somebody else in the organisation has it."""
    try:
        address = normalise(email)
    except AddressError as error:
        raise Refused("email", error.refusal) from None
    lock_organisation(organisation_id)
    holder = db.session.scalar(
        select(User.id).where(
            User.organisation_id == organisation_id, User.email_key == address.casefold()
        )
    )
    if holder is not None and (user is None or holder != user.id):
        raise Refused("email", Refusal.ADDRESS_TAKEN)
    return address


def changed_address(actor: User | None, user: User, email: str) -> str:
    """Return the new address as it is stored, if this actor may change it.

    A partner may correct the address of a client's user only before somebody signs in as that user. Whoever has
    the mailbox of an admin who is invited becomes the client's admin, so only an admin corrects that one.
    """
    address = checked_address(user.organisation_id, email, user)
    foreign = actor is not None and actor.organisation_id != user.organisation_id
    if foreign and address != user.email:
        if user.joined:
            raise Refused("email", Refusal.ADDRESS_IN_USE)
        if user.admin and not actor.admin:  # type: ignore[union-attr]
            raise Refused("email", Refusal.ADDRESS_OF_ADMIN)
    return address


def checked_phone(phone: str | None) -> str | None:
    """Return a phone number as it is stored; None for an empty one. Raises Refused."""
    if not (phone or "").strip():
        return None
    try:
        return read_phone(phone or "", LONGEST_PHONE)
    except CellError as error:
        raise Refused("phone", TEXT_REFUSALS[error.problem], **error.values) from None


def checked_note(note: str | None) -> str | None:
    """Return a note as it is stored; None for an empty one. Raises Refused."""
    return checked_text("note", note, LONGEST_NOTE)


def checked_text(field: str, text: str | None, longest: int) -> str | None:
    """Return a text of several lines as it is stored; None for an empty one. Raises Refused."""
    try:
        written = plain_text.laid_out(text or "")
    except plain_text.InvisibleError as error:
        raise Refused(field, Refusal.INVISIBLE, line=error.line) from None
    if len(written) > longest:
        raise Refused(field, Refusal.TOO_LONG, max=longest)
    return written or None
