"""The security log: what happened to logins, rights and data, and from where.

It holds codes, and addresses of people whom the portal knows: no passwords, no tokens, no contents of mails, and
nothing that a stranger typed. Like logins it lives in real time. The process's own log gets its codes and ids, too.
"""

import logging
from datetime import UTC, datetime
from typing import Any

from flask import has_request_context
from sqlalchemy import bindparam, insert, select

from webapp.models import Login, SecurityAction, User
from webapp.models.tables import execute, membership_table, security_event_table, user_table
from webapp.signin.network import whence

log = logging.getLogger(__name__)
ADD = insert(security_event_table)
IN_USE = (
    select(membership_table.c.user_id, user_table.c.organisation_id)
    .join_from(membership_table, user_table, user_table.c.id == membership_table.c.user_id)
    .where(membership_table.c.login_id == bindparam("login"))
    .limit(2)
)


def record(
    action: SecurityAction,
    user: User | None,
    *,
    actor: User | None = None,
    organisation_id: int | None = None,
    **details: str,
) -> None:
    """Write a line about a user, which the person and the admins of the organisation see.

    ``actor``: who did it, if it was somebody else; None for the operator, too. ``organisation_id``: by default the
    user's. ``details``: codes, and addresses of this person.
    """
    own = user is None or actor is None or actor.id == user.id
    write(
        action,
        login_id=user.membership.login_id if user and user.membership else None,
        user_id=user.id if user else None,
        organisation_id=user.organisation_id if user else organisation_id,
        actor_id=None if own or actor is None else actor.id,
        details=details,
    )


def record_login(
    action: SecurityAction, login: Login | None, *, actor: User | None = None, **details: str
) -> None:
    """Write a line about a login, or with None about somebody unknown, by the same two statements.

    Admins see it only if the login is nobody in another organisation.
    """
    login_id = login.id if login else None
    users = execute(IN_USE, {"login": login_id}).all()
    only = users[0] if len(users) == 1 else None
    write(
        action,
        login_id=login_id,
        user_id=only.user_id if only else None,
        organisation_id=only.organisation_id if only else None,
        actor_id=actor.id if actor else None,
        details=details,
    )


def write(action: SecurityAction, **columns: Any) -> None:
    network, agent = whence()
    now = datetime.now(UTC)
    execute(ADD, {"at": now, "action": action, "network": network, "agent": agent} | columns)
    if has_request_context():
        note(action, network, columns)


def note(action: SecurityAction, network: str | None, columns: dict[str, Any]) -> None:
    """Tell the process's log, without details, which may have addresses, and without what the browser says of itself.

    Commands tell their operator themselves.
    """
    log.info(
        "security: %(action)s, login %(login)s, user %(user)s, by %(actor)s, from %(network)s",
        {
            "action": action.value,
            "login": columns["login_id"],
            "user": columns["user_id"],
            "organisation": columns["organisation_id"],
            "actor": columns["actor_id"],
            "network": network,
        },
    )
