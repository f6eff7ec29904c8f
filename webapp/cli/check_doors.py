"""Checks of ``portal check``: whether people can come in by the doors that are open."""

from sqlalchemy import exists, select
from sqlalchemy.exc import DBAPIError

from webapp.cli.shared import Check, CheckFailed
from webapp.models import Membership, Partner, User, db
from webapp.services import runtime
from webapp.services.accounts import doors, membership, open_doors
from webapp.signin import provider
from webapp.signin.provider import ProviderAway


def check_sign_in() -> str:
    """Check that the partner for whom doors speak is there, with somebody who looks after it."""
    if not open_doors.of_partner():
        return "by password"
    slug = runtime.settings().sign_in_partner
    try:
        partner = doors.own_partner()
        slugs = db.session.scalars(select(Partner.slug).order_by(Partner.slug)).all()
        admin = partner is not None and membership.has_admin(partner.id)
    except DBAPIError:
        raise CheckFailed("not known without the database") from None
    if partner is None:
        known = ", ".join(slugs) or "none, portal partner add makes one"
        raise CheckFailed(
            f"PORTAL_SIGN_IN_PARTNER is {slug}, which is no partner. There are: {known}"
        )
    if not admin:
        raise CheckFailed(
            f"no active admin at {slug}: portal user add {slug} EMAIL --admin adds one"
        )
    return f"by {', '.join(runtime.settings().sign_in)}; {slug} by its own"


def check_others() -> str:
    """Check that nobody of another organisation, who has come in before, is left without a way in."""
    if open_doors.is_open("password"):
        return "by password"
    other = User.organisation_id.not_in(
        select(Partner.id).where(Partner.slug == runtime.settings().sign_in_partner)
    )
    try:
        left = db.session.scalar(
            select(exists().where(User.id == Membership.user_id, User.active, other))
        )
    except DBAPIError:
        raise CheckFailed("not known without the database") from None
    if left:
        raise CheckFailed(
            "people of clients or other partners have no way in: PORTAL_SIGN_IN lacks password"
        )
    return "none who would need one"


def check_provider() -> str:
    """Check that the identity provider answers, by its own name and with keys."""
    if not open_doors.is_open("oidc"):
        return "none"
    issuer = provider.of(runtime.settings().oidc_issuer)
    try:
        issuer.address("authorization_endpoint")
        issuer.address("token_endpoint")
        issuer.keys.get()
        ends = issuer.optional_address("end_session_endpoint")
    except ProviderAway as error:
        raise CheckFailed(f"{issuer.issuer} can't be used: {error}") from None
    return f"{issuer.issuer} answers" + ("" if ends else "; it has no end_session_endpoint")


CHECKS: dict[str, Check] = {
    "sign-in": (check_sign_in, True),
    "sign-in of others": (check_others, False),
    "identity provider": (check_provider, True),
}
