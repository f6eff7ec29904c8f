"""Doors that are open, by the settings: whose they are, and who comes and stays in by which."""

from collections.abc import Iterable

from webapp.domain import doors
from webapp.models import Organisation, Partner, SignInMethod, User
from webapp.services import runtime


def is_open(door: str) -> bool:
    return door in runtime.settings().sign_in


def of_partner() -> bool:
    """Tell whether a door is open that speaks for a partner."""
    return not doors.OF_PARTNER.isdisjoint(runtime.settings().sign_in)


def behind_door() -> str | None:
    """Return the slug of the partner whose people come in by a door alone; None if no door is open."""
    return runtime.settings().sign_in_partner if of_partner() else None


def slug_of(organisation: Organisation) -> str | None:
    return organisation.slug if isinstance(organisation, Partner) else None


def is_own(organisation: Organisation) -> bool:
    """Tell whether an organisation is the partner for whom doors speak, whether one is open or not."""
    return slug_of(organisation) == runtime.settings().sign_in_partner


def is_good(method: SignInMethod, slug: str | None) -> bool:
    """Tell whether somebody may come in so, and be in. ``slug``: their partner's; None for people of clients."""
    settings = runtime.settings()
    return doors.is_good(method, settings.sign_in, own=slug == settings.sign_in_partner)


def by_password(users: Iterable[User]) -> list[User]:
    """Leave those users as whom one signs in by a password, or by a link from a mail."""
    return [user for user in users if is_good(SignInMethod.PASSWORD, slug_of(user.organisation))]


def lets_stay(method: SignInMethod, issuer: str | None, slug: str | None) -> bool:
    """Tell whether a session is still good: its door is open, and is the one that it was."""
    issuers = {SignInMethod.OIDC: runtime.settings().oidc_issuer, SignInMethod.PROXY: doors.PROXY}
    return is_good(method, slug) and issuer == issuers.get(method)
