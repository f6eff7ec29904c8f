"""Routes for programs, which show a token in place of a session, in the header of each request (RFC 6750).

A browser adds no such header by itself, so no other site's page can make it ask. The cookie of a session opens nothing
here, and a token nothing elsewhere.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from flask import Flask, Response, abort, g
from flask_babel import refresh

from webapp.domain.access import Action
from webapp.models import Opens, Partner, User, db
from webapp.pages import incoming, problems
from webapp.services import runtime
from webapp.services.accounts import access_tokens
from webapp.services.accounts.access_tokens import Bearer

# As sessions: an answer waits for no writer, and seldom writes this.
USED_EVERY_SECONDS = 300
# How one gets in (RFC 6750, 3).
CHALLENGE = 'Bearer realm="portal"'
# For one token. A program that reads all renewals of a large partner needs some hundred requests.
LIMIT = "600 per minute"


@dataclass(frozen=True, slots=True)
class ByToken:
    """The policy of a route for whoever has a token of somebody who may do this action."""

    action: Action


def prepare(app: Flask) -> None:
    app.after_request(note_use)


def admit(policy: ByToken) -> Response | None:
    """Let a program in that shows a token in the header, in its user's language; else answer why not."""
    token = incoming.bearer_token()
    if not token:
        return problems.unauthorized(CHALLENGE)
    if not present(token, [Opens.API]):
        return problems.unauthorized(f'{CHALLENGE}, error="invalid_token"')
    if not user().may(policy.action):
        abort(403)
    return None


def present(token: str, opens: Collection[Opens]) -> bool:
    """Take a token for this request, if it opens one of some purposes; and answer in the language of its user."""
    found = access_tokens.find(token, opens)
    if found is None:
        return False
    g.bearer_user, g.bearer = found
    g.pop("asked_language", None)
    g.language = user().language or user().organisation.language
    refresh()
    return True


def user() -> User:
    """Return the user of this request's token."""
    found: User = g.bearer_user
    return found


def partner() -> Partner:
    """Return the partner of this request's token."""
    found: Partner = g.bearer_user.organisation
    return found


def bearer() -> Bearer:
    """Return the token of this request."""
    found: Bearer = g.bearer
    return found


def key() -> str:
    """Name the token for a limit, which counts each by itself."""
    return f"token {bearer().id}"


def client_page(client_id: int) -> str:
    """Write the address of a client's page, as mails do: a program may ask by another one than people."""
    return f"{runtime.settings().base_url}/partner/clients/{client_id}/renewals"


def note_use(response: Response) -> Response:
    """Write that the token is used: after the answer, which must not wait for other writers."""
    token: Bearer | None = g.get("bearer")
    now = datetime.now(UTC)
    if token and (
        token.used_at is None or (now - token.used_at).total_seconds() >= USED_EVERY_SECONDS
    ):
        engine, token_id = db.engine, token.id
        response.call_on_close(lambda: access_tokens.note_use(engine, token_id))
    return response
