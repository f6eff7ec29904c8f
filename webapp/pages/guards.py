"""Guards of routes: the policy of each, and objects loaded within the user's own organisation."""

from collections.abc import Callable
from ipaddress import IPv4Address, ip_address, ip_network
from typing import Any, TypeVar

from flask import Flask, abort, g, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import current_user
from flask_wtf import CSRFProtect
from flask_wtf.csrf import generate_csrf
from sqlalchemy import and_, or_, select
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response

from webapp.domain.access import Action
from webapp.models import AuditEntry, Client, Delivery, Partner, Subscription, User, db, loaded
from webapp.models.audit import AuditAction
from webapp.models.organisation import users_with_organisations
from webapp.pages import htmx

View = TypeVar("View", bound=Callable[..., Any])

csrf = CSRFProtect()


def csrf_token() -> str:
    """Return the request's token. The library's own function, which makes it, looks up its settings each time."""
    token: str = g.get("csrf_token") or generate_csrf()
    return token


def client_network() -> str:
    """Return the address that limits count by: an IPv4 address, or a whole IPv6 network.

    In IPv6 everybody has more addresses than a limit could count.
    """
    text = get_remote_address()
    try:
        address = ip_address(text)
    except ValueError:
        # A server behind a local socket sees no address.
        return text
    if isinstance(address, IPv4Address) or address.ipv4_mapped:
        return text
    return str(ip_network((address, 64), strict=False))


class RouteLimiter(Limiter):
    """Limits of single routes. These ask by themselves, so that no other request needs to be looked at."""

    def _check_request_limit(
        self, callable_name: str | None = None, in_middleware: bool = True
    ) -> None:
        if not in_middleware:
            super()._check_request_limit(callable_name, in_middleware)


limiter = RouteLimiter(client_network, strategy="moving-window")
PUBLIC = "public"


def allow(action: Action) -> Callable[[View], View]:
    """Declare that a route is for signed-in users who may do this action."""
    return declare(action)


def public(view: View) -> View:
    """Declare that anybody may use a route."""
    return declare(PUBLIC)(view)


def declare(policy: str) -> Callable[[View], View]:
    def mark(view: View) -> View:
        view.policy = policy  # type: ignore[attr-defined]
        return view

    return mark


def before_second_factor(view: View) -> View:
    """Let a route be used by somebody who must set up the second step first, and gets nowhere else."""
    view.before_second_factor = True  # type: ignore[attr-defined]
    return view


def lacks_factor() -> bool:
    """Tell whether the user who is signed in must set up two-step verification before anything else."""
    return bool(g.sign_in.lacks_factor)


def require_policies(app: Flask) -> None:
    """Refuse to start with a route that does not say who may use it."""
    bare = sorted(name for name, view in app.view_functions.items() if not hasattr(view, "policy"))
    if bare:
        raise RuntimeError(f"routes without a policy: {', '.join(bare)}")


def enforce(app: Flask) -> Response | None:
    """Enforce the policy of the route before each request."""
    if request.endpoint is None:
        return None
    view = app.view_functions[request.endpoint]
    policy = getattr(view, "policy")  # noqa: B009
    if isinstance(policy, Action):
        if not current_user.is_authenticated:
            return htmx.to_sign_in()
        if lacks_factor() and not hasattr(view, "before_second_factor"):
            return htmx.to("second_factor.index")
        if not current_user.may(policy):
            abort(403)
    return None


def own_partner() -> Partner:
    """Return the partner of the signed-in partner user."""
    organisation = current_user.organisation
    if not isinstance(organisation, Partner):
        abort(403)
    return organisation


def own_company() -> Client:
    """Return the client organisation of the signed-in client user."""
    organisation = current_user.organisation
    if not isinstance(organisation, Client):
        abort(403)
    return organisation


def invited() -> str:
    """Name the invited person for the limit of invitations. Strangers' tries count for themselves."""
    return f"{current_user.organisation_id} {(request.view_args or {})['user_id']}"


def found(value: Any) -> Any:
    """Return the value, or answer 404, as if the objects of other organisations did not exist."""
    if value is None:
        abort(404)
    return value


def own_client(client_id: int) -> Client:
    """Load a client of the signed-in partner user; else 404."""
    client: Client = found(loaded.client_of(client_id, current_user.organisation_id))
    return client


def own_subscription(subscription_id: int) -> Subscription:
    """Load a subscription of one of the signed-in partner user's clients; else 404."""
    subscription: Subscription = found(
        db.session.scalar(
            select(Subscription)
            .join(Subscription.client)
            .where(
                Subscription.id == subscription_id,
                Client.partner_id == current_user.organisation_id,
            )
            .options(joinedload(Subscription.client))
        )
    )
    return subscription


def own_delivery(delivery_id: int) -> Delivery:
    """Load a mail of the signed-in partner user: about a client, or to somebody of the partner; else 404."""
    delivery: Delivery = found(
        db.session.scalar(
            select(Delivery)
            .where(Delivery.id == delivery_id, Delivery.partner_id == current_user.organisation_id)
            .options(joinedload(Delivery.recipient))
        )
    )
    return delivery


def own_member(user_id: int) -> User:
    """Load a user of the signed-in user's own organisation; else 404."""
    return contact_of(current_user.organisation_id, user_id)


def contact_of(organisation_id: int, user_id: int) -> User:
    """Load a user of one organisation; else 404."""
    user: User = found(
        db.session.scalar(
            users_with_organisations().where(
                User.id == user_id, User.organisation_id == organisation_id
            )
        )
    )
    return user


def own_entry(entry_id: int) -> AuditEntry:
    """Load an audit entry of the signed-in user's organisation; else 404.

    The trail of a client is its partner's, but for what the client alone decides.
    """
    own = current_user.organisation_id
    decided = and_(AuditEntry.client_id == own, AuditEntry.action == AuditAction.CONTACTS_ASSIGNED)
    entry: AuditEntry = found(
        db.session.scalar(
            select(AuditEntry).where(
                AuditEntry.id == entry_id,
                or_(AuditEntry.organisation_id == own, decided),
            )
        )
    )
    return entry
