"""Security notices: a mail tells whose account something has happened to."""

from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace

from webapp.domain.snapshots import SecurityMatter, SecuritySnapshot
from webapp.models import MailKind, User
from webapp.services import runtime
from webapp.services.accounts import links
from webapp.services.errors import TooMany
from webapp.services.reminders import loading
from webapp.services.sending import queueing
from webapp.services.sending.queueing import NewMail
from webapp.signin.network import whence


def tell(
    user: User,
    matter: SecurityMatter,
    mailboxes: Collection[str],
    *,
    actor: User | None = None,
    new_email: str | None = None,
) -> None:
    """Queue a notice to each mailbox of somebody, written to this user.

    ``actor``: who did it, if it was somebody else, who is refused (TooMany) if that are too many notices. What
    people do themselves is never refused for that: the notices before tell enough.
    """
    own = actor is None or actor.id == user.id
    network, agent = whence() if own else (None, None)
    now, person = runtime.now(), loading.person(user)
    snapshot = SecuritySnapshot(
        recipient=user.name,
        matter=matter,
        organisation=user.organisation.name,
        at=now,
        time_zone=person.time_zone,
        network=network,
        agent=agent,
        actor=None if own or actor is None else actor.name,
        email=new_email,
        letterhead=links.letterhead_for(user.organisation),
    )
    mails = [
        NewMail(
            kind=MailKind.SECURITY_NOTICE,
            person=replace(person, email=email),
            snapshot=snapshot,
            queued_at=now,
            sender_id=actor.organisation_id if actor else None,
        )
        for email in sorted(mailboxes)
    ]
    with suppress(*([TooMany] if own else [])):
        queueing.add(mails)
