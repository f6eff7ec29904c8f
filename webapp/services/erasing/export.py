"""Personal data as files to hand over: one JSON document, and mails as their reader got them."""

import json
from collections.abc import Iterator
from email.parser import BytesHeaderParser

from sqlalchemy import ColumnElement, Table, select

from webapp.models import DeliveryMessage, Feedback, SecurityAction, User
from webapp.models.base import Json
from webapp.models.tables import (
    access_token_table,
    audit_entry_table,
    contact_assignment_table,
    credential_table,
    delivery_table,
    execute,
    inbox_mail_table,
    security_event_table,
    table_of,
    user_session_table,
    user_table,
)
from webapp.services.accounts import logins, security_log
from webapp.services.erasing import people

# Keys, hashes and sort keys: they tell nothing of the person, or would let somebody in.
LEFT_OUT = {
    "key_hash",
    "token_hash",
    "secret",
    "used_step",
    "name_key",
    "email_key",
    "version",
    "told_by_id",
    "id_token",
    "bound_to",
    "kept",
    "token",
    "lease_until",
    "snapshot",
    "partner_id",
    "attempts",
}
mail = delivery_table.c
message, feedback_table = table_of(DeliveryMessage).c, table_of(Feedback)


def files(actor: User | None, user: User) -> Iterator[tuple[str, bytes]]:
    """Yield each file of a person's data, with its name; the security log tells of it.

    A mail whose link may still be used is left out: whoever has it would get in as this person.
    """
    security_log.record(SecurityAction.EXPORTED, user, actor=actor)
    whole = json.dumps(document(user), ensure_ascii=False, indent=2, default=str)
    yield "person.json", f"{whole}\n".encode()
    stored = (
        select(message.delivery_id, message.content, mail.message_id, mail.link_id)
        .join(delivery_table, mail.id == message.delivery_id)
        .where(mail.recipient_id == user.id)
        .order_by(message.delivery_id)
    )
    for row in execute(stored).all():
        if row.content and row.link_id is None:
            yield f"mails/{row.delivery_id}.eml", row.content
    yield from inbox(user)


def inbox(user: User) -> Iterator[tuple[str, bytes]]:
    """Yield the person's mails in the local inbox: those of its deliveries, since others may write there, too."""
    sent = select(mail.message_id, mail.email).where(
        mail.recipient_id == user.id, mail.message_id.is_not(None), mail.link_id.is_(None)
    )
    ours = {row.message_id: row.email for row in execute(sent).all()}
    box = inbox_mail_table.c
    found = select(box.id, box.message).where(box.recipient.in_(set(ours.values())))
    for row in execute(found.order_by(box.id)).all():
        if BytesHeaderParser().parsebytes(row.message)["Message-ID"] in ours:
            yield f"inbox/{row.id}.eml", row.message


def document(user: User) -> Json:
    """Gather all rows about a person in one organisation. What a login does in others is theirs."""
    login = logins.of(user)
    log = security_event_table.c.user_id == user.id
    own = {}
    if login is not None and people.is_only(login):
        log |= security_event_table.c.login_id == login.id
        own = {
            "email": login.email,
            "proved_at": login.proved_at,
            "credentials": rows(credential_table, credential_table.c.login_id == login.id),
        }
    entries = audit_entry_table.c
    about = (entries.subject_id == user.id) & entries.action.startswith("user.")
    return {
        "person": rows(user_table, user_table.c.id == user.id)[0]
        | {"organisation": user.organisation.name},
        "login": user.membership and {"since": user.membership.since} | own,
        "contact_roles": rows(
            contact_assignment_table, contact_assignment_table.c.user_id == user.id
        ),
        "sessions": rows(user_session_table, user_session_table.c.user_id == user.id),
        "access_tokens": rows(access_token_table, access_token_table.c.user_id == user.id),
        "security_log": rows(security_event_table, log),
        "changes": rows(audit_entry_table, about | (entries.actor_id == user.id)),
        "mails": rows(delivery_table, mail.recipient_id == user.id),
        "feedback": rows(feedback_table, feedback_table.c.user_id == user.id),
    }


def rows(table: Table, condition: ColumnElement[bool]) -> list[Json]:
    """Read the rows of a condition, in the order of their keys."""
    columns = [column for column in table.c if column.name not in LEFT_OUT]
    found = execute(select(*columns).where(condition).order_by(*table.primary_key))
    return [dict(row) for row in found.mappings()]
