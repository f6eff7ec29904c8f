"""Guards of routes: the policy of each, and objects loaded within the user's own organisation."""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, abort, flash, g, redirect, request, url_for
from flask_babel import gettext as _
from flask_limiter import Limiter
from flask_login import current_user
from sqlalchemy import and_, or_, select
from sqlalchemy.orm import joinedload
from werkzeug.exceptions import Forbidden
from werkzeug.wrappers import Response

from webapp.domain.access import Action
from webapp.models import AuditEntry, Client, Delivery, Partner, Subscription, User, db, loaded
from webapp.models.audit import AuditKind
from webapp.models.organisation import users_with_organisations
from webapp.pages import asking, bearers, htmx, sessions
from webapp.pages.bearers import ByToken
from webapp.pages.incoming import SAFE
from webapp.signin import proxy
from webapp.signin.network import client_network

View = TypeVar("View", bound=Callable[..., Any])


class OneUserOnly(Forbidden):
    """Raised for what belongs to a login, in a session that opens one of its users alone."""


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


def allow_token(action: Action) -> Callable[[View], View]:
    """Declare that a route is for programs with a token of a user who may do this action, and for nobody else."""
    return declare(ByToken(action))


def public(view: View) -> View:
    """Declare that anybody may use a route."""
    return declare(PUBLIC)(view)


def declare(policy: object) -> Callable[[View], View]:
    def mark(view: View) -> View:
        view.policy = policy  # type: ignore[attr-defined]
        return view

    return mark


def before_second_factor(view: View) -> View:
    """Let a route be used by somebody who must set up the second step first, and gets nowhere else."""
    view.before_second_factor = True  # type: ignore[attr-defined]
    return view


def whole_login(view: View) -> View:
    """Keep a route from sessions that open one user alone: it is about the login behind it."""
    view.whole_login = True  # type: ignore[attr-defined]
    return view


def writes(view: View) -> View:
    """Let a GET of a route write: a door leads a browser there, and somebody comes in."""
    view.writes = True  # type: ignore[attr-defined]
    return view


def is_written(app: Flask) -> bool:
    """Tell whether this request may write, and is committed if all goes well."""
    if request.method not in SAFE:
        return True
    return hasattr(app.view_functions.get(request.endpoint or ""), "writes")


def part_of_a_form(view: View) -> View:
    """Let a route be asked while a form is filled in, which must stay on the page when the session is over."""
    view.part_of_a_form = True  # type: ignore[attr-defined]
    return view


def to_others(answer: Callable[[], Response]) -> Callable[[View], View]:
    """Let a route answer by itself to whoever has to sign in first: it is a part of a page that must stay as it is."""

    def mark(view: View) -> View:
        view.to_others = answer  # type: ignore[attr-defined]
        return view

    return mark


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
        if hasattr(view, "to_others") and (not current_user.is_authenticated or lacks_factor()):
            return answer_to_others(view)
        if not current_user.is_authenticated:
            if htmx.asks() and hasattr(view, "part_of_a_form"):
                # Saving the form leads to sign in, with its input kept.
                return Response(status=401)
            return asking.to_sign_in()
        if lacks_factor() and not hasattr(view, "before_second_factor"):
            return htmx.to_page(url_for("second_factor.index"))
        if not current_user.may(policy):
            abort(403)
        if hasattr(view, "whole_login") and sessions.for_one_user():
            raise OneUserOnly()
    if isinstance(policy, ByToken):
        return bearers.admit(policy)
    return None


def answer_to_others(view: Any) -> Response:
    """Let a route answer by itself; but whom the proxy names comes in on the way, and sees what is asked for.

    A redirect is followed within the frame, and by fetch with the same headers: neither leads the page around away.
    """
    if not current_user.is_authenticated and proxy.visitor() is not None:
        return redirect(asking.way_in(htmx.asked_for()), 303)
    answer: Response = view.to_others()
    return answer


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


def found(value: Any) -> Any:
    """Return the value, or answer 404, as if the objects of other organisations did not exist."""
    if value is None:
        abort(404)
    return value


def own_client(client_id: int) -> Client:
    """Load a client of the signed-in partner user, to look at; else 404. It may be archived."""
    client: Client = found(loaded.client_of(client_id, current_user.organisation))
    return client


def client_in_use(client_id: int) -> Client:
    """Load a client of the signed-in partner user, to change it; else 404. An archived one leads to its page."""
    return in_use(own_client(client_id))


def in_use(client: Client) -> Client:
    """Return a client that is not archived; else answer with its page, which says why nothing can be changed."""
    if client.archived_at is not None:
        flash(_("This client is archived. Bring it back before you change anything."), "warn")
        abort(htmx.to_page(url_for("clients.renewals", client_id=client.id)))
    return client


def own_subscription(subscription_id: int) -> Subscription:
    """Load a subscription of one of the signed-in partner user's clients, to change it; else 404."""
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
    in_use(subscription.client)
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
                User.id == user_id,
                User.organisation_id == organisation_id,
                User.erased_at.is_(None),
            )
        )
    )
    return user


def own_person(user_id: int) -> User:
    """Load a user of the signed-in partner user's team or clients, who is not erased; else 404."""
    own = current_user.organisation_id
    clients = select(Client.id).where(Client.partner_id == own)
    user: User = found(
        db.session.scalar(
            users_with_organisations().where(
                User.id == user_id,
                User.erased_at.is_(None),
                or_(User.organisation_id == own, User.organisation_id.in_(clients)),
            )
        )
    )
    return user


def own_entry(entry_id: int) -> AuditEntry:
    """Load an audit entry of the signed-in user's organisation; else 404.

    The trail of a client is its partner's, but for what the client decides about its own people.
    """
    own = current_user.organisation_id
    decided = and_(AuditEntry.client_id == own, AuditEntry.kind == AuditKind.CONTACTS)
    entry: AuditEntry = found(
        db.session.scalar(
            select(AuditEntry).where(
                AuditEntry.id == entry_id,
                or_(AuditEntry.organisation_id == own, decided),
            )
        )
    )
    return entry
