"""Doors that are open, by the settings: whose they are, and who comes and stays in by which."""

from webapp.domain import doors
from webapp.models import Organisation, Partner, SignInMethod, User
from webapp.models.loaded import SignIn
from webapp.services import runtime

# The issuer of those whom a proxy has signed in.
PROXY = "proxy"


def is_open(door: str) -> bool:
    return door in runtime.settings().sign_in


def of_partner() -> bool:
    """Tell whether a door is open that speaks for a partner."""
    return not doors.OF_PARTNER.isdisjoint(runtime.settings().sign_in)


def is_own(organisation: Organisation) -> bool:
    """Tell whether an organisation is the partner for whom doors speak."""
    return (
        isinstance(organisation, Partner)
        and organisation.slug == runtime.settings().sign_in_partner
    )


def is_good(method: SignInMethod, organisation: Organisation) -> bool:
    """Tell whether somebody of an organisation may come in so, and be in."""
    return doors.is_good(method, runtime.settings().sign_in, own=is_own(organisation))


def by_password(users: list[User]) -> list[User]:
    """Leave those users as whom one signs in by a password, or by a link from a mail."""
    return [user for user in users if is_good(SignInMethod.PASSWORD, user.organisation)]


def lets_stay(sign_in: SignIn, organisation: Organisation) -> bool:
    """Tell whether a session is still good: its door is open, and is the one that it was."""
    if not is_good(sign_in.method, organisation):
        return False
    issuers = {SignInMethod.OIDC: runtime.settings().oidc_issuer, SignInMethod.PROXY: PROXY}
    return sign_in.issuer == issuers.get(sign_in.method)
