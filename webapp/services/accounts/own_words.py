"""Words that anybody can find out about a person, so that they make no password."""

import re
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from webapp.i18n import fold
from webapp.labels.codes import portal_name
from webapp.models import Client, User
from webapp.services import runtime

SHORTEST = 3


def own_words(users: Iterable[User], email: str) -> set[str]:
    """List the folded words of names and addresses: the portal's, the vendor's, and those of a person's users.

    ``email``: the address that gets the password.
    """
    texts = [email, *of_portal(), *(text for user in users for text in of_user(user))]
    parts = {part for text in texts for part in re.split(r"[\W_]+", fold(text))}
    return {part for part in parts if len(part) >= SHORTEST}


def of_portal() -> Iterator[str]:
    settings = runtime.settings()
    yield portal_name(settings.name)
    yield settings.vendor_name
    yield urlsplit(settings.base_url).hostname or ""


def of_user(user: User) -> Iterator[str]:
    yield user.name
    yield user.email
    yield user.organisation.name
    if isinstance(user.organisation, Client):
        yield user.organisation.partner.name
